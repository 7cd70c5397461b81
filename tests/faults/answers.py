"""
F12 to F16, F20 to F22, F28: Meta slow, gone, throttling, refusing; and how many requests there are.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from faults.measures import Bars, Measures, Size, summed
from faults.single_events import page_view
from faults.watching import connections, most_that_last
from faults.world import PARTITIONS, Stage, World, pause
from support import topics
from support.events import Bad, End, Event
from support.load import intended
from support.processes import Running
from support.scenario import TOKEN
from support.waiting import eventually

FOR_EVER = None


# The consumer's own rate, and no processor's: so many requests at once, of so many events.
OWN_RATE = {
    "CAPI_BATCH_EVENTS_MAX": "20",
    "CAPI_REQUESTS_IN_FLIGHT_MAX": "4",
    "CAPI_EVENTS_IN_FLIGHT_MAX": "5000",
}


def slow_and_quick_again(world: World, size: Size) -> Measures:
    """
    F12: 50 ms, 5 s, 50 ms, with more to do than it can all the time.

    So each of the three rates is the consumer's own. What is in flight is
    limited and full before it gets slow, so memory does not grow then.
    """
    quick_s, slow_s = size(2.0, 15.0), size(4.0, 60.0)
    with world.stage(latency_ms=50) as stage:
        stage.produce(size(12_000, 60_000))
        consumer = stage.scene.consumer(**OWN_RATE)
        stage.await_accepted(size(1_000, 5_000))
        before, memory_before = _accepted_in(stage, quick_s), stage.peaks.most_mb
        stage.scene.behave(latency_ms=size(1_500, 5_000))
        pause(1)  # what was on the wire is answered
        during = _accepted_in(stage, slow_s)
        memory_after = stage.peaks.most_mb
        stage.scene.behave(latency_ms=50)
        back_s = _seconds_until_rate(stage, 0.8 * before)
        after = _accepted_in(stage, quick_s)
        left = len(stage.scene.produced) - stage.scene.accepted_lines()
        recover_s = stage.await_done()
        report = stage.must_hold()
        grown_mb = memory_after - memory_before
        bar = f"full when it gets slow, memory grows by < {size(40, 5)} MB in {slow_s:.0f} s"
        stage.must(bar, f"{grown_mb:.0f}", grown_mb < size(40, 5))
        stage.must("events left to do after the three > 0", left, left > 0)
        rates = f"{before:,.0f}, {during:,.0f}, {after:,.0f}"
        # Two seconds beside other tests tell less than fifteen alone.
        share = size(0.6, 0.8)
        bar = f"events/s quick, slow, quick again: the last ≥ {100 * share:.0f} % of the first"
        stage.must(bar, rates, after >= share * before > during)
        stage.must("which it reaches within 15 s", back_s, back_s <= 15)
        stage.must_run("it never restarts", consumer)
        return stage.measures(report, recover_s)


def _seconds_until_rate(stage: Stage, events_per_s: float) -> float:
    began = time.monotonic()
    eventually(lambda: _accepted_in(stage, 0.5) >= events_per_s, 60, "the rate is back")
    return round(time.monotonic() - began, 1)


def _accepted_in(stage: Stage, seconds: float) -> float:
    """Events a second that are accepted during the next seconds."""
    first, began = stage.scene.accepted_lines(), time.monotonic()
    pause(seconds)
    return (stage.scene.accepted_lines() - first) / (time.monotonic() - began)


BROKEN_OFF: list[dict[str, Any]] = [
    {"kind": "drop"},
    {"kind": "drop", "processed": True},
    {"kind": "cut"},
    {"kind": "late", "latency_ms": 3_000},
    {"kind": "not_json", "processed": True},
    {"kind": "partial", "events_received": None},
]


def broken_connections(world: World, size: Size) -> Measures:
    """F13: most of these requests took effect, and the sender cannot know."""
    times = size(2, 40)
    faults = [{**fault, "times": 1} for _ in range(times) for fault in BROKEN_OFF]
    with world.stage(faults=faults) as stage:
        stage.produce(size(2_000, 40_000))
        stage.scene.consumer(
            CAPI_REQUEST_TIMEOUT_S="1",
            CAPI_BATCH_EVENTS_MAX="100",
            CAPI_BACKOFF_MAX_S="1",
            CAPI_LINGER_MS="20",
        )
        recover_s = stage.await_done()
        stage.await_quiet()
        report = stage.must_hold()
        stats = stage.scene.sandbox_stats()
        broken = {name: count for name, count in stats["outcomes"].items() if name.startswith("fault:")}
        stage.must(f"{len(faults)} requests are broken off", broken, sum(broken.values()) == len(faults))
        stage.must("dead letters 0", report.dead_lettered, report.dead_lettered == 0)
        others = stats["repeats_other_event_time"]
        bar = f"all {stats['repeats']} repeats have the same event_id and event_time; others"
        stage.must(bar, others, stats["repeats"] > 0 and others == 0)
        return stage.measures(report, recover_s)


THROTTLED: dict[str, dict[str, Any]] = {
    "429": {"kind": "html", "status": 429},
    "code 4 under 400": {"kind": "error", "status": 400, "code": 4},
    "code 80004 under 400": {"kind": "error", "status": 400, "code": 80004, "subcode": 2446079},
    "usage header of an accepted one": {
        "kind": "partial",
        "headers": {"X-Business-Use-Case-Usage": json.dumps({"1": [{"call_count": 100, "total_time": 30}]})},
    },
}


# Without a word of how long, it waits one to five minutes by itself.
OWN_WAIT_S = (60, 300)
UNTOLD = ("code 4 under 400", "code 80004 under 400")
SLOTS = 2
STOP_S_MAX = 30.0


def throttled(world: World, size: Size) -> Measures:
    """F14: each way of saying it, several times, with how long to wait; and two of them without."""
    bars, rows = Bars(), []
    with world.stage() as stage:
        rows.append(_throttled_and_told(stage, wait_s=size(1, 2), times=size(2, 8)))
        bars.take("with Retry-After", stage.bars)
    with ExitStack() as opened:
        untold = {name: opened.enter_context(world.stage()) for name in size(UNTOLD[1:], UNTOLD)}
        rows += _throttled_and_not_told(untold, size)
        for name, stage in untold.items():
            bars.take(f"{name}, without", stage.bars)
    return summed(rows, bars)


def _throttled_and_told(stage: Stage, wait_s: int, times: int) -> Measures:
    own = {"CAPI_REQUESTS_IN_FLIGHT_MAX": str(SLOTS), "CAPI_LINGER_MS": "20"}
    consumer = stage.scene.consumer(CAPI_BATCH_EVENTS_MAX="20", **own)
    stage.produce(40)
    stage.await_done()
    rates = {}
    for name, fault in THROTTLED.items():
        before = consumer.metric("capi_requests_total", outcome="throttled")
        all_received = {"events_received": 20} if fault["kind"] == "partial" else {}
        stage.scene.reset_sandbox()
        stage.scene.behave(faults=[{**fault, **all_received, "times": times, "retry_after": wait_s}])
        began = time.monotonic()
        stage.produce(20 * times * 4)
        stage.await_done()
        by_second = stage.scene.sandbox_stats()["requests_by_second"]
        rates[name] = max(_in_any(wait_s, by_second, throttled_s=wait_s * times // 2))
        took_s = time.monotonic() - began
        bar = f"{name}: {times} answers with Retry-After {wait_s} hold it up for ≥ {wait_s * times // 2} s"
        stage.must(bar, f"{took_s:.1f}", took_s >= wait_s * times // 2)
        heard = consumer.metric("capi_requests_total", outcome="throttled") - before
        expected = 0 if fault["kind"] == "partial" else times  # the header is of an accepted one
        stage.must(f"{name}: verdicts `throttled` {expected}", int(heard), heard == expected)
    most = max(rates.values())
    stage.must(f"requests in any {wait_s} s of throttling ≤ 4 (two slots, twice)", rates, most <= 4)
    return _none_buried(stage)


def _throttled_and_not_told(stages: Mapping[str, Stage], size: Size) -> list[Measures]:
    """
    All of them wait at the same time.

    In the short form for a moment only; then another consumer, which was not told, does the work.
    """
    consumers = {name: _told_once(stage, THROTTLED[name]) for name, stage in stages.items()}
    before = {name: stage.scene.sandbox_stats()["requests"] for name, stage in stages.items()}
    began = time.monotonic()
    asleep_s = size(3, OWN_WAIT_S[0] - 2)
    pause(asleep_s)
    for name, stage in stages.items():
        requests = stage.scene.sandbox_stats()["requests"]
        told = f"requests until it is told ≤ {SLOTS}"
        stage.must(told, before[name], 0 < before[name] <= SLOTS)
        more = requests - before[name]
        stage.must(f"in the {asleep_s} s after that 0", more, more == 0)
        is_well = consumers[name].status("/readyz") == consumers[name].status("/livez") == 200
        stage.must("ready and alive meanwhile", is_well, is_well)
        if size.is_short:
            code = consumers[name].stop(STOP_S_MAX)
            stage.must("exit code 0", code, code == 0)
            stage.scene.consumer()
    rows = []
    for stage in stages.values():
        stage.await_done(OWN_WAIT_S[1] + 30)
        rows.append(_none_buried(stage, round(time.monotonic() - began, 1)))
    return rows


def _told_once(stage: Stage, fault: Mapping[str, object]) -> Running:
    """A consumer that Meta throttles without a word of how long."""
    stage.produce(200)
    stage.scene.behave(faults=[fault])
    own = {"CAPI_REQUESTS_IN_FLIGHT_MAX": str(SLOTS), "CAPI_LINGER_MS": "20"}
    consumer = stage.scene.consumer(CAPI_BATCH_EVENTS_MAX="20", **own)
    eventually(lambda: consumer.metric("capi_state", state="throttled") == 1, 30, "it is told")
    stage.await_quiet()
    return consumer


def _none_buried(stage: Stage, recover_s: float | None = None) -> Measures:
    """The promise is kept, and without a dead letter."""
    report = stage.must_hold()
    stage.must("dead letters 0", report.dead_lettered, report.dead_lettered == 0)
    return stage.measures(report, recover_s)


def _in_any(span_s: int, by_second: dict[str, int], throttled_s: int) -> list[int]:
    """Requests in each span of the first seconds, which are throttled ones."""
    seconds = {int(second): count for second, count in by_second.items()}
    first = min(seconds)
    starts = range(first, first + max(1, throttled_s - span_s))
    return [sum(seconds.get(start + one, 0) for one in range(span_s)) for start in starts]


def outage(world: World, size: Size) -> Measures:
    """
    F15: a minute; one that is long beside the time after which a batch counts as stuck; as long a brown-out.

    In an outage a batch keeps its slot while it backs off, so the slots bound the requests. The bars allow
    twice that.
    """
    bars = Bars()
    slots, seconds, backoff_max_s = 8, size(6, 60), size(2, 10)
    with world.stage() as stage:
        requests, recover_s = _out(stage, seconds, CAPI_BACKOFF_MAX_S=str(backoff_max_s))
        # Full jitter: a slot waits half of the longest backoff on average; the first waits are short.
        most = round(slots * (math.log2(backoff_max_s / 0.5) + 3 + 2 * seconds / backoff_max_s))
        stage.must(f"requests during {seconds} s of HTTP 500 ≤ {most}", requests, 0 < requests <= most)
        minute = _after_an_outage(stage, recover_s)
        bars.take("a minute", stage.bars)
    with world.stage() as stage:
        seconds = size(6, 30)
        requests, recover_s = _out(stage, seconds, CAPI_BACKOFF_MAX_S="1", CAPI_POISON_AFTER_S="2")
        # Here the first wait may be the longest already: half a second on average.
        most = round(2 * slots * (2 * seconds + 3))
        stage.must(f"requests during {seconds} s of HTTP 500 ≤ {most}", requests, 0 < requests <= most)
        long = _after_an_outage(stage, recover_s)
        bars.take("past the stuck time", stage.bars)
    with world.stage() as stage:
        # Batches of few events, at their end soon: else only the first ones would be stuck.
        own = {"CAPI_BACKOFF_MAX_S": "1", "CAPI_POISON_AFTER_S": "2", "CAPI_LINGER_MS": "50"}
        requests, recover_s = _out(stage, seconds, BROWN_OUT, events_per_s=20, **own)
        accepted = requests - _outcome(stage, "fault:html")
        stage.must(f"one of twenty accepted, of {requests}", accepted, 0 < accepted < requests / 10)
        most = round(2 * slots * (2 * seconds + 3))
        stage.must(f"requests during {seconds} s of it ≤ {most}", requests, 0 < requests <= most)
        brown_out = _after_an_outage(stage, recover_s)
        bars.take("a brown-out", stage.bars)
    return summed([minute, long, brown_out], bars)


ONLY_500 = [{"kind": "html", "status": 500, "times": FOR_EVER}]
BROWN_OUT = [{"kind": "html", "status": 500, "times": 19}, {"kind": "late", "latency_ms": 0}] * 200


def _out(
    stage: Stage,
    seconds: float,
    faults: Sequence[Mapping[str, object]] = ONLY_500,
    events_per_s: float = 500,
    **own: str,
) -> tuple[int, float]:
    """HTTP 500 for some time, under load: how many requests, and how long until all is done."""
    consumer = stage.scene.consumer(CAPI_BATCH_EVENTS_MAX="100", **own)
    with stage.load(events_per_s):
        stage.await_accepted(round(events_per_s))
        stage.scene.behave(faults=list(faults))
        before = stage.scene.sandbox_stats()["requests"]
        pause(seconds)
        requests = stage.scene.sandbox_stats()["requests"] - before
        is_well = consumer.status("/readyz") == consumer.status("/livez") == 200
        stage.scene.behave(faults=[])
    stage.must("ready and alive meanwhile", is_well, is_well)
    return requests, stage.await_done()


def _after_an_outage(stage: Stage, recover_s: float) -> Measures:
    report = stage.must_hold()
    stage.must("dead letters 0", report.dead_lettered, report.dead_lettered == 0)
    return stage.measures(report, recover_s)


BATCH = 1_000


def bad_events_in_a_batch(world: World, size: Size) -> Measures:
    """F16: the size is the same in both forms; it is one batch each."""
    with world.stage(partitions=1) as stage:
        stage.scene.consumer(CAPI_LINGER_MS="20000", CAPI_BATCH_EVENTS_MAX=str(BATCH))
        expected = 0
        for bad in size((0, 2, 5), (0, 1, 2, 5, 50)):
            stage.scene.reset_sandbox()
            stage.produce(BATCH, bad={Bad.REFUSED: bad})
            stage.await_done()
            stats = stage.scene.sandbox_stats()
            expected += bad
            most = 1 + 2 * bad * math.ceil(math.log2(BATCH))
            is_so = stats["requests"] <= most and stats["events_accepted"] == BATCH - bad
            stage.must(f"{bad} bad: requests ≤ {most}, the others once", stats["requests"], is_so)
        report = stage.must_hold()
        stage.must(f"exactly {expected} dead letters", report.dead_lettered, report.dead_lettered == expected)
        stage.must("twice 0", report.twice, report.twice == 0)
        return stage.measures(report)


def stuck_event(world: World, size: Size) -> Measures:
    """F20: whichever request holds the event is answered with 500, alone or among others."""
    with world.stage() as stage:
        seconds = size(2, 15)
        own = {"CAPI_POISON_AFTER_S": str(seconds), "CAPI_BACKOFF_MAX_S": "1", "CAPI_BATCH_EVENTS_MAX": "100"}
        stage.scene.consumer(**own, CAPI_LINGER_MS="50")
        stage.produce(200, bad={Bad.STUCK: 1})
        others_went_on = 0
        with stage.load(events_per_s=200):
            stuck = next(one for one in stage.scene.produced if one.event.reason == "poison_event")
            eventually(
                lambda: stage.letters() or _committed_of_others(stage, stuck.place.partition) > 200, 60
            )
            others_went_on = 0 if stage.letters() else _committed_of_others(stage, stuck.place.partition)
            eventually(lambda: stage.letters() == 1, 90, "the stuck event becomes a dead letter")
        recover_s = stage.await_done()
        report = stage.must_hold()
        stage.must("other partitions commit meanwhile, > 200", others_went_on, others_went_on > 200)
        # The oracle has compared the reason.
        stage.must(
            "it ends as `poison_event`; dead letters 1", report.dead_lettered, report.dead_lettered == 1
        )
        return stage.measures(report, recover_s)


def _committed_of_others(stage: Stage, partition: int) -> int:
    committed = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
    return sum(offset for (_, number), offset in committed.items() if number != partition)


def token_revoked_and_renewed(world: World, size: Size) -> Measures:
    """F21."""
    new_token = "the-token-after-the-next-rotation"
    with world.stage() as stage:
        token_file = stage.scene.processes.folder / "token"
        token_file.write_text(TOKEN)
        consumer = stage.scene.consumer(CAPI_ACCESS_TOKEN="", CAPI_ACCESS_TOKEN_FILE=str(token_file))
        with stage.load(events_per_s=size(300, 1_000)):
            stage.await_accepted(300)
            stage.scene.behave(access_token=new_token)
            eventually(lambda: consumer.status("/readyz") == 503, 30, "it says that Meta refuses the token")
            refused = "refused:190"
            eventually(lambda: _outcome(stage, refused) >= size(2, 4), 60, "it asks again, seldom")
            is_alive = consumer.status("/livez") == 200
            requests = _outcome(stage, refused)
            token_file.write_text(new_token)
            began = time.monotonic()
            eventually(lambda: consumer.status("/readyz") == 200, 60, "the new token is taken up")
            taken_up_s = time.monotonic() - began
        stage.await_done()
        report = stage.must_hold()
        stage.must_run("alive and not restarted", consumer, is_alive=is_alive)
        stage.must("the new token is taken up within 5 s", f"{taken_up_s:.1f}", taken_up_s <= 5)
        stage.must("requests that were refused ≤ 20", requests, requests <= 20)
        stage.must("dead letters 0", report.dead_lettered, report.dead_lettered == 0)
        return stage.measures(report, round(taken_up_s, 1))


def _outcome(stage: Stage, word: str) -> int:
    outcomes = stage.scene.sandbox_stats()["outcomes"]
    return sum(count for name, count in outcomes.items() if name.startswith(word))


DAY_S = 86_400
# The consumer lets an event go ten minutes before Meta's seven days are over.
KEPT_S = 7 * DAY_S - 600


def stale_and_future_events(world: World, size: Size) -> Measures:
    """F22: and some that become too old while Meta does not answer."""
    waiting_s = size(5, 20)
    with world.stage() as stage:
        stage.scene.consumer(CAPI_BACKOFF_MAX_S="1")
        stage.produce(size(500, 5_000), bad={Bad.TOO_OLD: 50})
        ahead_s = 30 * 60  # a broker takes records that are an hour ahead
        stage.scene.produce([_event_of(f"ahead {number}", ahead_s) for number in range(50)])
        ahead = (End.DEAD_LETTER, "event_time_in_future")
        stage.scene.produce(
            [_event_of(f"far ahead {number}", ahead_s, ahead_s, *ahead) for number in range(50)]
        )
        stage.await_done()
        refused = _outcome(stage, "rejected")
        stage.scene.behave(faults=[{"kind": "html", "status": 503, "times": FOR_EVER}])
        too_old = (End.FILTERED, "event_too_old")
        ageing = [_event_of(f"ageing {number}", waiting_s - KEPT_S, None, *too_old) for number in range(50)]
        stage.produce(500)
        stage.scene.produce(ageing)
        stage.produce(500)
        pause(waiting_s + 2)
        stage.scene.behave(faults=[])
        recover_s = stage.await_done()
        report = stage.must_hold()
        stage.must("requests refused for a bad time 0", refused, refused == 0)
        filtered = intended(stage.scene.produced, End.FILTERED)
        stage.must(
            f"filtered {filtered}, 50 of them while they waited", report.filtered, report.filtered == filtered
        )
        stage.must(
            "dead letters 50 (event and record in the future; where the record is not, its time is taken)",
            report.dead_lettered,
            report.dead_lettered == 50,
        )
        return stage.measures(report, recover_s)


def _event_of(
    name: str, in_s: int, record_in_s: int | None = None, end: End = End.ACCEPTED, reason: str = ""
) -> Event:
    """An event whose time is `in_s` from now, in a record whose time is `record_in_s` from now."""
    now_s = time.time()
    identity = f"{name} {now_s}"
    value = json.dumps(page_view(identity, int(now_s) + in_s)).encode()
    timestamp_ms = 0 if record_in_s is None else int((now_s + record_in_s) * 1000)
    return Event(name, identity, None, value, end, reason, timestamp_ms)


LIMIT = 4
AT_ONCE = {
    "CAPI_REQUESTS_IN_FLIGHT_MAX": str(LIMIT),
    "CAPI_BATCH_EVENTS_MAX": "20",
    "CAPI_LINGER_MS": "20",
    "CAPI_BACKOFF_MAX_S": "1",
}


def requests_at_once(world: World, size: Size) -> Measures:
    """F28: one consumer, with answers that fail or come too late among the good ones; then three."""
    faults = [{"kind": "html", "status": 500, "times": 1}, {"kind": "late", "latency_ms": 0, "times": 5}] * 10
    with world.stage(latency_ms=50, faults=faults) as stage:
        consumer = stage.scene.consumer(**AT_ONCE, CAPI_REQUEST_TIMEOUT_S="1")
        stage.produce(size(2_000, 20_000), bad={Bad.REFUSED: 3})
        stage.await_done()
        one = stage.scene.sandbox_stats()["requests_at_once_max"]
        stage.must(f"one consumer: at once ≤ {LIMIT}, and {LIMIT} are reached", one, one == LIMIT)
        late = [_too_late(stage, consumer) for _ in range(size(1, 5))]
        counted = [counts for counts, _ in late]
        bar = f"{LIMIT} time out: at once, with those given up, ≤ {2 * LIMIT}, and more than {LIMIT}"
        stage.must(bar, counted, min(counted) > LIMIT and max(counted) <= 2 * LIMIT)
        most = max(lasting for _, lasting in late)
        stage.must(f"connections that the consumer keeps meanwhile ≤ {LIMIT}", most, 0 < most <= LIMIT)
        for _ in range(size(1, 2)):
            stage.scene.consumer(**AT_ONCE)
        members = size(2, 3)
        shares = [PARTITIONS // members] * members
        eventually(lambda: stage.scene.shares() == shares, 60, "they share the partitions")
        stage.scene.reset_sandbox()
        stage.scene.behave(latency_ms=50, faults=[])
        stage.produce(size(4_000, 40_000))
        stage.await_done()
        report = stage.must_hold()
        all_of_them = stage.scene.sandbox_stats()["requests_at_once_max"]
        most = members * LIMIT
        stage.must(f"{members} consumers: at once ≤ {most}", all_of_them, LIMIT < all_of_them <= most)
        return stage.measures(report)


def _too_late(stage: Stage, consumer: Running) -> tuple[int, int]:
    """
    Each slot's request is given up after a second, and answered three seconds later.

    The sandbox goes on counting it until then, as Meta may go on with it; the
    consumer has closed its connection and asks again. So the sandbox may count
    as many again as were given up, and no more. What the consumer has under
    way itself, its connections show: each carries one request at a time.
    """
    stage.scene.reset_sandbox()
    late = {"kind": "late", "latency_ms": 4_000, "times": LIMIT}
    stage.scene.behave(latency_ms=50, faults=[late])
    port = int(stage.scene.graph_url.rpartition(":")[2])
    seen: list[frozenset[str]] = []
    stage.produce(1_000)

    def is_done() -> bool:
        seen.append(connections(consumer.child.pid, port))
        return len(seen) % 20 == 0 and stage.scene.is_done()

    eventually(is_done, 60, "everything is committed")
    stage.await_quiet()
    return stage.scene.sandbox_stats()["requests_at_once_max"], most_that_last(seen)
