"""The schemas: valid, found where they are, and never kinder than the decision on what is no event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.json_values import JSON
from support.mapping import event, facebook, ordinary, reason, sent

from consumer.mapping import tables
from consumer.schemas_loader import DEAD_LETTER, EVENT, SERVER_EVENT, schema

FOLDER = Path(__file__).parents[2] / "schemas"
DIGEST = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"
ACCEPTS = jsonschema_rs.validator_for(schema(EVENT))


def mistakes(instance: Any) -> list[Any]:
    """Where the schema finds something wrong, as dotted paths."""
    return [".".join(map(str, error.instance_path)) for error in ACCEPTS.iter_errors(instance)]


@pytest.mark.parametrize("name", [EVENT, SERVER_EVENT, DEAD_LETTER])
def test_a_schema_is_valid_and_of_draft_2020_12(name: Any) -> None:
    assert jsonschema_rs.meta.is_valid(schema(name))
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_each_file_stands_in_the_readme_beside_it() -> None:
    rows = re.findall(r"^\| \[`(.+?)`\]\((.+?)\) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    files = {file.name for file in FOLDER.iterdir()} - {"README.md"}
    assert sorted(rows) == sorted((name, name) for name in files)


def documented(properties: Any, path: str = "") -> Iterator[Any]:
    for key, described in properties.items():
        yield f"{path}{key}", described
        yield from documented(described.get("properties", {}), f"{path}{key}.")
        items = described.get("items", {})
        yield from documented(
            items.get("properties", {}) if isinstance(items, dict) else {}, f"{path}{key}[]."
        )


DOCUMENTED = [
    (name, path, described)
    for name in (EVENT, DEAD_LETTER)
    for path, described in documented(schema(name)["properties"])
]


@pytest.mark.parametrize(("name", "path", "described"), DOCUMENTED)
def test_each_property_of_an_event_and_of_a_letter_is_documented(
    name: Any, path: Any, described: Any
) -> None:
    assert described["title"]
    nested = "properties" in described
    assert nested or described["examples"]
    for example in described.get("examples", []):
        checked = {"$defs": schema(name)["$defs"], **described}
        assert jsonschema_rs.is_valid(checked, example), path


@pytest.mark.parametrize(("name", "described"), schema(DEAD_LETTER)["properties"].items())
def test_each_header_of_a_letter_has_a_description(name: Any, described: Any) -> None:
    assert described["description"].endswith("."), name


def test_the_example_of_the_schema_is_accepted_and_sent() -> None:
    (example,) = schema(EVENT)["examples"]
    assert mistakes(example) == []
    assert reason(example, timestamp_ms=1_763_900_000_000) is None


def test_an_ordinary_event_is_accepted() -> None:
    assert mistakes(ordinary()) == []


def test_null_is_absent_everywhere() -> None:
    assert (
        mistakes(
            {"event_name": "x", **dict.fromkeys(k for k in schema(EVENT)["properties"] if k != "event_name")}
        )
        == []
    )


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"event_name": None}, "event_name"),
        ({"event_name": " "}, "event_name"),
        ({"event_id": True}, "event_id"),
        ({"event_timestamp": "yesterday"}, "event_timestamp"),
        ({"event_timestamp": 0}, "event_timestamp"),
        ({"user": [1]}, "user"),
        ({"user.email": {"plain": "x"}}, "user.email"),
        ({"user.email_sha256": "ann@example.com"}, "user.email_sha256"),
        ({"browser": "x"}, "browser"),
        ({"browser.ip": 5}, "browser.ip"),
        ({"url": "/relative"}, "url"),
        ({"context.page": {"url": "x"}}, "context.page.url"),
        ({"amount": "free"}, "amount"),
        ({"amount": -1}, "amount"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "XAU"}, "currency"),
        ({"items": "x"}, "items"),
        ({"items": [{"id": "a", "quantity": 0}]}, "items.0.quantity"),
        ({"items": [{"quantity": 1}]}, "items.0"),
        ({"consent_categories": True}, "consent_categories"),
        ({"fbc": "x"}, "fbc"),
        ({"integrations.facebook": {"action_source": "shop"}}, "integrations.facebook.action_source"),
        ({"integrations.facebook": {"opt_out": "no"}}, "integrations.facebook.opt_out"),
        ({"integrations.facebook": {"user_data": {"email": "x"}}}, "integrations.facebook.user_data"),
        ({"integrations.facebook": {"app_data": {}}}, "integrations.facebook.app_data"),
        (
            {"integrations.facebook": {"custom_data": {"contents": [{"id": "a", "color": "red"}]}}},
            "integrations.facebook.custom_data.contents.0",
        ),
    ],
)
def test_what_would_not_be_used_is_found_with_its_place(changes: dict[str, Any], place: str) -> None:
    assert mistakes(event(changes)) == [place]


@pytest.mark.parametrize(
    "changes",
    [
        {"event_timestamp": "2025-11-23T12:13:20+0100"},
        {"event_timestamp": "1763900000.5"},
        {"amount": "1 234,56 €"},
        {"currency": " eur "},
        {"user": "waiting"},
        {"user.email": ["a@example.com", "b@example.com"]},
        {"user.zipcode": 75001},
        {"items": {"id": 5, "quantity": "2"}},
        {"consent_categories": "1,2|3"},
        {"consent_categories": [1, "2", 3.0]},
        {"integrations.facebook": {"action_source": " WEBSITE "}},
        {"integrations.facebook": {"opt_out": " false "}},
        {"integrations.facebook": {"data_processing_options": []}},
        {"context.device": {"cookie": {"_fbp": "x"}}},
        {"anything": {"else": ["goes"]}},
    ],
)
def test_what_the_decision_reads_is_accepted(changes: dict[str, Any]) -> None:
    assert mistakes(event(changes)) == []


def test_the_overrides_are_those_that_are_read() -> None:
    of_facebook = schema(EVENT)["properties"]["integrations"]["properties"]["facebook"]["properties"]
    assert set(of_facebook) == tables.EVENT_KEYS - {"event_time"} | {"fbc", "fbp"}
    assert set(of_facebook["user_data"]["properties"]) == tables.USER_DATA_KEYS
    assert set(of_facebook["custom_data"]["properties"]) == set(tables.CUSTOM_DATA)


def test_the_closed_sets_of_the_server_event_are_the_whitelists() -> None:
    sent = schema(SERVER_EVENT)["properties"]
    assert set(sent) == tables.EVENT_KEYS
    assert set(sent["user_data"]["properties"]) == tables.USER_DATA_KEYS
    assert set(sent["custom_data"]["properties"]) == set(tables.CUSTOM_DATA)
    assert set(sent["custom_data"]["properties"]["contents"]["items"]["properties"]) == tables.CONTENT_KEYS
    for key in ("user_data", "event"):
        closed = sent[key] if key in sent else schema(SERVER_EVENT)
        assert closed["additionalProperties"] is False


NAMES = st.text(st.sampled_from(" \t\x1c\x1f\x85\u00a0\u2028\ufeff\u200bab@.?/"), max_size=6)
NAMED = st.fixed_dictionaries(
    {"event_name": NAMES},
    optional={"user": JSON, "items": JSON, "integrations": JSON | st.fixed_dictionaries({"facebook": JSON})},
)


@settings(max_examples=500, deadline=None)
@given(NAMED | st.dictionaries(st.sampled_from(["event_name", "user"]), NAMES | JSON) | JSON)
def test_what_the_schema_accepts_is_an_event_with_a_name(instance: Any) -> None:
    if ACCEPTS.is_valid(instance):
        assert reason(instance) not in ("not_an_object", "no_event_name")


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        ({"event_name": "x"}, None),
        ({"event_name": " x\u00a0"}, None),
        ({"event_name": "a@b"}, None),
        ({"event_name": "x", "user": "waiting", "mine": [[{}]]}, None),
        ({"event_name": 5}, "no_event_name"),
        ({"event_name": ["x"]}, "no_event_name"),
        ({"event_name": ""}, "no_event_name"),
        *(({"event_name": blank}, "no_event_name") for blank in " \t\n\x1c\x1f\x85\u00a0\u2028\u3000"),
        ({"event_name": "ann@example.com"}, "no_event_name"),
        ({}, "no_event_name"),
        ([], "not_an_object"),
        (None, "not_an_object"),
        ("x", "not_an_object"),
        (5, "not_an_object"),
    ],
)
def test_the_schema_and_the_decision_agree_on_what_is_an_event(instance: Any, expected: Any) -> None:
    found = reason(instance if instance is not None else b"null")
    assert (found if found in ("not_an_object", "no_event_name") else None) == expected
    assert ACCEPTS.is_valid(instance) is (expected is None)


def test_overrides_do_not_hide_a_missing_name() -> None:
    assert mistakes(facebook(event_name="Lead") | {"event_name": ""}) == ["event_name"]


SENT_IS_VALID = jsonschema_rs.validator_for(schema(SERVER_EVENT)).is_valid


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("user_data", {}),
        ("user_data", {"ct": DIGEST, "country": DIGEST, "client_user_agent": "Mozilla/5.0"}),
        ("user_data", {"db": DIGEST, "client_user_agent": "Mozilla/5.0"}),
        ("user_data", {"fn": DIGEST, "ge": DIGEST}),
        ("user_data", {"ln": DIGEST, "ge": DIGEST}),
        ("user_data", {"em": DIGEST, "client_ip_address": "10.0.0.1"}),
        ("user_data", {"em": DIGEST, "client_ip_address": "nowhere"}),
        ("user_data", {"em": "ann@example.com"}),
        ("event_source_url", "https://shop.example.com/?e=ann@example.com"),
    ],
)
def test_what_meta_refuses_or_we_never_send_is_no_server_event(
    place: str, value: dict[str, Any] | str
) -> None:
    assert SENT_IS_VALID(sent(ordinary()))
    assert not SENT_IS_VALID({**sent(ordinary()), place: value})
