"""The fast mapping says what the full one says, or nothing."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mapping import NOW_MS, event, facebook, ordinary, record
from support.odd_events import KINDS, ODD_TEXTS, PATHS, RULES, VALUE, events, set_at

from consumer.mapping import fast_mapping, map_event
from consumer.mapping.map_event import MappedEvent, NotMapped
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import ContentId, DataProcessing, MappingOptions, parse_path

FRANCE = MappingOptions(default_country="fr")
CHANGES = st.dictionaries(st.sampled_from(PATHS), VALUE, max_size=2)


def whole() -> dict[str, Any]:
    """What a shop's tag sends when it knows everything."""
    return ordinary() | {
        "event_name": "purchase",
        "id": 1042,
        "amount": 59.8,
        "currency": "EUR",
        "status": "paid",
        "user": {
            "id": 123,
            "email": "Ann@Example.com",
            "phone": "06 12 34 56 78",
            "gender": "f",
            "birthdate": "1997-02-16",
            "lastname": "O’Brien",
            "firstname": "Valéry",
            "city": "Saint-Étienne",
            "state": "Île-de-France",
            "zipcode": "75001",
            "country": "France",
        },
        "context": {
            "event_timestamp": NOW_MS - 5_000,
            "page": {"url": "https://shop.example.com/p?a=1#b", "referrer": "https://example.org/"},
            "device": {"ip": "8.8.4.4", "user_agent": "Else", "cookie": {"_fbp": "fb.1.1763900000000.7"}},
        },
        "items": [
            {"quantity": 2, "product": {"id": "sku-1", "name": "Shoes", "price": 19.9, "category_1": "All"}},
            {"id": 7, "price": "20,00", "product": {}},
        ],
    }


def both(made: Any, rules: Any, now_ms: Any = NOW_MS) -> tuple[MappedEvent | None, MappedEvent | NotMapped]:
    """What the fast mapping says, and the full one."""
    root, its = orjson.loads(orjson.dumps(made)), record(made)
    again = copy.deepcopy(root)
    return (
        fast_mapping.map_event(root, its, rules, BatchHasher(), now_ms),
        map_event.map_event(again, its, rules, BatchHasher(), now_ms, None),
    )


def assert_alike(made: Any, rules: Any = FRANCE) -> None:
    """To the order of the keys."""
    fast, full = both(made, rules)
    if fast is not None:
        assert fast == full
        assert orjson.dumps(fast[4:7]) == orjson.dumps(full[4:7])


def is_fast(made: Any, rules: Any = FRANCE) -> bool:
    """Whether the fast mapping has an answer."""
    assert_alike(made, rules)
    return both(made, rules)[0] is not None


def changed(made: Any, changes: Any) -> Any:
    for path, value in changes.items():
        set_at(made, path, value)
    return made


@pytest.mark.parametrize("made", [ordinary(), whole(), {"event_name": "mine", "event_timestamp": NOW_MS}])
def test_what_a_tag_sends_is_mapped_fast(made: Any) -> None:
    assert is_fast(made)


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": None, "context.event_id": "c-1"},
        {"event_id": None},
        {"event_timestamp": "2025-11-23T12:13:20Z", "context.event_timestamp": None},
        {"event_timestamp": NOW_MS // 1000, "context.event_timestamp": None},
        {"type": "offline"},
        {"integrations": {"others": {"x": 1}}},
        {"integrations": {"facebook": {"event_id": "f-1", "fbc": "fb.1.1763900000000.Cd_2", "fbp": None}}},
        {"integrations": {"facebook": {"event_id": None, "fbc": None, "fbp": "fb.1.1763900000000.9"}}},
        {"user.email": None, "user.email_sha256": "a" * 64},
        {"user.email": "nobody", "user.phone": "n/a"},
        {"user.email": None, "user.email_sha256": "nobody"},
        {"user.country": None, "user.zipcode": "0" * 80},
        {"browser.user_agent": None, "context.device.user_agent": None},
        {"context.page.url": None, "url": None, "context.page.referrer": None},
        {"context.page.url": "https://shop.example.com/?fbclid=Ab_1", "fbp": "fb.1.1763900000000.8"},
        {"fbc": "fb.1.1763900000000.Ab_1"},
        {"context.device.cookie": "_fbc=fb.1.1763900000000.Ab_1; other=1"},
        {"items": None, "currency": None, "amount": None},
        {"items": [], "name": "Basket", "category": "Shoes", "revenue": "12,50"},
        {"items": {"product": {"id": 7, "currency": "EUR"}}, "currency": None},
        {"event_name": "search", "search_term": " boots "},
        {"event_name": "begin_checkout"},
    ],
)
def test_what_is_usual_in_a_tag_is_mapped_fast(changes: dict[str, Any]) -> None:
    assert is_fast(changed(whole() | {"items": whole()["items"][:1]}, changes))


@pytest.mark.parametrize(
    "rules",
    [
        MappingOptions(),
        MappingOptions(content_id=ContentId.ITEM, content_type=""),
        MappingOptions(content_type=" as it is "),
        MappingOptions(event_names={"purchase": "Mine"}, action_source="physical_store"),
        MappingOptions(data_processing=DataProcessing(("LDU",), 1, 1000)),
    ],
)
def test_settings_may_be_what_they_like(rules: Any) -> None:
    assert is_fast(whole() | {"items": whole()["items"][:1]}, rules)


@pytest.mark.parametrize(
    ("made", "rules"),
    [
        (facebook(event_name="mine"), FRANCE),
        (facebook(user_data={"em": "a@b.fr"}), FRANCE),
        (event({"integrations.facebook": 7}), FRANCE),
        (whole(), MappingOptions(custom_data_paths={"status": (parse_path("id"),)})),
        (whole(), MappingOptions(action_source="app")),
    ],
)
def test_overrides_and_paths_of_the_users_own_are_mapped_in_full(made: Any, rules: Any) -> None:
    assert not is_fast(made, rules)


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "waiting"},
        {"context.page": []},
        {"event_name": 7},
        {"event_name": " "},
        {"event_name": "ann@example.com"},
        {"type": ["offline"]},
        {"event_id": "null"},
        {"context.event_timestamp": "yesterday"},
        {"context.event_timestamp": NOW_MS + 300_001},
        {"context.event_timestamp": NOW_MS - 604_201_000},
        {"user.email": ["ann@example.com"]},
        {"user.email": "nobody", "user.email_sha256": "a" * 64},
        {"user.zipcode": 1000},
        {"user.country": ["FR"]},
        {"context.page.url": "https://shop.example.com/?email=x"},
        {"context.page.url": 7},
        {"browser.ip": "10.0.0.1"},
        {"browser.user_agent": "null"},
        {"fbc": "fb.1.x"},
        {"context.page.url": "https://shop.example.com/?fbclid=a*b"},
        {"context.device.cookie._fbp": "fbp"},
        {"items": "none"},
        {"items": [7]},
        {"items": [{"product": "sku"}]},
        {"items": [{"product": {}}]},
        {"items": [{"id": "a", "quantity": "2"}]},
        {"items": [{"id": "a", "price": "dear"}]},
        {"currency": "francs"},
        {"amount": "1.234"},
        {"name": "ann@example.com"},
        {"status": " "},
        {"category": 7},
    ],
)
def test_what_leaves_a_note_is_mapped_in_full(changes: dict[str, Any]) -> None:
    assert not is_fast(changed(whole(), changes))


@pytest.mark.parametrize("path", PATHS)
def test_whatever_stands_in_a_field_it_is_mapped_alike(path: Any) -> None:
    for value in (*KINDS, *ODD_TEXTS):
        assert_alike(changed(whole(), {path: value}))


@settings(max_examples=700)
@given(events() | CHANGES.map(lambda changes: changed(whole(), changes)), RULES)
def test_any_event_is_mapped_alike(made: Any, rules: Any) -> None:
    assert_alike(made, rules)


def keys_of(its: Any, rules: Any, hasher: Any, now_ms: Any) -> Any:
    mapped = fast_mapping.map_event(orjson.loads(its.value), its, rules, hasher, now_ms)
    assert mapped is not None
    return mapped.user_data


def test_what_is_remembered_is_of_the_same_day() -> None:
    hasher, its = BatchHasher(), record(event({"user.birthdate": "2025-11-24"}))
    assert "db" not in keys_of(its, MappingOptions(), hasher, NOW_MS)
    assert "db" in keys_of(its, MappingOptions(), hasher, NOW_MS + 86_400_000)


def test_what_is_remembered_is_of_the_same_settings() -> None:
    hasher, its = BatchHasher(), record(event({"user.phone": "06 12 34 56 78"}))
    digest = "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"
    assert "ph" not in keys_of(its, MappingOptions(), hasher, NOW_MS)
    assert keys_of(its, FRANCE, hasher, NOW_MS)["ph"] == digest
    assert "ph" not in keys_of(its, MappingOptions(), hasher, NOW_MS)
