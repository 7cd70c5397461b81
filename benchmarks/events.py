"""
Events of people who do not exist, as a shop's tag sends them: what every benchmark here works on.

    200,000 people, each with all eleven hashed properties, and 5,000 products; how often one of
    them comes back follows Zipf's law, so a batch of 500 has some 350 people
    half of the phone numbers national, half with their country code
    two items, page, browser, cookies and consent: 1.1 kB of JSON

The same number always makes the same event, so two runs work on the same bytes.
First names, cities, states and countries repeat as they do among people; ids,
e-mail addresses and phone numbers are each person's own.
"""

from __future__ import annotations

import datetime
import itertools
import random
import unicodedata
from collections.abc import Iterator

import orjson

from consumer.domain.record import Partition, Record
from consumer.mapping.rules import MappingOptions

NOW_MS = 1_763_900_000_000
BATCH = 500
PEOPLE = 200_000
PRODUCTS = 5_000
# What a team in France sets.
RULES = MappingOptions(default_country="fr", user_consent_category="1")

_FIRST = [
    "Anne",
    "Jean-Pierre",
    "Zoé",
    "Marie",
    "Léa",
    "Hugo",
    "Chloé",
    "Louis",
    "Jeanne",
    "Gabriel",
    "Louise",
    "Raphaël",
    "Emma",
    "Arthur",
    "Alice",
    "Jules",
    "Rose",
    "Adam",
    "Anna",
    "Maël",
    "Mia",
    "Liam",
    "Lina",
    "Lucas",
    "Agathe",
    "Paul",
    "Iris",
    "Nathan",
    "Romy",
    "Sacha",
    "Inès",
    "Léo",
    "Jade",
    "Noah",
    "François",
    "Hélène",
    "Éric",
    "Cécile",
]
_BEGINNINGS = [
    "Mar",
    "Ber",
    "Du",
    "Le",
    "Mo",
    "Pe",
    "Ri",
    "Ro",
    "Sim",
    "Lau",
    "Gar",
    "Da",
    "Fon",
    "Che",
    "Guil",
    "Bon",
    "Mé",
    "La",
    "Clé",
    "Gau",
]
_MIDDLES = ["ti", "na", "ra", "vi", "se", "lo", "ga", "de", "ri", "bau"]
_ENDINGS = ["n", "rd", "nt", "t", "lle", "ux", "s", "ier", "eau", "ot", "in", "et"]
_CITIES = (
    ("Paris", "75", "Île-de-France"),
    ("Lyon", "69", "Auvergne-Rhône-Alpes"),
    ("Saint-Étienne", "42", "Auvergne-Rhône-Alpes"),
    ("Nantes", "44", "Pays de la Loire"),
    ("Aix-en-Provence", "13", "Provence-Alpes-Côte d'Azur"),
    ("Lille", "59", "Hauts-de-France"),
    ("Bordeaux", "33", "Nouvelle-Aquitaine"),
    ("Nîmes", "30", "Occitanie"),
    ("Rennes", "35", "Bretagne"),
    ("Strasbourg", "67", "Grand Est"),
    ("Le Havre", "76", "Normandie"),
    ("Dijon", "21", "Bourgogne-Franche-Comté"),
)
_USER_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.1 Mobile/15E148 Safari/604.1"
)
_NAMES = ("page_view", "view_item", "view_item", "add_to_cart", "begin_checkout", "purchase")


def person(number: int) -> dict[str, object]:
    """The `user` of somebody, always the same for the same number."""
    chance = random.Random(number)
    city, department, state = chance.choice(_CITIES)
    born = datetime.date(1971, 1, 1) + datetime.timedelta(days=chance.randrange(13_000))
    mobile = f"{chance.choice('01245678')}{number * 7_919 % 10_000_000:07}"
    pairs = " ".join(mobile[at : at + 2] for at in range(0, 8, 2))
    syllables = chance.choices(_MIDDLES, k=2)
    last = "".join((chance.choice(_BEGINNINGS), *syllables, chance.choice(_ENDINGS)))
    first = chance.choice(_FIRST)
    return {
        "id": f"user-{number:06}",
        "email": f"{_ascii(first)}.{_ascii(last)}{number}@example.com",
        "phone": f"06 {pairs}" if number % 2 else f"+33 6 {pairs}",
        "gender": chance.choice(("f", "m", "Madame", "H")),
        "birthdate": born.isoformat(),
        "lastname": last,
        "firstname": first,
        "city": city,
        "state": state,
        "zipcode": f"{department}{chance.randrange(0, 1000, 10):03}",
        "country": chance.choice(("FR", "FR", "France")),
        "consent_categories": ["1", "3"],
    }


def _address(number: int) -> str:
    """Half of them have the longer kind. Both are of the ranges for documentation."""
    return f"2001:db8:{number % 65_536:x}::7" if number % 2 else f"203.0.113.{number % 254 + 1}"


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()


def event(number: int, person_number: int, sku: int, now_ms: int = NOW_MS) -> dict[str, object]:
    """An event of this person's, about this product. Its id holds its number and nothing else does."""
    return {
        "event_name": _NAMES[number % len(_NAMES)],
        "event_id": f"e-{number:09}",
        "event_timestamp": now_ms,
        "id": f"order-{number}",
        "amount": 59.8,
        "currency": "EUR",
        "user": person(person_number),
        "browser": {"ip": _address(person_number), "user_agent": _USER_AGENT},
        "context": {
            "page": {
                "url": f"https://shop.example.com/p/sku-{sku}?utm_source=newsletter&utm_medium=email",
                "title": "Bottines en cuir à lacets, fabriquées au Portugal",
                "referrer": "https://shop.example.com/",
            },
            "device": {"cookie": {"_fbp": f"fb.1.1763000000000.{person_number + 1_000_000_000}"}},
        },
        "items": [
            _item(sku, 1, "Bottines en cuir", 39.9),
            _item(sku + 1, 2, "Chaussettes", 9.95),
        ],
    }


def _item(sku: int, quantity: int, name: str, price: float) -> dict[str, object]:
    return {
        "quantity": quantity,
        "product": {
            "id": f"sku-{sku}",
            "name": name,
            "price": price,
            "brand": "Exemple",
            "category_1": "Chaussures",
        },
    }


def events(count: int, *, people: int = PEOPLE, now_ms: int = NOW_MS) -> Iterator[dict[str, object]]:
    """`count` events of people and products that come back as Zipf's law has it."""
    return (event(number, who, what, now_ms) for number, (who, what) in enumerate(drawn(count, people)))


def drawn(count: int, people: int = PEOPLE) -> Iterator[tuple[int, int]]:
    """Person and product of each event: the n-th as often as 1/n. More events begin with the same."""
    return zip(_drawn(people, count), _drawn(PRODUCTS, count), strict=True)


def _drawn(many: int, count: int) -> list[int]:
    weights = list(itertools.accumulate(1 / rank for rank in range(1, many + 1)))
    return random.Random(many).choices(range(many), cum_weights=weights, k=count)


def records(count: int, *, people: int = PEOPLE, now_ms: int = NOW_MS) -> list[Record]:
    """The same as records of one partition."""
    partition = Partition("events", 0)
    return [
        Record(partition, number, now_ms, orjson.dumps(made))
        for number, made in enumerate(events(count, people=people, now_ms=now_ms))
    ]


def batches(made: list[Record]) -> list[list[Record]]:
    """As a poll brings them."""
    return [made[start : start + BATCH] for start in range(0, len(made), BATCH)]
