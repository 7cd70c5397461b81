"""The headers of a dead letter are those that its schema has, whatever the record and the failure."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.dead_letters import headers as letter
from consumer.dead_letters.headers import FailureInfo, WrittenBy, dead_letter_headers, replay_headers
from consumer.domain.decision import INVALID_REASONS, Reason
from consumer.domain.record import Partition, Record
from consumer.meta.response import TRACE_ID
from consumer.schemas_loader import DEAD_LETTER, schema

SCHEMA = schema(DEAD_LETTER)
LETTER = jsonschema_rs.validator_for(SCHEMA)
REPLAYED = jsonschema_rs.validator_for(
    {"$defs": {"letter": SCHEMA}, "$ref": "dead-letter.schema.json#/$defs/replayed"}
)
WRITER = WrittenBy("capi-consumer", "0.1.0", "2026-11-23T20:00:00.000+00:00")
LATER = WrittenBy("capi-consumer", "0.2.0", "2026-11-24T08:00:00.000+00:00")
OMITTED = ("dlq.value-omitted", b"true")


def record(*headers: Any) -> Record:
    return Record(Partition("capi.events", 4), 17, 1_700_000_000_000, b"{}", b"key", headers)


def as_object(headers: Any) -> dict[Any, Any]:
    """Headers as the schema sees them: name to text."""
    return {name: value if value is None else value.decode("utf-8", "replace") for name, value in headers}


def mistakes(validator: Any, headers: Any) -> list[Any]:
    return [error.message for error in validator.iter_errors(as_object(headers))]


FAILURES = [
    FailureInfo(Reason.PURCHASE_WITHOUT_CURRENCY),
    FailureInfo(Reason.NO_EVENT_NAME, "event_name"),
    FailureInfo(Reason.REJECTED, "a Purchase has no value", 100, 2804009, "AbC_-1", 400, 3),
    FailureInfo(Reason.REJECTED, "Meta answers HTTP 418", http_status=418, attempts=1),
    FailureInfo(Reason.EVENT_TOO_LARGE, http_status=413, attempts=1),
    FailureInfo(Reason.POISON_EVENT, "Meta does not answer", attempts=12),
    FailureInfo(Reason.POISON_EVENT, "an error of Meta", -3, http_status=500, attempts=12),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_letter_its_replay_and_the_letter_after_that_keep_to_the_schema(failure: Any) -> None:
    first = dead_letter_headers(record(("trace", b"x"), ("empty", None), ("odd", b"\xff")), failure, WRITER)
    back = replay_headers([*first, OMITTED])
    second = dead_letter_headers(record(*back), failure, LATER)
    assert mistakes(LETTER, first) == []
    assert mistakes(LETTER, [*first, OMITTED]) == []
    assert mistakes(REPLAYED, back) == []
    assert mistakes(LETTER, second) == []


def test_the_examples_keep_to_the_schema() -> None:
    assert [mistake for one in SCHEMA["examples"] for mistake in LETTER.iter_errors(one)] == []
    (back,) = SCHEMA["$defs"]["replayed"]["examples"]
    assert list(REPLAYED.iter_errors(back)) == []


def test_the_names_are_those_of_the_code() -> None:
    written = {
        value
        for value in vars(letter).values()
        if isinstance(value, str) and value.startswith("dlq.") and value != letter.PREFIX
    }
    assert set(SCHEMA["properties"]) == written
    assert SCHEMA["propertyNames"]["then"]["enum"] == list(SCHEMA["properties"])


def test_what_is_required_is_what_every_letter_has() -> None:
    least = dead_letter_headers(record(), FailureInfo(Reason.NOT_JSON), WRITER)
    assert SCHEMA["required"] == [name for name, _ in least]


def test_what_a_replay_keeps_is_required_and_nothing_else_is_allowed() -> None:
    back = SCHEMA["$defs"]["replayed"]
    kept = [name for name, _ in replay_headers(dead_letter_headers(record(), FAILURES[2], WRITER))]
    assert back["required"] == back["propertyNames"]["then"]["enum"] == list(back["properties"]) == kept


def test_reasons_layout_and_length_are_those_of_the_code() -> None:
    of = SCHEMA["properties"]
    assert set(of["dlq.reason"]["enum"]) == INVALID_REASONS
    assert of["dlq.version"]["const"] == letter.LAYOUT
    assert SCHEMA["$defs"]["text"]["maxLength"] == letter.HEADER_BYTES_MAX
    assert of["dlq.fbtrace-id"]["pattern"] == f"^{TRACE_ID.pattern}$"


def an_ordinary_letter() -> Any:
    return as_object(dead_letter_headers(record(("trace", b"x")), FAILURES[2], WRITER))


@pytest.mark.parametrize("name", SCHEMA["required"])
def test_a_letter_without_it_is_refused(name: Any) -> None:
    told = an_ordinary_letter()
    del told[name]
    assert not LETTER.is_valid(told)


REFUSED = [
    ("dlq.anything", "x"),
    ("dlq.", "x"),
    ("dlq.Reason", "rejected"),
    ("dlq.version", "2"),
    ("dlq.reason", "no_consent"),
    ("dlq.reason", "Refused"),
    ("dlq.detail", ""),
    ("dlq.detail", "x" * 257),
    ("dlq.meta-code", "100/33"),
    ("dlq.meta-subcode", ""),
    ("dlq.fbtrace-id", "a b"),
    ("dlq.fbtrace-id", "x" * 65),
    ("dlq.http-status", "0"),
    ("dlq.attempts", "-1"),
    ("dlq.attempts", "3.0"),
    ("dlq.attempts", 3),
    ("dlq.first-failed-at", "ann@example.com"),
    ("dlq.failed-at", "2026-11-23"),
    ("dlq.failed-at", "2026-11-23T20:00:00"),
    ("dlq.origin-topic", "a b"),
    ("dlq.origin-partition", "first"),
    ("dlq.origin-offset", "-1"),
    ("dlq.origin-timestamp", "1.5"),
    ("dlq.group", None),
    ("dlq.consumer-version", ""),
    ("dlq.replay-count", "01"),
    ("dlq.value-omitted", "false"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_letter_with_it_is_refused(name: Any, value: Any) -> None:
    assert not LETTER.is_valid({**an_ordinary_letter(), name: value})


BACK = as_object(replay_headers(dead_letter_headers(record(("trace", b"x")), FAILURES[2], WRITER)))


@pytest.mark.parametrize("name", SCHEMA["$defs"]["replayed"]["required"])
def test_a_replayed_record_without_it_is_refused(name: Any) -> None:
    assert REPLAYED.is_valid(BACK)
    assert not REPLAYED.is_valid({one: value for one, value in BACK.items() if one != name})


@pytest.mark.parametrize(
    ("name", "value"), [("dlq.reason", "rejected"), ("dlq.replay-count", "0"), ("dlq.origin-offset", "-1")]
)
def test_a_replayed_record_with_it_is_refused(name: str, value: str) -> None:
    assert not REPLAYED.is_valid({**BACK, name: value})


OWN = [
    ("traceparent", "00-0af7"),
    ("empty", None),
    ("", ""),
    ("dlq", "x"),
    ("DLQ.reason", "x"),
    ("a.dlq.b", "x"),
]


@pytest.mark.parametrize(("name", "value"), OWN)
def test_a_header_of_the_records_own_is_accepted(name: Any, value: Any) -> None:
    assert LETTER.is_valid({**an_ordinary_letter(), name: value})


NUMBERS = st.integers(0, 2**63 - 1)
# Those that are read from a record come often.
READ = st.sampled_from(SCHEMA["$defs"]["replayed"]["required"])
ANY_NAME = (
    st.sampled_from(list(SCHEMA["properties"]))
    | st.text(max_size=9)
    | st.text(max_size=9).map("dlq.{}".format)
)
VALUES = (
    st.none()
    | st.binary(max_size=300)
    | st.text(max_size=300).map(str.encode)
    | st.from_regex(r"-?[0-9]{1,20}|[a-z.]{1,9}|2026-11-23T20:00:00(\.5)?(Z|\+01:00)", fullmatch=True).map(
        str.encode
    )
)
RECORDS = st.builds(
    Record,
    st.builds(Partition, st.from_regex(r"[A-Za-z0-9._-]{1,249}", fullmatch=True), st.integers(0, 2**31 - 1)),
    NUMBERS,
    st.integers(-1, 2**63 - 1),
    st.none(),
    st.none(),
    st.lists(st.tuples(READ | ANY_NAME, VALUES), max_size=8),
)
CODES = st.none() | st.integers(-(2**63), 2**64 - 1)
ANY_FAILURE = st.builds(
    FailureInfo,
    st.sampled_from(sorted(INVALID_REASONS)),
    st.text(max_size=300),
    CODES,
    CODES,
    st.none() | st.from_regex(TRACE_ID, fullmatch=True),
    st.none() | st.integers(100, 999),
    NUMBERS,
)
WRITERS = st.builds(WrittenBy, st.text(min_size=1, max_size=300), st.just("0.1.0"), st.just(WRITER.now))


@settings(max_examples=300)
@given(RECORDS, ANY_FAILURE, WRITERS)
def test_whatever_a_record_carries_its_letter_and_its_replay_keep_to_the_schema(
    failed: Any, failure: Any, writer: Any
) -> None:
    headers = dead_letter_headers(failed, failure, writer)
    assert mistakes(LETTER, headers) == []
    assert mistakes(REPLAYED, replay_headers(headers)) == []
