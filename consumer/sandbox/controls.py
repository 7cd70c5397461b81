"""
The sandbox's own endpoints, beside Meta's.

    GET  /sandbox/stats     the counts
    POST /sandbox/behave    change the behaviour: the keys of `behaviour.Behaviour`
    POST /sandbox/reset     counts and behaviour as at the start; GET does it too
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from consumer.sandbox.answer import JSON
from consumer.sandbox.behaviour import BadBehaviour
from consumer.sandbox.request import parse

if TYPE_CHECKING:
    from consumer.sandbox.server import Sandbox


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """The three endpoints, for one sandbox."""

    async def stats(http: web.Request) -> web.Response:
        return web.Response(body=sandbox.stats.json(), content_type=JSON)

    async def behave(http: web.Request) -> web.Response:
        changes = parse(await http.read())
        if not isinstance(changes, dict):
            return _told(400, error="the body is not a JSON object")
        try:
            sandbox.behave(**changes)
        except BadBehaviour as mistakes:
            return _told(400, error=str(mistakes))
        return _told(200, ok=True)

    async def reset(http: web.Request) -> web.Response:
        sandbox.reset()
        return _told(200, ok=True)

    return [
        web.get("/sandbox/stats", stats),
        web.post("/sandbox/behave", behave),
        web.get("/sandbox/reset", reset),
        web.post("/sandbox/reset", reset),
    ]


def _told(status: int, **words: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(words), content_type=JSON)
