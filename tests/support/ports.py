"""
Ports for servers that a test starts.

Not from the range that the system gives to outgoing connections: a node that
is down for a while must find its port free when it comes back, and a client
that keeps knocking at a closed port of that range can, on the loopback
address, end up connected to itself.
"""

from __future__ import annotations

import random
import socket

FIRST, LAST = 20_000, 32_000  # Linux gives out ports from 32,768


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback address that nobody listens on now."""
    found: list[int] = []
    candidates = random.SystemRandom().sample(range(FIRST, LAST), k=200 + count)
    while len(found) < count:
        port = candidates.pop()
        if _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
