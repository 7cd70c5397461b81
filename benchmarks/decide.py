"""
What it costs to decide about an event with all eleven hashed fields, and which field costs what.

    python benchmarks/decide.py [--rounds 5]

Values of 2,000 made-up people; a batch is 500 events, as a poll of `run`
brings. What a property costs is what `decide` gains when it is not there, as a
share of the whole that was measured just before: the share holds on a machine
whose speed drifts, and a wide range says that this one was busy.
"""

from __future__ import annotations

import argparse
import datetime
import random
import statistics
import time
from collections.abc import Sequence

import orjson

from consumer.core.decide import decide
from consumer.core.hashing import BatchHasher
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules

NOW_MS = 1_763_900_000_000
BATCH = 500
PEOPLE = 2_000
CITIES = ("Paris", "Lyon", "Saint-Étienne", "Nantes", "Aix-en-Provence", "Lille", "Bordeaux", "Nîmes")
FIRST = ("Anne", "Jean-Pierre", "Zoé", "Marie", "Léa", "Hugo", "Chloé", "Louis")


def person(chance: random.Random, number: int) -> dict[str, str]:
    """The eleven properties of somebody who does not exist."""
    ends = f"{chance.randrange(100):02} {number // 100:02} {chance.randrange(100):02}"
    born = datetime.date(1940, 1, 1) + datetime.timedelta(days=chance.randrange(24_000))
    return {
        "id": f"user-{number}",
        "email": f"user.{number}@example.com",
        "phone": f"06 {number % 100:02} {ends}",
        "gender": chance.choice(("f", "Madame", "H")),
        "birthdate": born.isoformat(),
        "lastname": f"O'Nom{number}",
        "firstname": chance.choice(FIRST),
        "city": chance.choice(CITIES),
        "state": "Île-de-France",
        "zipcode": f"{chance.randrange(1000, 95999):05}",
        "country": chance.choice(("FR", "France", "fra")),
    }


def records(without: str | None = None) -> Sequence[Record]:
    """A purchase of each person, without one of the properties."""
    chance = random.Random(1)
    made = []
    for number in range(PEOPLE):
        user = {key: value for key, value in person(chance, number).items() if key != without}
        event = {
            "event_name": "purchase",
            "event_id": f"e-{number}",
            "event_timestamp": NOW_MS,
            "amount": 12.5,
            "currency": "EUR",
            "url": "https://shop.example.com/thanks",
            "user": user,
            "browser": {"ip": "192.0.2.17", "user_agent": "Mozilla/5.0"},
            "items": [{"quantity": 1, "product": {"id": "sku-1", "price": 12.5}}],
        }
        made.append(Record(Partition("events", 0), number, NOW_MS, orjson.dumps(event)))
    return made


def cost_us(made: Sequence[Record], rules: Rules) -> float:
    """Microseconds an event."""
    started = time.perf_counter()
    for start in range(0, len(made), BATCH):
        hasher = BatchHasher()
        for record in made[start : start + BATCH]:
            decide(record, rules, hasher, NOW_MS)
    return (time.perf_counter() - started) * 1e6 / len(made)


def main() -> None:
    """Print the whole, then each property."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rules = Rules(default_country="fr")
    keys = list(person(random.Random(1), 0))
    whole, streams = records(), {key: records(key) for key in keys}
    shares: dict[str, list[float]] = {key: [] for key in keys}
    costs = []
    for _ in range(rounds):
        for key, made in streams.items():
            costs.append(cost_us(whole, rules))
            shares[key].append(100 * (1 - cost_us(made, rules) / costs[-1]))
    print(f"{'all eleven':<12}{statistics.median(costs):>6.0f} µs an event")
    for key, found in shares.items():
        print(f"{key:<12}{statistics.median(found):>6.0f} %  ({min(found):.0f} to {max(found):.0f})")


if __name__ == "__main__":
    main()
