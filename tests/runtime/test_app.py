"""The whole consumer in one process: what it does with records, signals, tokens and worlds that end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import orjson
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from structlog.testing import capture_logs
from support.faulty_kafka import FaultyKafka, Request
from support.mapping import event
from support.ports import free_ports
from support.waiting import eventually

from consumer.config.kafka_constraints import GroupProtocol
from consumer.config.settings import Settings
from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.delivery.dispatcher import Dispatcher
from consumer.delivery.outcomes import OutcomeRecorder
from consumer.errors import CommandError
from consumer.kafka.consumer import KafkaSource
from consumer.observability import health, metrics
from consumer.observability.telemetry import Telemetry
from consumer.runtime import app
from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

EVENTS, LETTERS = "capi.events", "capi.dead-letters"
DEADLINE_S = 30
CANARY = "canary-4711"


def value(number: Any, **changes: Any) -> bytes:
    now_ms = int(time.time() * 1000)
    return orjson.dumps(event(event_id=f"e-{number}", event_timestamp=now_ms - 60_000, **changes))


@pytest.fixture
def brokers() -> Iterator[FaultyKafka]:
    with FaultyKafka() as running:
        running.make_topic(EVENTS, 2)
        running.make_topic(LETTERS, 1)
        yield running


def committed(brokers: Any, number: int = 0) -> int:
    asking = Consumer(
        {"bootstrap.servers": brokers.bootstrap_servers, "group.id": "capi-consumer", "log_level": 0}
    )
    try:
        return asking.committed([TopicPartition(EVENTS, number)], timeout=10)[0].offset
    finally:
        asking.close()


async def until(predicate: Any, deadline_s: Any = DEADLINE_S) -> None:
    """Wait for a fact without holding the loop up."""
    deadline = time.monotonic() + deadline_s
    while not predicate():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@asynccontextmanager
async def consuming(
    brokers: Any, sandbox: Any = None, *, brake: Any = None, brake_setting: bool = True, **given: Any
) -> AsyncIterator[SimpleNamespace]:
    """A consumer at work between brokers and a sandbox; it is stopped at the end of the block."""
    (port,) = free_ports(1)
    async with Sandbox(SandboxSettings(**(sandbox or {}))) as meta:
        settings = Settings(
            **{
                "pixel_id": "1234567890",
                "access_token": "sandbox-token",
                "graph_url": meta.url,
                "bootstrap_servers": brokers.bootstrap_servers,
                "kafka_properties": {"session.timeout.ms": 2000, "heartbeat.interval.ms": 200},
                "health_address": f"127.0.0.1:{port}",
                "linger_ms": 20,
                "commit_interval_ms": 50,
                "drain_timeout_s": 5.0,
                "dlq_breaker": brake_setting,
                **given,
            }
        )
        telemetry, stop = Telemetry(), asyncio.Event()
        task = asyncio.create_task(app.consume(settings, telemetry, stop, dlq_breaker=brake))
        try:
            yield SimpleNamespace(meta=meta, telemetry=telemetry, stop=stop, task=task, port=port)
        finally:
            stop.set()
            await asyncio.wait([task], timeout=DEADLINE_S)
            telemetry.close()
        if not task.cancelled() and (error := task.exception()):
            raise error


async def get(at: Any, path: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{at.port}{path}") as answer:
        return answer.status, await answer.json(
            content_type=None
        ) if path != "/metrics" else await answer.text()


def gauge(text: Any, name: Any, **attributes: Any) -> float:
    """The number of one series in Prometheus's text."""
    wanted = [f'{key}="{word}"' for key, word in attributes.items()]
    (line,) = (
        line
        for line in text.splitlines()
        if line.startswith((name + "{", name + " ")) and all(part in line for part in wanted)
    )
    return float(line.rpartition(" ")[2])


# Records to their ends


async def test_every_record_ends_in_one_place_and_is_committed(brokers: FaultyKafka) -> None:
    brokers.write(
        EVENTS,
        value(0),
        b"not json",
        value(1, **{"integrations.facebook.custom_data.sandbox_refuse": "100/2804007"}),
        None,
        value(2),
    )
    brokers.write(EVENTS, value(3), partition=1)
    async with consuming(brokers) as at:
        await until(lambda: committed(brokers) == 5 and committed(brokers, 1) == 1)
        accepted = {one["event_id"] for one in at.meta.accepted}
        counts = at.telemetry.snapshot()
        assert at.telemetry.total(metrics.CONSUMED) == 6
        assert counts["capi.events.filtered"][("tombstone",)] == 1
    letters = {dict(letter.headers())["dlq.origin-offset"] for letter in brokers.records(LETTERS)}
    assert {"e-0", "e-2", "e-3"} <= accepted
    assert b"1" in letters
    assert len(accepted) + len(letters) == 5


async def test_a_stop_ends_what_is_in_flight_commits_and_leaves(brokers: FaultyKafka) -> None:
    brokers.write(EVENTS, *(value(n) for n in range(50)))
    async with consuming(brokers, {"latency_ms": 300}, commit_interval_ms=3_600_000, linger_ms=600_000) as at:
        await until(lambda: at.telemetry.total(metrics.CONSUMED) == 50)
        at.stop.set()
        await asyncio.wait_for(at.task, DEADLINE_S)
        assert at.meta.stats.events_accepted == 50
        assert at.meta.stats.repeats == 0
    assert committed(brokers) == 50


async def test_a_stop_waits_for_nothing_that_is_held_and_the_next_one_sends_it(brokers: FaultyKafka) -> None:
    """The events are a minute old: held for an hour they wait, held for none they go."""
    brokers.write(EVENTS, *(value(n) for n in range(3)))
    async with consuming(brokers, send_delay_s=3_600.0, drain_timeout_s=600.0) as at:
        await until(lambda: at.telemetry.total(metrics.CONSUMED) == 3)
        assert "\ncapi_events_delayed " in (await get(at, "/metrics"))[1]
        began = time.monotonic()
        at.stop.set()
        await asyncio.wait_for(at.task, DEADLINE_S)
        assert time.monotonic() - began < 8
        assert at.meta.stats.requests == 0
    assert committed(brokers) in (0, -1001)
    async with consuming(brokers, send_delay_s=30.0) as at:
        await until(lambda: committed(brokers) == 3)
        assert sorted(one["event_id"] for one in at.meta.accepted) == ["e-0", "e-1", "e-2"]


async def test_a_stop_while_meta_is_ill_ends_in_time_and_commits_nothing(brokers: FaultyKafka) -> None:
    fault = {"kind": "html", "status": 500, "times": None}
    brokers.write(EVENTS, *(value(n) for n in range(5)))
    async with consuming(brokers, {"behave": {"faults": [fault]}}, drain_timeout_s=0.5) as at:
        await until(lambda: at.meta.stats.requests >= 2)
        began = time.monotonic()
        at.stop.set()
        await asyncio.wait_for(at.task, DEADLINE_S)
        assert time.monotonic() - began < 8
    assert committed(brokers) in (0, -1001)
    assert brokers.records(LETTERS) == []


async def test_a_consumer_that_comes_after_another_goes_on_where_it_stood(brokers: FaultyKafka) -> None:
    brokers.write(EVENTS, value(0), value(1))
    async with consuming(brokers) as at:
        await until(lambda: committed(brokers) == 2)
    brokers.write(EVENTS, value(2))
    async with consuming(brokers) as at:
        await until(lambda: at.meta.stats.events_accepted == 1)
        assert [one["event_id"] for one in at.meta.accepted] == ["e-2"]


# The token, and what health says of it


async def test_a_refused_token_waits_for_the_file_to_change_and_goes_on_by_itself(
    brokers: FaultyKafka, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("revoked")
    brokers.write(EVENTS, *(value(n) for n in range(3)))
    given: dict[str, Any] = {"access_token": "", "access_token_file": token, "auth_retry_max_s": 3_600.0}
    async with consuming(brokers, **given) as at:
        await until(lambda: at.telemetry.snapshot()["capi.requests"][("misconfigured",)] >= 1)
        assert await get(at, "/readyz") == (503, {"state": "misconfigured"})
        assert await get(at, "/livez") == (200, {"state": "misconfigured"})
        assert await get(at, "/startupz") == (200, {"state": "misconfigured"})
        assert committed(brokers) in (0, -1001)
        token.write_text("sandbox-token")
        await until(lambda: committed(brokers) == 3)
        assert await get(at, "/readyz") == (200, {"state": "running"})
    assert brokers.records(LETTERS) == []


@pytest.mark.parametrize("paused", [False, True], ids=["room for more", "full"])
async def test_an_outage_longer_than_the_liveness_limit_restarts_nothing(
    brokers: FaultyKafka, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    monkeypatch.setattr(health, "LIVE_S", 1.0)
    brokers.write(EVENTS, *(value(n) for n in range(20)))
    faults = [{"kind": "html", "status": 500, "times": None}]
    given: dict[str, Any] = {"backoff_max_s": 0.2, "events_in_flight_max": 10 if paused else 1_000}
    async with consuming(brokers, {"behave": {"faults": faults}}, drain_timeout_s=0.5, **given) as at:

        def failed() -> int:
            return int(at.telemetry.snapshot()["capi.requests"][("transient",)])

        await until(failed)
        began = time.monotonic()
        await until(lambda: time.monotonic() - began > 2 * health.LIVE_S and failed() >= 5)
        assert await get(at, "/livez") == (200, {"state": "running"})
        assert await get(at, "/readyz") == (200, {"state": "running"})
    assert brokers.records(LETTERS) == []


async def test_a_stop_while_the_token_is_refused_does_not_wait(brokers: FaultyKafka) -> None:
    brokers.write(EVENTS, value(0))
    async with consuming(brokers, access_token="revoked", drain_timeout_s=600.0) as at:
        await until(lambda: at.telemetry.snapshot()["capi.requests"][("misconfigured",)] >= 1)
        began = time.monotonic()
        at.stop.set()
        await asyncio.wait_for(at.task, DEADLINE_S)
        assert time.monotonic() - began < 8
    assert committed(brokers) in (0, -1001)


async def test_throttled_is_ready_all_the_same(brokers: FaultyKafka) -> None:
    fault = {"kind": "error", "code": 4, "retry_after": 3_600}
    brokers.write(EVENTS, value(0))
    async with consuming(brokers, {"behave": {"faults": [fault]}}) as at:
        await until(lambda: at.telemetry.snapshot()["capi.requests"][("throttled",)] == 1)
        assert await get(at, "/readyz") == (200, {"state": "throttled"})
        _, text = await get(at, "/metrics")
        assert gauge(text, "capi_state", state="throttled") == 1
        assert gauge(text, "capi_in_flight") == 1
        assert gauge(text, "capi_requests_limit") == 2  # throttled: half of four


async def test_it_is_ready_once_the_group_was_joined_and_not_restarted_meanwhile(
    brokers: FaultyKafka,
) -> None:
    brokers.down()
    async with consuming(brokers, drain_timeout_s=0.5) as at:
        began = time.monotonic()
        await until(lambda: time.monotonic() - began > 1.0)
        assert await get(at, "/readyz") == (503, {"state": "starting"})
        assert await get(at, "/startupz") == (200, {"state": "starting"})
        assert (await get(at, "/livez"))[0] == 200
        brokers.up()
        await until(lambda: at.telemetry.snapshot()["capi.rebalances"][("assigned",)] == 2)
        assert await get(at, "/readyz") == (200, {"state": "running"})


@pytest.mark.parametrize("group_protocol", GroupProtocol)
async def test_a_member_without_a_partition_is_ready_too(brokers: FaultyKafka, group_protocol: Any) -> None:
    """More members than partitions: it stands by."""
    of_broker: dict[str, Any] = {"kafka_properties": {}} if group_protocol is GroupProtocol.CONSUMER else {}
    given = {"group_protocol": group_protocol, **of_broker}
    async with (
        consuming(brokers, **given) as one,
        consuming(brokers, **given) as two,
        consuming(brokers, **given) as three,
    ):
        members = (one, two, three)

        async def all_ready() -> bool:
            return [(await get(at, "/readyz"))[0] for at in members] == [200] * 3

        deadline = time.monotonic() + DEADLINE_S
        while not await all_ready():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


# The flood brake, and the filter alarm


async def test_a_flood_of_dead_letters_pauses_holds_its_place_and_goes_on_when_released(
    brokers: FaultyKafka,
) -> None:
    brokers.write(EVENTS, *[b"not json"] * 600)
    brokers.write(EVENTS, *(value(n) for n in range(50)), partition=1)
    brake = DlqBreaker()
    async with consuming(brokers, brake=brake, poll_records_max=30) as at:
        await until(lambda: brake.is_open and brake.waiting)
        assert await get(at, "/readyz") == (503, {"state": "paused"})
        assert await get(at, "/livez") == (200, {"state": "paused"})
        assert await get(at, "/startupz") == (200, {"state": "paused"})
        _, text = await get(at, "/metrics")
        assert 0 < gauge(text, "capi_dlq_breaker_waiting") <= brake.waiting  # the last ones may still come
        assert gauge(text, "capi_state", state="paused") == 1
        assert len(brokers.records(LETTERS)) <= 99
        assert committed(brokers) <= 99
        brake.resume()
        await until(lambda: committed(brokers) == 600 and committed(brokers, 1) == 50)
        assert await get(at, "/readyz") == (200, {"state": "running"})
    assert len(brokers.records(LETTERS)) == 600


async def test_a_stop_while_braked_waits_for_no_letter(brokers: FaultyKafka) -> None:
    brokers.write(EVENTS, *[b"not json"] * 600)
    brake = DlqBreaker()
    async with consuming(brokers, brake=brake, drain_timeout_s=600.0) as at:
        await until(lambda: brake.is_open and brake.waiting)
        began = time.monotonic()
        at.stop.set()
        await asyncio.wait_for(at.task, DEADLINE_S)
        assert time.monotonic() - began < 8
    letters = len(brokers.records(LETTERS))
    assert letters <= 99
    assert committed(brokers) in ((0, -1001) if letters == 0 else (letters,))


async def test_a_restart_with_mended_settings_decides_what_was_held_anew(brokers: FaultyKafka) -> None:
    """Here: events of 2,000 bytes, under a limit of 1,024 and then under that of the default."""
    long = {"integrations.facebook.custom_data.content_name": "x" * 2_000}
    brokers.write(EVENTS, *(value(n, **long) for n in range(300)))
    brake = DlqBreaker()
    async with consuming(brokers, brake=brake, event_bytes_max=1_024):
        await until(lambda: brake.is_open and brake.waiting)
    letters = len(brokers.records(LETTERS))
    assert letters <= 99
    async with consuming(brokers) as at:
        await until(lambda: committed(brokers) == 300)
        assert at.meta.stats.events_accepted == 300 - letters
    assert len(brokers.records(LETTERS)) == letters


async def test_a_flood_of_refused_events_is_held_too(brokers: FaultyKafka) -> None:
    asks = {"integrations.facebook.custom_data.sandbox_refuse": "100/2804007"}
    brokers.write(EVENTS, *(value(n, **asks) for n in range(300)))
    brake = DlqBreaker()
    async with consuming(brokers, brake=brake, linger_ms=300) as at:
        await until(lambda: brake.is_open and brake.waiting)
        assert await get(at, "/readyz") == (503, {"state": "paused"})
        assert len(brokers.records(LETTERS)) <= 99
        brake.resume()
        await until(lambda: committed(brokers) == 300)
    assert len(brokers.records(LETTERS)) == 300


async def test_without_the_brake_every_letter_is_written(brokers: FaultyKafka) -> None:
    brokers.write(EVENTS, *[b"not json"] * 600)
    with capture_logs() as lines:
        async with consuming(brokers, brake_setting=False):
            await until(lambda: committed(brokers) == 600)
    assert [line["log_level"] for line in lines if line.get("setting") == "CAPI_DLQ_BREAKER"] == ["warning"]
    assert len(brokers.records(LETTERS)) == 600


async def test_the_filter_alarm_is_a_gauge(brokers: FaultyKafka) -> None:
    async with consuming(brokers) as at:
        await until(lambda: at.telemetry.snapshot()["capi.rebalances"][("assigned",)] == 2)
        _, text = await get(at, "/metrics")
        assert gauge(text, "capi_filter_alarm", reason="tombstone") == 0
        brokers.write(EVENTS, *[None] * 501)
        await until(lambda: committed(brokers) == 501)
        _, text = await get(at, "/metrics")
        assert gauge(text, "capi_filter_alarm", reason="tombstone") == 1
        assert gauge(text, "capi_filter_alarm", reason="no_consent") == 0


# Worlds that end


async def test_a_member_that_was_replaced_ends_in_one_line(brokers: FaultyKafka) -> None:
    own = {"session.timeout.ms": 2000, "heartbeat.interval.ms": 200}
    with pytest.raises(CommandError) as ended:
        async with consuming(brokers, kafka_properties=own, group_instance_id="a") as at:
            await until(lambda: at.telemetry.snapshot()["capi.rebalances"][("assigned",)] == 2)
            brokers.push(Request.HEARTBEAT, KafkaError.FENCED_INSTANCE_ID)
            await asyncio.wait([at.task], timeout=DEADLINE_S)
    assert str(ended.value).startswith("Kafka ended our work (")
    assert "\n" not in str(ended.value)


async def test_a_health_port_that_is_taken_ends_before_the_group_is_joined(brokers: FaultyKafka) -> None:
    async with consuming(brokers) as first:
        await until(lambda: first.telemetry.snapshot()["capi.rebalances"][("assigned",)] == 2)
        with pytest.raises(CommandError, match="CAPI_HEALTH_ADDRESS"):
            async with consuming(brokers, health_address=f"127.0.0.1:{first.port}") as second:
                await asyncio.wait([second.task], timeout=DEADLINE_S)
        assert first.telemetry.snapshot()["capi.rebalances"][("revoked",)] == 0


@pytest.mark.parametrize(("room", "place"), [(OutcomeRecorder, "record_accepted"), (Dispatcher, "accept")])
async def test_a_bug_ends_the_process_and_commits_nothing(
    brokers: FaultyKafka, monkeypatch: pytest.MonkeyPatch, room: Any, place: str
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(room, place, broken)
    brokers.write(EVENTS, value(0))
    with pytest.raises(RuntimeError, match="a bug"):
        async with consuming(brokers) as at:
            await asyncio.wait([at.task], timeout=DEADLINE_S)
    assert committed(brokers) in (0, -1001)


async def test_a_bug_beside_the_records_ends_the_process_too(
    brokers: FaultyKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without who watches the token's file a new token would never be taken up, and nobody would know why."""

    async def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(app, "watch_token", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        async with consuming(brokers) as at:
            await asyncio.wait([at.task], timeout=DEADLINE_S)
            assert at.task.done()


async def test_leaving_that_hangs_is_watched(brokers: FaultyKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "CLOSE_S", 0.3)
    barked = threading.Event()
    close = KafkaSource.close

    def hang(source: Any) -> None:
        barked.wait(DEADLINE_S)
        close(source)

    monkeypatch.setattr(KafkaSource, "close", hang)
    stop = asyncio.Event()
    settings = Settings(
        pixel_id="1",
        access_token="t",
        bootstrap_servers=brokers.bootstrap_servers,
        health_address="127.0.0.1:0",
        drain_timeout_s=0.1,
    )
    task = asyncio.create_task(app.consume(settings, Telemetry(), stop, watchdog=barked.set))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, DEADLINE_S)
    assert barked.is_set()


# As a process


def test_leaving_that_hangs_with_the_lock_of_python_ends_too() -> None:
    """confluent-kafka keeps it while it answers the group."""
    program = """
import ctypes
from consumer.runtime import app
from consumer.config.settings import Settings

app.CLOSE_S = app.LOCKED_S = 0.2
with app._watched(Settings(drain_timeout_s=0.1), app._end_process):
    print("hangs", flush=True)
    ctypes.PyDLL(None).pause()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert (ended.returncode, ended.stdout) == (1, "hangs\n")
    assert 'File "<string>", line 9 in <module>' in ended.stderr


@pytest.fixture
def process(brokers: FaultyKafka, tmp_path: Path) -> Iterator[Any]:
    started: list[Any] = []

    def begin(*options: Any, **settings: Any) -> Any:
        given = {
            "CAPI_BOOTSTRAP_SERVERS": brokers.bootstrap_servers,
            "CAPI_PIXEL_ID": "1234567890",
            "CAPI_ACCESS_TOKEN": CANARY,
            "CAPI_HEALTH_ADDRESS": "127.0.0.1:0",
            "CAPI_LOG_FORMAT": "json",
            **settings,
        }
        bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        log = tmp_path / f"log-{len(started)}"
        with log.open("wb") as stderr:
            child = subprocess.Popen(
                [sys.executable, "-c", "from consumer.cli.main import main; main()", "run", *options],
                env={**bare, **given},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        started.append(child)
        return child, log

    yield begin
    for child in started:
        if child.poll() is None:
            child.kill()
        child.wait()


def said(log: Any) -> list[Any]:
    return [orjson.loads(line)["event"] for line in log.read_bytes().splitlines() if line.startswith(b"{")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(process: Any, number: Any) -> None:
    child, log = process(CAPI_GRAPH_URL="http://127.0.0.1:1")
    eventually(lambda: "consuming" in said(log), DEADLINE_S)
    child.send_signal(number)
    assert child.wait(DEADLINE_S) == 0
    assert said(log)[-1] == "left the group"
    assert CANARY not in log.read_text()


def page_of(log: Any) -> Any:
    """Where a process says that its live page is."""
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]
    return next((line["page"] for line in lines if line["event"] == "consuming"), None)


def test_two_consumers_on_one_machine_each_have_a_page(process: Any) -> None:
    """Nobody chose the port: whoever comes second takes a free one."""
    pages = []
    for _ in range(2):
        child, log = process(CAPI_GRAPH_URL="http://127.0.0.1:1")
        pages.append(eventually(partial(page_of, log), DEADLINE_S))
        assert child.poll() is None
    assert len(set(pages)) == 2
    for page in pages:
        with urllib.request.urlopen(page, timeout=DEADLINE_S) as answer:
            assert b"From Kafka to Meta" in answer.read()


def test_a_page_port_that_was_chosen_and_is_taken_ends_it_in_one_line(process: Any) -> None:
    (port,) = free_ports(1)
    first, log = process(CAPI_GRAPH_URL="http://127.0.0.1:1", CAPI_STATUS_PAGE_ADDRESS=f"127.0.0.1:{port}")
    assert eventually(lambda: page_of(log), DEADLINE_S) == f"http://127.0.0.1:{port}/"
    second, log = process(CAPI_GRAPH_URL="http://127.0.0.1:1", CAPI_STATUS_PAGE_ADDRESS=f"127.0.0.1:{port}")
    assert second.wait(DEADLINE_S) == 1
    assert f"CAPI_STATUS_PAGE_ADDRESS: cannot listen on 127.0.0.1:{port}" in log.read_text()
    assert first.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once_with_1(process: Any, brokers: FaultyKafka, number: Any) -> None:
    brokers.write(EVENTS, value(0))
    child, log = process(CAPI_GRAPH_URL="http://127.0.0.1:1", CAPI_DRAIN_TIMEOUT_S="600", CAPI_LINGER_MS="0")
    eventually(lambda: "request not accepted" in said(log), DEADLINE_S)
    child.send_signal(number)
    eventually(lambda: any(line.startswith("stopping") for line in said(log)), DEADLINE_S)
    child.send_signal(number)
    assert child.wait(DEADLINE_S) == 1
    assert CANARY not in log.read_text()
    assert "e-0" not in log.read_text()


def test_sigusr1_releases_the_brake(process: Any, brokers: FaultyKafka) -> None:
    brokers.write(EVENTS, *[b"not json"] * 600)
    child, log = process(CAPI_GRAPH_URL="http://127.0.0.1:1", CAPI_COMMIT_INTERVAL_MS="50")
    eventually(lambda: any("flood brake is on" in line for line in said(log)), DEADLINE_S)
    assert len(brokers.records(LETTERS)) <= 99
    child.send_signal(signal.SIGUSR1)
    eventually(lambda: committed(brokers) == 600, DEADLINE_S)
    assert "the brake was released" in said(log)
    assert len(brokers.records(LETTERS)) == 600
    child.terminate()
    assert child.wait(DEADLINE_S) == 0


def test_sigusr1_before_there_is_a_brake_ends_nothing(process: Any) -> None:
    """While Kafka is still looked at. Afterwards the process ends in its own words."""
    child, log = process(CAPI_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_ports(1)[0]}")
    eventually(lambda: ignores(child.pid, signal.SIGUSR1), DEADLINE_S)
    child.send_signal(signal.SIGUSR1)
    assert child.wait(60) == 1
    assert log.read_text().startswith("capi-consumer: brokers: ")


def test_a_stop_before_there_is_anything_to_drain_is_heard_and_ends_with_0(process: Any) -> None:
    """The first process of a container has no default action: a signal that it does not catch is lost."""
    child, log = process(CAPI_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_ports(1)[0]}")
    eventually(lambda: catches(child.pid, signal.SIGTERM), DEADLINE_S)
    child.terminate()
    assert child.wait(60) == 0
    assert log.read_text() == ""


def ignores(pid: Any, number: Any) -> Any:
    """Whether a process of this machine ignores a signal, as the kernel says it."""
    return has(pid, "SigIgn", number)


def catches(pid: Any, number: Any) -> Any:
    """Whether it does something of its own."""
    return has(pid, "SigCgt", number)


def has(pid: Any, name: Any, number: Any) -> bool:
    """Whether a signal is in that mask of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_one_that_starts_with_the_brake_released_writes_every_letter(
    process: Any, brokers: FaultyKafka
) -> None:
    brokers.write(EVENTS, *[b"not json"] * 600)
    child, log = process("--resume", CAPI_GRAPH_URL="http://127.0.0.1:1", CAPI_COMMIT_INTERVAL_MS="50")
    eventually(lambda: committed(brokers) == 600, DEADLINE_S)
    assert not any("flood brake" in line for line in said(log))
    child.terminate()
    assert child.wait(DEADLINE_S) == 0


def test_brokers_that_are_not_there_are_one_line_and_1(process: Any) -> None:
    (port,) = free_ports(1)
    child, log = process(CAPI_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")
    assert child.wait(60) == 1
    assert log.read_text().startswith("capi-consumer: brokers: no answer from the brokers 127.0.0.1:")
    assert log.read_text().count("\n") == 1


def test_a_topic_that_is_not_there_is_one_line_and_is_not_made(process: Any, brokers: FaultyKafka) -> None:
    child, log = process(CAPI_TOPICS="nowhere")
    assert child.wait(60) == 1
    assert log.read_text().startswith("capi-consumer: topic nowhere: does not exist")


def test_a_proxy_s_password_and_the_token_are_in_no_line(process: Any, brokers: FaultyKafka) -> None:
    brokers.write(EVENTS, value(0))
    child, log = process(
        CAPI_PROXY=f"http://user:{CANARY}@127.0.0.1:1",
        CAPI_GRAPH_URL="https://graph.example.com",
        CAPI_LINGER_MS="0",
        CAPI_LOG_LEVEL="debug",
        CAPI_DRAIN_TIMEOUT_S="1",
    )
    eventually(lambda: "request not accepted" in said(log), DEADLINE_S)
    child.terminate()
    child.wait(60)
    assert CANARY not in log.read_text()


async def test_a_stop_while_meta_throttles_waits_for_what_meta_is_answering(brokers: FaultyKafka) -> None:
    """It was cut off, and what Meta had taken was sent again."""
    brokers.write(EVENTS, *[value(n) for n in range(40)])
    late = {"kind": "late", "latency_ms": 700, "times": 3}
    throttled = {"kind": "error", "status": 429, "code": 4, "retry_after": 30}
    async with consuming(
        brokers, {"behave": {"faults": [late, throttled]}}, batch_events_max=10, drain_timeout_s=10.0
    ) as at:
        await until(lambda: at.meta.stats.requests == 4)
        at.stop.set()
        await asyncio.wait([at.task], timeout=20)
        assert len(at.meta.accepted) == 30
    assert committed(brokers) == 30
    async with consuming(brokers) as again:
        await until(lambda: committed(brokers) == 40)
        assert len(again.meta.accepted) == 10
