"""As many requests at once as the link takes: found soon, kept while all is well, fewer at any trouble."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from support.link_model import (
    ACCEPTED,
    THROTTLED,
    TRANSIENT,
    between,
    constant,
    failing,
    jittery,
    play,
    throttling,
    with_knee,
)

from consumer.delivery.request_limiter import AdaptiveLimit
from consumer.meta.response import Response, ResponseOutcome

ROUND_TRIP_S = 0.125  # in binary exactly
HOUR_S = 3_600.0


class Sender:
    """Sends one request after another that all take the same time; each counts as many at once as allowed."""

    def __init__(self, limit: Any) -> None:
        self.limit = limit
        self.now = 0.0

    def send(self, verdict: Any = ACCEPTED, *, round_trip_s: Any = ROUND_TRIP_S, at_once: Any = None) -> Any:
        self.limit.record_request(self.limit.requests if at_once is None else at_once)
        sent_at, self.now = self.now, self.now + round_trip_s
        self.limit.record_response(sent_at, self.now, verdict)
        return self.limit.requests


def grown(requests: Any, at_most: int = 256) -> Sender:
    """A sender whose limit has grown to so many, all well, at the end of a period."""
    sender = Sender(AdaptiveLimit(1, at_most))
    while sender.send() < requests:
        assert sender.now < HOUR_S
    return sender


STARTS = [(1, 8, 4), (1, 256, 4), (1, 4, 4), (1, 3, 3), (1, 1, 1), (6, 8, 6), (8, 8, 8)]


@pytest.mark.parametrize(("at_least", "at_most", "start"), STARTS)
def test_a_cold_start_begins_low_and_within_the_bounds(at_least: Any, at_most: Any, start: Any) -> None:
    assert AdaptiveLimit(at_least, at_most).requests == start


def test_while_all_is_well_there_is_one_more_per_round_trip() -> None:
    sender = grown(5)
    assert [sender.send() for _ in range(4)] == [6, 7, 8, 9]


def test_several_answers_of_one_round_trip_are_one_decision() -> None:
    sender = grown(5)
    for _ in range(5):
        sender.limit.record_request(5)
    sent_at = sender.now
    for after_s in (0.025, 0.05, 0.075, 0.1):
        sender.limit.record_response(sent_at, sent_at + after_s, ACCEPTED)
        assert sender.limit.requests == 5
    sender.limit.record_response(sent_at, sent_at + ROUND_TRIP_S, ACCEPTED)
    assert sender.limit.requests == 6


def test_fewer_at_once_than_allowed_show_nothing_about_more() -> None:
    sender = grown(8)
    assert {sender.send(at_once=7) for _ in range(50)} == {8}
    assert sender.send(at_once=8) == 9


# The limit of 20 after one more period, by what its answer says.
EFFECTS = [
    (ACCEPTED, 21),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=79), 21),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=80), 20),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=89), 20),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=90), 18),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=99), 18),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=100), 10),
    (Response(ResponseOutcome.REJECTED, usage_percent=250), 10),
    (THROTTLED, 10),
    (TRANSIENT, 18),
    (Response(ResponseOutcome.MISCONFIGURED), 20),
    (Response(ResponseOutcome.REJECTED), 20),
    (Response(ResponseOutcome.TOO_LARGE), 20),
    (Response(ResponseOutcome.BLOCKED), 20),
]


@pytest.mark.parametrize(
    ("verdict", "limit"),
    EFFECTS,
    ids=[f"{verdict.outcome}-{verdict.usage_percent}" for verdict, _ in EFFECTS],
)
def test_each_answer_has_its_effect(verdict: Any, limit: Any) -> None:
    assert grown(20).send(verdict) == limit


@pytest.mark.parametrize(
    ("before", "after"), [(1, 1), (2, 1), (3, 2), (4, 3), (9, 8), (10, 9), (20, 18), (21, 18)]
)
def test_a_tenth_less_is_one_less_at_least_and_never_none(before: int, after: int) -> None:
    sender = Sender(AdaptiveLimit(1, before))
    while sender.send() < before:
        pass
    assert sender.send(TRANSIENT) == after


def test_a_refusal_that_takes_long_says_nothing_of_the_link() -> None:
    sender = grown(20)
    assert sender.send(Response(ResponseOutcome.REJECTED), round_trip_s=30.0) == 20
    assert sender.send() == 21


@pytest.mark.parametrize(("round_trip_s", "limit"), [(0.1, 21), (0.125, 21), (0.13, 18), (0.2, 18)])
def test_longer_than_usual_is_a_tenth_less(round_trip_s: float, limit: int) -> None:
    """All were the same so far, so any difference is unusual."""
    sender = grown(20)
    sender.now += 1.0
    assert sender.send(round_trip_s=round_trip_s) == limit


def test_what_varies_anyway_is_no_trouble_when_it_varies() -> None:
    sender = grown(20)
    for number in range(40):
        sender.send(round_trip_s=0.1 if number % 2 else 0.15, at_once=1)
        sender.now += 1.0
    before = sender.limit.requests
    assert before >= 18
    assert sender.send(round_trip_s=0.16, at_once=1) == before
    sender.now += 1.0
    assert sender.send(round_trip_s=0.26, at_once=1) < before


def test_all_that_were_under_way_together_halve_once() -> None:
    sender = grown(20)
    sent_at = sender.now
    for number in range(20):
        sender.limit.record_response(sent_at, sent_at + 0.1 + number / 1000, THROTTLED)
    assert sender.limit.requests == 10
    sender.now = sent_at + 1
    assert sender.send(THROTTLED) == 5


def test_failures_that_were_under_way_together_are_one_trouble() -> None:
    sender = grown(20)
    sent_at = sender.now
    for number in range(20):
        sender.limit.record_response(sent_at, sent_at + 1.0 + number, TRANSIENT)
    assert sender.limit.requests == 18


def test_failures_lower_it_before_anything_was_ever_accepted() -> None:
    sender = Sender(AdaptiveLimit(1, 8))
    assert [sender.send(TRANSIENT, round_trip_s=0.01) for _ in range(8)] == [4, 3, 3, 2, 2, 1, 1, 1]
    assert max(sender.send() for _ in range(20)) == 8


def test_what_was_too_much_is_not_tried_again_for_an_hour() -> None:
    sender = grown(20)
    assert sender.send(THROTTLED) == 10
    throttled_at = sender.now
    seen = set()
    while sender.now < throttled_at + HOUR_S - 1:
        seen.add(sender.send())
    assert max(seen) == 19
    sender.now = throttled_at + HOUR_S
    assert max(sender.send() for _ in range(50)) > 30


def test_each_throttling_tells_of_less() -> None:
    sender = grown(20)
    for most in (19, 18, 17):
        sender.send(THROTTLED)
        assert max(sender.send() for _ in range(60)) == most


def test_a_round_trip_that_doubled_bit_by_bit_is_a_queue() -> None:
    """Each step is too small to be unusual after the one before, and in the end half stand in line."""
    sender, round_trip_s = grown(20), ROUND_TRIP_S
    limits: list[int] = []
    while min(limits, default=20) > 12:
        round_trip_s *= 1.03
        limits.append(sender.send(round_trip_s=round_trip_s, at_once=1))
        assert round_trip_s < 4 * ROUND_TRIP_S
    assert 0.4 < limits[-1] / limits[-2] <= 0.5


@pytest.mark.parametrize("requests", [1, 4, 8, 256])
def test_equal_bounds_fix_it(requests: int) -> None:
    sender = Sender(AdaptiveLimit(requests, requests))
    for verdict, _ in EFFECTS * 3:
        assert sender.send(verdict) == requests


ANSWERS = st.tuples(
    st.builds(
        Response,
        st.sampled_from(ResponseOutcome),
        usage_percent=st.sampled_from([0, 0, 0, 79, 80, 90, 100, 999]),
    ),
    st.floats(0, 100),
    st.floats(0, 4000) | st.just(0.0),
    st.integers(1, 300),
)


@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
@hypothesis.given(
    st.integers(1, 256).flatmap(lambda most: st.tuples(st.integers(1, most), st.just(most))),
    st.lists(ANSWERS, max_size=60),
)
def test_whatever_comes_it_stays_within_its_bounds_and_grows_by_one_at_most(
    bounds: Any, answers: Any
) -> None:
    at_least, at_most = bounds
    limit, now, before = AdaptiveLimit(at_least, at_most), 0.0, None
    for verdict, round_trip_s, later_s, at_once in answers:
        before = limit.requests
        limit.record_request(at_once)
        now += later_s
        limit.record_response(now - round_trip_s, now, verdict)
        assert at_least <= limit.requests <= min(at_most, before + 1)


# Against models of links. What is compared with is a fixed limit on the same link.


def fixed(requests: Any) -> AdaptiveLimit:
    return AdaptiveLimit(requests, requests)


@pytest.mark.parametrize("most", [1, 2, 8, 32, 128])
def test_a_constant_link_gets_the_most(most: int) -> None:
    run = play(constant(0.1), AdaptiveLimit(1, most), 120)
    assert run.usual_limits(after_s=15) == (most, most)
    assert run.accepted() >= 0.94 * play(constant(0.1), fixed(most), 120).accepted()
    assert run.at_once_max == most


def test_a_link_that_is_slow_as_such_gets_the_most() -> None:
    run = play(constant(4.0), AdaptiveLimit(1, 8), 600)
    assert run.usual_limits(after_s=30) == (8, 8)
    assert run.accepted() >= 0.95 * play(constant(4.0), fixed(8), 600).accepted()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("most", "spread", "share"), [(8, 0.1, 0.95), (8, 0.3, 0.95), (8, 0.6, 0.9), (32, 0.3, 0.9)]
)
def test_a_jittery_link_gets_nearly_the_most(most: int, spread: float, share: float, seed: int) -> None:
    link = jittery(0.1, spread)
    run = play(link, AdaptiveLimit(1, most), 120, seed=seed)
    low, high = run.usual_limits(after_s=30)
    assert low >= 0.75 * most
    assert high == most
    assert run.accepted() >= share * play(link, fixed(most), 120, seed=seed).accepted()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("spread", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("capacity", [6, 10, 30])
def test_at_a_knee_it_stays_near_the_knee_and_gets_what_there_is_to_get(
    capacity: int, spread: float, seed: int
) -> None:
    link = with_knee(0.1, capacity, spread)
    run = play(link, AdaptiveLimit(1, 128), 120, seed=seed)
    low, high = run.usual_limits(after_s=30)
    assert 0.5 * capacity <= low
    assert high <= 2 * capacity + 3
    best = max(play(link, fixed(n), 120, seed=seed).accepted() for n in (capacity, 2 * capacity))
    assert run.accepted() >= 0.9 * best


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_link_that_throttles_is_asked_for_too_much_once(seed: int) -> None:
    link = throttling(0.1, 10, 0.2)
    run = play(link, AdaptiveLimit(1, 32), 600, seed=seed)
    assert run.throttled <= 10
    assert run.throttled < 0.001 * run.accepted()
    assert max(limit for at, limit in run.limits if at > 61) <= 10
    assert run.accepted() >= 0.8 * play(link, fixed(10), 600, seed=seed).accepted()
    assert run.accepted() >= 100 * play(link, fixed(32), 600, seed=seed).accepted()


@pytest.mark.parametrize("most", [8, 32])
def test_a_link_that_slows_down_for_a_while_is_full_again_soon_after(most: int) -> None:
    link = between(constant(0.05), constant(5.0), 20, 200)
    run = play(link, AdaptiveLimit(1, most), 260)
    slow = [limit for at, limit in run.limits if 25 < at < 200]
    assert min(slow) >= 3
    assert slow[-1] > min(slow)
    assert run.usual_limits(after_s=210) == (most, most)
    assert run.accepted(after_s=210) >= 0.95 * play(link, fixed(most), 260).accepted(after_s=210)


def test_in_an_outage_one_request_finds_out_and_the_others_follow() -> None:
    link = between(constant(0.1), failing(0.01), 20, 80)
    run = play(link, AdaptiveLimit(1, 8), 100)
    assert {limit for at, limit in run.limits if 22 < at < 80} == {1}
    assert next(at for at, limit in run.limits if at > 80 and limit == 8) < 83
