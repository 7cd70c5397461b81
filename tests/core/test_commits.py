"""An offset is committed once, and again each minute: what the broker was told may have been overwritten."""

from __future__ import annotations

import pytest

from consumer.core.commits import AGAIN_S, Commits
from consumer.core.record import Partition

P0, P1 = Partition("events", 0), Partition("events", 1)
NOW_S = 50.0


@pytest.fixture
def commits():
    """P0 was committed at 7."""
    made = Commits()
    made.done(P0, 7, NOW_S)
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
def test_what_is_new_is_due_and_what_is_old_is_due_again(commits, offsets, later_s, due):
    assert commits.due(offsets, NOW_S + later_s) == due


def test_what_is_confirmed_again_is_not_due_for_another_while(commits):
    commits.done(P0, 7, NOW_S + AGAIN_S)
    assert commits.due({P0: 7}, NOW_S + 1.9 * AGAIN_S) == {}
    assert commits.due({P0: 7}, NOW_S + 2 * AGAIN_S) == {P0: 7}


def test_what_was_sent_and_not_confirmed_is_due_at_once(commits):
    commits.sent({P0: 7, P1: 3})
    assert commits.due({P0: 7}, NOW_S) == {P0: 7}
    assert not commits.has_all({P0: 7})
    commits.done(P0, 7, NOW_S)
    assert commits.has_all({P0: 7})
    assert not commits.has_all({P0: 7, P1: 3})
    assert not commits.has_all({P0: 8})


def test_a_partition_that_comes_back_is_not_known(commits):
    commits.forget(P0)
    commits.forget(P1)
    assert commits.due({P0: 7}, NOW_S) == {P0: 7}
