"""`explain` on the lines of `dead-letters export`: the event in them, where and when it first stood."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from explain.test_explain import answers, run
from support.dead_letters import event, letter, record

from consumer.dead_letters.jsonl import to_line
from consumer.domain.decision import Reason

NEXT_DAY = "2026-01-02T00:00:00Z"
PERSON = {"email": "ann@example.com", "firstname": "Ann", "city": "Paris", "country": "FR"}


def exported(of: Any, **changes: Any) -> bytes:
    """The letter of an event as a line, with what an editor has changed in it."""
    fields = json.loads(to_line(letter(record("events", 12, of)))) | changes
    return orjson.dumps({name: field for name, field in fields.items() if field != "left out"})


def test_a_letter_that_nobody_mended_says_why_it_is_one() -> None:
    (answer,) = answers(run("--json", "--now", NEXT_DAY, stdin=exported(event(amount=12.5, user=PERSON))))
    assert (answer["decision"], answer["reason"]) == ("invalid", "purchase_without_currency")


def test_a_mended_one_is_what_would_be_sent_with_its_first_place_and_time() -> None:
    mended = {"event_name": "purchase", "amount": 12.5, "currency": "EUR", "user": PERSON}
    done = run("--json", "--now", NEXT_DAY, stdin=exported(event(), event=mended))
    (answer,) = answers(done)
    assert answer["decision"] == "deliverable"
    assert answer["payload"]["event_id"] == "events-0-12-1767225612000"
    assert answer["payload"]["event_time"] == 1767225612


@pytest.mark.parametrize(
    ("reason", "failure", "says"),
    [
        (
            Reason.REJECTED,
            {"meta_code": 100, "meta_subcode": 2804007, "detail": "a parameter is refused"},
            "; Meta refused it: 100/2804007, a parameter is refused",
        ),
        (Reason.REJECTED, {}, "; Meta refused it"),
        (Reason.POISON_EVENT, {"attempts": 4}, "; requests with it failed time and again"),
        (Reason.PURCHASE_WITHOUT_CURRENCY, {"detail": "custom_data.currency"}, ""),
    ],
)
def test_of_a_letter_that_decides_well_it_is_said_what_meta_answered(
    reason: Any, failure: dict[str, Any], says: str
) -> None:
    good = event("page_view", user=PERSON)
    line = to_line(letter(record("events", 12, good), reason, **failure))
    first, *_ = run("--now", NEXT_DAY, stdin=line).stdout.splitlines()
    assert first == f"line 1  deliverable  PageView{says}"


def test_it_is_told_as_too_old_where_meta_takes_it_no_more() -> None:
    (answer,) = answers(run("--json", "--now", "2026-01-20T00:00:00Z", stdin=exported(event("page_view"))))
    assert answer["reason"] == "event_too_old"


def test_events_and_letters_stand_in_one_file() -> None:
    done = run("--json", "--now", NEXT_DAY, stdin=event("page_view") + b"\n" + exported(event("page_view")))
    assert [answer["reason"] for answer in answers(done)] == ["not_enough_to_match"] * 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"event": "left out"}, "either `event` or `value` is expected"),
        ({"event": "left out", "value": None}, "a dead letter without its value"),
        ({"timestamp_ms": "today"}, "`timestamp_ms` is expected to be a whole number"),
    ],
)
def test_a_line_that_is_no_letter_any_more_says_what_is_wrong(changes: dict[str, Any], says: str) -> None:
    done = run("--now", NEXT_DAY, stdin=exported(event("page_view"), **changes))
    assert "invalid" in done.stdout
    assert says in " ".join(done.stdout.split())


def test_a_slip_in_a_mended_event_is_told() -> None:
    done = run("--now", NEXT_DAY, stdin=exported(event("page_view", user={"emial": "x"})))
    assert "did you mean user.email?" in done.stderr


def test_of_a_letter_that_is_no_json_it_is_the_value_that_breaks() -> None:
    done = run("--now", NEXT_DAY, stdin=exported(b'{"event_name": "x",\n oops}'))
    assert "not_json: `value` is no JSON in UTF-8, from its line 2, column 2 on\n" in done.stdout


def test_an_event_with_a_property_of_that_name_is_an_event() -> None:
    done = run("--json", "--now", NEXT_DAY, stdin=event("page_view", dead_letter="1"))
    assert [answer["reason"] for answer in answers(done)] == ["not_enough_to_match"]
