"""A batch is bisected, and an event is poison, only if it fails while most other batches are answered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from consumer.delivery.poison_detection import FailureHistory, PeerOutcomes

POISON_AFTER_S = 300.0
# The batch fails at second 0 for the first time, then every 30 s.
RETRY_EVERY_S = 30.0

# When the first request of a peer came back, and whether Meta answered (accepted) it.
Peers = Sequence[tuple[float, bool]]


def every(seconds: float, outcomes: str) -> Peers:
    """A peer every so many seconds for half an hour, with these outcomes in turn: + answered, - failed."""
    return [(1 + n * seconds, outcomes[n % len(outcomes)] == "+") for n in range(int(1800 / seconds))]


def failing_until(
    until_s: float,
    peers: Peers,
    events: int = 8,
    accepted_at: Sequence[float] = (),
    history: FailureHistory | None = None,
) -> tuple[FailureHistory, PeerOutcomes, float]:
    """A batch that fails from second 0 on, its peers, and when it failed last."""
    outcomes, history, failed_at = PeerOutcomes(), history or FailureHistory(), 0.0
    outcomes.record_first_request(0.0, is_answered=False)  # its own
    happens: list[tuple[float, bool | None]] = [*peers, *((at, None) for at in accepted_at)]
    happens.sort(key=lambda one: one[0])
    now = 0.0
    while now <= until_s:
        while happens and happens[0][0] <= now:
            at, is_answered = happens.pop(0)
            if is_answered is not None:
                outcomes.record_first_request(at, is_answered=is_answered)
            if is_answered is not False:
                outcomes.record_acceptance(at)
        history = history.after_failure(now, outcomes, events, POISON_AFTER_S)
        failed_at = now
        now += RETRY_EVERY_S
    return history, outcomes, failed_at


BISECTED = [
    # how the peers fare, and at which second the batch is bisected; None: not within half an hour
    ("all are answered", every(1, "+"), 330),
    ("all are answered, one a minute", every(60, "+"), 330),
    ("one every five minutes: bisected when there are five", every(300, "+"), 1230),
    ("there are none", [], None),
    ("all fail", every(1, "-"), None),
    ("one of twenty is answered", every(1, "+" + "-" * 19), None),
    ("half of them are answered", every(1, "+-"), None),
    ("two of three are answered", every(1, "++-"), 330),
    ("three fail first, then all are answered", [(n, False) for n in (1, 2, 3)] + [*every(5, "+")], 330),
    (
        "an outage of ten minutes first",
        [*every(20, "-")[:30], *[(600.0 + n, True) for n in range(1, 999)]],
        930,
    ),
    ("an outage that begins before five minutes are over", [*every(1, "+")[:99], *every(1, "-")[99:]], None),
]


@pytest.mark.parametrize(("what", "peers", "at_s"), BISECTED, ids=[what for what, _, _ in BISECTED])
def test_a_batch_is_bisected_if_it_fails_for_long_while_most_peers_are_answered(
    what: str, peers: Peers, at_s: int | None
) -> None:
    def is_bisected(second: int) -> bool:
        history, outcomes, now = failing_until(second, peers)
        return history.is_poison(now, outcomes, 8, POISON_AFTER_S)

    assert next((second for second in range(0, 1801, 30) if is_bisected(second)), None) == at_s


def test_a_short_poison_time_still_takes_five_failures() -> None:
    outcomes, history = PeerOutcomes(), FailureHistory()
    counted = []
    for second in range(1, 8):
        history = history.after_failure(float(second), outcomes, 8, 0.5)
        for n in range(5):
            outcomes.record_first_request(second + 0.1 + n / 100, is_answered=True)
            outcomes.record_acceptance(second + 0.1 + n / 100)
        counted.append(history.is_poison(float(second), outcomes, 8, 0.5))
    # The first failure has no peers and doesn't count.
    assert counted == [False, False, False, False, False, True, True]


def test_its_own_first_request_is_not_a_peer() -> None:
    outcomes = PeerOutcomes()
    outcomes.record_first_request(0.0, is_answered=False)
    history = FailureHistory().after_failure(0.0, outcomes, 8, POISON_AFTER_S)
    assert outcomes.since(history.failing_since) == (0, 0)


def test_only_the_last_ten_batches_are_peers() -> None:
    outcomes = PeerOutcomes()
    for second in range(1, 21):
        outcomes.record_first_request(float(second), is_answered=second <= 15)
    assert outcomes.since(0.0) == (5, 5)
    assert outcomes.since(18.0) == (0, 2)


def test_an_answer_starts_the_count_again() -> None:
    history, _, _ = failing_until(330, every(1, "+"))
    assert history.attempts == 12
    assert history.after_answer() == FailureHistory(attempts=13)


HEALTHY = every(1, "+")[:300]


def test_a_half_is_bisected_again_only_after_something_was_accepted() -> None:
    """What failed beside healthy peers an hour ago may fail in an outage now."""
    history, outcomes, now = failing_until(330, HEALTHY)
    half = history.split(now, 4).after_failure(now + 1, outcomes, 4, POISON_AFTER_S)
    assert not half.is_poison(now + 1, outcomes, 4, POISON_AFTER_S)
    outcomes.record_acceptance(now + 2)
    assert half.is_poison(now + 2, outcomes, 4, POISON_AFTER_S)


def test_a_single_event_of_a_bisected_batch_starts_from_zero() -> None:
    """Its neighbours failed with it, so what it does alone isn't known."""
    history, outcomes, now = failing_until(330, HEALTHY)
    event = history.split(now, 1)
    for failed_s in (1, 2, 3, 4, 5):
        event = event.after_failure(now + failed_s, outcomes, 1, POISON_AFTER_S)
    assert not event.is_suspect(now + 300, outcomes, POISON_AFTER_S)
    assert event.is_suspect(now + 301, outcomes, POISON_AFTER_S)


SINGLE = [
    # when something is accepted after five minutes, and how many failures of the event count then
    ("nothing more", [], 0),
    ("twice between two failures", [331, 332], 1),
    ("once between each two", [331, 361, 391, 421, 451], 5),
    ("not after the fourth", [331, 361, 391, 421], 4),
]


@pytest.mark.parametrize(("what", "accepted_at", "failures"), SINGLE, ids=[what for what, _, _ in SINGLE])
def test_a_single_event_is_poison_after_five_more_failures_each_after_an_acceptance(
    what: str, accepted_at: list[float], failures: int
) -> None:
    history, outcomes, now = failing_until(480, HEALTHY, events=1, accepted_at=accepted_at)
    assert history.event_failures == failures
    assert history.is_poison(now, outcomes, 1, POISON_AFTER_S) is (failures >= 5)
