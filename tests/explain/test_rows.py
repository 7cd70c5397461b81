"""A row for each Meta key: where from, what was hashed, what is sent, what was lost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from support.mapping import NOW_MS, event

from consumer.event_files.lines import FoundEvent
from consumer.explain.decisions import explain_events as explained_entries
from consumer.explain.rows import Explained, Row, full_key, rows
from consumer.mapping.rules import MappingOptions

EMAIL_DIGEST = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"


def explained(given: Any, rules: Any = None) -> Explained:
    (one,) = explained_entries([FoundEvent(1, 1, orjson.dumps(given))], rules or MappingOptions(), NOW_MS)
    return one


def row_of(key: Any, given: Any, rules: Any = None, *, show_values: bool = False) -> Row:
    """The one row of a key."""
    (found,) = [row for row in rows(explained(given, rules), show_values=show_values) if row.key == key]
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user.email": " ANN@example.com"}, ("user.email", "ann@example.com", EMAIL_DIGEST)),
        ({"user.email": EMAIL_DIGEST}, ("user.email", "(already hashed)", EMAIL_DIGEST)),
        (
            {"user.email": None, "user.email_sha256": EMAIL_DIGEST.upper()},
            ("user.email_sha256", "(already hashed)", EMAIL_DIGEST),
        ),
        (
            {
                "integrations.facebook": {"user_data": {"em": "ann@example.com"}},
                "user.email": "b@example.com",
            },
            ("integrations.facebook.user_data.em", "ann@example.com", EMAIL_DIGEST),
        ),
        (
            {"user.email": ["ann@example.com", "Ann@Example.com", "x"]},
            (
                "user.email",
                "ann@example.com",
                EMAIL_DIGEST,
                "malformed: not in a form that can be used (user.email)",
            ),
        ),
    ],
)
def test_a_hashed_key_shows_the_text_that_was_hashed(changes: dict[str, Any], expected: Any) -> None:
    assert row_of("user_data.em", event(changes), show_values=True) == Row("user_data.em", *expected)


@pytest.mark.parametrize(
    ("key", "changes", "expected"),
    [
        ("user_data.em", {}, Row("user_data.em", "user.email", "xxx@xxxxxxx.xxx", "71d4f5…")),
        (
            "user_data.em",
            {"user.email": EMAIL_DIGEST},
            Row("user_data.em", "user.email", "(already hashed)", "71d4f5…"),
        ),
        (
            "user_data.client_ip_address",
            {},
            Row("user_data.client_ip_address", "browser.ip", "", "9.9.9.9"),
        ),
        (
            "user_data.subscription_id",
            {"integrations.facebook": {"user_data": {"subscription_id": "abc-12"}}},
            Row("user_data.subscription_id", "integrations.facebook.user_data.subscription_id", "", "xxx-99"),
        ),
    ],
)
def test_what_is_personal_stands_as_its_shape(key: str, changes: dict[str, Any], expected: Any) -> None:
    assert row_of(key, event(changes)) == expected


DIGEST = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"


@pytest.mark.parametrize(
    ("key", "changes", "rules", "sent"),
    [
        ("event_source_url", {"url": f"https://x.fr/?h={DIGEST}"}, None, "https://x.fr/?h=973dfe…"),
        (
            "event_source_url",
            {"url": "https://x.fr/?fbclid=IwAR2-x&b=1"},
            None,
            "https://x.fr/?fbclid=xxxx9-x&b=1",
        ),
        (
            "custom_data.user_id",
            {"integrations.facebook": {"custom_data": {"user_id": DIGEST}}},
            None,
            "973dfe…",
        ),
        (
            "custom_data.tier",
            {"user.tier": "Gold 1"},
            MappingOptions(custom_data_paths={"tier": (("user", "tier"),)}),
            "xxxx 9",
        ),
        (
            "custom_data.shop",
            {"shop": "Gold 1"},
            MappingOptions(custom_data_paths={"shop": (("shop",),)}),
            "Gold 1",
        ),
    ],
)
def test_what_tells_of_a_person_elsewhere_is_masked_too(
    key: str, changes: dict[str, Any], rules: Any, sent: str
) -> None:
    assert row_of(key, event(changes), rules).sent == sent


def test_what_a_setting_allows_into_custom_data_is_masked_all_the_same() -> None:
    given = event({"integrations.facebook": {"custom_data": {"phone": "0612", "seats": "12"}}})
    rules = MappingOptions(unredacted_keys=frozenset({"phone"}))
    assert row_of("custom_data.phone", given, rules).sent == "9999"
    assert row_of("custom_data.phone", given, rules, show_values=True).sent == "0612"
    assert row_of("custom_data.seats", given, rules).sent == "12"


def test_a_key_of_the_users_own_has_its_own_source_whatever_its_name() -> None:
    given = event({"integrations.facebook": {"custom_data": {"em": 1, "event_id": 2}}})
    assert row_of("custom_data.em", given).source == "integrations.facebook.custom_data.em"
    assert row_of("custom_data.event_id", given).source == "integrations.facebook.custom_data.event_id"
    assert row_of("event_id", given).source == "event_id"


def test_what_no_event_says_comes_from_the_settings() -> None:
    assert row_of("action_source", event()) == Row("action_source", "setting", "", "website")
    assert row_of("custom_data.content_type", event()).source == "setting"


def test_an_event_that_is_not_sent_shows_what_was_found_and_sends_nothing() -> None:
    found = rows(explained(event(user={"email": "ann@example.com"}, browser={})))
    assert Row("user_data.em", "user.email", "xxx@xxxxxxx.xxx") in found
    assert {row.sent for row in found} == {""}


@pytest.mark.parametrize("key", ["marie@example.com", "phone", "E_Mail"])
def test_a_personal_key_of_an_event_that_is_not_sent_is_not_shown(key: str) -> None:
    given = {"event_name": "x", "integrations": {"facebook": {"custom_data": {key: "x", "seats": 2}}}}
    keys = {row.key for row in rows(explained(given))}
    assert "custom_data.seats" in keys
    assert f"custom_data.{key}" not in keys


def test_an_event_without_an_id_of_its_own_says_what_it_loses() -> None:
    given = event({"event_id": None})
    assert row_of("event_id", given).notes == (
        "without an id of its own it is not known for the browser's copy"
    )
    assert row_of("event_id", event()).notes == ""


def test_a_note_stands_on_the_row_of_its_key_or_on_one_of_its_own() -> None:
    given = event({"fbp": "x", "user.gender": "?", "items": [{"id": "a", "quantity": "x"}, 5], "user.id": {}})
    found = {row.key: row for row in rows(explained(given))}
    malformed = "malformed: not in a form that can be used"
    assert found["user_data.fbp"] == Row("user_data.fbp", "fbp", "x", notes=malformed)
    assert found["user_data.ge"] == Row("user_data.ge", "user.gender", "?", notes=malformed)
    assert found["custom_data.contents[]"].notes == malformed
    assert found["items"].notes == "wrong_type: not of the type that is expected"
    assert found["custom_data.contents"].sent == '[{"id":"a","quantity":1}]'


def test_what_was_lost_stands_as_it_came_or_as_its_shape() -> None:
    given = event({"user.phone": "12 34", "user.birthdate": {"y": 1990}})
    assert row_of("user_data.ph", given).normalised == "99 99"
    assert row_of("user_data.ph", given, show_values=True).normalised == "12 34"
    assert row_of("user_data.db", given, show_values=True).normalised == '{"y":1990}'
    assert row_of("user_data.ph", given).source == "user.phone"


def test_a_value_that_was_replaced_by_the_next_source_names_its_place() -> None:
    given = event({"amount": "1.234", "value": 12.5})
    assert row_of("custom_data.value", given).source == "value"
    assert row_of("custom_data.value", given).notes == "ambiguous: can be read in two ways (amount)"


def test_two_notes_on_one_key_are_told_once_each() -> None:
    given = event({"fbc": "x", "integrations.facebook": {"fbc": "y", "user_data": {"fbc": 5}}})
    assert row_of("user_data.fbc", given).notes == (
        "wrong_type: not of the type that is expected; malformed: not in a form that can be used"
    )


def test_rows_stand_as_in_a_payload() -> None:
    keys = [row.key for row in rows(explained(event({"amount": 1, "user.gender": "?", "opt_out": 1})))]
    assert keys[:4] == ["event_name", "event_time", "event_id", "action_source"]
    sections = [key.partition(".")[0] if "." in key else "" for key in keys]
    assert sections == sorted(sections, key=["", "user_data", "custom_data"].index)
    assert "user_data.ge" in keys


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("em", "user_data.em"),
        ("fbc", "user_data.fbc"),
        ("subscription_id", "user_data.subscription_id"),
        ("value", "custom_data.value"),
        ("contents[]", "custom_data.contents[]"),
        ("custom_data.*", "custom_data.*"),
        ("event_time", "event_time"),
        ("items", "items"),
    ],
)
def test_a_field_is_written_as_it_stands_in_the_payload(field: str, expected: str) -> None:
    assert full_key(field) == expected
