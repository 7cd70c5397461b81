"""Letters wait while there is a flood of them, and a person lets them go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumer.dead_letters import dlq_breaker as braking
from consumer.dead_letters.dlq_breaker import DlqBreaker, log_reminders
from consumer.domain.decision import Reason

BAD = Reason.NOT_JSON
ON = "the flood brake is on: most records would be dead letters, so nothing more is taken in"


async def turn() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def letters(brake: Any, count: Any) -> list[Any]:
    """Some letters that want to be written, as tasks that end when they may."""
    tasks = [asyncio.create_task(brake.wait()) for _ in range(count)]
    await turn()
    return tasks


async def test_letters_wait_while_it_is_on_and_are_let_go_by_a_release() -> None:
    brake = DlqBreaker()
    brake.record_decisions([BAD] * 99)
    first = await letters(brake, 99)
    assert all(task.done() for task in first)
    brake.record_decisions([BAD])
    held = await letters(brake, 3)
    assert (brake.is_open, brake.waiting) == (True, 3)
    assert not any(task.done() for task in held)
    brake.resume()
    await turn()
    assert (brake.is_open, brake.waiting) == (False, 0)
    assert all(task.done() for task in held)


async def test_refused_events_put_it_on_too() -> None:
    brake = DlqBreaker()
    brake.record_decisions([None] * 200)
    brake.record_responses([Reason.REJECTED] * 100)
    assert brake.is_open


async def test_it_comes_on_again_after_a_release() -> None:
    brake = DlqBreaker()
    brake.record_decisions([BAD] * 100)
    brake.resume()
    brake.record_decisions([None] * 1_000)
    brake.record_responses([None] * 1_000)
    brake.record_decisions([BAD] * 500)
    (held,) = await letters(brake, 1)
    assert brake.is_open
    assert not held.done()
    held.cancel()


async def test_a_letter_that_is_given_up_is_held_no_longer() -> None:
    brake = DlqBreaker()
    brake.record_decisions([BAD] * 100)
    (held,) = await letters(brake, 1)
    held.cancel()
    await turn()
    assert brake.waiting == 0


@pytest.mark.parametrize("how", [{"is_wanted": False}, {"is_released": True}])
async def test_who_does_not_want_it_has_none(how: dict[str, Any]) -> None:
    brake = DlqBreaker(**how)
    brake.record_decisions([BAD] * 5_000)
    brake.record_responses([Reason.REJECTED] * 5_000)
    assert not brake.is_open
    (letter,) = await letters(brake, 1)
    assert letter.done()


# What is said


async def test_it_is_said_once_when_it_comes_on_with_reasons_and_what_to_do() -> None:
    brake = DlqBreaker()
    with capture_logs() as lines:
        brake.record_decisions([None] * 20 + [BAD] * 60 + [Reason.EVENT_TOO_LARGE] * 40)
        brake.record_decisions([BAD] * 10)
    (line,) = lines
    assert line["log_level"] == "error"
    assert line["event"] == ON
    assert line["would_be_dead_letters"] == {"not_json": 60, "event_too_large": 40}
    assert line["records_looked_at"] == 120
    assert "SIGUSR1" in line["release"]
    assert "--resume" in line["release"]


async def test_it_is_said_again_for_as_long_as_it_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(braking, "REMIND_EVERY_S", 0.0)
    brake = DlqBreaker()
    with capture_logs() as lines:
        telling = asyncio.create_task(log_reminders(brake))
        await turn()
        assert lines == []
        brake.record_decisions([BAD] * 100)
        held = await letters(brake, 2)
        await turn()
        assert {line["event"] for line in lines} == {ON}
        assert lines[0]["letters_held"] == 0
        assert lines[-1]["letters_held"] == 2
        assert len(lines) >= 3
        brake.resume()
        await turn()
        told = len(lines)
        await turn()
        assert len(lines) == told
        telling.cancel()
    assert lines[-1]["event"] == "the brake was released"
    assert lines[-1]["letters_held"] == 2
    assert all(task.done() for task in held)


async def test_a_release_of_a_brake_that_is_off_is_said_and_changes_nothing() -> None:
    brake = DlqBreaker()
    with capture_logs() as lines:
        brake.resume()
    assert [line["event"] for line in lines] == ["the brake is not on: nothing to release"]
    brake.record_decisions([BAD] * 100)
    assert brake.is_open
