"""The event itself: name, id, addresses, and the overrides that are sent as they are."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import NOW_MS, decided, event, facebook, noted, reason, sent, without

from consumer.domain.decision import Invalid, MappingWarning, Reason, WarningCode
from consumer.mapping.rules import MappingOptions

ADDRESS = "ann@example.com"


# event_name


@pytest.mark.parametrize("name", [None, "", "  ", "\t\n", 5, 1.5, True, ["purchase"], {"a": 1}])
@pytest.mark.parametrize("override", [None, "Lead"])
def test_an_event_without_a_name_is_invalid_and_no_override_stands_in(
    name: Any, override: str | None
) -> None:
    given = event({"event_name": name, "integrations.facebook.event_name": override})
    assert reason(given) == "no_event_name"
    assert decided(given).event_label == "none"


def test_an_event_whose_name_is_missing_is_invalid() -> None:
    assert decided(without("event_name")) == Invalid(Reason.NO_EVENT_NAME, detail="event_name")


@pytest.mark.parametrize(
    ("name", "expected"),
    [(" page_view ", "PageView"), ("Page_View", "Page_View"), (" my event ", "my event")],
)
def test_a_name_is_trimmed_and_keeps_its_case(name: str, expected: str) -> None:
    assert sent(event(event_name=name))["event_name"] == expected


def test_an_override_names_the_event() -> None:
    assert sent(facebook(event_name=" yourCustomEventName "))["event_name"] == "yourCustomEventName"


def test_an_override_is_not_looked_up_in_the_table() -> None:
    assert sent(facebook(event_name="view_item"))["event_name"] == "view_item"


@pytest.mark.parametrize(
    ("override", "word"),
    [("", "missing"), (" ", "missing"), (5, "wrong_type"), (["x"], "wrong_type"), (ADDRESS, "personal_data")],
)
def test_an_unusable_override_of_the_name_falls_back_with_a_note(override: Any, word: str) -> None:
    assert sent(facebook(event_name=override))["event_name"] == "PageView"
    assert noted(facebook(event_name=override)) == [("event_name", word)]


def test_a_name_that_holds_an_address_needs_another_source() -> None:
    assert reason(event(event_name=f"mail {ADDRESS}")) == "no_event_name"
    assert noted(event(event_name=f"mail {ADDRESS}")) == [("event_name", "personal_data")]
    assert (
        sent(event({"event_name": ADDRESS, "integrations.facebook.event_name": "Lead"}))["event_name"]
        == "Lead"
    )
    assert (
        sent(event(event_name=ADDRESS), MappingOptions(event_names={ADDRESS: "Lead"}))["event_name"] == "Lead"
    )


# event_id


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (event({"integrations.facebook.event_id": "f", "event_id": "e", "context.event_id": "c"}), "f"),
        (event({"event_id": "e", "context.event_id": "c"}), "e"),
        (event({"event_id": None, "context.event_id": "c"}), "c"),
        (event(event_id=17), "17"),
        (event(event_id=17.0), "17"),
        (event(event_id=0), "0"),
        (event(event_id=" kept as it is "), " kept as it is "),
        (event(event_id="ÀB-ç"), "ÀB-ç"),
    ],
)
def test_the_id_is_the_pixels_or_the_events_own(given: Any, expected: str) -> None:
    assert sent(given)["event_id"] == expected
    assert noted(given) == []


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("", "missing"), (" ", "missing"), (True, "wrong_type"), (1.5, "wrong_type"), ([1], "wrong_type"),
        ({}, "wrong_type"), (1e300, "wrong_type"), ("undefined", "placeholder"), (" NULL ", "placeholder"),
        ("order of ann@example.com", "personal_data"),
    ],
)  # fmt: skip
def test_an_unusable_id_falls_back_to_the_next_with_a_note(value: Any, word: str) -> None:
    given = event({"integrations.facebook.event_id": value, "event_id": "e"})
    assert sent(given)["event_id"] == "e"
    assert noted(given) == [("event_id", word)]


def test_an_event_without_an_id_is_named_by_its_records_place() -> None:
    assert sent(without("event_id"), timestamp_ms=NOW_MS - 1)["event_id"] == f"shop-3-7-{NOW_MS - 1}"


def test_a_replayed_record_carries_the_id_and_time_of_where_it_first_stood() -> None:
    origin = {
        "dlq.origin-topic": b"first",
        "dlq.origin-partition": b"1",
        "dlq.origin-offset": b"99",
        "dlq.origin-timestamp": b"1763890000123",
    }
    replayed = sent(without("event_id", "event_timestamp"), headers=tuple(origin.items()), offset=4)
    assert replayed["event_id"] == "first-1-99-1763890000123"
    assert replayed["event_time"] == 1_763_890_000


# addresses


@pytest.mark.parametrize(
    ("key", "overriding", "of_page", "at_root"),
    [
        ("event_source_url", "integrations.facebook.event_source_url", "context.page.url", "url"),
        ("referrer_url", "integrations.facebook.referrer_url", "context.page.referrer", "referrer"),
    ],
)
def test_an_address_has_three_sources(key: str, overriding: str, of_page: str, at_root: str) -> None:
    all_three = {
        overriding: "https://a.example/",
        of_page: "https://b.example/",
        at_root: "https://c.example/",
    }
    assert sent(event(all_three))[key] == "https://a.example/"
    assert sent(event(all_three | {overriding: None}))[key] == "https://b.example/"
    assert sent(event(all_three | {overriding: "/relative"}))[key] == "https://b.example/"
    assert sent(event(all_three | {overriding: None, of_page: 5}))[key] == "https://c.example/"
    assert key not in sent(event({overriding: None, of_page: None, at_root: None}))


def test_an_address_is_cleaned_and_noted() -> None:
    given = event(url="https://shop.example.com/?email=a&b=1")
    assert sent(given)["event_source_url"] == "https://shop.example.com/?b=1"
    assert noted(given) == [("event_source_url", "personal_data")]


def test_a_website_without_address_or_user_agent_is_sent_with_notes() -> None:
    given = event({"url": None, "browser.user_agent": None, "user.country": "FR", "user.zipcode": "75001"})
    assert noted(given) == [("client_user_agent", "missing"), ("event_source_url", "missing")]
    assert noted(event({"url": None, "integrations.facebook.action_source": "chat"})) == []


# what is sent beside the data as it is


@pytest.mark.parametrize("key", ["original_event_data", "attribution_data", "app_data"])
def test_objects_are_sent_cleaned(key: str) -> None:
    given = facebook(
        **{key: {"order_id": "o", "note": f"of {ADDRESS}", "phone": 5, "deep": {"list": [1, ADDRESS]}}}
    )
    assert sent(given)[key] == {"order_id": "o", "deep": {"list": [1]}}
    assert noted(given) == [(key, "personal_data")]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({}, "missing"),
        ([], "wrong_type"),
        ("x", "wrong_type"),
        (5, "wrong_type"),
        ({"email": "x"}, "personal_data"),
    ],
)
def test_an_object_that_is_none_or_empty_is_left_out(value: Any, word: str) -> None:
    assert "app_data" not in sent(facebook(app_data=value))
    assert noted(facebook(app_data=value)) == [("app_data", word)]


def test_allowed_keys_are_of_custom_data_only() -> None:
    rules = MappingOptions(unredacted_keys=frozenset({"phone"}))
    assert sent(facebook(app_data={"phone": "5", "a": 1}), rules)["app_data"] == {"a": 1}


@pytest.mark.parametrize("key", ["customer_segmentation", "messaging_channel"])
def test_texts_are_sent_trimmed(key: str) -> None:
    assert sent(facebook(**{key: " new "}))[key] == "new"


@pytest.mark.parametrize("key", ["customer_segmentation", "messaging_channel"])
@pytest.mark.parametrize(
    ("value", "word"), [("", "missing"), (5, "wrong_type"), ({}, "wrong_type"), (ADDRESS, "personal_data")]
)
def test_unusable_texts_are_left_out(key: str, value: Any, word: str) -> None:
    assert key not in sent(facebook(**{key: value}))
    assert noted(facebook(**{key: value})) == [(key, word)]


def test_keys_meta_does_not_know_stay_behind() -> None:
    assert sent(facebook(delivery="x", event_time=5, user_agent="x")) == sent(event())


def test_a_note_names_the_key_and_never_the_value() -> None:
    assert decided(facebook(event_name=5)).warnings == (MappingWarning("event_name", WarningCode.WRONG_TYPE),)
