"""Letters wait while there is a flood of them, and a person lets them go."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from consumer.dead_letters import dlq_breaker as braking
from consumer.dead_letters.dlq_breaker import Brake, tell_of_brake
from consumer.domain.decision import Reason

BAD = Reason.NOT_JSON
ON = "the flood brake is on: most records would be dead letters, so nothing more is taken in"


async def turn():
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def letters(brake, count):
    """Some letters that want to be written, as tasks that end when they may."""
    tasks = [asyncio.create_task(brake.admit()) for _ in range(count)]
    await turn()
    return tasks


async def test_letters_wait_while_it_is_on_and_are_let_go_by_a_release():
    brake = Brake()
    brake.decide([BAD] * 99)
    first = await letters(brake, 99)
    assert all(task.done() for task in first)
    brake.decide([BAD])
    held = await letters(brake, 3)
    assert (brake.is_on, brake.held) == (True, 3)
    assert not any(task.done() for task in held)
    brake.release()
    await turn()
    assert (brake.is_on, brake.held) == (False, 0)
    assert all(task.done() for task in held)


async def test_refused_events_put_it_on_too():
    brake = Brake()
    brake.decide([None] * 200)
    brake.answer([Reason.REFUSED] * 100)
    assert brake.is_on


async def test_it_comes_on_again_after_a_release():
    brake = Brake()
    brake.decide([BAD] * 100)
    brake.release()
    brake.decide([None] * 1_000)
    brake.answer([None] * 1_000)
    brake.decide([BAD] * 500)
    (held,) = await letters(brake, 1)
    assert brake.is_on
    assert not held.done()
    held.cancel()


async def test_a_letter_that_is_given_up_is_held_no_longer():
    brake = Brake()
    brake.decide([BAD] * 100)
    (held,) = await letters(brake, 1)
    held.cancel()
    await turn()
    assert brake.held == 0


@pytest.mark.parametrize("how", [{"is_wanted": False}, {"is_released": True}])
async def test_who_does_not_want_it_has_none(how):
    brake = Brake(**how)
    brake.decide([BAD] * 5_000)
    brake.answer([Reason.REFUSED] * 5_000)
    assert not brake.is_on
    (letter,) = await letters(brake, 1)
    assert letter.done()


# What is said


async def test_it_is_said_once_when_it_comes_on_with_reasons_and_what_to_do():
    brake = Brake()
    with capture_logs() as lines:
        brake.decide([None] * 20 + [BAD] * 60 + [Reason.EVENT_TOO_LARGE] * 40)
        brake.decide([BAD] * 10)
    (line,) = lines
    assert line["log_level"] == "error"
    assert line["event"] == ON
    assert line["would_be_dead_letters"] == {"not_json": 60, "event_too_large": 40}
    assert line["records_looked_at"] == 120
    assert "SIGUSR1" in line["release"]
    assert "--release-brake" in line["release"]


async def test_it_is_said_again_for_as_long_as_it_is_on(monkeypatch):
    monkeypatch.setattr(braking, "REMIND_EVERY_S", 0.0)
    brake = Brake()
    with capture_logs() as lines:
        telling = asyncio.create_task(tell_of_brake(brake))
        await turn()
        assert lines == []
        brake.decide([BAD] * 100)
        held = await letters(brake, 2)
        await turn()
        assert {line["event"] for line in lines} == {ON}
        assert lines[0]["letters_held"] == 0
        assert lines[-1]["letters_held"] == 2
        assert len(lines) >= 3
        brake.release()
        await turn()
        told = len(lines)
        await turn()
        assert len(lines) == told
        telling.cancel()
    assert lines[-1]["event"] == "the brake was released"
    assert lines[-1]["letters_held"] == 2
    assert all(task.done() for task in held)


async def test_a_release_of_a_brake_that_is_off_is_said_and_changes_nothing():
    brake = Brake()
    with capture_logs() as lines:
        brake.release()
    assert [line["event"] for line in lines] == ["the brake is not on: nothing to release"]
    brake.decide([BAD] * 100)
    assert brake.is_on
