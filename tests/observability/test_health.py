"""Started, ready, alive: what an orchestrator asks, and what it must not be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import _AsyncGeneratorContextManager
from typing import Any

import aiohttp
import pytest
from support.ports import free_ports

from consumer.domain.state import State
from consumer.errors import CommandError
from consumer.kafka.assignment import BROKER_TIMEOUT_S, STARTS_S_MAX
from consumer.kafka.committer import COMMIT_S_MAX
from consumer.observability import metrics
from consumer.observability.health import LIVE_S, Liveness, serve_health
from consumer.observability.telemetry import Telemetry


class World:
    """What health is read from, to be changed."""

    def __init__(self) -> None:
        self.state = State.RUNNING
        self.has_started = True
        self.turned_s_ago = 0.0
        self.telemetry = Telemetry()

    def served(self, address: str = "127.0.0.1:0") -> _AsyncGeneratorContextManager[int, None]:
        vital = Liveness(lambda: self.state, lambda: self.has_started, lambda: self.turned_s_ago)
        return serve_health(address, vital, self.telemetry)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.telemetry.close()


async def get(port: Any, path: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


ANSWERS = [
    # state, ready
    (State.STARTING, 503),
    (State.RUNNING, 200),
    (State.THROTTLED, 200),
    (State.MISCONFIGURED, 503),
    (State.PAUSED, 503),
    (State.DRAINING, 503),
]


def test_every_state_has_its_answers() -> None:
    assert {state for state, _ in ANSWERS} == set(State)


@pytest.mark.parametrize(("state", "ready"), ANSWERS)
async def test_ready_follows_the_state_and_started_and_alive_do_not(
    world: World, state: Any, ready: Any
) -> None:
    """A group may keep one waiting in `starting` for minutes: no reason to be restarted either."""
    async with world.served() as port:
        world.state = state
        assert (await get(port, "/readyz"))[0] == ready
        for path in ("/startupz", "/livez"):
            assert await get(port, path) == (200, f'{{"state": "{state}"}}')


async def test_before_the_topics_are_subscribed_nothing_has_started(world: World) -> None:
    async with world.served() as port:
        world.state, world.has_started = State.STARTING, False
        assert (await get(port, "/startupz"))[0] == 503
        world.has_started = True
        assert (await get(port, "/startupz"))[0] == 200


@pytest.mark.parametrize(("ago_s", "status"), [(0.0, 200), (LIVE_S - 1, 200), (LIVE_S, 503), (1e9, 503)])
async def test_a_worker_that_does_not_turn_is_not_alive(world: World, ago_s: Any, status: int) -> None:
    async with world.served() as port:
        world.turned_s_ago = ago_s
        assert (await get(port, "/livez"))[0] == status


def test_no_poll_is_longer_than_a_worker_may_be_without_a_turn() -> None:
    """One that takes partitions back and brings others, with brokers that are slow to answer."""
    starts_s = STARTS_S_MAX + 2 * BROKER_TIMEOUT_S  # the last time, both are asked for: offset and edge
    assert 1.5 * (COMMIT_S_MAX + starts_s) < LIVE_S


async def test_the_metrics_are_prometheus_text(world: World) -> None:
    async with world.served() as port:
        world.telemetry.add(metrics.UNCONFIRMED, 7)
        status, text = await get(port, "/metrics")
        assert status == 200
        assert any(
            line.startswith("capi_events_unconfirmed_total") and line.endswith(" 7.0")
            for line in text.splitlines()
        )


async def test_anything_else_is_not_there(world: World) -> None:
    async with world.served() as port:
        assert (await get(port, "/"))[0] == 404


async def test_a_port_that_is_taken_is_one_line(world: World) -> None:
    async with world.served() as port:
        with pytest.raises(CommandError) as refused:
            async with world.served(f"127.0.0.1:{port}"):
                pass
        said = str(refused.value)
        assert said == (
            f"CAPI_HEALTH_ADDRESS: cannot listen on 127.0.0.1:{port} (address already in use); "
            "is another consumer running? Port 0 takes a free one"
        )
        assert "\n" not in said


ELSEWHERE = [
    ("no-such-host.invalid:0", "no such host"),
    ("203.0.113.1:0", "cannot assign requested address"),
]


@pytest.mark.parametrize(("address", "why"), ELSEWHERE)
async def test_an_address_that_is_not_ours_is_one_line(world: World, address: Any, why: Any) -> None:
    with pytest.raises(CommandError, match=rf"CAPI_HEALTH_ADDRESS: cannot listen on {address} \({why}\)"):
        async with world.served(address):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
async def test_a_named_port_is_the_port(world: World, host: str) -> None:
    (wanted,) = free_ports(1)
    async with world.served(f"{host}:{wanted}") as port:
        assert port == wanted
        assert (await get(port, "/livez"))[0] == 200


async def test_after_the_end_nobody_answers(world: World) -> None:
    async with world.served() as port:
        pass
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(port, "/livez")
