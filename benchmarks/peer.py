"""
What the same events cost with Meta's own SDK, `facebook_business`.

The whole way of its EventRequest, with its own classes, to the body of a request of 1,000 events: objects
built, values normalised and hashed, JSON. Only the network is taken away: where the body would be
written to a socket, it is kept.

The SDK is given what it leaves to its user, before the clock starts: the name of the event at Meta, phone
numbers with their country code, two-letter countries, its own `Gender`, birthdates without dashes, and which
events are orders. It reads the record with orjson too. So it does less than `decide`: no consent, no choice
of sources, no phone numbers, no check of what is enough to match.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from benchmarks.core import decide_us, payload_of
from benchmarks.events import RULES, batches, records
from benchmarks.world import Measured, World
from consumer.domain.record import Record
from consumer.mapping.normalize import phones
from consumer.mapping.normalize.fields import NormalizationContext, gender
from consumer.mapping.normalize.places import alpha_2

REQUEST_EVENTS = 1_000
PIXEL = "1234567890"
NOWHERE = NormalizationContext(None, None, None, date.min)  # a gender is the same anywhere


class Prepared(NamedTuple):
    """An event's bytes, and what the SDK leaves to its user."""

    value: bytes
    name: str
    phone: str
    country: str
    gender: Gender
    birthdate: str
    order: dict[str, object]


class NoNetwork(BaseAdapter):
    """Keeps the last body instead of sending it."""

    def __init__(self) -> None:
        super().__init__()
        self.body: str | bytes = b""

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        """Meta's success."""
        body = request.body or b""
        assert isinstance(body, str | bytes)
        self.body = body
        answer = Response()
        answer.status_code = 200
        answer.request = request
        answer._content = b'{"events_received":1000,"messages":[],"fbtrace_id":"A"}'
        return answer

    def close(self) -> None:
        """Nothing is open."""


def prepared(record: Record) -> Prepared:
    """What a program that uses the SDK must have found out by itself."""
    assert record.value is not None
    user = orjson.loads(record.value)["user"]
    country = alpha_2(user["country"].lower())
    payload = orjson.loads(payload_of(record))
    order = {key: value for key, value in payload["custom_data"].items() if key in ("order_id", "num_items")}
    return Prepared(
        record.value,
        payload["event_name"],
        str(phones.phone_digits(user["phone"], str(country))),
        str(country),
        Gender(gender(user["gender"].lower(), NOWHERE)),
        user["birthdate"].replace("-", ""),
        order,
    )


def api() -> NoNetwork:
    """The SDK, with nothing behind it."""
    session = FacebookAdsApi.init(access_token="nobody's", crash_log=False)._session.requests
    nowhere = NoNetwork()
    session.mount("https://", nowhere)
    return nowhere


def sdk_event(given: Prepared) -> Event:
    """The event in the SDK's objects."""
    event = orjson.loads(given.value)
    user, page, browser = event["user"], event["context"]["page"], event["browser"]
    products = [(item, item["product"]) for item in event["items"]]
    return Event(
        event_name=given.name,
        event_time=event["event_timestamp"] // 1000,
        event_id=event["event_id"],
        action_source=ActionSource.WEBSITE,
        event_source_url=page["url"],
        referrer_url=page["referrer"],
        user_data=UserData(
            email=user["email"],
            phone=given.phone,
            gender=given.gender,
            date_of_birth=given.birthdate,
            last_name=user["lastname"],
            first_name=user["firstname"],
            city=user["city"],
            state=user["state"],
            country_code=given.country,
            zip_code=user["zipcode"],
            external_id=sha256(user["id"].encode()).hexdigest(),  # the SDK would send it as it is
            client_ip_address=browser["ip"],
            client_user_agent=browser["user_agent"],
            fbp=event["context"]["device"]["cookie"]["_fbp"],
        ),
        custom_data=CustomData(
            value=event["amount"],
            currency=event["currency"],
            content_name=products[0][1]["name"],
            content_category=products[0][1]["category_1"],
            content_type=RULES.content_type,
            contents=[
                Content(product_id=product["id"], quantity=item["quantity"], item_price=product["price"])
                for item, product in products
            ],
            **given.order,
        ),
    )


def send(batch: Sequence[Prepared]) -> None:
    """One request."""
    events = [sdk_event(given) for given in batch]
    EventRequest(pixel_id=PIXEL, events=events, partner_agent="capi-consumer").execute()


def sdk_us(made: Sequence[Prepared]) -> float:
    """Microseconds of the processor, an event, requests of 1,000."""
    api()
    started = time.process_time()
    for start in range(0, len(made), REQUEST_EVENTS):
        send(made[start : start + REQUEST_EVENTS])
    return (time.process_time() - started) * 1e6 / len(made)


def measure(world: World) -> Measured:
    """In turn with `decide`, three times: the middle ones."""
    made = records(world.size.core)
    given, polls = [prepared(record) for record in made[: world.size.peer]], batches(made)
    pairs = [(sdk_us(given), decide_us(polls)) for _ in range(3)]
    return {
        "sdk_us": statistics.median(sdk for sdk, _ in pairs),
        "sdk_ratio": statistics.median(sdk / ours for sdk, ours in pairs),
    }


def sent_by_sdk(batch: Sequence[Prepared]) -> list[dict[str, object]]:
    """The events as the SDK's body holds them: a form, with a list of JSON in JSON."""
    nowhere = api()
    send(batch)
    body = nowhere.body if isinstance(nowhere.body, str) else nowhere.body.decode()
    return [orjson.loads(one) for one in orjson.loads(parse_qs(body)["data"][0])]
