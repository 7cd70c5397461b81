"""The decision as a whole: its bytes, its limits, and what no payload may ever hold."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.json_values import JSON, SCALAR
from support.mapping import NOW_MS, NOW_S, decided, event, facebook, noted, ordinary, reason, record, sent
from support.odd_events import KINDS, ODD_TEXTS, PATHS, RULES, events, set_at

from consumer.domain.decision import INVALID_REASONS, Decision, Deliverable, Filtered, Invalid
from consumer.mapping import tables
from consumer.mapping.decide import decide
from consumer.mapping.fast_mapping import map_event
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions, MatchRule
from consumer.mapping.tables import NOTE_FIELDS, PLACES
from consumer.sandbox.rules import error_for
from consumer.schemas_loader import SERVER_EVENT, schema

SENT = jsonschema_rs.validator_for(schema(SERVER_EVENT))
HASHED = ("em", "ph", "ge", "db", "ln", "fn", "ct", "st", "zp", "country", "external_id")
OF_THE_EMPTY_TEXT = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ADDRESS = re.compile(rb"[^@/?&=#\s\"]@[^@/?&=#\s\"]+\.[^@/?&=#\s\"]")


def payload_of(decision: Decision) -> bytes:
    assert isinstance(decision, Deliverable)
    return decision.payload


def test_an_ordinary_event_is_sent_whole() -> None:
    assert sent(ordinary()) == {
        "event_name": "PageView",
        "event_time": NOW_S,
        "event_id": "e-1",
        "action_source": "website",
        "event_source_url": "https://shop.example.com/",
        "user_data": {
            "external_id": "a24a7f55f278dd49fb1f99c5507800cb198a5bfe10fe2126cd0b25672152b0da",
            "em": "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476",
            "ct": "1670f2e42fefa5044d59a65349e47c566009488fc57d7b4376dd5787b59e3c57",
            "client_ip_address": "8.8.8.8",
            "client_user_agent": "Mozilla/5.0",
        },
        "custom_data": {"content_type": "product"},
    }
    assert noted(ordinary()) == []


def test_a_deliverable_says_what_others_need_to_know() -> None:
    found = decided(ordinary())
    assert isinstance(found, Deliverable)
    assert found.event_label == "PageView"
    assert found.expires_at_s == NOW_S + 7 * 86_400 - 600
    assert found.match_keys == ("external_id", "em", "ct", "client_ip_address", "client_user_agent")


def test_the_example_of_the_documentation_is_sent_as_it_says() -> None:
    given = event(
        {
            "event_name": "purchase",
            "currency": "EUR",
            "amount": 101,
            "integrations": {
                "facebook": {"custom_data": {"content_name": "booking", "your_field": "your_value"}}
            },
        }
    )
    assert sent(given)["custom_data"] == {
        "value": 101,
        "currency": "EUR",
        "content_name": "booking",
        "content_type": "product",
        "your_field": "your_value",
    }


def test_a_payload_may_be_as_large_as_the_setting_says() -> None:
    size = len(payload_of(decided(facebook(custom_data={"x": ""}))))
    assert reason(facebook(custom_data={"x": "é"}), MappingOptions(event_bytes_max=size + 2)) is None
    assert (
        reason(facebook(custom_data={"x": "é"}), MappingOptions(event_bytes_max=size + 1))
        == "event_too_large"
    )
    assert reason(facebook(custom_data={"x": "y" * (256 * 1024 - size)})) is None
    assert reason(facebook(custom_data={"x": "y" * (256 * 1024 - size + 1)})) == "event_too_large"


def test_what_is_not_sent_does_not_count_for_size() -> None:
    assert reason(event(notes="x" * 1_000_000)) is None


def test_a_batch_shares_a_hasher_and_decides_alike() -> None:
    hasher = BatchHasher()
    together = [decide(record(ordinary()), MappingOptions(), hasher, NOW_MS) for _ in range(3)]
    assert together == [decided(ordinary())] * 3


def payload_at(given: Any, now_ms: Any) -> Any:
    return payload_of(decide(record(given), MappingOptions(), BatchHasher(), now_ms))


@pytest.mark.parametrize("later_s", [1, 86_400, 7 * 86_400 - 600])
def test_a_redelivery_gives_the_same_bytes_for_as_long_as_meta_takes_them(later_s: Any) -> None:
    for one in (ordinary(), event(event_timestamp=None), event({"user.birthdate": "1990-01-31"})):
        assert payload_at(one, NOW_MS + later_s * 1000) == payload_at(one, NOW_MS)


@pytest.mark.parametrize("changes", [{"event_timestamp": NOW_S + 301}, {"user.birthdate": "2025-11-24"}])
def test_what_lay_ahead_the_first_time_counts_once_it_does_not_any_more(changes: dict[str, Any]) -> None:
    tomorrow_ms = NOW_MS + 86_400_000
    assert payload_at(event(changes), tomorrow_ms) != payload_at(event(changes), NOW_MS)
    assert payload_at(event(changes), tomorrow_ms + 1) == payload_at(event(changes), tomorrow_ms)


def test_a_reason_is_filtered_or_invalid_by_its_word() -> None:
    assert isinstance(decided(event({"user": None, "browser": None})), Filtered)
    assert isinstance(decided(event(event_name="")), Invalid)


def test_nothing_personal_shows_on_the_way_to_a_decision() -> None:
    hasher = BatchHasher()
    mapped = map_event(ordinary(), record(ordinary()), MappingOptions(), hasher, NOW_MS)
    assert mapped is not None
    for shown in (repr(mapped), repr(hasher.field_caches("FR", MappingOptions(), NOW_MS))):
        assert not re.search(r"ann|u-1|Paris|8\.8\.8\.8|Mozilla|[0-9a-f]{64}", shown)


def test_nothing_personal_shows_in_a_decision() -> None:
    for one in (ordinary(), event(event_name=""), event(user=None), event(event_name="Purchase")):
        shown = repr(decided(one))
        assert not re.search(r"ann|u-1|Paris|8\.8\.8\.8|Mozilla|[0-9a-f]{64}", shown)


# Whatever a record holds


def keeps_what_is_promised(given: Any, rules: Any) -> None:
    """Notes name known fields; a payload is clean, the same each time, and what Meta takes."""
    decision = decided(given, rules)
    assert all(note.field in FIELDS for note in decision.warnings)
    if not isinstance(decision, Deliverable):
        assert isinstance(decision, Invalid) is (decision.reason in INVALID_REASONS)
        return
    payload = decision.payload
    assert [error.message for error in SENT.iter_errors(orjson.loads(payload))] == []
    assert OF_THE_EMPTY_TEXT not in orjson.dumps(
        [orjson.loads(payload)["user_data"].get(key) for key in HASHED]
    )
    assert not ADDRESS.search(payload)
    assert len(payload) <= rules.event_bytes_max
    assert payload_of(decided(given, rules)) == payload
    assert error_for([orjson.loads(payload)], NOW_S) is None


@settings(max_examples=700, deadline=None)
@given(events(), RULES)
@example(event(event_name="a\x1c@b.c"), MappingOptions())
def test_whatever_stands_in_a_field_there_is_a_decision_and_a_clean_payload(given: Any, rules: Any) -> None:
    keeps_what_is_promised(given, rules)


@pytest.mark.parametrize("path", PATHS)
def test_each_field_may_hold_any_kind_of_value(path: Any) -> None:
    for value in (*KINDS, *ODD_TEXTS):
        made = ordinary() | {"currency": "EUR", "amount": 1}
        set_at(made, path, value)
        keeps_what_is_promised(made, MappingOptions(match_rule=MatchRule.ANY))


def test_the_fields_are_those_of_the_documentation() -> None:
    assert len(PATHS) > 100
    assert {"user.phone", "user.zipcode_sha256", "context.device.cookie._fbp", "search_term"} < set(PATHS)
    assert {f"integrations.facebook.user_data.{key}" for key in tables.USER_DATA_KEYS} < set(PATHS)
    assert {f"integrations.facebook.custom_data.{key}" for key in tables.CUSTOM_DATA} < set(PATHS)


@settings(max_examples=500, deadline=None)
@given(JSON)
def test_whatever_json_a_record_holds_there_is_a_decision(value: Any) -> None:
    assert isinstance(decided(orjson.dumps(value)), Deliverable | Filtered | Invalid)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_bytes_a_record_holds_there_is_a_decision(value: Any) -> None:
    assert isinstance(decided(value), Deliverable | Filtered | Invalid)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(PATHS), SCALAR), st.integers(-(2**40), 2**50), st.integers(0, 2**45))
def test_whatever_the_clocks_say_there_is_a_decision(changes: Any, timestamp_ms: Any, now_ms: Any) -> None:
    made = ordinary()
    for path, value in changes.items():
        set_at(made, path, value)
    found = decide(record(made, timestamp_ms=timestamp_ms), MappingOptions(), BatchHasher(), now_ms)
    if isinstance(found, Deliverable):
        assert orjson.loads(found.payload)["event_time"] * 1000 <= now_ms + 300_000
        assert now_ms <= found.expires_at_s * 1000


FIELDS = {
    *schema(SERVER_EVENT)["properties"],
    *schema(SERVER_EVENT)["properties"]["user_data"]["properties"],
    *schema(SERVER_EVENT)["properties"]["custom_data"]["properties"],
    "user_data.*", "custom_data.*", "contents[]", "items", "user", "integrations.facebook",
}  # fmt: skip


def test_notes_name_meta_keys_and_a_few_groups() -> None:
    assert {"event_name", "em", "value", "user"} < FIELDS
    assert FIELDS == NOTE_FIELDS
    assert not FIELDS & {place for place in PLACES if place} - {"user", "integrations.facebook"}


@pytest.mark.parametrize("now_ms", [0, 1, 253_402_300_799_999])
def test_any_day_of_the_calendar_can_be_today(now_ms: int) -> None:
    assert isinstance(
        decide(record(ordinary()), MappingOptions(), BatchHasher(), now_ms), Deliverable | Filtered | Invalid
    )
