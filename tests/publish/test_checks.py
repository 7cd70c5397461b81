"""What would become of an event is said in fields and words, never in values."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from consumer import schemas_loader
from consumer.event_files.lines import FileWarning, FoundEvent
from consumer.mapping.rules import MappingOptions
from consumer.publish.checks import CheckedEvent, EventCheck

NOW_S = 1_790_000_000
GOOD: dict[str, Any] = {
    "event_name": "purchase",
    "event_timestamp": NOW_S - 60,
    "id": "A7",
    "amount": 12.5,
    "currency": "EUR",
    "url": "https://www.example.fr/thanks",
    "user": {
        "id": "user-1",
        "email": "jane@example.com",
        "firstname": "Jane",
        "lastname": "Roe",
        "city": "Lyon",
    },
    "browser": {"user_agent": "Mozilla/5.0"},
}


def checked(
    event: dict[str, Any] | bytes, rules: MappingOptions | None = None, line: int = 1
) -> CheckedEvent:
    value = event if isinstance(event, bytes) else orjson.dumps(event)
    check = EventCheck(rules or MappingOptions(), schemas_loader.schema("event"), lambda: NOW_S * 1000)
    return check.check(FoundEvent(line, line, value))


def with_user(**changes: Any) -> dict[str, Any]:
    return GOOD | {"user": GOOD["user"] | changes}


def without(name: Any) -> dict[Any, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


def test_a_good_event_gives_no_word() -> None:
    assert checked(GOOD) == (None, (), None)


ERRORS = [
    (b"{oops", "not_json (line 1, column 2)"),
    (b'{"a":\n\n"jane@example.com" oops}', "not_json (line 3, column 20)"),
    (b"[1]", "not_an_object"),
    ({"user": {"id": "user-1"}}, "no_event_name (event_name)"),
    (GOOD | {"event_timestamp": NOW_S * 2}, None),
    ({k: v for k, v in GOOD.items() if k != "amount"}, "purchase_without_value (custom_data.value)"),
    ({k: v for k, v in GOOD.items() if k != "currency"}, "purchase_without_currency (custom_data.currency)"),
    (GOOD | {"amount": "1.234"}, "purchase_without_value (custom_data.value, value ambiguous)"),
]


@pytest.mark.parametrize(("event", "error"), ERRORS)
def test_only_what_would_be_a_dead_letter_is_an_error(event: Any, error: Any) -> None:
    assert checked(event).error == error


def test_an_event_that_is_too_large_is_an_error() -> None:
    assert (
        checked(GOOD | {"name": "x" * 2_000}, MappingOptions(event_bytes_max=2_000)).error
        == "event_too_large"
    )


def test_a_line_of_broken_json_is_counted_in_the_file() -> None:
    assert checked(b'{"a":1\n"b":2}', line=41).error == "not_json (line 42, column 1)"


UNREAD = "cannot be read; it would be sent with the time of publishing; write 2026-01-31T18:00:00Z"
WARNINGS = [
    (with_user(email="a..b@c.fr"), MappingOptions(), FileWarning("em", "malformed")),
    (with_user(birthdate="02/03/1997"), MappingOptions(), FileWarning("db", "ambiguous")),
    (
        with_user(email=True),
        MappingOptions(),
        FileWarning("em", "wrong_type (user.email)"),
    ),
    (with_user(email=["a@b.fr", True]), MappingOptions(), FileWarning("em", "wrong_type (user.email.1)")),
    (GOOD | {"url": "nowhere"}, MappingOptions(), FileWarning("event_source_url", "malformed (url)")),
    (GOOD | {"event_timestamp": "31/01/2026 18:00"}, MappingOptions(), FileWarning("event_time", UNREAD)),
    (GOOD | {"event_timestamp": True}, MappingOptions(), FileWarning("event_time", UNREAD)),
    (
        GOOD | {"event_timestamp": NOW_S + 3_600},
        MappingOptions(),
        FileWarning("event_time", "lies ahead of now; it would be sent with the time of publishing"),
    ),
    (
        GOOD | {"event_timestamp": " "},
        MappingOptions(),
        FileWarning("event_time", "missing (event_timestamp)"),
    ),
    (
        without("browser"),
        MappingOptions(),
        FileWarning("client_user_agent", "missing (browser.user_agent)"),
    ),
    (
        without("url"),
        MappingOptions(),
        FileWarning("event_source_url", "missing (context.page.url)"),
    ),
    (
        GOOD | {"context": {"event_timestamp": "soon"}},
        MappingOptions(),
        FileWarning("event_time", "malformed (context.event_timestamp)"),
    ),
    (
        GOOD | {"items": [{"product": {"id": "a"}}, {"product": {"id": "b"}, "quantity": 0}]},
        MappingOptions(),
        FileWarning("items.1.quantity", "not as the schema has it (minimum)"),
    ),
]


@pytest.mark.parametrize(("event", "rules", "warning"), WARNINGS)
def test_what_would_be_lost_or_not_sent_is_a_warning(event: Any, rules: Any, warning: Any) -> None:
    found = checked(event, rules)
    assert found.error is None
    assert warning in found.warnings
    assert len({remark.field for remark in found.warnings}) == len(found.warnings)


def test_one_fault_is_one_warning() -> None:
    assert len(checked(GOOD | {"event_timestamp": "31/01/2026 18:00"}).warnings) == 1
    assert len(checked(GOOD | {"url": "nowhere"}).warnings) == 1


FILTERED = [
    (GOOD | {"event_timestamp": NOW_S - 8 * 86_400}, MappingOptions(), "event_too_old"),
    (GOOD, MappingOptions(user_consent_category="3"), "no_consent"),
    (
        {"event_name": "search", "event_timestamp": NOW_S, "user": {"id": "u"}},
        MappingOptions(),
        "not_enough_to_match",
    ),
]


@pytest.mark.parametrize(("event", "rules", "reason"), FILTERED)
def test_what_would_not_be_sent_is_known_with_its_reason(event: Any, rules: Any, reason: Any) -> None:
    found = checked(event, rules)
    assert (found.error, found.filtered) == (None, reason)


def test_what_the_reader_remarked_on_is_a_warning() -> None:
    check = EventCheck(MappingOptions(), schemas_loader.schema("event"), lambda: NOW_S * 1000)
    remark = FileWarning("amount", "differs")
    assert check.check(FoundEvent(1, 2, orjson.dumps(GOOD), (remark,))).warnings == (remark,)


def test_no_value_and_no_odd_key_is_ever_said() -> None:
    secret = "jane.secret@example.com"
    event = GOOD | {
        "url": secret,
        "user": {"id": [secret, 3.5], "email": {secret: secret}, "phone": f"{secret} 06"},
        "items": [{secret: secret}, secret],
        "integrations": {
            "facebook": {"user_data": {secret: secret}, "fbc": secret, "custom_data": {secret: 1}}
        },
    }
    said = repr(checked(event)) + repr(checked(orjson.dumps(event) + b"}"))
    assert "warnings" in said
    assert "secret" not in said


def test_an_event_as_deep_as_json_goes_is_checked() -> None:
    value = b'{"event_name":"search","x":' + b"[" * 1_000 + b"]" * 1_000 + b"}"
    assert checked(value).error is None


def test_the_memory_of_the_hasher_is_given_up_now_and_then() -> None:
    check = EventCheck(MappingOptions(), schemas_loader.schema("event"), lambda: NOW_S * 1000)
    first = next(check._hashers)
    for line in range(499):
        check.check(FoundEvent(line, line, orjson.dumps(GOOD)))
    assert next(check._hashers) is not first
