"""What the sandbox's tests start from: a good event, a fixed clock, and a way to post."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import orjson

from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

NOW_S = 1_795_000_000
DAY_S = 86_400
PIXEL_ID = "1234567890"
TOKEN = "sandbox-token"
# SHA-256 of user@example.com and of 33612345678
EM = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
PH = "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"
GOOD: dict[str, Any] = {
    "event_name": "PageView",
    "event_time": NOW_S - 60,
    "event_id": "event-1",
    "action_source": "website",
    "event_source_url": "https://example.com/shop?page=2",
    "user_data": {"em": EM, "client_ip_address": "203.0.113.7", "client_user_agent": "Mozilla/5.0"},
    "custom_data": {},
}
GONE = object()


def good(**changes: Any) -> dict[str, Any]:
    """A good event with some keys changed; GONE takes one away."""
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not GONE}


class Answer(NamedTuple):
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return orjson.loads(self.text)

    @property
    def code(self) -> tuple[int, int | None]:
        error = self.json["error"]
        return error["code"], error.get("error_subcode")


class Meta:
    """A sender's view of a sandbox."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    async def post(
        self,
        *events: Any,
        version: str = "v26.0",
        pixel_id: str = PIXEL_ID,
        token: str | None = TOKEN,
        body: Any = None,
        raw: bytes | None = None,
        query: str = "",
        headers: dict[str, str] | None = None,
        timeout_s: float = 10,
    ) -> Answer:
        url = f"{self.sandbox.url}/{version}/{pixel_id}/events{query}"
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = raw if raw is not None else orjson.dumps(body if body is not None else {"data": events})
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self.session.post(
            url, data=data, headers=sent, timeout=timeout, allow_redirects=False
        ) as answer:
            return Answer(answer.status, await answer.text(), dict(answer.headers))

    async def control(self, verb: str, what: str, body: Any = None) -> Answer:
        data = None if body is None else orjson.dumps(body)
        async with self.session.request(verb, f"{self.sandbox.url}/sandbox/{what}", data=data) as answer:
            return Answer(answer.status, await answer.text(), dict(answer.headers))


@asynccontextmanager
async def meta(**settings: Any) -> AsyncIterator[Meta]:
    """A running sandbox whose clock stands at NOW_S, and a session to talk to it."""
    async with (
        Sandbox(SandboxSettings(**{"now": lambda: NOW_S, **settings})) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        yield Meta(sandbox, session)


def gzipped(*events: Any) -> bytes:
    return gzip.compress(orjson.dumps({"data": events}))
