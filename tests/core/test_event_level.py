"""The event itself: name, id, time, action source, opt-out, and what else Meta takes beside the data."""

import pytest
from deciding import NOW_MS, NOW_S, NOW_TEXT, decided, event, facebook, noted, reason, sent, without

from consumer.core.decision import Invalid, Note, NoteWord, Reason
from consumer.core.rules import Rules

DAY_S = 86_400
ADDRESS = "ann@example.com"


# event_name


@pytest.mark.parametrize("name", [None, "", "  ", "\t\n", 5, 1.5, True, ["purchase"], {"a": 1}])
@pytest.mark.parametrize("override", [None, "Lead"])
def test_an_event_without_a_name_is_invalid_and_no_override_stands_in(name, override):
    given = event({"event_name": name, "integrations.facebook.event_name": override})
    assert reason(given) == "no_event_name"
    assert decided(given).event_label == "none"


def test_an_event_whose_name_is_missing_is_invalid():
    assert decided(without("event_name")) == Invalid(Reason.NO_EVENT_NAME, detail="event_name")


@pytest.mark.parametrize(
    ("name", "expected"),
    [(" page_view ", "PageView"), ("Page_View", "Page_View"), (" my event ", "my event")],
)
def test_a_name_is_trimmed_and_keeps_its_case(name, expected):
    assert sent(event(event_name=name))["event_name"] == expected


def test_an_override_names_the_event():
    assert sent(facebook(event_name=" yourCustomEventName "))["event_name"] == "yourCustomEventName"


def test_an_override_is_not_looked_up_in_the_table():
    assert sent(facebook(event_name="view_item"))["event_name"] == "view_item"


@pytest.mark.parametrize(
    ("override", "word"),
    [("", "missing"), (" ", "missing"), (5, "wrong_type"), (["x"], "wrong_type"), (ADDRESS, "personal_data")],
)
def test_an_unusable_override_of_the_name_falls_back_with_a_note(override, word):
    assert sent(facebook(event_name=override))["event_name"] == "PageView"
    assert noted(facebook(event_name=override)) == [("event_name", word)]


def test_a_name_that_holds_an_address_needs_another_source():
    assert reason(event(event_name=f"mail {ADDRESS}")) == "no_event_name"
    assert noted(event(event_name=f"mail {ADDRESS}")) == [("event_name", "personal_data")]
    assert (
        sent(event({"event_name": ADDRESS, "integrations.facebook.event_name": "Lead"}))["event_name"]
        == "Lead"
    )
    assert sent(event(event_name=ADDRESS), Rules(event_names={ADDRESS: "Lead"}))["event_name"] == "Lead"


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
def test_the_id_is_the_pixels_or_the_events_own(given, expected):
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
def test_an_unusable_id_falls_back_to_the_next_with_a_note(value, word):
    given = event({"integrations.facebook.event_id": value, "event_id": "e"})
    assert sent(given)["event_id"] == "e"
    assert noted(given) == [("event_id", word)]


def test_an_event_without_an_id_is_named_by_its_records_place():
    assert sent(without("event_id"), timestamp_ms=NOW_MS - 1)["event_id"] == f"shop-3-7-{NOW_MS - 1}"


def test_a_replayed_record_carries_the_id_and_time_of_where_it_first_stood():
    origin = {
        "dlq.origin-topic": b"first",
        "dlq.origin-partition": b"1",
        "dlq.origin-offset": b"99",
        "dlq.origin-timestamp": b"1763890000123",
    }
    replayed = sent(without("event_id", "event_timestamp"), headers=tuple(origin.items()), offset=4)
    assert replayed["event_id"] == "first-1-99-1763890000123"
    assert replayed["event_time"] == 1_763_890_000


# event_time


@pytest.mark.parametrize(
    "time",
    [
        NOW_S, float(NOW_S), NOW_S + 0.9, NOW_MS, NOW_MS + 999, NOW_MS * 1000, NOW_MS * 1_000_000, str(NOW_S),
        f" {NOW_MS} ", f"{NOW_S}.75", NOW_TEXT, "2025-11-23T12:13:20", "2025-11-23 12:13:20Z",
        "2025-11-23T13:13:20+01:00", "2025-11-23T13:13:20+0100", "2025-11-23T12:13:20.999Z",
    ],
)  # fmt: skip
def test_a_time_is_read_in_any_unit(time):
    assert sent(event(event_timestamp=time))["event_time"] == NOW_S
    assert noted(event(event_timestamp=time)) == []


def test_the_context_says_the_time_first():
    given = event({"context.event_timestamp": NOW_S - 60, "event_timestamp": NOW_S})
    assert sent(given)["event_time"] == NOW_S - 60


@pytest.mark.parametrize("time", [0, -5, True, "", "yesterday", [NOW_S], {}])
def test_without_a_usable_time_the_records_counts(time):
    given = event(event_timestamp=time)
    assert sent(given, timestamp_ms=NOW_MS - 1_001)["event_time"] == NOW_S - 2
    assert noted(given)[-1] == ("event_time", "missing")


def test_without_any_time_the_records_counts():
    assert sent(without("event_timestamp"), timestamp_ms=NOW_MS - 5_000)["event_time"] == NOW_S - 5
    assert noted(without("event_timestamp")) == [("event_time", "missing")]


def test_five_minutes_ahead_is_a_clock_and_more_is_a_mistake():
    assert sent(event(event_timestamp=NOW_S + 300))["event_time"] == NOW_S + 300
    assert sent(event(event_timestamp=NOW_S + 301), timestamp_ms=NOW_MS - 9_000)["event_time"] == NOW_S - 9
    assert noted(event(event_timestamp=NOW_S + 301)) == [("event_time", "future")]
    assert noted(event(event_timestamp=NOW_MS + 300_000)) == []
    assert noted(event(event_timestamp=NOW_MS + 300_001)) == [("event_time", "future")]


@pytest.mark.parametrize("time", [NOW_S + 301, None])
def test_an_event_whose_record_is_ahead_too_is_invalid(time):
    found = decided(event(event_timestamp=time), timestamp_ms=NOW_MS + 302_000)
    assert (found.reason, found.event_label, found.detail) == (
        "event_time_in_future",
        "PageView",
        "event_time",
    )


@pytest.mark.parametrize(
    ("age_s", "source", "expected"),
    [
        (7 * DAY_S - 600, "website", None),
        (7 * DAY_S - 599, "website", "event_too_old"),
        (7 * DAY_S - 599, "physical_store", None),
        (62 * DAY_S - 600, "physical_store", None),
        (62 * DAY_S - 599, "physical_store", "event_too_old"),
        (400 * DAY_S, "website", "event_too_old"),
    ],
)
def test_an_event_too_old_for_meta_is_filtered(age_s, source, expected):
    given = event({"event_timestamp": NOW_S - age_s, "integrations.facebook.action_source": source})
    assert reason(given) == expected


@pytest.mark.parametrize(("source", "days"), [("website", 7), ("physical_store", 62)])
def test_a_deliverable_says_until_when_meta_takes_it(source, days):
    found = decided(facebook(action_source=source))
    assert found.expires_at_s == NOW_S + days * DAY_S - 600


def test_a_record_without_a_timestamp_and_a_time_is_too_old():
    assert reason(without("event_timestamp"), timestamp_ms=-1) == "event_too_old"


# action_source


@pytest.mark.parametrize(
    "source", ["email", "website", "phone_call", "chat", "physical_store", "system_generated", "other"]
)
def test_the_override_says_where_it_happened(source):
    assert sent(facebook(action_source=f" {source.upper()} "))["action_source"] == source


@pytest.mark.parametrize(
    ("changes", "setting", "expected"),
    [
        ({}, "website", "website"),
        ({}, "chat", "chat"),
        ({"type": "offline"}, "website", "physical_store"),
        ({"type": "call"}, "website", "phone_call"),
        ({"type": "online"}, "chat", "chat"),
        ({"type": 5}, "website", "website"),
        ({"type": ["offline"]}, "website", "website"),
        ({"type": "offline", "integrations.facebook.action_source": "chat"}, "website", "chat"),
        ({"type": "offline", "integrations.facebook.action_source": "shop"}, "website", "physical_store"),
        ({}, "app", "website"),
        ({}, "business_messaging", "website"),
    ],
)
def test_where_it_happened_falls_back_step_by_step(changes, setting, expected):
    assert sent(event(changes), Rules(action_source=setting))["action_source"] == expected


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("shop", "malformed"),
        ("", "missing"),
        (5, "wrong_type"),
        ("app", "missing"),
        ("business_messaging", "missing"),
    ],
)
def test_an_unusable_action_source_is_noted(override, word):
    assert sent(facebook(action_source=override))["action_source"] == "website"
    assert noted(facebook(action_source=override)) == [("action_source", word)]


@pytest.mark.parametrize(
    ("extinfo", "expected"),
    [
        (["a2"] * 16, "app"),
        (["a2"] * 15, "website"),
        (["a2"] * 17, "website"),
        (["a2"] * 15 + [ADDRESS], "website"),
        ("a2", "website"),
        (None, "website"),
    ],
)
def test_an_app_needs_its_sixteen_facts_after_cleaning(extinfo, expected):
    assert sent(facebook(action_source="app", app_data={"extinfo": extinfo}))["action_source"] == expected


def test_a_conversation_needs_its_channel():
    given = facebook(action_source="business_messaging", messaging_channel="whatsapp")
    assert sent(given)["action_source"] == "business_messaging"
    assert sent(given)["messaging_channel"] == "whatsapp"


# URLs


@pytest.mark.parametrize(
    ("key", "overriding", "of_page", "at_root"),
    [
        ("event_source_url", "integrations.facebook.event_source_url", "context.page.url", "url"),
        ("referrer_url", "integrations.facebook.referrer_url", "context.page.referrer", "referrer"),
    ],
)
def test_an_address_has_three_sources(key, overriding, of_page, at_root):
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


def test_an_address_is_cleaned_and_noted():
    given = event(url="https://shop.example.com/?email=a&b=1")
    assert sent(given)["event_source_url"] == "https://shop.example.com/?b=1"
    assert noted(given) == [("event_source_url", "personal_data")]


def test_a_website_without_address_or_user_agent_is_sent_with_notes():
    given = event({"url": None, "browser.user_agent": None, "user.country": "FR", "user.zipcode": "75001"})
    assert noted(given) == [("client_user_agent", "missing"), ("event_source_url", "missing")]
    assert noted(event({"url": None, "integrations.facebook.action_source": "chat"})) == []


# opt_out


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (False, False), ("true", True), ("false", False), ("1", True), ("0", False), (1, True),
        (0, False), (1.0, True), (0.0, False), (" false ", False),
    ],
)  # fmt: skip
def test_opting_out_is_read(value, expected):
    assert sent(facebook(opt_out=value))["opt_out"] is expected
    assert noted(facebook(opt_out=value)) == []


@pytest.mark.parametrize("value", ["", "no", "yes", "FALSE", 2, -1, 0.5, [], [False], {}])
def test_what_cannot_be_read_opts_out(value):
    assert sent(facebook(opt_out=value))["opt_out"] is True
    assert noted(facebook(opt_out=value))[0][0] == "opt_out"


def test_null_says_nothing_about_opting_out():
    assert "opt_out" not in sent(facebook(opt_out=None))


# what is sent beside the data as it is


@pytest.mark.parametrize("key", ["original_event_data", "attribution_data", "app_data"])
def test_objects_are_sent_cleaned(key):
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
def test_an_object_that_is_none_or_empty_is_left_out(value, word):
    assert "app_data" not in sent(facebook(app_data=value))
    assert noted(facebook(app_data=value)) == [("app_data", word)]


def test_allowed_keys_are_of_custom_data_only():
    rules = Rules(custom_data_allow=frozenset({"phone"}))
    assert sent(facebook(app_data={"phone": "5", "a": 1}), rules)["app_data"] == {"a": 1}


@pytest.mark.parametrize("key", ["customer_segmentation", "messaging_channel"])
def test_texts_are_sent_trimmed(key):
    assert sent(facebook(**{key: " new "}))[key] == "new"


@pytest.mark.parametrize("key", ["customer_segmentation", "messaging_channel"])
@pytest.mark.parametrize(
    ("value", "word"), [("", "missing"), (5, "wrong_type"), ({}, "wrong_type"), (ADDRESS, "personal_data")]
)
def test_unusable_texts_are_left_out(key, value, word):
    assert key not in sent(facebook(**{key: value}))
    assert noted(facebook(**{key: value})) == [(key, word)]


def test_keys_meta_does_not_know_stay_behind():
    assert sent(facebook(delivery="x", event_time=5, user_agent="x")) == sent(event())


def test_a_note_names_the_key_and_never_the_value():
    assert decided(facebook(event_name=5)).notes == (Note("event_name", NoteWord.WRONG_TYPE),)
