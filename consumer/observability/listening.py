"""Why nobody can listen on an address, in the system's words."""

from __future__ import annotations

import os
import socket


def bind_error(error: OSError) -> str:
    """`address already in use`. Not the error's own text: asyncio's repeats the address."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return "no such host"
    return os.strerror(error.errno).lower()
