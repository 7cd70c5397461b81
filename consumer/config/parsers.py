"""
How a setting's text is read: lists, maps, countries, addresses.

Each function takes what was written and gives what it means, or raises
ValueError with the form that is expected. No message repeats what was written.

What kinds of settings there are: a type of Python, with the form in which its text is read.

    text of the environment, value of the file -> BeforeValidator -> type -> AfterValidator

`NoDecode` keeps pydantic from reading a variable as JSON, so that a list may
be written with commas.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

import orjson
import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from consumer.mapping import consent
from consumer.mapping.redaction import contains_email
from consumer.mapping.rules import BirthdateOrder, parse_path
from consumer.mapping.tables import ACTION_SOURCES, USER_DATA_KEYS

# What would break the delivery promise, and why.
REFUSED_KAFKA_PROPERTIES = {
    "enable.auto.commit": "offsets are committed when their records have ended, never by a timer",
    "enable.auto.offset.store": "offsets are stored when their records have ended",
    "auto.offset.reset": "CAPI_START_OFFSET and CAPI_OFFSET_OUT_OF_RANGE say where to begin",
    "acks": "a dead letter counts only when every in-sync replica has it",
    "enable.idempotence": "a dead letter is written once",
    "transactional.id": "a dead letter is written outside any transaction",
    "delivery.report.only.error": "a record has ended when the broker says that it has it",
    "group.id": "CAPI_GROUP_ID names the group",
    "group.instance.id": "CAPI_GROUP_INSTANCE_ID names the member",
    "bootstrap.servers": "CAPI_BOOTSTRAP_SERVERS names the brokers",
}
# librdkafka's other names for some of them.
REFUSED_KAFKA_PROPERTIES |= {
    "auto.commit.enable": REFUSED_KAFKA_PROPERTIES["enable.auto.commit"],
    "request.required.acks": REFUSED_KAFKA_PROPERTIES["acks"],
    "metadata.broker.list": REFUSED_KAFKA_PROPERTIES["bootstrap.servers"],
}


def absent_when_empty(written: object) -> object:
    """An empty variable says nothing: compose files and charts leave them so."""
    return None if written == "" else written


def text_of_number(written: object) -> object:
    """A whole number as text."""
    return str(written) if isinstance(written, int) and not isinstance(written, bool) else written


def text_list(written: object) -> object:
    """`"a, b"` or `["a", "b"]` -> `["a", "b"]`."""
    if not isinstance(written, str):
        return written
    if written.lstrip().startswith("["):
        return _json(written, list, "a JSON list of text")
    return [part.strip() for part in written.split(",") if part.strip()]


def maybe_text_list(written: object) -> object:
    """The list that `text_list` reads, or None for an empty variable; `[]` is an empty list."""
    return None if written == "" else text_list(written)


def json_object(written: object) -> object:
    """A JSON object in text, or the object itself. An empty variable says nothing."""
    if not isinstance(written, str):
        return written
    return _json(written, dict, "a JSON object") if written.strip() else {}


def _json(written: str, kind: type, expected: str) -> object:
    try:
        read = orjson.loads(written)
    except orjson.JSONDecodeError:
        raise ValueError(f"{expected} is expected, and this is not JSON") from None
    if not isinstance(read, kind):
        raise ValueError(f"{expected} is expected")
    return read


def digits(text: str) -> str:
    """An id of ASCII digits."""
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError("digits only, as Events Manager shows it")
    return text


def graph_version(text: str) -> str:
    """`v26.0`."""
    if not re.fullmatch(r"v\d{1,3}\.\d{1,3}", text, re.ASCII):
        raise ValueError("a version such as v26.0")
    return text


def partner_agent(text: str) -> str:
    """Meta: under 23 characters, at least two letters."""
    if text and (len(text) >= 23 or len(re.findall(r"[A-Za-z]", text)) < 2):
        raise ValueError("under 23 characters and at least two letters")
    return text


def country(text: str) -> str:
    """An ISO 3166 alpha-2 code, in lower case."""
    if text and text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("a country code of two letters, such as FR")
    return text.lower()


def action_source(text: str) -> str:
    """One of Meta's action sources, in lower case."""
    if text.lower() not in ACTION_SOURCES:
        raise ValueError(f"one of {' '.join(ACTION_SOURCES)}")
    return text.lower()


def category(text: str) -> str:
    """The id of one consent category."""
    if "," in text or "|" in text:
        raise ValueError("one category id, without `,` or `|`")
    return text.strip()


def processing_country(number: int | None) -> int | None:
    """A country of Meta's data processing options."""
    if number is not None and number not in consent.COUNTRIES:
        raise ValueError("0 or 1")
    return number


def processing_state(number: int | None) -> int | None:
    """A state of Meta's data processing options."""
    if number is not None and number not in consent.STATES:
        raise ValueError("0 or 1000 to 1013")
    return number


def user_data_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Keys of Meta's user_data, one at least."""
    if not keys or not USER_DATA_KEYS.issuperset(keys):
        raise ValueError(f"a list of one or more of {' '.join(sorted(USER_DATA_KEYS))}")
    return keys


def paths(written: dict[str, Any]) -> dict[str, Any]:
    """Meta key -> dotted path, or a list of them."""
    for key, value in written.items():
        if not key.strip() or contains_email(key):
            raise ValueError("each key is the name of a custom_data key, not blank and no e-mail address")
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(path, str) for path in listed):
            raise ValueError("each key takes a dotted path or a list of dotted paths")
        for path in listed:
            parse_path(path)
    return written


def kafka_properties(properties: dict[str, Any]) -> dict[str, Any]:
    """librdkafka properties, without those that would break the delivery promise."""
    for name in properties:
        if name.startswith("test.mock."):
            raise ValueError("test.mock properties are not for use")
        if name.startswith("on_") or name.endswith("_cb") or name in ("logger", "default.topic.config"):
            raise ValueError("a property takes text, a number or a boolean, and one of these takes an object")
        if name in REFUSED_KAFKA_PROPERTIES:
            raise ValueError(f"{name} cannot be set: {REFUSED_KAFKA_PROPERTIES[name]}")
    if not all(isinstance(value, str | int | float | bool) for value in properties.values()):
        raise ValueError("each property takes text, a number or a boolean")
    return properties


def event_names(names: dict[str, str]) -> dict[str, str]:
    """Commanders Act name -> Meta name, both trimmed."""
    trimmed = {given.strip(): sent.strip() for given, sent in names.items()}
    if not all(given and sent and "@" not in sent for given, sent in trimmed.items()):
        raise ValueError("each event name takes another name, neither blank nor an address")
    return trimmed


def topic_name(text: str) -> str:
    """A name that Kafka takes for a topic. Anything else, `^a.*`, librdkafka might read as a pattern."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", text) or text in (".", ".."):
        raise ValueError("a topic's name has letters a-z, digits, `.`, `_` and `-`, at most 249")
    return text


def topic_names(topics: tuple[str, ...]) -> tuple[str, ...]:
    """Each once: librdkafka refuses a subscription that names a topic twice."""
    if not topics:
        raise ValueError("at least one topic")
    return tuple(dict.fromkeys(topic_name(topic) for topic in topics))


def group_instance(text: str) -> str:
    """A name that Kafka takes for a static member."""
    if text and (not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", text) or text in (".", "..")):
        raise ValueError("a member's name has letters a-z, digits, `.`, `_` and `-`, at most 249")
    return text


def brokers(text: str) -> str:
    """`host:port`, or several with commas between."""
    if not text.strip(" ,"):
        raise ValueError("host:port, or several with commas between")
    return text


def address(text: str) -> str:
    """`host:port`."""
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("host:port")
    return text


def maybe_address(text: str) -> str:
    """`host:port`, or empty."""
    return address(text) if text else text


def graph_url(text: str) -> str:
    """`https://graph.facebook.com`; a port and a path may follow, and nothing else."""
    url = _url(text)
    if url is None or "@" in url.netloc or url.query or url.fragment:
        raise ValueError("an http(s) address such as https://graph.facebook.com")
    return text


def proxy(text: str) -> str:
    """`http://host:port`, with `user:password@` where the proxy wants them."""
    if text and _url(text) is None:
        raise ValueError("an http(s) address such as http://proxy.example.com:3128")
    return text


def _url(text: str) -> SplitResult | None:
    """The parts of an http(s) address, else None: urlsplit's own errors show what was written."""
    try:
        url = urlsplit(text)
        is_whole = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if is_whole and text.isprintable() and " " not in text else None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(text_list)]
MaybeTextList = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(maybe_text_list)]
MaybePath = Annotated[Path | None, BeforeValidator(absent_when_empty)]
EventNames = Annotated[dict[str, str], NoDecode, BeforeValidator(json_object), AfterValidator(event_names)]
MaybeOrder = Annotated[BirthdateOrder | None, BeforeValidator(absent_when_empty)]
# In a file of TOML everybody writes `user_consent_category = 3`.
Category = Annotated[str, BeforeValidator(text_of_number), AfterValidator(category)]
Digits = Annotated[str, AfterValidator(digits)]
GraphVersion = Annotated[str, AfterValidator(graph_version)]
PartnerAgent = Annotated[str, AfterValidator(partner_agent)]
Country = Annotated[str, AfterValidator(country)]
ActionSource = Annotated[str, AfterValidator(action_source)]
Address = Annotated[str, AfterValidator(address)]
MaybeAddress = Annotated[str, AfterValidator(maybe_address)]
GroupInstance = Annotated[str, AfterValidator(group_instance)]
Brokers = Annotated[str, AfterValidator(brokers)]
TopicName = Annotated[str, AfterValidator(topic_name)]
GraphUrl = Annotated[str, AfterValidator(graph_url)]
Proxy = Annotated[str, AfterValidator(proxy), Field(repr=False)]
AnyMap = Annotated[dict[str, Any], NoDecode, BeforeValidator(json_object)]
UserDataKeys = Annotated[TextList, AfterValidator(user_data_keys)]
TopicNames = Annotated[TextList, AfterValidator(topic_names)]
Paths = Annotated[AnyMap, AfterValidator(paths)]
KafkaProperties = Annotated[AnyMap, AfterValidator(kafka_properties)]
ProcessingCountry = Annotated[
    int | None, BeforeValidator(absent_when_empty), AfterValidator(processing_country)
]
ProcessingState = Annotated[int | None, BeforeValidator(absent_when_empty), AfterValidator(processing_state)]
