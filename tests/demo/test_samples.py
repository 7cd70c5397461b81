"""The shipped samples: whole, ever young, harmless, and each with the end that was meant."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from support.make_samples import samples as made

from consumer.demo.environment import shop_samples, with_times
from consumer.domain.decision import Deliverable, Filtered, Invalid
from consumer.domain.record import Partition, Record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions
from consumer.mapping.tables import STANDARD_EVENTS
from consumer.schemas_loader import EVENT, schema

SHIPPED = Path(__file__).parents[2] / "consumer" / "demo" / "shop.jsonl"
NOW_S = 1_767_225_600  # 2026-01-01T00:00:00Z
RULES = MappingOptions(user_consent_category="3")

# Every name of the connector's table.
STANDARD = [
    "begin_checkout", "purchase", "add_to_cart", "view_item", "view_item_list", "search",
    "add_payment_info", "add_to_wishlist", "generate_lead", "page_view", "complete_registration",
    "contact", "customize_product", "donate", "find_location", "schedule", "start_trial",
    "submit_application", "subscribe",
]  # fmt: skip


def decided(sample: Any, now_s: Any, offset: int = 0) -> Deliverable | Filtered | Invalid:
    record = Record(Partition("events", 0), offset, now_s * 1000, sample.value)
    return decide(record, RULES, BatchHasher(), now_s * 1000)


def test_the_shipped_file_is_what_the_script_makes() -> None:
    lines = b"".join(orjson.dumps(sample, option=orjson.OPT_APPEND_NEWLINE) for sample in made())
    assert SHIPPED.read_bytes() == lines


@pytest.mark.parametrize(
    "now_s", [NOW_S, NOW_S + 400 * 86_400, int(time.time())], ids=["then", "another year", "today"]
)
def test_each_sample_ends_as_it_was_meant_to_whatever_the_day(now_s: Any) -> None:
    wrong = []
    for line, sample in enumerate(shop_samples(now_s), start=1):
        decision = decided(sample, now_s, line)
        end = "accepted" if isinstance(decision, Deliverable) else decision.reason.value
        # Only Meta refuses this one; to us it is as good as any.
        if end != ("accepted" if sample.expected == "rejected" else sample.expected):
            wrong.append((line, sample.about, sample.expected, end))
    assert wrong == []


def test_what_is_sent_is_as_the_schema_has_it_but_for_broken_click_ids() -> None:
    accepts = jsonschema_rs.validator_for(schema(EVENT))
    unlike = [
        (sample.about, error.instance_path)
        for sample in shop_samples(NOW_S)
        if sample.expected in ("accepted", "rejected")
        for error in accepts.iter_errors(json.loads(sample.value))
    ]
    click_id = ["integrations", "facebook", "fbc"]
    assert unlike == [
        *[("a click id that is a placeholder", click_id)] * 2,
        *[("a click id without the click", click_id)] * 3,
    ]


def test_what_is_sent_carries_the_id_that_is_written_beside_it() -> None:
    for sample in shop_samples(NOW_S):
        decision = decided(sample, NOW_S)
        if isinstance(decision, Deliverable):
            event_id = json.loads(decision.payload)["event_id"]
            assert event_id == (sample.event_id or f"events-0-0-{NOW_S}000")


def test_there_are_a_thousand_of_every_kind() -> None:
    samples = shop_samples(NOW_S)
    assert len(samples) == 1000
    names = Counter(json.loads(s.value)["event_name"] for s in samples if s.expected == "accepted")
    assert [name for name in STANDARD if not names[name]] == []
    mapped = {
        json.loads(d.payload)["event_name"]
        for s in samples
        if isinstance(d := decided(s, NOW_S), Deliverable)
    }
    assert sorted(STANDARD_EVENTS - mapped) == []
    assert {"QuizFinished", "newsletter_click", "size_guide_open"} <= mapped
    assert {sample.expected for sample in samples} == {
        "accepted",
        "no_consent",
        "not_enough_to_match",
        "purchase_without_personal_information",
        "event_too_old",
        "not_json",
        "not_an_object",
        "no_event_name",
        "purchase_without_value",
        "purchase_without_currency",
        "rejected",
    }


def test_ids_are_different() -> None:
    ids = [sample.event_id for sample in shop_samples(NOW_S) if sample.event_id]
    assert len(ids) == len(set(ids))
    assert len(ids) > 980


def test_every_match_key_is_sent_by_some() -> None:
    keys: Counter[Any] = Counter()
    for sample in shop_samples(NOW_S):
        decision = decided(sample, NOW_S)
        if isinstance(decision, Deliverable):
            keys.update(decision.match_keys)
    wanted = "external_id em ph ge db fn ln ct st zp country client_ip_address client_user_agent fbc fbp"
    assert [key for key in wanted.split() if keys[key] < 20] == []


DOCUMENTATION = [
    ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
# Arcep (fr), Ofcom (gb), Bundesnetzagentur (de) and NANPA (us) set these aside for fiction.
NOBODYS_NUMBERS = re.compile(
    r"(0033|33|0)(199|261|353|465|536)\d{6}|02079460\d{3}|4930231251\d\d|65055501\d\d"
)


def values_of(value: Any, name: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and isinstance(inner, str):
                yield inner
            yield from values_of(inner, name)


def test_nothing_in_them_is_anybodys() -> None:
    text = SHIPPED.read_text()
    domains = set(re.findall(r"@([\w.-]+)", text)) | set(re.findall(r"https?://([\w.-]+)", text))
    assert [domain for domain in domains if not re.search(r"(^|\.)example\.(com|fr|org)$", domain)] == []
    events = [json.loads(line).get("event", {}) for line in text.splitlines()]
    addresses = [ip for event in events for ip in values_of(event, "ip")]
    assert len(addresses) > 900
    assert [ip for ip in addresses if not any(ip_address(ip) in network for network in DOCUMENTATION)] == []
    numbers = [phone for event in events for phone in values_of(event, "phone") if phone != "null"]
    assert len(numbers) > 300
    digits = {re.sub(r"\(0\)|\D", "", phone) for phone in numbers}
    assert [number for number in digits if not NOBODYS_NUMBERS.fullmatch(number)] == []


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        (b'{"a":"{{now-3600}}"}', b'{"a":1767222000}'),
        (b'{"a":"{{now+60}}"}', b'{"a":1767225660}'),
        (b'{"a":"{{now_ms-0}}"}', b'{"a":1767225600000}'),
        (b'{"a":"{{now_iso-3600}}"}', b'{"a":"2025-12-31T23:00:00+00:00"}'),
        (b'{"a":"fb.1.{{now_ms-1}}.AbC"}', b'{"a":"fb.1.1767225599000.AbC"}'),
        (b'{"a":"{{now-1}} {{now-2}}"}', b'{"a":"1767225599 1767225598"}'),
        (b'{"a":"{{later-1}} {{now}}"}', b'{"a":"{{later-1}} {{now}}"}'),
    ],
)
def test_times_are_filled_in_as_numbers_or_as_text(template: bytes, filled: bytes) -> None:
    assert with_times(template, NOW_S + 0.9) == filled
