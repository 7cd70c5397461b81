"""
The events of the samples that are odd in a known way, each with what becomes of it.

A table: what is odd, how the event ends, and what makes it differ from a plain
event of a plain member. Text instead of an event is published as it stands.
"""

from __future__ import annotations

import copy
from typing import Any

MINUTE, HOUR, DAY = 60, 3600, 86400

Sample = dict[str, Any]

MEMBER = {
    "id": "u-odd",
    "email": "Odd.One@example.com",
    "phone": "+33 1 99 00 12 34",
    "firstname": "Maëlle",
    "lastname": "Odd",
    "gender": "F",
    "birthdate": "1990-07-14",
    "city": "Lyon",
    "zipcode": "69001",
    "country": "FR",
}
BROWSER = {
    "ip": "203.0.113.77",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
}
ITEMS = [
    {
        "quantity": 1,
        "product": {"id": "SKU-1001", "name": "Trail running shoes", "category_1": "Shoes", "price": 89.9},
    }
]
# SHA-256 of odd.one@example.com, written down once.
EMAIL_SHA256 = "f3cd6ea0662354d8717ea512fb4c08c60472045b56e70aa0940773c2995c2b37"
OUT = object()


def plain(name: str, age: int, number: int) -> Sample:
    """An event that nothing is odd about."""
    event: Sample = {
        "event_name": name,
        "event_timestamp": f"{{{{now-{age}}}}}",
        "url": "https://shop.example.com/odd",
        "user": copy.deepcopy(MEMBER),
        "browser": dict(BROWSER),
        "integrations": {
            "facebook": {
                "event_id": f"odd-{number:03d}",
                "fbp": f"fb.1.{{{{now_ms-{age + DAY}}}}}.5550000{number:03d}",
            }
        },
        "consent_categories": ["1", "2", "3"],
    }
    if name == "purchase":
        event |= {
            "id": f"ORDER-ODD-{number:03d}",
            "amount": 89.9,
            "currency": "EUR",
            "items": copy.deepcopy(ITEMS),
        }
    return event


def facebook(**overrides: Any) -> Sample:
    """Changes below integrations.facebook."""
    return {"integrations": {"facebook": overrides}}


def user(**changes: Any) -> Sample:
    """Changes below user."""
    return {"user": changes}


# What is odd, the end, how many, the event's name, the changes. A change to OUT takes the key away.
EVENTS: tuple[tuple[str, str, int, str, Sample], ...] = (
    ("the consent of another category only", "no_consent", 4, "purchase", {"consent_categories": ["1"]}),
    ("no word of consent", "no_consent", 4, "view_item", {"consent_categories": OUT}),
    ("consent for nothing", "no_consent", 2, "page_view", {"consent_categories": []}),
    ("consent as text", "accepted", 2, "page_view", {"consent_categories": "1|3"}),
    ("consent as a number", "accepted", 2, "page_view", {"consent_categories": [3]}),
    (
        "a purchase without e-mail and telephone", "purchase_without_personal_information", 6, "purchase",
        user(email=OUT, phone=OUT),
    ),
    (
        "a purchase whose e-mail is a placeholder", "purchase_without_personal_information", 2, "purchase",
        user(email="(not set)", phone="null"),
    ),
    (
        "a purchase with a national telephone number only, and no country to read it by",
        "purchase_without_personal_information", 2, "purchase",
        user(email=OUT, phone="01 99 00 12 34", country=OUT),
    ),
    (
        "a national telephone number and its country", "accepted", 4, "purchase",
        user(email=OUT, phone="01 99 00 12 34"),
    ),
    (
        "a national telephone number without a country", "accepted", 4, "view_item",
        user(phone="01 99 00 12 34", country=OUT),
    ),
    ("only what a browser says", "not_enough_to_match", 6, "page_view", {"user": OUT}),
    (
        "nobody at all", "not_enough_to_match", 2, "page_view",
        {"user": OUT, "integrations": OUT, "browser": OUT},
    ),
    ("eight days old", "event_too_old", 5, "purchase", {"event_timestamp": f"{{{{now-{8 * DAY}}}}}"}),
    (
        "a year old, in milliseconds", "event_too_old", 2, "view_item",
        {"event_timestamp": f"{{{{now_ms-{365 * DAY}}}}}"},
    ),
    (
        "thirty days old, from a till", "accepted", 3, "purchase",
        {"type": "offline", "event_timestamp": f"{{{{now-{30 * DAY}}}}}", "browser": OUT, "url": OUT},
    ),
    ("a clock that is an hour ahead", "accepted", 2, "page_view", {"event_timestamp": f"{{{{now+{HOUR}}}}}"}),
    ("a time as text", "accepted", 2, "page_view", {"event_timestamp": f"{{{{now_iso-{HOUR}}}}}"}),
    ("no time of its own", "accepted", 2, "page_view", {"event_timestamp": OUT}),
    ("no id of its own", "accepted", 4, "view_item", facebook(event_id=OUT)),
    ("a click id without the click", "accepted", 3, "view_item", facebook(fbc="fb.1.1700000000000.")),
    ("a click id that is a placeholder", "accepted", 2, "view_item", facebook(fbc="undefined")),
    (
        "a click of a hundred days ago", "accepted", 2, "view_item",
        facebook(fbc=f"fb.1.{{{{now_ms-{100 * DAY}}}}}.IwAR0expired"),
    ),
    (
        "a click id in the address only", "accepted", 3, "page_view",
        {"url": "https://shop.example.com/?fbclid=IwAR1abcDEF_-9"},
    ),
    (
        "an e-mail address in the address", "accepted", 2, "page_view",
        {"url": "https://shop.example.com/unsubscribe?email=odd.one@example.com&lang=fr"},
    ),
    (
        "an e-mail address that is hashed already", "accepted", 3, "purchase",
        user(email=OUT, email_sha256=EMAIL_SHA256),
    ),
    (
        "a hashed e-mail address where a plain one belongs", "accepted", 2, "purchase",
        user(email=EMAIL_SHA256.upper()),
    ),
    ("everything overridden", "accepted", 2, "purchase", facebook(
        user_data={"em": "Other.One@example.com", "ct": "Rennes", "subscription_id": "S-1"},
        custom_data={
            "value": "12,50", "currency": "eur", "content_name": "booking", "your_field": "your_value",
        },
        event_source_url="https://shop.example.com/overridden",
    )),
    ("a name of its own at Meta", "accepted", 2, "quiz_end", facebook(event_name="QuizFinished")),
    ("limited data use", "accepted", 2, "page_view", facebook(
        data_processing_options=["LDU"], data_processing_options_country=0, data_processing_options_state=0,
    )),
    ("opted out", "accepted", 1, "page_view", facebook(opt_out=True)),
    ("personal data among custom data", "accepted", 2, "generate_lead", facebook(
        custom_data={
            "phone": "01 99 00 12 34", "comment": "write to odd.one@example.com", "form": "brochure",
        },
    )),
    ("an amount in a French spreadsheet's writing", "accepted", 2, "purchase", {"amount": "1 234,56 €"}),
    (
        "a currency at the item only", "accepted", 2, "purchase",
        {"currency": OUT, "items": [{"product": {"id": "SKU-1004", "price": 74.95, "currency": "EUR"}}]},
    ),
    ("an amount of nothing", "accepted", 1, "purchase", {"amount": 0}),
    ("a purchase without a currency", "purchase_without_currency", 6, "purchase", {"currency": OUT}),
    (
        "a purchase in a currency that is none", "purchase_without_currency", 2, "purchase",
        {"currency": "EURO"},
    ),
    ("a purchase without an amount", "purchase_without_value", 3, "purchase", {"amount": OUT}),
    ("a purchase with a negative amount", "purchase_without_value", 1, "purchase", {"amount": -89.9}),
    ("an event without a name", "no_event_name", 2, "page_view", {"event_name": OUT}),
    ("an event with an empty name", "no_event_name", 1, "page_view", {"event_name": " "}),
    (
        "an event that Meta refuses for a reason it does not tell", "rejected", 1, "add_to_cart",
        facebook(custom_data={"sandbox_refuse": "100/2804007"}),
    ),
)  # fmt: skip

TEXTS: tuple[tuple[str, str, str], ...] = (
    ("an event that is cut off", "not_json", '{"event_name":"purchase","amount":12.5,"user":{"email":"odd.o'),
    ("single quotes", "not_json", "{'event_name': 'page_view'}"),
    ("a number that JSON does not know", "not_json", '{"event_name":"purchase","amount":NaN}'),
    ("a page of a proxy", "not_json", "<html><body>502 Bad Gateway</body></html>"),
    ("a list", "not_an_object", '[{"event_name":"page_view"}]'),
    ("a text", "not_an_object", '"page_view"'),
)


def odd_samples() -> list[Sample]:
    """All of them, spread over the last hours."""
    samples: list[Sample] = []
    for about, end, count, name, changes in EVENTS:
        for _ in range(count):
            age = 5 * MINUTE + 7 * MINUTE * (len(samples) % 90)
            event = changed(plain(name, age, len(samples)), changes)
            event_id = event.get("integrations", {}).get("facebook", {}).get("event_id")
            samples.append({"end": end, "about": about, "id": event_id, "event": event, "age": age})
    for about, end, text in TEXTS:
        samples.append({"end": end, "about": about, "id": None, "text": text, "age": 3 * HOUR + len(samples)})
    return samples


def changed(event: Sample, changes: Sample) -> Sample:
    """The event with the changes, object by object."""
    for key, value in changes.items():
        if value is OUT:
            event.pop(key, None)
        elif isinstance(value, dict) and isinstance(event.get(key), dict):
            changed(event[key], value)
        else:
            event[key] = copy.deepcopy(value)
    return event
