"""
Commanders Act events as a shop sends them, from a seed, with the end each should have.

    shop_events(seed, count, now_s)                     all of them good
    shop_events(seed, count, now_s, bad={...: 100})     100 of one bad kind among them
    large_events(seed, count, now_s)                    good, but for a consumer that takes no large ones

Every event is distinct, and every value is invented: addresses of example
domains, telephone numbers and IP addresses from the ranges set aside for
documentation and fiction. The good ones are accepted by a consumer whose
consent category is ADVERTISING.

A few good events carry no id of their own and some no time either: what the
consumer makes up for them must be the same each time they are sent.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

ADVERTISING = "3"
USERS = 2_000
DAY_S = 86_400
WITHOUT_ID_EVERY = 20
WITHOUT_TIME_EVERY = 60
LARGE_BYTES = 4_096

Json = dict[str, Any]


class End(StrEnum):
    """Where a record ends."""

    ACCEPTED = "accepted"
    FILTERED = "filtered"
    DEAD_LETTER = "dead letter"


class Bad(StrEnum):
    """The kinds of bad event. The words are this module's own."""

    NOT_JSON = "not JSON"
    NO_CONSENT = "no consent"
    TOO_OLD = "too old"
    PURCHASE_WITHOUT_VALUE = "purchase without value"
    REFUSED = "refused by the sandbox"
    STUCK = "answered with 500 for ever"


# Those that no answer of Meta's holds up.
COMMON = (Bad.NOT_JSON, Bad.NO_CONSENT, Bad.TOO_OLD, Bad.PURCHASE_WITHOUT_VALUE, Bad.REFUSED)

ENDS = {
    Bad.NOT_JSON: (End.DEAD_LETTER, "not_json"),
    Bad.NO_CONSENT: (End.FILTERED, "no_consent"),
    Bad.TOO_OLD: (End.FILTERED, "event_too_old"),
    Bad.PURCHASE_WITHOUT_VALUE: (End.DEAD_LETTER, "purchase_without_value"),
    Bad.REFUSED: (End.DEAD_LETTER, "rejected"),
    Bad.STUCK: (End.DEAD_LETTER, "poison_event"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """
    An event before it is produced.

    `event_id` is the id that it carries, or None when the consumer has to make
    one. `end` and `reason` are what should become of it. `timestamp_ms` is its
    record's time, 0 for the moment of writing.
    """

    name: str
    event_id: str | None
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    end: End = End.ACCEPTED
    reason: str = ""
    timestamp_ms: int = 0
    headers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


def shop_events(seed: int, count: int, now_s: int, bad: Mapping[Bad, int] | None = None) -> list[Event]:
    """
    `count` distinct events in the order of their places, up to two days before `now_s`.

    `bad` says how many of each kind are among them, at places drawn from the seed.
    """
    chance = random.Random(seed)
    kinds: list[Bad | None] = [kind for kind, number in (bad or {}).items() for _ in range(number)]
    kinds += [None] * (count - len(kinds))
    chance.shuffle(kinds)
    users = [_user(chance, number) for number in range(USERS)]
    shop = _Shop(chance, seed, users, now_s)
    return [shop.event(number, kind) for number, kind in enumerate(kinds)]


def large_events(seed: int, count: int, now_s: int) -> list[Event]:
    """
    Good, with neither id nor time, and each larger than LARGE_BYTES, all others being smaller.

    A consumer that takes no more than that (CAPI_EVENT_BYTES_MAX) makes a letter of each.
    """
    return [_large(event, number) for number, event in enumerate(shop_events(seed, count, now_s))]


def _large(event: Event, number: int) -> Event:
    fields = json.loads(event.value or b"")
    fields["context"] = {"page": fields["context"]["page"]}
    fields["integrations"]["facebook"].pop("event_id", None)
    fields["integrations"]["facebook"]["custom_data"] = {"note": f"{number} " * (LARGE_BYTES // 2)}
    return replace(event, name=f"large {number}", event_id=None, value=json.dumps(fields).encode())


class _Shop:
    def __init__(self, chance: random.Random, seed: int, users: list[Json], now_s: int) -> None:
        self._chance = chance
        self._seed = seed
        self._users = users
        self._now_s = now_s

    def event(self, number: int, kind: Bad | None) -> Event:
        user = self._chance.choice(self._users)
        event = self._good(number, user, kind)
        if kind is None:
            self._leave_out(event, number)
        value = json.dumps(_spoilt(event, kind, self._now_s), ensure_ascii=False).encode()
        return Event(
            name=f"event {number}",
            event_id=event["integrations"]["facebook"].get("event_id"),
            key=user["id"].encode() if self._chance.random() < 0.9 else None,
            value=value[:-20] if kind is Bad.NOT_JSON else value,
            end=ENDS[kind][0] if kind else End.ACCEPTED,
            reason=ENDS[kind][1] if kind else "",
        )

    def _good(self, number: int, user: Json, kind: Bad | None) -> Json:
        chance = self._chance
        name = "purchase" if kind is Bad.PURCHASE_WITHOUT_VALUE else _event_name(chance)
        return {
            "event_name": name,
            "context": {
                "event_id": f"ca-{self._seed}-{number}",
                "event_timestamp": _written_time(chance, self._now_s - chance.randrange(60, 2 * DAY_S)),
                "page": {"url": f"https://shop.example.com/{name}/{number}", "title": "Boutique"},
            },
            "user": {**user, "consent_categories": chance.choice([["1", "3"], ["2", "3"], [3], "1,3"])},
            "browser": {
                "ip": f"203.0.113.{chance.randrange(1, 255)}",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            },
            "integrations": {
                "facebook": {
                    "event_id": f"px-{self._seed}-{number}",
                    "fbp": f"fb.1.{(self._now_s - 30 * DAY_S) * 1000}.{chance.randrange(10**9, 10**10)}",
                }
            },
            **_commerce(chance, name, number),
        }

    def _leave_out(self, event: Json, number: int) -> None:
        if number % WITHOUT_ID_EVERY == 0:
            del event["integrations"]["facebook"]["event_id"], event["context"]["event_id"]
        if number % WITHOUT_TIME_EVERY == 0:
            del event["context"]["event_timestamp"]


def _spoilt(event: Json, kind: Bad | None, now_s: int) -> Json:
    match kind:
        case Bad.NO_CONSENT:
            event["user"]["consent_categories"] = ["1", "2"]
        case Bad.TOO_OLD:
            event["context"]["event_timestamp"] = now_s - 8 * DAY_S
        case Bad.PURCHASE_WITHOUT_VALUE:
            del event["amount"]
        case Bad.REFUSED:
            event["integrations"]["facebook"]["custom_data"] = {"sandbox_refuse": "100/2804007"}
        case Bad.STUCK:
            event["integrations"]["facebook"]["custom_data"] = {"sandbox_status": "500"}
    return event


def _event_name(chance: random.Random) -> str:
    names = [
        "page_view",
        "view_item",
        "view_item_list",
        "add_to_cart",
        "begin_checkout",
        "purchase",
        "search",
    ]
    shares = [40, 25, 8, 10, 4, 4, 5]
    return chance.choices([*names, "generate_lead", "size_guide"], [*shares, 2, 2])[0]


def _commerce(chance: random.Random, name: str, number: int) -> Json:
    if name in ("page_view", "generate_lead", "size_guide"):
        return {}
    if name == "search":
        return {"search_term": chance.choice(["chaussures", "sac à dos", "bonnet", "lampe"])}
    items = [_item(chance) for _ in range(chance.randrange(1, 4))]
    amount = round(sum(item["quantity"] * item["product"]["price"] for item in items), 2)
    order = {"id": f"order-{number}", "status": "paid"} if name == "purchase" else {}
    return {"items": items, "amount": amount, "currency": "EUR", **order}


def _item(chance: random.Random) -> Json:
    number = chance.randrange(1, 500)
    product = {
        "id": f"sku-{number}",
        "name": f"Article {number}",
        "price": number % 90 + 0.99,
        "category_1": chance.choice(["Mode", "Maison", "Sport"]),
    }
    return {"id": f"line-{number}", "quantity": chance.randrange(1, 4), "product": product}


def _user(chance: random.Random, number: int) -> Json:
    return {
        "id": f"user-{number}",
        "email": f"person.{number}@example.{chance.choice(['com', 'fr', 'org'])}",
        "phone": f"+33 6 39 98 {number // 100:02d} {number % 100:02d}",
        "firstname": chance.choice(["Zoé", "Jean-Pierre", "Anaïs", "Louis", "Inès"]),
        "lastname": chance.choice(["Martin", "Lefèvre", "O’Brien", "Müller"]),
        "city": chance.choice(["Paris", "Saint-Étienne", "Lyon Cedex 03"]),
        "zipcode": chance.choice(["75001", "42000", "69003"]),
        "country": "FR",
    }


def _written_time(chance: random.Random, time_s: int) -> int | str:
    """The same second in one of the forms that events carry."""
    forms: list[int | str] = [time_s, time_s * 1000, datetime.fromtimestamp(time_s, UTC).isoformat()]
    return chance.choice(forms)
