"""
Makes consumer/demo/shop.jsonl: a thousand events of a shop that does not exist.

    python tests/support/make_samples.py > consumer/demo/shop.jsonl

Visitors come, look, buy; some are members, some are guests of whom little is
known, some refuse advertising. Among them stand events that are odd in a known
way (make_odd_samples.py). What becomes of each is decided here, by how it is
made, and written beside it: the program under test has no say in it.

Everything that looks personal is from ranges that are nobody's: example.com,
documentation networks (RFC 5737, RFC 3849), telephone numbers set aside for
fiction (Arcep, Ofcom, Bundesnetzagentur, NANPA).
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from typing import Any

import orjson
from support.make_odd_samples import odd_samples

SEED = 20260101
EVENTS = 1000
HOUR, DAY = 3600, 86400

ADVERTISING = "3"
ALL_CATEGORIES = ["1", "2", ADVERTISING]
WITHOUT_ADVERTISING = ["1", "2"]

SHOP = "https://shop.example.com"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0"
USER_AGENTS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14) {CHROME} Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
)
FIRST_NAMES = (
    ("Camille", "F"), ("Jean-Pierre", "M"), ("Zoé", "F"), ("Louis", "M"), ("Inès", "Female"),
    ("Noé", "male"), ("Éléonore", "Mme"), ("Mathis", "M."), ("Anne-Sophie", "f"), ("Hugo", "h"),
)  # fmt: skip
LAST_NAMES = (
    "Martin",
    "Lefèvre",
    "O'Brien",
    "D'Almeida",
    "Nuñez",
    "Müller",
    "De La Tour",
    "Sørensen",
    "Petit",
)


@dataclass(frozen=True)
class Place:
    """Somewhere to live, with a way to write telephone numbers there."""

    city: str
    zipcode: str
    country: str
    currency: str
    phone: str
    state: str | None = None


PLACES = (
    Place("Paris", "75011", "FR", "EUR", "01 99 00 {:02d} {:02d}"),
    Place("Saint-Étienne", "42000", "FR", "EUR", "+33 (0)4 65 71 {:02d} {:02d}"),
    Place("Nantes", "44000", "France", "EUR", "02.61.91.{:02d}.{:02d}"),
    Place("Toulouse", "31000", "fr", "EUR", "0033 5 36 49 {:02d} {:02d}"),
    Place("Berlin", "10115", "Germany", "EUR", "+49 30 23125 1{:02d}"),
    Place("London", "SW1A 2AA", "UK", "GBP", "020 7946 09{:02d}"),
    Place("Menlo Park", "94025-1234", "USA", "USD", "(650) 555-01{:02d}", "California"),
)
PRODUCTS = (
    ("SKU-1001", "Trail running shoes", ("Shoes", "Running"), 89.9),
    ("SKU-1002", "Rain jacket", ("Clothing", "Jackets"), 129.0),
    ("SKU-1003", "Merino socks", ("Clothing", "Socks"), 14.5),
    ("SKU-1004", "Backpack 24 l", ("Bags",), 74.95),
    ("SKU-1005", "Head torch", ("Equipment", "Light"), 39.99),
    ("SKU-1006", "Water bottle", ("Equipment",), 18.0),
    ("SKU-1007", "Tent for two", ("Equipment", "Tents"), 249.0),
)
OCCASIONAL = (
    "generate_lead", "complete_registration", "contact", "customize_product", "donate", "find_location",
    "schedule", "start_trial", "submit_application", "subscribe",
)  # fmt: skip
FUNNEL = ("add_to_cart", "begin_checkout", "add_payment_info", "purchase")
CUSTOM = ("size_guide_open", "newsletter_click", "video_play", "store_pickup_selected", "loyalty_card_linked")


@dataclass
class Visitor:
    """Who comes to the shop. `is_newer` visitors send events of the newer shape."""

    user: dict[str, Any]
    place: Place
    agent: str
    ip: str
    fbp: str
    click: str | None
    categories: list[str]
    is_newer: bool
    end: str = "accepted"
    clicked_at: int = 0


def ago_ms(age: int) -> str:
    """The placeholder of a time in milliseconds, `age` seconds before the samples are used."""
    return f"{{{{now_ms-{age}}}}}"


class Shop:
    """A run of the shop; all chance comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.numbers = 0

    def event_id(self) -> str:
        """As the tag makes them: text that repeats nowhere."""
        return f"{self.chance.getrandbits(48):012x}.{self.chance.randrange(10**6):06d}"

    def visitor(self, age: int) -> Visitor:
        """One visitor, whose first event is `age` seconds ago."""
        chance = self.chance
        kind = chance.choices(("member", "guest", "stranger", "refuses"), (55, 25, 6, 14))[0]
        place = chance.choice(PLACES)
        self.numbers += 1
        click = None
        if chance.random() < 0.3:
            click = "IwAR" + "".join(chance.choices("ABCDEFGHabcdefgh0123456789_-", k=24))
        user = {"country": place.country} if kind == "guest" else {}
        if kind in ("member", "refuses"):
            user = self.member(place)
        return Visitor(
            user=user,
            place=place,
            agent=chance.choice(USER_AGENTS),
            ip=self.ip(),
            fbp=f"fb.1.{ago_ms(age + chance.randrange(60 * DAY))}.{chance.randrange(10**9, 10**10)}",
            click=click,
            categories=WITHOUT_ADVERTISING if kind == "refuses" else ALL_CATEGORIES,
            is_newer=chance.random() < 0.3,
            end={"stranger": "not_enough_to_match", "refuses": "no_consent"}.get(kind, "accepted"),
            clicked_at=age + 30,
        )

    def ip(self) -> str:
        """An address of a documentation network."""
        if self.chance.random() < 0.2:
            return f"2001:db8:{self.chance.randrange(0xFFFF):x}::{self.chance.randrange(1, 0xFFFF):x}"
        return f"{self.chance.choice(('203.0.113', '198.51.100', '192.0.2'))}.{self.chance.randrange(1, 255)}"

    def member(self, place: Place) -> dict[str, Any]:
        """Everything the shop knows of a member."""
        first, gender = self.chance.choice(FIRST_NAMES)
        last = self.chance.choice(LAST_NAMES)
        number = self.numbers
        birth = (
            self.chance.randrange(1950, 2006),
            self.chance.randrange(1, 13),
            self.chance.randrange(1, 29),
        )
        user = {
            "id": f"u-{number:04d}",
            "email": f"Client.{number:04d}@example.{'fr' if place.currency == 'EUR' else 'com'}",
            "firstname": first,
            "lastname": last,
            "gender": gender,
            "birthdate": "{:04d}-{:02d}-{:02d}".format(*birth),
            "city": place.city,
            "zipcode": place.zipcode,
            "country": place.country,
        }
        if self.chance.random() < 0.7:
            user["phone"] = self.phone(place)
        if place.state:
            user["state"] = place.state
        return user

    def phone(self, place: Place) -> str:
        """A number that is nobody's."""
        return place.phone.format(self.chance.randrange(100), self.chance.randrange(100))

    def session(self, age: int) -> list[dict[str, Any]]:
        """What one visitor does, in order, from `age` seconds ago on."""
        visitor, chance = self.visitor(age), self.chance
        names = ["page_view"] * chance.randrange(1, 4)
        names += ["search"] * (chance.random() < 0.3) + ["view_item_list"] * (chance.random() < 0.5)
        names += ["view_item"] * chance.randrange(1, 4)
        names += ["add_to_wishlist"] * (chance.random() < 0.15)
        if chance.random() < 0.5:
            names += FUNNEL[: chance.choice((1, 2, 4, 4))]
        if chance.random() < 0.5:
            names.append(chance.choice(OCCASIONAL if chance.random() < 0.7 else CUSTOM))
        cart = [self.line() for _ in range(chance.randrange(1, 4))]
        samples = []
        for name in names:
            samples.append(self.sample(visitor, name, age, cart))
            age -= chance.randrange(5, 240)
        return samples

    def line(self) -> dict[str, Any]:
        """A line of a cart."""
        sku, name, categories, price = self.chance.choice(PRODUCTS)
        product = {"id": sku, "name": name, "price": price}
        product |= {f"category_{number}": category for number, category in enumerate(categories, start=1)}
        return {"id": sku, "quantity": self.chance.randrange(1, 4), "product": product}

    def sample(self, visitor: Visitor, name: str, age: int, cart: list[dict[str, Any]]) -> dict[str, Any]:
        """One event and its end. What a guest enters at the checkout is theirs from then on."""
        if name == "begin_checkout" and visitor.end == "accepted" and "id" not in visitor.user:
            visitor.user = self.guest_at_checkout(visitor)
        event = {"event_name": name, **self.content(visitor, name, cart)}
        end = visitor.end
        if name == "purchase" and end != "no_consent" and not visitor.user.keys() & {"email", "phone"}:
            end = "purchase_without_personal_information"
        event_id = self.event_id()
        shape = self.newer if visitor.is_newer else self.documented
        return {"end": end, "id": event_id, "event": event | shape(visitor, event_id, name, age)}

    def guest_at_checkout(self, visitor: Visitor) -> dict[str, Any]:
        """A name and an address; most leave an e-mail address too."""
        user = self.member(visitor.place)
        hidden = {"id", "gender", "birthdate", "phone"}
        if self.chance.random() < 0.3:
            hidden.add("email")
        return {key: value for key, value in user.items() if key not in hidden}

    def content(self, visitor: Visitor, name: str, cart: list[dict[str, Any]]) -> dict[str, Any]:
        """What the event is about."""
        currency = visitor.place.currency
        total = round(sum(line["quantity"] * line["product"]["price"] for line in cart), 2)
        amount = (
            "revenue"
            if visitor.is_newer and name == "purchase"
            else "value"
            if visitor.is_newer
            else "amount"
        )
        match name:
            case "search":
                return {"search_term": self.chance.choice(("rain jacket", "tente 2 places", "chaussures"))}
            case "view_item" | "add_to_wishlist" | "customize_product":
                return {"items": cart[:1], amount: cart[0]["product"]["price"], "currency": currency}
            case "view_item_list":
                return {"items": cart}
            case "add_to_cart" | "begin_checkout" | "add_payment_info":
                return {"items": cart, amount: total, "currency": currency}
            case "purchase":
                order = f"ORDER-{self.chance.randrange(10**6):06d}"
                return {"id": order, "items": cart, amount: total, "currency": currency, "status": "paid"}
            case "donate" | "subscribe" | "start_trial":
                return {amount: float(self.chance.randrange(5, 50)), "currency": currency}
            case "complete_registration":
                return {"status": "complete", "name": "newsletter"}
        return {}

    def documented(self, visitor: Visitor, event_id: str, name: str, age: int) -> dict[str, Any]:
        """The shape of the connector's page."""
        facebook: dict[str, Any] = {"event_id": event_id, "fbp": visitor.fbp}
        if visitor.click:
            facebook["fbc"] = f"fb.1.{ago_ms(visitor.clicked_at)}.{visitor.click}"
        return {
            "event_timestamp": f"{{{{now-{age}}}}}",
            "url": f"{SHOP}/{name.replace('_', '-')}",
            **({"user": visitor.user} if visitor.user else {}),
            "browser": {"ip": visitor.ip, "user_agent": visitor.agent},
            "integrations": {"facebook": facebook},
            "consent_categories": visitor.categories,
        }

    def newer(self, visitor: Visitor, event_id: str, name: str, age: int) -> dict[str, Any]:
        """The shape of newer tags: a context, cookies, consent with the user."""
        cookie = f"_ga=GA1.1.1; _fbp={visitor.fbp}"
        if visitor.click:
            cookie += f"; _fbc=fb.1.{ago_ms(visitor.clicked_at)}.{visitor.click}"
        return {
            "context": {
                "event_id": event_id,
                "event_timestamp": ago_ms(age),
                "page": {
                    "url": f"{SHOP}/{name.replace('_', '-')}?lang=fr",
                    "referrer": "https://www.example.org/",
                },
                "device": {"ip": visitor.ip, "user_agent": visitor.agent, "cookie": cookie},
            },
            "user": {**visitor.user, "consent_categories": visitor.categories},
        }


def samples() -> list[dict[str, Any]]:
    """All of them, oldest first."""
    shop = Shop(SEED)
    made = odd_samples()
    while len(made) < EVENTS:
        made += shop.session(shop.chance.randrange(2 * HOUR, 5 * DAY))[: EVENTS - len(made)]
    missing = {*OCCASIONAL, *CUSTOM} - {sample.get("event", {}).get("event_name") for sample in made}
    if missing:
        raise ValueError(f"no sample of {missing}")
    return sorted(made, key=_age, reverse=True)


def _age(sample: dict[str, Any]) -> int:
    return int(sample.pop("age", 0)) or _age_of(sample["event"])


def _age_of(event: dict[str, Any]) -> int:
    written = event.get("event_timestamp") or event["context"]["event_timestamp"]
    return int(written.partition("-")[2].rstrip("}"))


if __name__ == "__main__":
    for one in samples():
        sys.stdout.buffer.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
