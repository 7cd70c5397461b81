"""Is it worth sending, and does Meta take it: every reading of the minimum, and purchases."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from support.mapping import decided, event, reason

from consumer.domain.decision import Invalid
from consumer.mapping.decide import is_enough_to_match, meta_rejects_keys
from consumer.mapping.rules import MappingOptions, MatchRule

ALL, ANY_OTHER, ANY = MatchRule


@pytest.mark.parametrize(
    ("keys", "by_all", "by_any_other", "by_any"),
    [
        ("", False, False, False),
        ("em", False, False, True),
        ("fbp", False, False, True),
        ("em ph external_id fbp fbc", False, True, True),
        ("em ph fbp fbc", False, True, True),
        ("em ph fbp", False, False, True),
        ("em ct zp", False, False, True),
        ("em ct zp country", True, True, True),
        ("fbc client_ip_address client_user_agent", False, False, True),
        ("fbc client_ip_address client_user_agent fbp", False, True, True),
        ("external_id client_ip_address client_user_agent country", True, True, True),
        ("em ph ct zp", False, True, True),
        ("fn ln ct zp", False, False, True),
        ("fn ln ct", False, False, True),
        ("ge db ln", False, False, True),
        ("fn st client_ip_address", False, False, True),
        ("fn ln", False, False, False),
        ("client_ip_address client_user_agent", False, False, False),
        ("client_ip_address client_user_agent country", False, False, True),
        ("lead_id", False, False, False),
        ("lead_id madid anon_id page_id", False, False, False),
        ("em lead_id madid page_id", False, False, True),
    ],
)
def test_the_minimum_has_three_readings(keys: str, by_all: bool, by_any_other: bool, by_any: bool) -> None:
    found = keys.split()
    assert is_enough_to_match(found, ALL) is by_all
    assert is_enough_to_match(found, ANY_OTHER) is by_any_other
    assert is_enough_to_match(found, ANY) is by_any


REFUSED = [
    ("ct", "country", "st", "zp", "ge", "client_user_agent"),
    ("db", "client_user_agent"),
    ("fn", "ge"),
    ("ln", "ge"),
]


@pytest.mark.parametrize(
    "keys",
    [some for few in REFUSED for count in range(len(few) + 1) for some in itertools.combinations(few, count)],
)
@pytest.mark.parametrize("rule", MatchRule)
def test_what_meta_refuses_is_never_enough(keys: Any, rule: Any) -> None:
    assert meta_rejects_keys(keys)
    assert not is_enough_to_match(keys, rule)


@pytest.mark.parametrize(
    "keys",
    [
        ("ct", "country", "st", "fn"),
        ("zp", "ge", "client_user_agent", "client_ip_address"),
        ("db", "client_user_agent", "ge"),
        ("db", "fn"),
        ("fn", "ge", "ln"),
        ("ln", "ge", "db"),
        ("fn", "ct"),
        ("lead_id",),
    ],
)
def test_one_key_outside_metas_refused_sets_is_enough_for_meta(keys: Any) -> None:
    assert not meta_rejects_keys(keys)


def test_three_others_count_only_with_a_key_outside_metas_refused_sets() -> None:
    assert not is_enough_to_match(("ct", "country", "st"), ANY)
    assert is_enough_to_match(("ct", "country", "fn"), ANY)


@pytest.mark.parametrize(("rule", "expected"), [(ALL, "not_enough_to_match"), (ANY_OTHER, None), (ANY, None)])
def test_the_setting_says_which_reading_counts(rule: Any, expected: str | None) -> None:
    given = event({"user": {"id": "u"}, "fbp": "fb.1.1763899999000.1"})
    assert reason(given, MappingOptions(match_rule=rule)) == expected


def test_only_what_is_sent_counts() -> None:
    assert reason(event({"user.city": "n/a"})) == "not_enough_to_match"


# Purchases


def purchase(changes: Any = None) -> dict[str, Any]:
    return event(
        {"event_name": "purchase", "amount": 5, "currency": "EUR", "user.country": "FR", **(changes or {})}
    )


def test_a_purchase_with_all_it_needs_is_sent() -> None:
    assert reason(purchase()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"integrations.facebook.event_name": "my_purchase"},
        {"event_name": "sale", "integrations.facebook.event_name": "Purchase"},
        {"event_name": "Purchase"},
    ],
)
def test_a_purchase_without_personal_information_is_filtered(changes: dict[str, Any]) -> None:
    given = purchase({"user.email": None, "user.zipcode": "75001", **changes})
    assert reason(given) == "purchase_without_personal_information"


def test_what_counts_as_personal_information_is_a_setting() -> None:
    given = purchase({"user.email": None, "user.zipcode": "75001"})
    assert reason(given, MappingOptions(purchase_personal_information=("external_id",))) is None
    assert (
        reason(purchase(), MappingOptions(purchase_personal_information=("ph",)))
        == "purchase_without_personal_information"
    )


def test_a_phone_number_is_personal_information_too() -> None:
    assert (
        reason(purchase({"user.email": None, "user.phone": "+33612345678", "user.zipcode": "75001"})) is None
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": None}, "purchase_without_value"),
        ({"amount": "free"}, "purchase_without_value"),
        ({"amount": -1}, "purchase_without_value"),
        ({"amount": "1.234"}, "purchase_without_value"),
        ({"amount": 0}, None),
        ({"currency": None}, "purchase_without_currency"),
        ({"currency": "EURO"}, "purchase_without_currency"),
        ({"amount": None, "currency": None}, "purchase_without_value"),
        ({"amount": None, "integrations.facebook.event_name": "my_purchase"}, None),
        ({"event_name": "sale", "amount": None}, None),
        (
            {"event_name": "sale", "amount": None, "integrations.facebook.event_name": "Purchase"},
            "purchase_without_value",
        ),
    ],
)
def test_what_meta_refuses_about_a_purchase_is_invalid(changes: dict[str, Any], expected: str | None) -> None:
    assert reason(purchase(changes)) == expected


def detail(given: Any) -> str:
    found = decided(given)
    assert isinstance(found, Invalid)
    return found.detail


def test_the_detail_of_an_invalid_purchase_names_the_field() -> None:
    assert detail(purchase({"amount": None})) == "custom_data.value"
    assert detail(purchase({"currency": None})) == "custom_data.currency"


# One record, one reason: the order


WRONG: dict[str, dict[str, Any]] = {
    "no_event_name": {"event_name": None},
    "event_too_old": {"event_timestamp": 1_000_000_000},
    "purchase_without_personal_information": {"user.email": None},
    "not_enough_to_match": {"browser": None},
    "purchase_without_value": {"amount": None},
    "purchase_without_currency": {"currency": None},
    "event_too_large": {"integrations.facebook.custom_data": {"x": "y" * 300_000}},
}


def test_the_first_thing_wrong_is_the_reason() -> None:
    given: dict[str, Any] = {}
    for expected in reversed(WRONG):
        given = {**WRONG[expected], **given}
        assert reason(purchase(given)) == expected


def test_time_comes_before_the_person_and_after_the_name() -> None:
    given = purchase({"event_timestamp": 4_000_000_000, "user": None})
    assert reason(given, timestamp_ms=4_000_000_000_000) == "event_time_in_future"
    assert reason(given | {"event_name": ""}, timestamp_ms=4_000_000_000_000) == "no_event_name"
