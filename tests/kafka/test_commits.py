"""An offset is committed once, and again each minute: what the broker was told may have been overwritten."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.record import Partition
from consumer.kafka.committer import AGAIN_S, SOON_S_MAX, CommitLedger

P0, P1 = Partition("events", 0), Partition("events", 1)
NOW_S = 50.0


@pytest.fixture
def commits() -> CommitLedger:
    """P0 was committed at 7."""
    made = CommitLedger()
    made.confirmed(P0, 7, NOW_S)
    return made


DUE = [
    # what is done below, how long afterwards, what is to be committed
    ({}, 0.0, {}),
    ({P0: 7}, 0.0, {}),
    ({P0: 7}, AGAIN_S - 0.1, {}),
    ({P0: 7}, AGAIN_S, {P0: 7}),
    ({P0: 8}, 0.0, {P0: 8}),
    ({P0: 6}, 0.0, {P0: 6}),  # another log of the same name
    ({P1: 7}, 0.0, {P1: 7}),
    ({P0: 7, P1: 0}, 1.0, {P1: 0}),
    ({P0: 7, P1: 0}, AGAIN_S, {P0: 7, P1: 0}),
]


@pytest.mark.parametrize(("offsets", "later_s", "due"), DUE)
def test_what_is_new_is_due_and_what_is_old_is_due_again(
    commits: CommitLedger, offsets: Any, later_s: Any, due: Any
) -> None:
    assert commits.due_offsets(offsets, NOW_S + later_s) == due


def test_what_is_confirmed_again_is_not_due_for_another_while(commits: CommitLedger) -> None:
    commits.confirmed(P0, 7, NOW_S + AGAIN_S)
    assert commits.due_offsets({P0: 7}, NOW_S + 1.9 * AGAIN_S) == {}
    assert commits.due_offsets({P0: 7}, NOW_S + 2 * AGAIN_S) == {P0: 7}


def test_what_was_sent_and_not_confirmed_is_due_at_once(commits: CommitLedger) -> None:
    commits.sent({P0: 7, P1: 3}, NOW_S)
    assert commits.due_offsets({P0: 7}, NOW_S) == {P0: 7}
    assert not commits.has_all({P0: 7})
    commits.confirmed(P0, 7, NOW_S)
    assert commits.has_all({P0: 7})
    assert not commits.has_all({P0: 7, P1: 3})
    assert not commits.has_all({P0: 8})


def test_a_partition_that_comes_back_is_not_known(commits: CommitLedger) -> None:
    commits.forget(P0)
    commits.forget(P1)
    assert commits.due_offsets({P0: 7}, NOW_S) == {P0: 7}


def test_what_was_decided_is_committed_at_once_and_again_soon_until_it_is_confirmed(
    commits: CommitLedger,
) -> None:
    assert not commits.is_due(NOW_S)
    commits.require(P1, 3)
    now_s = NOW_S
    for pause_s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, SOON_S_MAX, SOON_S_MAX):
        assert commits.is_due(now_s)
        commits.sent({P1: 3}, now_s)
        assert not commits.is_due(now_s + pause_s - 0.01)
        now_s += pause_s + 0.01
    assert commits.unconfirmed == {P1}
    commits.confirmed(P1, 3, now_s)
    assert not commits.is_due(now_s)
    assert commits.unconfirmed == set()


CONFIRMED = [
    # of which partition, which offset, what of P1 at 3 is still unconfirmed
    (P1, 2, {P1}),  # what was in flight below a gap
    (P1, 3, set()),
    (P1, 4, set()),
    (P0, 3, {P1}),
]


@pytest.mark.parametrize(("partition", "offset", "unconfirmed"), CONFIRMED)
def test_a_decision_is_confirmed_by_an_offset_that_covers_it(
    commits: CommitLedger, partition: Any, offset: Any, unconfirmed: Any
) -> None:
    commits.require(P1, 3)
    commits.confirmed(partition, offset, NOW_S)
    assert commits.unconfirmed == unconfirmed


def test_nothing_is_decided_any_more_of_a_partition_that_has_gone(commits: CommitLedger) -> None:
    commits.require(P1, 3)
    commits.forget(P1)
    assert commits.unconfirmed == set()


def test_a_new_decision_waits_for_nobody_elses_pause(commits: CommitLedger) -> None:
    commits.require(P0, 9)
    commits.sent({P0: 9}, NOW_S)
    commits.require(P1, 3)
    assert commits.is_due(NOW_S)
