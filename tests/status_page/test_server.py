"""The page over real HTTP: read-only, strict, of no importance beside the consumer."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from support.ports import free_ports

from consumer.config.settings import Settings
from consumer.errors import CommandError
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry
from consumer.status_page import history, server
from consumer.status_page.server import WATCHERS_MAX, serve_status_page

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.close()


def settings(**given: Any) -> Settings:
    return Settings(
        **{"pixel_id": "123", "access_token": "canary-token", "status_page_address": "127.0.0.1:0", **given}
    )


@asynccontextmanager
async def page(telemetry: Any, **given: Any) -> AsyncIterator[Any]:
    """A page, and a session that asks it."""
    async with (
        serve_status_page(settings(**given), telemetry) as at,
        aiohttp.ClientSession(at or None) as session,
    ):
        asking: Any = session
        asking.at = at
        yield asking


async def events(stream: Any, count: Any) -> list[Any]:
    """The first messages of a stream."""
    told = []
    async for line in stream.content:
        if line.startswith(b"data: "):
            told.append(orjson.loads(line[6:]))
            if len(told) == count:
                break
    return told


FILES = [
    ("/", "text/html"),
    ("/page.css", "text/css"),
    ("/page.js", "text/javascript"),
    ("/page.svg", "image/svg+xml"),
]


@pytest.mark.parametrize(("path", "kind"), FILES)
async def test_each_file_comes_with_its_type(telemetry: Telemetry, path: Any, kind: Any) -> None:
    async with page(telemetry) as asking, asking.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, kind)
        assert len(await answer.read()) > 50


@pytest.mark.parametrize("path", ["/", "/page.js", "/events", "/nothing"])
async def test_every_answer_forbids_the_browser_to_ask_anybody_else(telemetry: Telemetry, path: str) -> None:
    async with page(telemetry) as asking, asking.get(path) as answer:
        said = answer.headers["Content-Security-Policy"].split("; ")
        assert dict(directive.split(" ", 1) for directive in said) == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_nothing_on_the_page_is_from_elsewhere_or_against_its_own_policy(telemetry: Telemetry) -> None:
    async with page(telemetry) as asking:
        for path, _ in FILES:
            async with asking.get(path) as answer:
                text = await answer.text()
            addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
            assert addresses <= {"http://www.w3.org/2000/svg"}
            assert not re.search(
                r"<style|\sstyle=|\son[a-z]+=|<script(?! src)|@import|innerHTML|eval\(", text
            )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/page.js", "/events"])
async def test_it_is_read_only(telemetry: Telemetry, method: str, path: str) -> None:
    async with page(telemetry) as asking, asking.request(method, path) as answer:
        assert answer.status == 405
        assert "Content-Security-Policy" in answer.headers


async def test_the_stream_says_what_the_register_says_and_says_it_again(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "EVERY_S", 0.02)
    async with page(telemetry) as asking, asking.get("/events") as stream:
        assert stream.content_type == "text/event-stream"
        (first,) = await events(stream, 1)
        telemetry.add(metrics.CONSUMED, 5, "capi.events")
        later = await asyncio.wait_for(events(stream, 40), 10)
        assert first["funnel"]["consumed"] == 0
        assert later[-1]["funnel"]["consumed"] == 5
        assert first["plots"]["is_first"] is True
        assert "canary-token" not in repr([first, later])


async def test_a_watcher_gets_the_points_of_before_it_came_once(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "EVERY_S", 0.02)
    monkeypatch.setattr(history, "EVERY_S", 0.02)
    async with page(telemetry) as asking:
        async with asking.get("/events") as stream:
            told = await asyncio.wait_for(events(stream, 20), 10)
        times = [point[0] for each in told for point in each["plots"]["points"]]
        assert len(times) > 3
        async with asking.get("/events") as stream:
            (again,) = await events(stream, 1)
        assert [point[0] for point in again["plots"]["points"]][: len(times)] == times


async def test_a_page_too_many_is_told_so_and_how_many_there_may_be(telemetry: Telemetry) -> None:
    async with page(telemetry) as asking, AsyncExitStack() as open_pages:
        for _ in range(WATCHERS_MAX):
            stream = await open_pages.enter_async_context(asking.get("/events"))
            assert stream.status == 200
        async with asking.get("/events") as one_more:
            assert await one_more.text() == f"event: full\ndata: {WATCHERS_MAX}\n\n"


async def test_an_open_page_does_not_hold_up_the_end(telemetry: Telemetry) -> None:
    async with aiohttp.ClientSession() as session:
        async with serve_status_page(settings(), telemetry) as at:
            stream = await session.get(f"{at}events")
            await events(stream, 1)
        await asyncio.wait_for(stream.content.read(), 5)
        stream.close()


# Where it listens


async def test_an_empty_address_serves_no_page(telemetry: Telemetry) -> None:
    async with page(telemetry, status_page_address="") as asking:
        assert asking.at == ""


async def test_a_port_that_somebody_chose_and_that_is_taken_is_one_line(telemetry: Telemetry) -> None:
    async with page(telemetry) as first:
        port = first.at.rstrip("/").rpartition(":")[2]
        with pytest.raises(CommandError) as refused:
            async with page(telemetry, status_page_address=f"127.0.0.1:{port}"):
                pass
    assert str(refused.value) == (
        f"CAPI_STATUS_PAGE_ADDRESS: cannot listen on 127.0.0.1:{port} (address already in use); "
        "port 0 takes a free one, and an empty address serves no page"
    )


async def test_where_nobody_chose_it_a_taken_port_gives_way(telemetry: Telemetry) -> None:
    (port,) = free_ports(1)
    by_default = Settings(pixel_id="123").model_copy(update={"status_page_address": f"127.0.0.1:{port}"})
    by_default.model_fields_set.discard("status_page_address")
    async with (
        serve_status_page(by_default, telemetry) as first,
        serve_status_page(by_default, telemetry) as second,
    ):
        assert first == f"http://127.0.0.1:{port}/"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", second)
        assert second != first
        async with aiohttp.ClientSession() as session, session.get(second) as answer:
            assert answer.status == 200


def test_by_default_only_this_machine_reaches_it() -> None:
    assert Settings(pixel_id="1").status_page_address == "127.0.0.1:8080"


HOSTS = [
    ("127.0.0.1:8080", 200),
    ("localhost:8080", 200),
    ("localhost", 200),
    ("[::1]:8080", 200),
    ("page.example.com", 421),
    ("page.example.com:8080", 421),
    ("192.0.2.1", 421),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
async def test_a_foreign_name_that_leads_to_this_machine_is_refused(
    telemetry: Telemetry, host: Any, status: Any
) -> None:
    async with page(telemetry) as asking, asking.get("/", headers={"Host": host}) as answer:
        assert answer.status == status


async def test_a_page_that_is_open_to_others_may_be_called_by_any_name(telemetry: Telemetry) -> None:
    async with page(telemetry, status_page_address="0.0.0.0:0") as asking:
        at = asking.at.replace("0.0.0.0", "127.0.0.1")
        async with asking.get(at, headers={"Host": "page.example.com"}) as answer:
            assert answer.status == 200


async def test_who_is_gone_before_the_first_word_is_no_mistake(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    async with page(telemetry) as asking:
        address = urlsplit(asking.at)
        for _ in range(3):
            with socket.create_connection((address.hostname, address.port)) as leaving:
                leaving.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asking.get("/") as answer:
            assert answer.status == 200
    assert caplog.records == []


async def test_who_reads_nothing_is_hung_up_on(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing would first send what is not read, and keep the socket until then."""
    monkeypatch.setattr(server, "UNREAD_S_MAX", 0.2)
    monkeypatch.setattr(server, "EVERY_S", 0.001)
    monkeypatch.setattr(server, "snapshot", lambda *_: {"padding": "x" * 1_000_000})
    async with page(telemetry) as asking:
        host, _, port = asking.at.removeprefix("http://").rstrip("/").rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        # Only an end of the connection is waited for: the reader takes no more than its first bytes.
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(5):
                while True:
                    writer.write(b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()


async def test_who_reads_nothing_keeps_others_out_for_some_messages_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message has some kB: what the system itself would keep for a reader are minutes of them."""
    monkeypatch.setattr(server, "UNREAD_S_MAX", 0.2)
    monkeypatch.setattr(server, "EVERY_S", 0.0001)
    told = []

    def message(*_: Any) -> dict[Any, Any]:
        told.append(1)
        return {"padding": "x" * 4_000}

    monkeypatch.setattr(server, "snapshot", message)
    async with page(telemetry) as asking:
        address = urlsplit(asking.at)
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((address.hostname, address.port))
            deaf.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(10):
                before = -1
                while before != len(told) or not told:
                    before = len(told)
                    await asyncio.sleep(0.5)
            assert 0 < len(told) < 100
