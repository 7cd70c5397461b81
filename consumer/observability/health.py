"""
Health over HTTP: is it started, ready, alive; and the metrics.

    /startupz  200 once Kafka was found well and the topics are subscribed
    /readyz    200 unless the group has not taken us in yet, Meta refuses token, pixel or version, the
               flood brake is on, or we are leaving
    /livez     200 as long as the worker turns: waiting for Meta or a person is no reason to be restarted
    /metrics   Prometheus's text format

Whoever has started may still wait for its group: one that hands out all of its
partitions anew waits for each of its members, and for one that hangs until its
`max.poll.interval.ms` is over. Nobody gets in sooner by being restarted.

Why nobody can listen on an address, in the system's words.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

from consumer.domain.state import State
from consumer.errors import CommandError
from consumer.observability.telemetry import Telemetry


def bind_error(error: OSError) -> str:
    """`address already in use`. Not the error's own text: asyncio's repeats the address."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return "no such host"
    return os.strerror(error.errno).lower()


# A worker that has not turned for so long is stuck. While it waits for what is in
# flight it turns all the same, each 50 ms. The longest without a turn is one poll
# that takes partitions back and brings others: a commit that is waited for, then
# asking where those begin (`starts.STARTS_S_MAX`, and the answers asked for last).
LIVE_S = 300.0

# Those of them that a wrong setting causes stop a rollout that brings it, and a version that can't join its
# group replaces nothing. A stalled partition isn't among them: the others are consumed, and no rollout brings
# back what retention deleted.
UNREADY = frozenset({State.STARTING, State.MISCONFIGURED, State.PAUSED, State.DRAINING})


class Liveness(NamedTuple):
    """What health is read from: the state, whether we have started, the seconds since the worker's turn."""

    state: Callable[[], State]
    has_started: Callable[[], bool]
    seconds_since_poll: Callable[[], float]


@asynccontextmanager
async def serve_health(address: str, vital: Liveness, telemetry: Telemetry) -> AsyncIterator[int]:
    """Serve at `host:port` (port 0: a free one); gives the port. Raises CannotGoOn when it is taken."""
    host, _, port = address.rpartition(":")
    runner = web.AppRunner(_app(vital, telemetry), access_log=None)
    await runner.setup()
    try:
        try:
            site = web.TCPSite(runner, host.strip("[]"), int(port))
            await site.start()
        except OSError as error:
            raise CommandError(
                f"CAPI_HEALTH_ADDRESS: cannot listen on {address} ({bind_error(error)}); "
                "is another consumer running? Port 0 takes a free one"
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _app(vital: Liveness, telemetry: Telemetry) -> web.Application:
    async def started(_: web.Request) -> web.Response:
        # Subscribed, not a member: a group may wait for a hanging member for max.poll.interval.ms, which is
        # longer than a startup probe waits, and a restarted pod would wait for the same member again.
        return _answer(vital.state(), vital.has_started())

    async def ready(_: web.Request) -> web.Response:
        return _answer(vital.state(), vital.state() not in UNREADY)

    async def alive(_: web.Request) -> web.Response:
        return _answer(vital.state(), vital.seconds_since_poll() < LIVE_S)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=telemetry.exposition(), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/startupz", started)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/livez", alive)
    app.router.add_get("/metrics", metrics)
    return app


def _answer(state: State, is_well: bool) -> web.Response:
    return web.json_response({"state": state}, status=200 if is_well else 503)
