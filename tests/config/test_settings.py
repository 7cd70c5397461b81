"""Each setting takes its forms, refuses every other, and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from consumer.config.kafka_constraints import GroupProtocol
from consumer.config.settings import OffsetOutOfRange, Settings, StartOffset
from consumer.mapping.rules import BirthdateOrder, ContentId, DataProcessing, MappingOptions, MatchRule

# name, what was written, what it means
TAKEN = [
    ("pixel_id", "1234567890", "1234567890"),
    ("pixel_id", "", ""),
    ("access_token_file", "", None),
    ("access_token_file", "/run/token", Path("/run/token")),
    ("graph_url", "https://graph.facebook.com/", "https://graph.facebook.com/"),
    ("graph_url", "https://proxy.example.com:8443/meta", "https://proxy.example.com:8443/meta"),
    ("graph_url", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("graph_url", "http://[::1]:8080", "http://[::1]:8080"),
    ("graph_url", "http://localhost", "http://localhost"),
    ("graph_version", "v24.0", "v24.0"),
    ("partner_agent", "", ""),
    ("partner_agent", "ab" + "1" * 20, "ab" + "1" * 20),
    ("gzip", "true", True),
    ("gzip", "0", False),
    ("proxy", "", ""),
    ("proxy", "http://user:secret@proxy.example.com:3128", "http://user:secret@proxy.example.com:3128"),
    ("user_consent_category", " 3 ", "3"),
    ("match_rule", "any_other", MatchRule.ANY_OTHER),
    ("purchase_personal_information", "em, ph ,external_id", ("em", "ph", "external_id")),
    ("purchase_personal_information", '["em"]', ("em",)),
    ("default_country", "FR", "fr"),
    ("default_country", "", ""),
    ("birthdate_order", "", None),
    ("birthdate_order", "mdy", BirthdateOrder.MDY),
    ("action_source", "Physical_Store", "physical_store"),
    ("content_type", "", ""),
    ("content_id", "item", ContentId.ITEM),
    ("event_names", '{"quote":"Lead"}', {"quote": "Lead"}),
    ("event_names", "", {}),
    ("event_names", {"quote": "Lead"}, {"quote": "Lead"}),
    ("custom_data_paths", '{"a":"b.0.c","d":["e","f"]}', {"a": "b.0.c", "d": ["e", "f"]}),
    ("custom_data_unredacted_keys", "", ()),
    ("custom_data_unredacted_keys", "a,,b", ("a", "b")),
    ("data_processing_options", "", None),
    ("data_processing_options", "[]", ()),
    ("data_processing_options", "LDU", ("LDU",)),
    ("data_processing_options_country", "", None),
    ("data_processing_options_country", "1", 1),
    ("data_processing_options_state", "0", 0),
    ("data_processing_options_state", "1013", 1013),
    ("start_offset", "latest", StartOffset.LATEST),
    ("offset_out_of_range", "earliest", OffsetOutOfRange.EARLIEST),
    ("topics", "a,b", ("a", "b")),
    ("topics", "b, a, b,a", ("b", "a")),
    ("topics", "A.b_c-9", ("A.b_c-9",)),
    ("dead_letter_topic", "x" * 249, "x" * 249),
    ("bootstrap_servers", "one.example.com:9092, [::1]:9093", "one.example.com:9092, [::1]:9093"),
    (
        "kafka_properties",
        '{"security.protocol":"SSL","x":1,"y":true}',
        {"security.protocol": "SSL", "x": 1, "y": True},
    ),
    ("kafka_properties", " ", {}),
    ("group_protocol", "eager", GroupProtocol.EAGER),
    ("group_instance_id", "", ""),
    ("group_instance_id", "capi-consumer-0.a_b", "capi-consumer-0.a_b"),
    ("send_delay_s", "0", 0.0),
    ("send_delay_s", "2.5", 2.5),
    ("send_delay_s", "86400", 86_400.0),
    ("batch_events_max", "1", 1),
    ("linger_ms", "0", 0),
    ("health_address", "0.0.0.0:0", "0.0.0.0:0"),
    ("health_address", "[::]:65535", "[::]:65535"),
    ("status_page_address", "", ""),
    ("status_page_address", "0.0.0.0:8080", "0.0.0.0:8080"),
]


@pytest.mark.parametrize(("name", "written", "meant"), TAKEN)
def test_what_is_written_is_read_as_it_is_meant(name: Any, written: Any, meant: Any) -> None:
    assert getattr(Settings(**{name: written}), name) == meant


# Each form that is not taken. `canary` stands for a secret.
REFUSED = [
    ("pixel_id", "canary"), ("pixel_id", "12 3"), ("pixel_id", "١٢٣"), ("pixel_id", "-1"), ("pixel_id", 123),
    *(
        ("graph_url", url)
        for url in (
            "", "canary", "//canary", "ftp://canary.example.com", "https://", "https://:canary@example.com",
            "https://canary@example.com", "https://canary.example.com?a=b", "https://canary.example.com#a",
            "https://canary.example.com:99999", "https://canary.example.com:x", "https://[canary",
            "https://canary℀x/", "https://canary example.com", "https://canary.example.com/\u00a0",
        )
    ),
    *(("graph_version", text) for text in ("", "26.0", "v26", "V26.0", "v26.0/canary", "v٢.٠", "v1234.0")),
    ("allow_plain_http", "canary"), ("gzip", ""), ("gzip", "canary"),
    ("partner_agent", "a"), ("partner_agent", "canary" + "1" * 17),
    *(("request_timeout_s", text) for text in ("", "0", "-1", "301", "nan", "inf", "canary")),
    *(("backoff_max_s", text) for text in ("0", "601", "canary")),
    ("auth_retry_max_s", "0"), ("auth_retry_max_s", "3601"),
    ("poison_after_s", "0"), ("poison_after_s", "86401"),
    ("proxy", "canary:3128"), ("proxy", "socks5://canary"), ("proxy", "http://"), ("proxy", "http://canary:x"),
    ("proxy", "http://canary:99999"), ("proxy", "http://[canary"),
    ("user_consent_category", "1,canary"), ("user_consent_category", "1|canary"),
    ("match_rule", "canary"), ("birthdate_order", "canary"), ("content_id", "canary"),
    ("start_offset", "canary"),
    ("offset_out_of_range", "canary"), ("log_format", "canary"), ("log_level", "canary"),
    ("concurrency", "canary"), ("concurrency", ""),
    ("action_source", "canary"),
    ("purchase_personal_information", ""), ("purchase_personal_information", "Canary!"),
    ("purchase_personal_information", "em,canary"), ("purchase_personal_information", "EM"),
    ("purchase_personal_information", "[canary"), ("purchase_personal_information", '["em",1]'),
    ("default_country", "canary"), ("default_country", "ZZ"), ("default_country", "250"),
    ("event_names", "canary"), ("event_names", '["canary"]'), ("event_names", '{"canary":1}'),
    ("event_names", '{"canary":null}'),
    *(
        ("custom_data_paths", text)
        for text in ("canary", '{"canary":"a..b"}', '{"canary":""}', '{"canary":[]}', '{"canary":[1]}')
    ),
    ("custom_data_paths", '{"canary@example.com":"a"}'), ("custom_data_paths", '{" ":"canary"}'),
    ("custom_data_paths", '{"canary":{"a":"b"}}'), ("custom_data_paths", '{"canary":null}'),
    ("data_processing_options_country", "2"), ("data_processing_options_country", "canary"),
    *(("data_processing_options_state", text) for text in ("1", "999", "1014", "-1000", "canary")),
    ("event_bytes_max", "1023"), ("event_bytes_max", "4194305"),
    ("group_id", ""), ("topics", ""), ("topics", " , "),
    *(
        (name, text)
        for name in ("topics", "dead_letter_topic", "parking_topic")
        for text in ("", "canary canary", "^canary.*", "canary/a", "canary:a", "canaryé", "c" * 250, "..")
    ),
    ("topics", "events,canary canary"), ("dead_letter_topic", "canary\n"),
    ("bootstrap_servers", ""), ("bootstrap_servers", " "), ("bootstrap_servers", ","),
    ("kafka_properties", "canary"), ("kafka_properties", '"canary"'),
    ("kafka_properties", '{"canary":[1]}'),
    ("kafka_properties", '{"canary":null}'),
    ("poll_records_max", "0"), ("poll_records_max", "10001"), ("batch_events_max", "0"),
    ("batch_events_max", "1001"), ("request_bytes_max", "1023"), ("linger_ms", "-1"), ("linger_ms", "600001"),
    ("requests_in_flight_max", "0"), ("requests_in_flight_max", "257"), ("events_in_flight_max", "0"),
    ("bytes_in_flight_max", "1023"), ("commit_interval_ms", "9"), ("commit_interval_ms", "3600001"),
    *(("send_delay_s", text) for text in ("", "-1", "86401", "nan", "inf", "canary")),
    ("group_protocol", "canary"), ("group_protocol", ""),
    *(("group_instance_id", text) for text in (" ", "canary canary", "canary:a", "..", "c" * 250)),
    ("drain_timeout_s", "0"), ("drain_timeout_s", "3601"),
    ("revoke_timeout_s", "0"), ("revoke_timeout_s", "241"),
    *(
        ("health_address", text)
        for text in ("", "canary", ":9090", "canary:", "canary:65536", "canary:-1", "canary:٩")
    ),
    *(("status_page_address", text) for text in (" ", "canary", ":8080", "canary:", "canary:65536")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "written"), REFUSED)
def test_a_malformed_setting_is_refused_by_its_name_and_not_by_its_value(name: Any, written: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**dict[str, Any]({name: written}))
    mistakes = refused.value.errors(include_url=False, include_context=False, include_input=False)
    assert {mistake["loc"][0] for mistake in mistakes} == {name}
    assert "canary" not in str(refused.value).lower().replace("event_names.canary", "")


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
        (
            "purchase_personal_information",
            "email,phone",
            "a list of one or more of anon_id client_ip_address client_user_agent country ct ctwa_clid db em "
            "external_id fb_login_id fbc fbp fn ge ig_account_id ig_sid lead_id ln madid page_id "
            "page_scoped_user_id ph st subscription_id zp",
        ),
        ("topics", "a b", "a topic's name has letters a-z, digits, `.`, `_` and `-`, at most 249"),
        (
            "action_source",
            "shop",
            "one of email website app phone_call chat physical_store system_generated business_messaging "
            "other",
        ),
    ],
)
def test_a_word_that_is_not_known_is_answered_with_what_is_taken(
    name: str, written: str, expected: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**dict[str, Any]({name: written}))
    (mistake,) = refused.value.errors()
    assert mistake["msg"] == f"Value error, {expected}"


HARMFUL = [
    "enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store", "auto.offset.reset", "acks",
    "request.required.acks", "enable.idempotence", "group.id", "bootstrap.servers", "metadata.broker.list",
    "test.mock.num.brokers", "test.mock.broker.rtt",
]  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_a_property_that_would_break_the_promise_is_refused_with_the_reason(name: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(kafka_properties={name: "canary"})
    (mistake,) = refused.value.errors()
    assert mistake["loc"] == ("kafka_properties",)
    assert name.rpartition("mock")[0] in mistake["msg"]
    assert "canary" not in str(refused.value)


CLASHES = [
    (
        {"dead_letter_topic": "capi.events"},
        "CAPI_DEAD_LETTER_TOPIC is one of CAPI_TOPICS: dead letters would be read as events",
    ),
    (
        {"parking_topic": "capi.events"},
        "CAPI_PARKING_TOPIC is one of CAPI_TOPICS: parked letters would be read as events",
    ),
    (
        {"parking_topic": "capi.dead-letters"},
        "CAPI_PARKING_TOPIC is CAPI_DEAD_LETTER_TOPIC: a parked letter would be a dead letter again",
    ),
    (
        {"graph_url": "http://graph.example.com"},
        "CAPI_GRAPH_URL is plain http, which shows the token; CAPI_ALLOW_PLAIN_HTTP=true allows it",
    ),
    (
        {"request_bytes_max": "262144"},
        "CAPI_REQUEST_BYTES_MAX leaves no room for one event of CAPI_EVENT_BYTES_MAX",
    ),
]


@pytest.mark.parametrize(("given", "says"), CLASHES)
def test_settings_that_do_not_fit_together_are_refused(given: Any, says: Any) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings(**given)


def test_plain_http_may_be_allowed() -> None:
    assert Settings(graph_url="http://graph.example.com", allow_plain_http="true").allow_plain_http


@pytest.mark.parametrize(
    "host", ["graph.example.com", "10.0.0.1", "localhost.example.com", "[::2]", "0.0.0.0"]
)
def test_only_this_machine_takes_plain_http(host: str) -> None:
    with pytest.raises(ValidationError):
        Settings(graph_url=f"http://{host}/")


def test_no_secret_is_in_the_repr() -> None:
    secret: dict[str, Any] = {
        "access_token": "canary",
        "kafka_properties": {"sasl.password": "canary"},
        "proxy": "http://user:canary@proxy.example.com",
    }
    settings = Settings(**secret)
    assert settings.access_token.get_secret_value() == "canary"
    assert "canary" not in repr(settings)
    assert "canary" not in str(settings)


def test_an_unknown_setting_is_refused() -> None:
    unknown: dict[str, Any] = {"pixel": "1"}
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Settings(**unknown)


def test_settings_cannot_be_changed() -> None:
    settings: Any = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.pixel_id = "1"


def test_without_settings_the_rules_are_the_defaults() -> None:
    assert Settings().mapping_options == MappingOptions()


def test_the_rules_are_what_was_set() -> None:
    settings = Settings(
        user_consent_category="3",
        default_country="FR",
        custom_data_paths='{"a":"b.0","c":["d","e.f"]}',
        custom_data_unredacted_keys="x",
        data_processing_options="LDU",
        data_processing_options_country="1",
    )
    rules = settings.mapping_options
    assert (rules.user_consent_category, rules.default_country) == ("3", "fr")
    assert rules.custom_data_paths == {"a": (("b", 0),), "c": (("d",), ("e", "f"))}
    assert rules.unredacted_keys == frozenset({"x"})
    assert rules.data_processing == DataProcessing(("LDU",), 1, None)


def test_without_options_there_is_no_data_processing() -> None:
    assert Settings(data_processing_options_country="1").mapping_options.data_processing is None
    assert Settings(data_processing_options="[]").mapping_options.data_processing == DataProcessing(())


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_says_what_it_is_for(name: Any) -> None:
    assert (Settings.model_fields[name].description or "").strip()


def test_a_consent_category_may_be_a_number_as_files_have_it() -> None:
    assert Settings(user_consent_category=3).user_consent_category == "3"
    with pytest.raises(ValidationError):
        Settings(user_consent_category=True)
