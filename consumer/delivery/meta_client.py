"""
The HTTP client: one request to Meta, one response.

An aiohttp session with as many kept-alive connections as there may be requests
at once. The token goes in a header, never in the URL: URLs end in logs. No
redirect is followed: it would carry token and events elsewhere.
"""

from __future__ import annotations

import gzip
import ssl
import time
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from consumer import __version__
from consumer.config.settings import Settings
from consumer.delivery.access_token import AccessToken
from consumer.errors import SettingsError
from consumer.meta.response import Response, no_response, no_tunnel, read_response
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

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
        with self._telemetry.tracing.request(self._host, self._port, events) as span:
            verdict, error_type = await self._post(self._session, body, events)
            span.end(verdict, error_type)
        status = "" if verdict.http_status is None else str(verdict.http_status)
        place = (self._host, str(self._port), status, error_type)
        self._telemetry.record(metrics.REQUEST_DURATION, time.perf_counter() - began_s, *place)
        return verdict

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
    looks for such circles seldom (`runtime/gc_tuning.py`).
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
