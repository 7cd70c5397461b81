"""One request, one verdict, whatever the network and the other side do."""

from __future__ import annotations

import asyncio
import gc
import gzip
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any, NamedTuple

import aiohttp
import orjson
import pytest
from support.ports import free_ports
from support.sandbox_requests import good

from consumer.config.settings import Settings
from consumer.delivery.meta_client import ANSWER_BYTES_MAX, AccessToken, MetaClient
from consumer.errors import SettingsError
from consumer.meta.response import Response, ResponseOutcome
from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

NOW_S = 1_795_000_000
BODY = orjson.dumps({"data": [good()]})
CANARY = "canary-4711"
RECEIVED = b'{"events_received":1}'


def settings(url: Any, **given: Any) -> Settings:
    return Settings(
        **{
            "pixel_id": "1234567890",
            "access_token": "sandbox-token",
            "graph_url": url,
            "request_timeout_s": 5,
            **given,
        }
    )


@asynccontextmanager
async def sandbox(**given: Any) -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxSettings(now=lambda: NOW_S, bodies_kept_max=9, **given)) as running:
        yield running


async def sent(url: Any, body: Any = BODY, **given: Any) -> Response:
    """The verdict on one request to `url`."""
    chosen = settings(url, **given)
    async with MetaClient(chosen, AccessToken(chosen)) as sink:
        return await sink.send(body, 1)


class Asked(NamedTuple):
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


@asynccontextmanager
async def server(answer: Any, tls: Any = None) -> AsyncIterator[tuple[str, list[Asked]]]:
    """A server that says exactly `answer` (or nothing at all for None) and keeps what it was asked."""
    asked = []

    async def speak(reader: Any, writer: Any) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.strip().split("\r\n")
            headers = dict(one.lower().split(": ", 1) for one in rest)
            asked.append(
                Asked(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))
            )
            if answer is None:
                await reader.read()
            writer.write(answer or b"")
            await writer.drain()
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    running = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{running.sockets[0].getsockname()[1]}", asked
    finally:
        running.close()


def http(status: Any, body: bytes = b"", *headers: Any) -> Any:
    lines = [
        f"HTTP/1.1 {status} x".encode(),
        b"Content-Length: %d" % len(body),
        b"Connection: close",
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# A request


async def test_the_body_reaches_meta_to_the_byte_and_its_count_comes_back() -> None:
    async with sandbox() as meta:
        verdict = await sent(meta.url)
        assert (verdict.outcome, verdict.received, verdict.http_status) == (ResponseOutcome.ACCEPTED, 1, 200)
        assert meta.bodies[0] == BODY


async def test_the_token_stands_in_a_header_and_never_in_the_address() -> None:
    async with server(http(200, RECEIVED)) as (url, asked):
        assert (await sent(url + "/", access_token=CANARY)).outcome is ResponseOutcome.ACCEPTED
        (request,) = asked
        assert request.line == "POST /v26.0/1234567890/events HTTP/1.1"
        assert request.headers["authorization"] == f"bearer {CANARY}"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("capi-consumer/")
        assert "content-encoding" not in request.headers
        assert request.body == BODY
        assert CANARY not in request.line


async def test_version_and_path_of_the_settings() -> None:
    async with server(http(200, RECEIVED)) as (url, asked):
        await sent(f"{url}/meta/", graph_version="v25.0", pixel_id="7")
        assert asked[0].line == "POST /meta/v25.0/7/events HTTP/1.1"


async def test_a_body_is_compressed_when_it_was_asked_for() -> None:
    async with sandbox() as meta:
        assert (await sent(meta.url, gzip=True)).outcome is ResponseOutcome.ACCEPTED
        assert meta.bodies[0] == BODY
    async with server(http(200, RECEIVED)) as (url, asked):
        await sent(url, gzip=True)
        assert asked[0].headers["content-encoding"] == "gzip"
        assert gzip.decompress(asked[0].body) == BODY


async def test_the_token_of_a_request_is_that_of_its_moment(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("revoked")
    async with sandbox() as meta:
        chosen = settings(meta.url, access_token="", access_token_file=token)
        held = AccessToken(chosen)
        async with MetaClient(chosen, held) as sink:
            assert (await sink.send(BODY, 1)).code == 190
            token.write_text("sandbox-token")
            held.reload()
            assert (await sink.send(BODY, 1)).outcome is ResponseOutcome.ACCEPTED


async def test_connections_are_kept_and_never_more_than_requests_at_once() -> None:
    async with sandbox(latency_ms=30) as meta:
        chosen = settings(meta.url, requests_in_flight_max=2)
        async with MetaClient(chosen, AccessToken(chosen)) as sink:
            verdicts = await asyncio.gather(*(sink.send(BODY, 1) for _ in range(10)))
        assert {verdict.outcome for verdict in verdicts} == {ResponseOutcome.ACCEPTED}
        assert meta.stats.requests_at_once_max == 2


async def test_cookies_are_not_kept() -> None:
    async with server(http(200, RECEIVED, b"Set-Cookie: a=b")) as (url, asked):
        chosen = settings(url)
        async with MetaClient(chosen, AccessToken(chosen)) as sink:
            await sink.send(BODY, 1)
            await sink.send(BODY, 1)
        assert [request.headers.get("cookie") for request in asked] == [None, None]


async def test_a_redirect_is_not_followed() -> None:
    async with server(http(200, RECEIVED)) as (elsewhere, asked):
        location = f"Location: {elsewhere}/".encode()
        for status in (301, 302, 303, 307, 308):
            async with server(http(status, b"", location)) as (url, _):
                assert (await sent(url)).outcome is ResponseOutcome.MISCONFIGURED
        assert asked == []


async def test_a_sink_that_is_not_open_sends_nothing() -> None:
    chosen = settings("http://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="not open"):
        await MetaClient(chosen, AccessToken(chosen)).send(BODY, 1)


# Answers that no honest server gives


ODD_ANSWERS = [
    # what comes over the wire, verdict, HTTP status
    (b"", ResponseOutcome.TRANSIENT, None),
    (b"\x00" * 100, ResponseOutcome.TRANSIENT, None),
    (b"SSH-2.0-OpenSSH\r\n", ResponseOutcome.TRANSIENT, None),
    (b"HTTP/1.1 abc\r\n\r\n", ResponseOutcome.TRANSIENT, None),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", ResponseOutcome.TRANSIENT, None),
    (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", ResponseOutcome.TRANSIENT, None),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ResponseOutcome.TRANSIENT, None),
    (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", ResponseOutcome.TRANSIENT, None),
    (http(200, b"no gzip", b"Content-Encoding: gzip"), ResponseOutcome.TRANSIENT, None),
    (http(200, b"no deflate", b"Content-Encoding: deflate"), ResponseOutcome.TRANSIENT, None),
    (http(200, gzip.compress(RECEIVED), b"Content-Encoding: gzip"), ResponseOutcome.ACCEPTED, 200),
    (http(200, gzip.compress(RECEIVED)[:-12], b"Content-Encoding: gzip"), ResponseOutcome.TRANSIENT, 200),
    (http(200, b"\xef\xbb\xbf" + RECEIVED), ResponseOutcome.TRANSIENT, 200),
    (
        http(200, b"\xff\xfe", b"Content-Type: application/json; charset=nonsense"),
        ResponseOutcome.TRANSIENT,
        200,
    ),
    (http(400, b"<html>", b"X-App-Usage: \xff\xfe"), ResponseOutcome.REJECTED, 400),
    (http(429, b"", b"Retry-After: 7"), ResponseOutcome.THROTTLED, 429),
    (http(401, b"", b"WWW-Authenticate: Basic realm=x"), ResponseOutcome.MISCONFIGURED, 401),
    (http(204), ResponseOutcome.TRANSIENT, 204),
    (http(999, b"x"), ResponseOutcome.TRANSIENT, 999),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + http(200, RECEIVED), ResponseOutcome.ACCEPTED, 200),
    (b"HTTP/1.0 200 OK\r\n\r\n" + RECEIVED, ResponseOutcome.ACCEPTED, 200),
]


@pytest.mark.parametrize(("answer", "kind", "status"), ODD_ANSWERS, ids=range(len(ODD_ANSWERS)))
async def test_no_answer_makes_it_raise(answer: Any, kind: Any, status: Any) -> None:
    async with server(answer) as (url, _):
        verdict = await sent(url)
        assert (verdict.outcome, verdict.http_status) == (kind, status)


async def test_retry_after_arrives_with_the_verdict() -> None:
    async with server(http(429, b"", b"retry-AFTER: 7")) as (url, _):
        assert (await sent(url)).wait_s == 7.0


async def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    answer = b"HTTP/1.1 500 x\r\nContent-Length: 1000000000000\r\n\r\n" + b"x" * (4 * ANSWER_BYTES_MAX)
    async with server(answer) as (url, _):
        assert (await sent(url)).outcome is ResponseOutcome.TRANSIENT


async def test_an_answer_that_grows_when_it_is_decompressed_is_bounded() -> None:
    bomb = gzip.compress(b"\x00" * 50_000_000)
    async with server(http(500, bomb, b"Content-Encoding: gzip")) as (url, _):
        assert (await sent(url)).outcome is ResponseOutcome.TRANSIENT


# No answer


async def test_no_answer_in_time_is_transient() -> None:
    async with server(None) as (url, _):
        verdict = await sent(url, request_timeout_s=0.2)
        assert (verdict.outcome, verdict.summary) == (ResponseOutcome.TRANSIENT, "no answer in time")


async def test_nobody_there_is_transient() -> None:
    (port,) = free_ports(1)
    verdict = await sent(f"http://127.0.0.1:{port}")
    assert (verdict.outcome, verdict.http_status) == (ResponseOutcome.TRANSIENT, None)
    assert verdict.summary == "the connection failed (ClientConnectorError)"


async def test_a_refused_connection_keeps_no_body() -> None:
    """Its error refers to itself, and the garbage of a run is looked at seldom."""
    body = bytes(100_000)
    gc.collect()
    gc.disable()
    try:
        before = sys.getrefcount(body)
        await sent(f"http://127.0.0.1:{free_ports(1)[0]}", body)
        assert sys.getrefcount(body) == before
    finally:
        gc.enable()


async def test_a_name_that_does_not_exist_is_transient() -> None:
    assert (await sent("https://no-such-host.invalid")).outcome is ResponseOutcome.TRANSIENT


async def test_http_where_tls_was_meant_is_transient() -> None:
    async with server(http(200, RECEIVED)) as (url, asked):
        assert (await sent(url.replace("http:", "https:"))).outcome is ResponseOutcome.TRANSIENT
        assert asked == []


# TLS and proxy


CERTIFICATE = Path(__file__).parents[1] / "support" / "loopback.pem"


@pytest.fixture
def tls() -> SSLContext:
    """A server's side of TLS, with a certificate that nobody else trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_a_certificate_that_is_not_trusted_gets_no_token(tls: SSLContext) -> None:
    async with server(http(200, RECEIVED), tls) as (url, asked):
        verdict = await sent(url)
        assert verdict.outcome is ResponseOutcome.TRANSIENT
        assert asked == []


async def test_a_certificate_file_is_trusted_instead_of_the_systems(tls: SSLContext) -> None:
    async with server(http(200, RECEIVED), tls) as (url, asked):
        assert (await sent(url, ca_file=CERTIFICATE)).outcome is ResponseOutcome.ACCEPTED
        assert len(asked) == 1


@pytest.mark.parametrize("content", [b"", b"not a certificate", b"\xff"])
async def test_a_file_without_certificates_is_a_mistake_in_the_settings(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / CANARY
    file.write_bytes(content)
    chosen = settings("https://graph.example.com", ca_file=file)
    with pytest.raises(SettingsError) as refused:
        await MetaClient(chosen, AccessToken(chosen)).__aenter__()
    assert refused.value.problems == [f"CAPI_CA_FILE: {chosen.ca_file} holds no certificates in PEM form"]


async def test_a_proxy_is_asked_for_the_whole_address() -> None:
    async with server(http(200, RECEIVED)) as (proxy, asked):
        url = "http://127.0.0.1:9"
        verdict = await sent(url, proxy=proxy.replace("//", f"//user:{CANARY}@"))
        assert verdict.outcome is ResponseOutcome.ACCEPTED
        assert asked[0].line == f"POST {url}/v26.0/1234567890/events HTTP/1.1"
        assert "proxy-authorization" in asked[0].headers


PROXY_STATUSES = [
    *((status, ResponseOutcome.MISCONFIGURED) for status in (302, 400, 403, 404, 405, 407, 413)),
    *((status, ResponseOutcome.TRANSIENT) for status in (408, 429, 500, 502, 503)),
]


@pytest.mark.parametrize(("status", "kind"), PROXY_STATUSES)
async def test_a_proxy_that_opens_no_tunnel_says_nothing_of_the_events(status: Any, kind: Any) -> None:
    """A 400 or 413 would be about the events if it were Meta's."""
    async with server(http(status, b"<html>")) as (proxy, asked):
        verdict = await sent("https://graph.example.com", proxy=proxy)
        assert (verdict.outcome, verdict.http_status) == (kind, status)
        assert verdict.summary == f"the proxy opens no connection to Meta (HTTP {status})"
        assert asked[0].line.startswith("CONNECT graph.example.com:443 ")
        assert "authorization" not in asked[0].headers


async def test_a_proxy_that_is_not_there_is_transient_and_its_password_is_not_said() -> None:
    (port,) = free_ports(1)
    verdict = await sent("https://graph.example.com", proxy=f"http://user:{CANARY}@127.0.0.1:{port}")
    assert verdict.outcome is ResponseOutcome.TRANSIENT
    assert CANARY not in repr(verdict)


async def test_the_environment_s_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    async with sandbox() as meta:
        assert (await sent(meta.url)).outcome is ResponseOutcome.ACCEPTED


async def test_leaving_closes_every_connection(recwarn: Any) -> None:
    async with sandbox() as meta:
        chosen = settings(meta.url)
        async with MetaClient(chosen, AccessToken(chosen)) as sink:
            await sink.send(BODY, 1)
        with pytest.raises((RuntimeError, aiohttp.ClientError)):
            await sink.send(BODY, 1)
    assert [str(one.message) for one in recwarn if one.category is ResourceWarning] == []
