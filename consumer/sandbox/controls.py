"""
The sandbox's own endpoints, beside Meta's.

    GET  /sandbox/stats     the counts
    POST /sandbox/behave    change the behaviour: the keys of `behaviour.Behaviour`
    POST /sandbox/reset     counts and behaviour as at the start; GET does it too
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
from aiohttp import web

from consumer.sandbox.faults import InvalidBehavior
from consumer.sandbox.request import parse
from consumer.sandbox.request_log import Stats
from consumer.sandbox.response import JSON


def control_routes(
    stats: Callable[[], Stats], behave: Callable[..., None], reset: Callable[[], None]
) -> list[web.RouteDef]:
    """
    The three endpoints, and what each of them does.

    `behave` takes changes by keyword and raises BadBehaviour where one is unusable.
    """

    async def get_stats(http: web.Request) -> web.Response:
        return web.Response(body=stats().json(), content_type=JSON)

    async def post_behave(http: web.Request) -> web.Response:
        changes = parse(await http.read())
        if not isinstance(changes, dict):
            return _told(400, error="the body is not a JSON object")
        try:
            behave(**changes)
        except InvalidBehavior as mistakes:
            return _told(400, error=str(mistakes))
        return _told(200, ok=True)

    async def any_reset(http: web.Request) -> web.Response:
        reset()
        return _told(200, ok=True)

    return [
        web.get("/sandbox/stats", get_stats),
        web.post("/sandbox/behave", post_behave),
        web.get("/sandbox/reset", any_reset),
        web.post("/sandbox/reset", any_reset),
    ]


def _told(status: int, **words: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(words), content_type=JSON)
