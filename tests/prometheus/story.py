"""
What happens in the run that is watched: enough for each panel of the dashboard to have something to show.

    one consumer · another one · Meta counts too few · it throttles · it fails · it refuses the token ·
    few visitors consent · all is well

A steady load goes on meanwhile, with a few of each kind of bad event. Each part
lasts until Prometheus has seen it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from faults.world import Stage, World
from prometheus.server import Prometheus
from support.events import COMMON, Bad, Event, Json
from support.ports import free_ports
from support.scenario import TOKEN

JOB = "capi-consumer"
EVENTS_PER_S = 200.0
FOR_EVER = None
RATE = "5s"  # $__rate_interval, at a scrape each second

Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Told:
    """A story that was told: who watched it, and from when to when, in unix seconds."""

    prometheus: Prometheus
    from_s: float
    to_s: float

    def query(self, expr: str) -> str:
        """A panel's query, as Grafana would send it."""
        span = f"{round(self.to_s - self.from_s)}s"
        return expr.replace("$job", ".+").replace("$__rate_interval", RATE).replace("$__range", span)


@contextmanager
def told(world: World, pause: Pause = lambda _: None, pause_s: float = 0.0) -> Iterator[Told]:
    """Consumers, and a Prometheus that has seen the story. `pause` draws its parts out, for the eye."""
    with world.stage(latency_ms=20) as stage:
        first, second = (f"127.0.0.1:{port}" for port in free_ports(2))
        _consumer(stage, first)
        with Prometheus.started(world.new_folder("prometheus"), {JOB: [first, second]}) as prometheus:
            prometheus.sees("count(up == 1) == 1")
            from_s = _now(prometheus)
            _tell(stage, prometheus, second, lambda: pause(pause_s))
            yield Told(prometheus, from_s, _now(prometheus))


def _consumer(stage: Stage, address: str) -> None:
    stage.scene.consumer(CAPI_BATCH_EVENTS_MAX="50", CAPI_HEALTH_ADDRESS=address)


def _tell(stage: Stage, prometheus: Prometheus, address: str, pause: Callable[[], None]) -> None:
    scene = stage.scene
    with stage.load(EVENTS_PER_S, dict.fromkeys(COMMON, 1)):
        prometheus.sees(f"sum(rate(capi_events_accepted_total[{RATE}])) > 0")
        pause()
        _consumer(stage, address)
        prometheus.sees("count(up == 1) == 2")
        scene.produce(careless(stage.new_events(20)) + guests(stage.new_events(300)))
        pause()
        scene.behave(faults=[{"kind": "partial", "events_received": 1, "times": 20}])
        prometheus.sees("sum(capi_events_unconfirmed_total) > 0")
        scene.behave(faults=[{"kind": "error", "status": 400, "code": 4, "retry_after": 3, "times": 3}])
        prometheus.sees('capi_state{state="throttled"} == 1')
        prometheus.sees('max(capi_state{state="throttled"}) == 0')
        pause()
        scene.behave(faults=[{"kind": "html", "status": 500, "times": FOR_EVER}])
        prometheus.sees(f'rate(capi_requests_total{{outcome="transient"}}[{RATE}]) > 0')
        pause()
        scene.behave(faults=[])
        pause()
        scene.behave(access_token="another one")
        prometheus.sees('capi_state{state="misconfigured"} == 1')
        scene.behave(access_token=TOKEN)
        prometheus.sees('max(capi_state{state="misconfigured"}) == 0')
        pause()
        stage.produce(2_000, {Bad.NO_CONSENT: 2_000})
        prometheus.sees("capi_filter_alarm == 1")
        scene.produce(careless(stage.new_events(20)) + guests(stage.new_events(300)))
        pause()
    stage.await_done()
    prometheus.sees("sum(capi_lag) == 0")
    prometheus.sees("sum(capi_requests_in_flight) == 0")


def careless(events: list[Event]) -> list[Event]:
    """The same with values that are lost on the way."""
    lost = {"birthdate": "in spring", "country": "Atlantis"}
    return [_changed(event, lambda fields: fields["user"].update(lost)) for event in events]


def guests(events: list[Event]) -> list[Event]:
    """The same of visitors who say little of themselves."""
    unsaid = ("phone", "firstname", "lastname", "zipcode")
    return [_changed(event, lambda fields: [fields["user"].pop(key) for key in unsaid]) for event in events]


def _changed(event: Event, change: Callable[[Json], object]) -> Event:
    fields = json.loads(event.value or b"")
    change(fields)
    return replace(event, value=json.dumps(fields).encode())


def _now(prometheus: Prometheus) -> float:
    """The time of the last scrape."""
    return max(float(one["value"][1]) for one in prometheus.query('timestamp(up{job="capi-consumer"})'))
