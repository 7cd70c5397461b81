"""
Whole events and what becomes of them, as files: `name.event.json` beside `name.decision.json`.

All of them stand at `shop-0-42`, are read at 2025-11-23T12:13:20Z, and are
decided with the settings of a French shop that asks for consent. A mistake in
the mapping starts its mending here, with the event that showed it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from support.mapping import NOW_MS

from consumer.domain.decision import Deliverable, Filtered, Invalid
from consumer.domain.record import Partition, Record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions
from consumer.mapping.tables import EVENT_NAMES
from consumer.sandbox.rules import error_for
from consumer.schemas_loader import EVENT, SERVER_EVENT, schema

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.name.removesuffix(".event.json") for path in GOLDEN.glob("*.event.json"))

NOT_SENT = {
    "no_consent",
    "no_event_name",
    "purchase_with_an_ambiguous_amount",
    "purchase_without_currency",
    "purchase_without_personal_information",
    "too_little_known",
    "too_old",
    "waiting_for_consent",
}
UNLIKE_THE_SCHEMA = {"begin_checkout", "no_event_name", "odd_types"}

RULES = MappingOptions(user_consent_category="3", default_country="fr")


def as_file(decision: Any) -> dict[Any, Any]:
    """A decision as its file holds it."""
    notes = [[note.field, note.code] for note in decision.warnings]
    if isinstance(decision, Deliverable):
        payload = orjson.loads(decision.payload)
        return {"decision": "deliverable", "label": decision.event_label, "notes": notes, "payload": payload}
    word = "filtered" if isinstance(decision, Filtered) else "invalid"
    return {"decision": word, "reason": decision.reason, "label": decision.event_label, "notes": notes}


def decision_about(name: Any) -> Deliverable | Filtered | Invalid:
    value = (GOLDEN / f"{name}.event.json").read_bytes()
    record = Record(Partition("shop", 0), 42, NOW_MS, value)
    return decide(record, RULES, BatchHasher(), NOW_MS)


@pytest.mark.parametrize("name", NAMES)
def test_an_event_gets_the_decision_of_its_file(name: Any) -> None:
    expected = orjson.loads((GOLDEN / f"{name}.decision.json").read_bytes())
    assert orjson.loads(orjson.dumps(as_file(decision_about(name)))) == expected


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOT_SENT))
def test_what_is_sent_keeps_to_the_schema_and_is_taken_by_the_sandbox(name: Any) -> None:
    decision = decision_about(name)
    assert isinstance(decision, Deliverable)
    payload = orjson.loads(decision.payload)
    assert [
        error.message for error in jsonschema_rs.validator_for(schema(SERVER_EVENT)).iter_errors(payload)
    ] == []
    assert error_for([payload], NOW_MS / 1000) is None


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNLIKE_THE_SCHEMA))
def test_what_the_schema_has_nothing_against_leaves_no_note_about_its_form(name: Any) -> None:
    event = orjson.loads((GOLDEN / f"{name}.event.json").read_bytes())
    assert jsonschema_rs.validator_for(schema(EVENT)).is_valid(event)
    spoken_of = {"missing", "personal_data", "no_country", "ambiguous", "expired", "placeholder"}
    assert {note.code for note in decision_about(name).warnings} <= spoken_of


def test_all_files_but_those_named_here_are_sent_and_keep_to_the_schema() -> None:
    assert {name for name in NAMES if not isinstance(decision_about(name), Deliverable)} == NOT_SENT
    accepts = jsonschema_rs.validator_for(schema(EVENT))
    events = {name: orjson.loads((GOLDEN / f"{name}.event.json").read_bytes()) for name in NAMES}
    assert {name for name in NAMES if not accepts.is_valid(events[name])} == UNLIKE_THE_SCHEMA
    assert len(NAMES) >= 35  # more is better; fewer is a file that was lost


def test_each_standard_event_has_a_file_and_each_file_its_pair() -> None:
    events = [orjson.loads(path.read_bytes()) for path in GOLDEN.glob("*.event.json")]
    assert {event.get("event_name") for event in events} >= set(EVENT_NAMES)
    decisions = sorted(path.name.removesuffix(".decision.json") for path in GOLDEN.glob("*.decision.json"))
    assert decisions == NAMES
