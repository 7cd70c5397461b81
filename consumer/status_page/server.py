"""
The live page over HTTP: a document, its style and script, and a stream of what happens.

    GET /            page.html, with what each reason means
    GET /page.css, /page.js, /page.svg (its icon)
    GET /events      server-sent events: each second what `snapshot` reads, and the points of the plots;
                     or one, `full`, that too many are listening already

Read-only: anything but GET and HEAD is 405. It asks nobody else for anything,
and its content security policy lets no browser do so. Beside the consumer it is
of no importance: a few watchers at once, each with a time limit on what it
does not read, and where nobody chose its port a taken one is no mistake.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files

import orjson
from aiohttp import web

from consumer.config.parsers import is_loopback
from consumer.config.settings import Settings
from consumer.errors import CommandError
from consumer.observability.health import bind_error
from consumer.observability.telemetry import Telemetry
from consumer.status_page import history
from consumer.status_page import snapshot as glossary
from consumer.status_page.history import History
from consumer.status_page.snapshot import PageInfo, snapshot, totals

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

EVERY_S = 1.0
WATCHERS_MAX = 8
# Who does not read what is sent for so long is gone.
UNREAD_S_MAX = 10.0
UNREAD_BYTES_MAX = 65_536  # asked of the system, which takes twice that
LEAVE_S_MAX = 1.0

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.svg": ("page.svg", "image/svg+xml"),
}


@asynccontextmanager
async def serve_status_page(settings: Settings, telemetry: Telemetry) -> AsyncIterator[str]:
    """
    Serve at CAPI_STATUS_PAGE_ADDRESS; gives the page's address, "" where there is none.

    Raises CannotGoOn when an address that somebody set cannot be had.
    """
    if not settings.status_page_address:
        yield ""
        return
    host, _, port = settings.status_page_address.rpartition(":")
    host = host.strip("[]")
    page = StatusPage(telemetry, PageInfo.of(settings, time.time()), is_local=is_loopback(host))
    runner = web.AppRunner(page.app(), access_log=None, shutdown_timeout=LEAVE_S_MAX)
    await runner.setup()
    filling = asyncio.create_task(page.fill_history())
    try:
        at = await _listen(runner, host, int(port), is_set="status_page_address" in settings.model_fields_set)
        yield f"http://{_named(host)}:{at}/" if at else ""
    finally:
        filling.cancel()
        page.leaving.set()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int, *, is_set: bool) -> int:
    """The port. Where nobody set it: a free one instead of a taken one, 0 where there is none at all."""
    for tried in (port,) if is_set else (port, 0):
        try:
            await web.TCPSite(runner, host, tried).start()
            return int(runner.addresses[0][1])
        except OSError as error:
            if is_set:
                raise CommandError(
                    f"CAPI_STATUS_PAGE_ADDRESS: cannot listen on {host}:{port} ({bind_error(error)}); "
                    "port 0 takes a free one, and an empty address serves no page"
                ) from None
    return 0


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class StatusPage:
    """
    What is served, from one consumer's telemetry.

    `is_local`: it listens on this machine only. Then a request for any other
    name is a foreign site's whose name was made to lead here, and is refused.
    """

    def __init__(self, telemetry: Telemetry, about: PageInfo, *, is_local: bool) -> None:
        self._telemetry = telemetry
        self._about = about
        self._is_local = is_local
        self._history = History()
        self._watchers = 0
        self.leaving = asyncio.Event()

    def app(self) -> web.Application:
        """The routes, with the same headers on every answer."""
        app = web.Application(middlewares=[self._only_for_us])
        app.on_response_prepare.append(_add_headers)
        for path, (name, kind) in STATIC.items():
            app.router.add_get(path, _sender(_read(name), kind))
        app.router.add_get("/events", self._events, allow_head=False)
        return app

    async def fill_history(self) -> None:
        """Again and again, watched or not: the quarter of an hour before somebody came is there too."""
        while True:
            self._history.append(totals(self._telemetry), time.time(), time.monotonic())
            await asyncio.sleep(history.EVERY_S)

    @web.middleware
    async def _only_for_us(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if self._is_local and not is_loopback(host.strip("[]")):
            raise web.HTTPMisdirectedRequest
        return await handler(request)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._watchers >= WATCHERS_MAX:
            # No status: a browser's EventSource would not tell the script which one it was.
            return web.Response(
                text=f"event: full\ndata: {WATCHERS_MAX}\n\n", content_type="text/event-stream"
            )
        self._watchers += 1
        try:
            stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            with contextlib.suppress(ConnectionError):  # a page that was closed, even before its first word
                await stream.prepare(request)
                _keep_little(request)
                await self._tell_or_hang_up(request, stream)
            return stream
        finally:
            self._watchers -= 1

    async def _tell_or_hang_up(self, request: web.Request, stream: web.StreamResponse) -> None:
        try:
            await self._tell(stream)
        except TimeoutError:
            # Closing would first send what nobody reads, and keep the socket until then.
            if request.transport is not None:
                request.transport.abort()

    async def _tell(self, stream: web.StreamResponse) -> None:
        """Say each second how it stands, with the points that this watcher has not had yet."""
        seen = 0
        while not self.leaving.is_set():
            told = snapshot(self._telemetry, self._about, time.time())
            told["plots"] = {
                "is_first": not seen,
                "points": [tuple(point) for point in self._history.since(seen)],
            }
            seen = self._history.made
            await asyncio.wait_for(
                stream.write(b"data: " + orjson.dumps(told) + b"\n\n"), timeout=UNREAD_S_MAX
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.leaving.wait(), timeout=EVERY_S)


def _keep_little(request: web.Request) -> None:
    """Of what a watcher does not read: else minutes of messages fit in before that is seen."""
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES_MAX
        )


def _sender(body: bytes, kind: str) -> Handler:
    async def send(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return send


def _read(name: str) -> bytes:
    """A file of the package. The document gets the lists of what each word means."""
    text = (files("consumer.status_page") / "static" / name).read_text(encoding="utf-8")
    return text.replace("<!-- meanings -->", glossary.as_html()).encode()


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
