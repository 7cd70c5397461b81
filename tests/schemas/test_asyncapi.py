"""
schemas/asyncapi.yaml: a whole document of AsyncAPI 3, about the topics as they are.

The form is held here by a table of the parts that are used: whatever is
misspelt is an unknown key. References and examples are followed to their ends.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
import yaml
from jsonschema_rs import Validator

from consumer.cli import topics
from consumer.cli.commands import topics as calls
from consumer.cli.replay import replay_group
from consumer.config.settings import Settings
from consumer.dead_letters.filters import Filter
from consumer.domain.decision import Deliverable, Filtered, Invalid
from consumer.domain.record import Partition, Record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions
from consumer.publish.events import record_key

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
DOCUMENT = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEFAULTS = {
    name: field.get_default(call_default_factory=True) for name, field in Settings.model_fields.items()
}
CHANNELS, OPERATIONS = DOCUMENT["channels"], DOCUMENT["operations"]
MESSAGES = DOCUMENT["components"]["messages"]
JSON_SCHEMA = "application/schema+json;version=draft-2020-12"
HOUR_MS = 3_600_000
THEN_MS = 1_795_456_860_000  # a minute after the events of the examples


def at(place: Any, pointer: Any) -> Any:
    """What lies at a JSON pointer such as `/channels/events`. Raises KeyError."""
    for step in filter(None, pointer.split("/")):
        place = place[step]
    return place


def resolved(reference: Any) -> Any:
    """What a reference leads to, in the document itself or in a file beside it."""
    file, _, pointer = reference.partition("#")
    return at(orjson.loads((SCHEMAS / file).read_bytes()) if file else DOCUMENT, pointer)


def references(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_each_reference_leads_somewhere(reference: Any) -> None:
    assert resolved(reference)


TOLD = "title summary description "
FORM = [
    # what, where (* is any name), the keys it may have, those that it must have
    ("document", "",
     "asyncapi info defaultContentType servers channels operations components", "asyncapi info"),
    ("info", "info", "title version description license", "title version"),
    ("license", "info/license", "name url", "name"),
    ("server", "servers/*", TOLD + "host protocol variables", "host protocol"),
    ("variable", "servers/*/variables/*", "description default examples", "default"),
    ("channel", "channels/*", TOLD + "address servers messages bindings", "address messages"),
    ("topic", "channels/*/bindings/kafka", "partitions replicas topicConfiguration bindingVersion", ""),
    ("operation", "operations/*", TOLD + "action channel messages bindings", "action channel"),
    ("group", "operations/*/bindings/kafka", "groupId bindingVersion", "groupId"),
    ("components", "components", "messages", ""),
    ("message", "components/messages/*",
     TOLD + "name contentType headers payload bindings examples", "contentType payload"),
    ("key", "components/messages/*/bindings/kafka", "key bindingVersion", "key"),
    ("example", "components/messages/*/examples/*", "name summary headers payload", "name payload"),
]  # fmt: skip


def parts(place: Any, path: Any) -> list[Any]:
    """All that lies at a path, whose `*` is any name or place in a list; optional parts may be missing."""
    step, _, rest = path.partition("/")
    if not step:
        return [place]
    if step == "*":
        found = list(place.values()) if isinstance(place, dict) else place
    else:
        found = [place[step]] if step in place else []
    return [part for one in found for part in parts(one, rest)]


@pytest.mark.parametrize(("path", "known", "needed"), [row[1:] for row in FORM], ids=[row[0] for row in FORM])
def test_each_part_has_the_keys_that_asyncapi_3_gives_it(path: Any, known: Any, needed: Any) -> None:
    found = [set(part) for part in parts(DOCUMENT, path)]
    assert found
    assert [keys - set(known.split()) for keys in found if keys - set(known.split())] == []
    assert [set(needed.split()) - keys for keys in found if set(needed.split()) - keys] == []


def test_it_is_asyncapi_3_and_of_this_version() -> None:
    assert DOCUMENT["asyncapi"] == "3.1.0"
    assert (DOCUMENT["info"]["title"], DOCUMENT["info"]["version"]) == (PROJECT["name"], PROJECT["version"])


def test_names_are_the_defaults_of_the_settings() -> None:
    assert (CHANNELS["events"]["address"],) == DEFAULTS["topics"]
    assert CHANNELS["deadLetters"]["address"] == DEFAULTS["dead_letter_topic"]
    assert CHANNELS["parked"]["address"] == DEFAULTS["parking_topic"]
    assert DOCUMENT["servers"]["kafka"]["variables"]["brokers"]["default"] == DEFAULTS["bootstrap_servers"]
    groups = {
        name: operation["bindings"]["kafka"]["groupId"]["const"]
        for name, operation in OPERATIONS.items()
        if operation["action"] == "receive" and "bindings" in operation
    }
    assert groups == {
        "readEvents": DEFAULTS["group_id"],
        "readDeadLetters": replay_group(Settings.model_construct(**DEFAULTS), Filter()),
    }


@pytest.mark.parametrize(
    ("channel", "hours"),
    [
        ("events", calls.EVENT_HOURS),
        ("deadLetters", calls.LETTER_HOURS),
        ("parked", calls.LETTER_HOURS),
    ],
)
def test_topics_are_as_topics_create_makes_them(channel: str, hours: Any) -> None:
    kafka = CHANNELS[channel]["bindings"]["kafka"]
    assert (kafka["partitions"], kafka["replicas"]) == (calls.PARTITIONS, topics.REPLICAS_MAX)
    assert kafka["topicConfiguration"] == {"cleanup.policy": ["delete"], "retention.ms": hours * HOUR_MS}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_sends_or_receives_messages_of_its_channel(name: Any) -> None:
    operation = OPERATIONS[name]
    assert operation["action"] in ("send", "receive")
    channel = operation["channel"]["$ref"]
    assert channel.removeprefix("#/channels/") in CHANNELS
    assert operation["messages"]
    for message in operation["messages"]:
        assert message["$ref"].startswith(f"{channel}/messages/")


def test_each_message_of_a_channel_is_read_and_written_by_somebody() -> None:
    for action in ("send", "receive"):
        used = {
            message["$ref"]
            for operation in OPERATIONS.values()
            if operation["action"] == action
            for message in operation["messages"]
        }
        there = {
            f"#/channels/{channel}/messages/{message}"
            for channel, described in CHANNELS.items()
            for message in described["messages"]
        }
        assert used == there


def validator_of(described: Any) -> Validator:
    """The validator of a payload or of headers: a file beside the document, or what stands there."""
    if "schema" not in described:
        return jsonschema_rs.validator_for(described)
    assert described["schemaFormat"] == JSON_SCHEMA
    file, _, pointer = described["schema"]["$ref"].partition("#")
    whole = orjson.loads((SCHEMAS / file).read_bytes())
    assert whole["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    return jsonschema_rs.validator_for({"$defs": {"whole": whole}, "$ref": f"{whole['$id']}#{pointer}"})


EXAMPLES = [
    pytest.param(message, example, id=f"{name}-{example['name']}")
    for name, message in MESSAGES.items()
    for example in message["examples"]
]


@pytest.mark.parametrize(("message", "example"), EXAMPLES)
def test_each_example_is_accepted_by_the_schemas_of_its_message(message: Any, example: Any) -> None:
    for part in ("payload", "headers"):
        assert (part in example) == (part in message)
        if part in message:
            assert [error.message for error in validator_of(message[part]).iter_errors(example[part])] == []


def decided(value: Any, headers: Any = ()) -> Deliverable | Filtered | Invalid:
    record = Record(Partition("capi.events", 0), 0, THEN_MS, value, None, headers)
    return decide(record, MappingOptions(), BatchHasher(), THEN_MS)


@pytest.mark.parametrize("example", MESSAGES["event"]["examples"], ids=lambda example: example["name"])
def test_each_example_of_an_event_is_sent_and_its_key_is_one(example: Any) -> None:
    value = orjson.dumps(example["payload"])
    assert isinstance(decided(value), Deliverable)
    key = MESSAGES["event"]["bindings"]["kafka"]["key"]
    given = record_key(value)
    assert given is not None
    assert jsonschema_rs.is_valid(key, given.decode())
    assert given.decode() in key["examples"]


@pytest.mark.parametrize("example", MESSAGES["deadLetter"]["examples"], ids=lambda example: example["name"])
def test_each_example_of_a_letter_has_the_reason_that_its_value_has(example: Any) -> None:
    found = decided(example["payload"].encode())
    assert not isinstance(found, Deliverable)
    assert found.reason == example["headers"]["dlq.reason"]


def test_the_example_of_a_replayed_record_is_sent() -> None:
    (example,) = MESSAGES["replayed"]["examples"]
    assert isinstance(decided(example["payload"].encode()), Deliverable)
