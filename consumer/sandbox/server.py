"""
The sandbox as a server: the path of one request.

    POST /{version}/{pixel}/events
        ledger.open_request
        fault?  --- drop: close the connection
        address, token, body, events     request.py, rules.py
        ledger.accept                    before the answer
        latency
        answer, or what the fault makes of it
        ledger.close_request

The latency comes after the request took effect, as it does when an answer is
lost on its way: a sender that gave up waiting sends again what was taken.
Nothing of a request is ever logged.

The sandbox's own endpoints, beside Meta's.

    GET  /sandbox/stats     the counts
    POST /sandbox/behave    change the behaviour: the keys of `behaviour.Behaviour`
    POST /sandbox/reset     counts and behaviour as at the start; GET does it too
"""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import orjson
from aiohttp import web

from consumer.sandbox import request, response, rules
from consumer.sandbox.faults import Behavior, Fault, FaultKind, FaultQueue, InvalidBehavior, changed
from consumer.sandbox.request import parse
from consumer.sandbox.request_log import RequestLog, Stats
from consumer.sandbox.response import JSON, HttpResponse
from consumer.sandbox.settings import SandboxSettings


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


STOP_S = 1.0


class Sandbox:
    """
    A running stand-in for Meta; `async with Sandbox(settings) as sandbox` starts and stops it.

    `accepted` holds the last accepted events whole, `bodies` the last request
    bodies as they came, whatever became of them; both are bounded by settings.
    """

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._tables = rules.STRICT if settings.strict else rules.LENIENT
        self._ledger = RequestLog(
            settings.accepted_file,
            settings.accepted_kept_max,
            settings.ids_kept_max,
            settings.answers_file,
        )
        self.bodies: deque[bytes] = deque(maxlen=settings.bodies_kept_max)
        self._behave(self._settings.first_behaviour())
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> str:
        """Listen, once; the base URL, to be used as the graph URL. OSError when the port is taken."""
        app = web.Application(client_max_size=self._settings.body_bytes_max)
        app.router.add_post("/{version}/{pixel_id}/events", self._post_events)
        app.add_routes(control_routes(self._ledger.stats, self.behave, self.reset))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S, auto_decompress=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        except OSError:
            await self.stop()
            raise
        self.url = f"http://{_reachable(self._settings.host)}:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening; requests still waiting for their latency are given up."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._ledger.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def stats(self) -> Stats:
        """The counts now."""
        return self._ledger.stats()

    @property
    def accepted(self) -> list[Any]:
        """The last accepted events, whole, oldest first."""
        return list(self._ledger.accepted)

    def behave(self, /, **changes: object) -> None:
        """
        Change the behaviour, as `POST /sandbox/behave` does; the keys are those of `Behavior`.

        A new list of faults replaces what is left of the old one. BadBehaviour when a change is unusable.
        """
        self._behave(changed(self._behaviour, changes), keep_faults="faults" not in changes)

    def reset(self) -> None:
        """Counts, memory and behaviour as at the start; the accepted file stays."""
        self._ledger.reset()
        self.bodies.clear()
        self._behave(self._settings.first_behaviour())

    def _behave(self, behaviour: Behavior, *, keep_faults: bool = False) -> None:
        self._behaviour = behaviour
        if not keep_faults:
            self._faults = FaultQueue(behaviour.faults)

    # Meta's endpoint

    async def _post_events(self, http: web.Request) -> web.StreamResponse:
        number = self._ledger.open_request(self._settings.now())
        outcome = "broken_off"
        try:
            fault = self._faults.next_fault()
            given = await self._answer(http, number, fault)
            outcome = given.outcome
            await asyncio.sleep(self._latency_s(fault))
            if fault is not None and fault.kind in (FaultKind.DROP, FaultKind.CUT):
                await self._break_off(http, given if fault.kind is FaultKind.CUT else None)
            else:
                self._ledger.answer(given.event_ids, self._settings.now())
            return self._response(given)
        except (ConnectionError, web.RequestPayloadError):
            return web.Response(status=400)  # the sender went away before its body was here
        finally:
            self._ledger.close_request(outcome)

    async def _answer(self, http: web.Request, number: int, fault: Fault | None) -> HttpResponse:
        trace_id = f"A{number:020d}"
        if fault is None:
            return await self._right_answer(http, number, trace_id)
        right = None
        if fault.takes_effect:
            right = await self._right_answer(http, number, trace_id)
        elif fault.kind is not FaultKind.DROP:
            await self._read(http)
        return response.faulty(fault, right, trace_id)

    async def _right_answer(self, http: web.Request, number: int, trace_id: str) -> HttpResponse:
        body = await self._read(http)
        if body is None:
            return response.too_large()
        if self._settings.fast:
            return self._fast_answer(body, trace_id)
        content = request.parse(body)
        wrong = (
            request.wrong_address(
                http.match_info["version"], http.match_info["pixel_id"], self._behaviour.pixel_id
            )
            or request.wrong_token(http.headers.get("Authorization"), content, self._behaviour.access_token)
            or request.wrong_body(content)
        )
        if wrong is not None:
            return response.refused(wrong, trace_id)
        return self._answer_events(content["data"], number, trace_id)

    def _fast_answer(self, body: bytes, trace_id: str) -> HttpResponse:
        events = body.count(b'"event_name":')
        self._ledger.count(events)
        right = response.success(events, trace_id)
        return (
            right if self._settings.answers_file is None else right._replace(event_ids=request.ids_in(body))
        )

    def _answer_events(self, events: list[Any], number: int, trace_id: str) -> HttpResponse:
        if (status := rules.asked_status(events)) is not None:
            return response.page(f"asked:{status}", status)
        now_s = self._settings.now()
        if (refusal := rules.error_for(events, now_s, self._tables)) is not None:
            return response.refused(refusal, trace_id)
        self._ledger.accept(events, number, now_s)
        return response.success(len(events), trace_id)

    async def _read(self, http: web.Request) -> bytes | None:
        """The body, decompressed; None when it is over the limit."""
        try:
            raw = await http.read()
        except web.HTTPRequestEntityTooLarge:
            return None
        body = request.decompress(raw, http.headers.get("Content-Encoding"), self._settings.body_bytes_max)
        if body is not None:
            self._ledger.read_body(len(body))
            self.bodies.append(body)
        return body

    async def _break_off(self, http: web.Request, given: HttpResponse | None) -> None:
        """Close the connection, after half of the answer when there is one."""
        if given is not None:
            half = web.StreamResponse(status=given.status, headers={"Content-Length": str(len(given.body))})
            await half.prepare(http)
            await half.write(given.body[: len(given.body) // 2])
        if http.transport is not None:
            http.transport.close()

    def _latency_s(self, fault: Fault | None) -> float:
        own_ms = fault.latency_ms if fault is not None else None
        return (self._behaviour.latency_ms if own_ms is None else own_ms) / 1000

    def _response(self, given: HttpResponse) -> web.Response:
        return web.Response(
            status=given.status,
            body=given.body,
            content_type=given.content_type,
            headers={**self._behaviour.headers, **given.headers},
        )


def _reachable(host: str) -> str:
    """How this machine reaches a server that listens on `host`."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


async def serve(settings: SandboxSettings, *, port_file: Path | None = None) -> None:
    """
    Run until SIGTERM or SIGINT.

    Once it listens, one JSON line on standard output says where, and
    `port_file` holds the port; it appears whole or not at all.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with Sandbox(settings) as sandbox:
        if port_file is not None:
            _write_port(port_file, sandbox.url)
        print(orjson.dumps({"listening": sandbox.url}).decode(), flush=True)
        await ended.wait()


def _write_port(port_file: Path, url: str) -> None:
    beside = port_file.with_name(port_file.name + ".new")
    beside.write_text(url.rpartition(":")[2] + "\n", encoding="ascii")
    beside.replace(port_file)
