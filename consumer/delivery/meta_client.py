"""
The HTTP client: one request to Meta, one response.

An aiohttp session with as many kept-alive connections as there may be requests
at once. The token goes in a header, never in the URL: URLs end in logs. No
redirect is followed: it would carry token and events elsewhere.

The access token, and its reload.

A token file may be replaced while the consumer runs, as Kubernetes does when a
Secret changes. The file is read again while Meta rejects the current token.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import structlog

from consumer import __version__
from consumer.config.loading import read_token
from consumer.config.settings import Settings
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.domain.state import State
from consumer.errors import SettingsError
from consumer.meta.response import Response, no_response, no_tunnel, read_response
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

log = structlog.get_logger()

RELOAD_EVERY_S = 1.0


class AccessToken:
    """The token that requests carry. Its `repr` hides it."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError, which never contains the token, if there is none that can be used."""
        self._settings = settings
        self._value = read_token(settings)
        self._since_s = self._written_s()

    def __repr__(self) -> str:
        return "AccessToken(*****)"

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    def reload(self) -> bool:
        """Read the file again. True if the token has changed; a file that cannot be used changes nothing."""
        try:
            value = read_token(self._settings)
        except ValueError:
            return False
        is_other, self._value = value != self._value, value
        if is_other:
            self._since_s = self._written_s()
        return is_other

    def age_s(self, now_s: float) -> float:
        """Seconds since its file was written; without a file, since the start."""
        return max(0.0, now_s - self._since_s)

    def _written_s(self) -> float:
        if self._settings.access_token_file is not None:
            with contextlib.suppress(OSError):
                return self._settings.access_token_file.stat().st_mtime
        return time.time()


async def watch_token(token: AccessToken, breaker: CircuitBreaker) -> None:
    """While Meta rejects the token, pixel or version, try a changed token file at once."""
    while True:
        await asyncio.sleep(RELOAD_EVERY_S)
        if breaker.state is State.MISCONFIGURED and token.reload():
            log.info("access token changed; retrying")
            breaker.retry_now()


# Meta's answers are some hundred bytes; a proxy's page may be anything.
ANSWER_BYTES_MAX = 64 * 1024
GZIP_LEVEL = 1


class MetaClient:
    """Meta's events endpoint of one pixel. Use as an async context manager."""

    def __init__(
        self,
        settings: Settings,
        token: AccessToken,
        telemetry: Telemetry | None = None,
        on_headers: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> None:
        """`on_headers` gets the headers of each answer, with lower-case names."""
        self._on_headers = on_headers
        self._settings = settings
        self._token = token
        self._telemetry = telemetry or Telemetry()
        address = urlsplit(settings.graph_url)
        self._host = address.hostname or ""
        self._port = address.port or (443 if address.scheme == "https" else 80)
        self._url = f"{settings.graph_url.rstrip('/')}/{settings.graph_version}/{settings.pixel_id}/events"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._settings.requests_in_flight_max,
                ssl=_trust(self._settings),
                keepalive_timeout=60,
            ),
            timeout=aiohttp.ClientTimeout(total=self._settings.request_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"capi-consumer/{__version__}", "Content-Type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, body: bytes, events: int) -> Response:
        """
        Post one request body that holds `events` events.

        Never raises for what the network or Meta does. Source of the form:
        Meta's Conversions API, POST /{version}/{pixel}/events.
        """
        if self._session is None:
            raise RuntimeError("the client is not open")
        began_s = time.perf_counter()
        tracing = self._telemetry.tracing
        request_span = tracing.request(self._host, self._port, events) if tracing.is_on else nullcontext()
        with request_span as span:
            response, error_type = await self._post(self._session, body, events)
            if span is not None:
                span.end(response, error_type)
        status = "" if response.http_status is None else str(response.http_status)
        place = (self._host, str(self._port), status, error_type)
        self._telemetry.record(metrics.REQUEST_DURATION, time.perf_counter() - began_s, *place)
        return response

    async def _post(self, session: aiohttp.ClientSession, body: bytes, events: int) -> tuple[Response, str]:
        """The verdict, and OpenTelemetry's `error.type`: empty where HTTP was well."""
        headers = {"Authorization": self._token.authorization}
        if self._settings.gzip:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        try:
            async with session.post(
                self._url,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=self._settings.proxy or None,
            ) as response:
                answer = await _read(response.content)
                names = {name.lower(): value for name, value in response.headers.items()}
                self._on_headers(names)
                error_type = str(response.status) if response.status >= 400 else ""
                return read_response(response.status, names, answer, events), error_type
        except TimeoutError:
            return no_response("no answer in time"), "timeout"
        except aiohttp.ClientHttpProxyError as error:
            return no_tunnel(error.status), type(error).__name__
        except (aiohttp.ClientError, OSError) as error:
            _clear_frames(error)
            # Only the type: the text of a connection error may hold the address of a proxy with its password.
            name = type(error).__name__
            return no_response(f"the connection failed ({name})"), name


def _clear_frames(error: BaseException | None) -> None:
    """
    Empty the frames that an error has passed through: they hold the body, a megabyte.

    A refused connection's error refers to itself by way of them, and Python
    looks for such circles seldom (`runtime/app.py`).
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


async def _read(content: aiohttp.StreamReader) -> bytes:
    """The body, as far as it can matter."""
    read = bytearray()
    async for chunk in content.iter_chunked(8192):
        read += chunk
        if len(read) > ANSWER_BYTES_MAX:
            break
    return bytes(read)


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """Raises BadSettings for a file that holds no certificate."""
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file))
    except (OSError, ValueError):
        raise SettingsError([f"CAPI_CA_FILE: {settings.ca_file} holds no certificates in PEM form"]) from None
