"""
Two independent readings of Meta's rules: whatever the consumer would send, the sandbox takes.

Events are the ordinary one with a few places filled from a pool of nasty
values. Those that are decided to be deliverable go before the strict rules.
"""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import orjson
from hypothesis.strategies._internal.strategies import SearchStrategy
from support.mapping import NOW_MS, NOW_S, decided, event

from consumer.domain.decision import Deliverable
from consumer.mapping.rules import MappingOptions, MatchRule
from consumer.sandbox import meta_vocabulary, rules

DIGEST = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DAY_MS = 86_400_000

URLS = [
    "https://shop.example.com/a?fbclid=IwAR_1&b=c",
    "https://shop.example.com/user@example.com/?q=1",
    "https://shop.example.com/?mail=x&q=user%2540example.com#user@example.com",
    "https://shop.example.com/?q=x+%40example.com&r=x%20@example.com&s=+@example.com;t",
    "https://user:word@shop.example.com/%2540/@x.y",
    "https://shop.example.com/a%2Fb%40c.fr/?a%3Db%40c.fr%26d",
    "HTTPS://shop.example.com",
    "/basket",
]
TEXTS = [
    *URLS,
    "",
    " ",
    "0",
    "null",
    "user@example.com",
    " User@Example.COM ",
    "mailto:user@example.com?x=y",
    "user%40example.com",
    "x+@example.com",
    "a@b",
    DIGEST,
    DIGEST.upper(),
    f"{DIGEST}.AQ",
    f"{DIGEST}.XX",
    EMPTY_DIGEST,
    f" {EMPTY_DIGEST}.aB3_-x9z",
    "website",
    "app",
    "physical_store",
    "business_messaging",
    "purchase",
    "Purchase",
    "LeadSubmitted",
    "EUR",
    "eur",
    "XXX",
    "12,50",
    "1.234",
    "-1",
    "true",
    "8.8.8.8",
    "10.0.0.1, 8.8.8.8",
    "8.8.8.8.AQ",
    "2001:db8::1",
    "::ffff:8.8.8.8",
    "fe80::1%eth0",
    f"fb.1.{NOW_MS}.IwAR2F4-dbP0l7Mn1IawQQ",
    f"fb.1.{NOW_MS}.IwAR2F4.AQ",
    f"fb.1.{NOW_MS}.Iw AR",
    f"fb.1.{NOW_MS}.IwAR\n",
    "fb.1.1.IwAR",
    f"fb.1.{NOW_MS}.1098115397",
    "ünï\u0130çode\u200b\u0000",
    "٠١٢٣",
    "0612345678",
    "1997-02-16",
    "FR",
    "F-75001 Cedex",
    "F",
]
SCALARS = st.sampled_from(TEXTS) | st.sampled_from(
    [None, True, False, 0, -1, 7, 12.5, 1e300, 2**63, NOW_S, NOW_MS, NOW_MS - 6 * DAY_MS, NOW_MS + 299_000]
)
NAMES = ["email", "E-Mail", "phone", "value", "currency", "id", "x", "user@example.com", "extinfo", "name"]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=5,
)
LINES = st.lists(
    st.dictionaries(
        st.sampled_from(["id", "quantity", "product", "item_price", "price", "title", "brand", "extra"]),
        VALUES,
        max_size=4,
    ),
    max_size=3,
)
PERSON = [
    "user.id",
    "user.email",
    "user.phone",
    "user.gender",
    "user.birthdate",
    "user.lastname",
    "user.firstname",
    "user.city",
    "user.state",
    "user.zipcode",
    "user.country",
    "user.email_sha256",
    "user.city_sha256",
    "browser.ip",
    "browser.user_agent",
    "context.device.ip",
    "context.device.cookie",
    "fbc",
    "fbp",
]
OVERRIDES = sorted(f"integrations.facebook.user_data.{key}" for key in meta_vocabulary.USER_DATA | {"email"})
ADDRESSES = [
    "url",
    "referrer",
    "context.page.url",
    "integrations.facebook.event_source_url",
    "integrations.facebook.referrer_url",
]
DETAILS = [
    "amount",
    "value",
    "revenue",
    "currency",
    "items",
    "name",
    "category",
    "status",
    "id",
    "search_term",
    "integrations.facebook.custom_data.value",
    "integrations.facebook.custom_data.currency",
    "integrations.facebook.custom_data.contents",
    "integrations.facebook.custom_data.free",
]
TOP = [
    "event_name",
    "event_id",
    "event_timestamp",
    "type",
    "context.event_id",
    "context.event_timestamp",
    *sorted(f"integrations.facebook.{key}" for key in meta_vocabulary.EVENT - {"user_data", "custom_data"}),
]


def some(places: Any, values: Any) -> SearchStrategy[dict[Any, Any]]:
    return st.dictionaries(st.sampled_from(places), values, max_size=2)


FILLED = st.tuples(
    some(PERSON, VALUES),
    some(OVERRIDES, VALUES),
    some(ADDRESSES, st.sampled_from(URLS)),
    some(DETAILS, VALUES | LINES),
    some(TOP, VALUES),
)
EXTINFO = {
    "integrations.facebook.action_source": "app",
    "integrations.facebook.app_data": {"extinfo": ["a"] * 16},
}
TALK = {
    "integrations.facebook.action_source": "business_messaging",
    "integrations.facebook.messaging_channel": "whatsapp",
}
BOUGHT = {"event_name": "purchase", "amount": "12,50", "currency": "EUR", "items": [{"id": "a"}]}


def placed(*parts: Any) -> dict[str, Any]:
    """The ordinary event with these places filled; a place inside a filled one is left out."""
    made: dict[Any, Any] = {}
    for place, value in (item for part in parts for item in part.items()):
        if not any(place.startswith(f"{other}.") or other.startswith(f"{place}.") for other in made):
            made[place] = value
    return event(made)


@hypothesis.settings(max_examples=600, deadline=None, derandomize=True)
@hypothesis.given(
    FILLED,
    st.sampled_from([{}, EXTINFO, TALK, BOUGHT]),
    st.sampled_from([None, "fr", "us"]),
    st.sampled_from(["website", "app", "physical_store", "other"]),
)
def test_whatever_is_deliverable_the_sandbox_takes(
    filled: Any, start: Any, country: Any, action_source: Any
) -> None:
    settings = MappingOptions(
        match_rule=MatchRule.ANY,
        purchase_personal_information=("external_id", "em", "ph", "client_ip_address"),
        default_country=country,
        action_source=action_source,
    )
    decision = decided(placed(start, *filled), settings)
    if isinstance(decision, Deliverable):
        refusal = rules.error_for([orjson.loads(decision.payload)], NOW_S)
        assert refusal is None or refusal.subcode == 2804066  # which names talk takes is Meta's to say


def test_every_event_started_from_is_deliverable_and_reaches_its_action_source() -> None:
    reached = set()
    for start in ({}, EXTINFO, TALK, BOUGHT, {"type": "offline"}):
        decision = decided(placed(start), MappingOptions(match_rule=MatchRule.ANY))
        assert isinstance(decision, Deliverable), start
        reached.add(orjson.loads(decision.payload)["action_source"])
    assert reached == {"website", "app", "business_messaging", "physical_store"}
