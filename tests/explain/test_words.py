"""Each reason and note has its sentence; what is missing to match is said by the rule that was asked."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.decision import Filtered, Invalid, MappingWarning, Reason, WarningCode
from consumer.explain.words import (
    SHORT_REASONS,
    SHORT_WARNINGS,
    what_happened,
    what_is_known,
    why_no_consent,
    why_not,
)
from consumer.mapping.rules import MatchRule

KNOWN = [
    ((), "all", "has no identifier and no other; CAPI_MATCH_RULE=all needs 1 identifier and 3 others"),
    (
        ("em", "value", "client_user_agent"),
        "all",
        "has em (1 identifier) and client_user_agent (1 other); "
        "CAPI_MATCH_RULE=all needs 1 identifier and 3 others",
    ),
    (
        ("em", "ph", "fbp"),
        "any_other",
        "has em, ph and fbp (3 identifiers) and no other; "
        "CAPI_MATCH_RULE=any_other needs 1 identifier and 3 more, identifiers or others",
    ),
    (
        ("ct", "st"),
        "any",
        "has no identifier and ct and st (2 others); CAPI_MATCH_RULE=any needs 1 identifier or 3 others",
    ),
    (
        ("ct", "st", "zp"),
        "any",
        "has no identifier and ct, st and zp (3 others); CAPI_MATCH_RULE=any needs 1 identifier or 3 others, "
        "and Meta refuses ct, st, zp with nothing beside",
    ),
]


@pytest.mark.parametrize(("keys", "rule", "says"), KNOWN)
def test_what_is_missing_to_match_is_said_by_the_rule(keys: Any, rule: Any, says: Any) -> None:
    assert what_is_known(keys, MatchRule(rule)) == says
    assert why_not(Filtered(Reason.NOT_ENOUGH_TO_MATCH), keys, MatchRule(rule)) == says


def test_each_reason_and_note_has_a_sentence() -> None:
    by_answer = {Reason.REJECTED, Reason.POISON_EVENT}
    assert set(SHORT_REASONS) == set(Reason) - by_answer
    assert set(SHORT_WARNINGS) == set(WarningCode)


def test_an_entry_that_is_no_json_says_so() -> None:
    assert why_not(Invalid(Reason.NOT_JSON), (), MatchRule.ALL) == "no JSON in UTF-8"


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({}, "the event has no consent_categories"),
        ({"consent_categories": None}, "the event has no consent_categories"),
        ({"consent_categories": []}, "the event has none"),
        ({"consent_categories": ["1", 2, "1"]}, "the event has 1, 2"),
        ({"user": {"consent_categories": "1|4"}}, "the event has 1, 4"),
        ({"consent_categories": ["ann@example.com"]}, "the event has (another)"),
        (
            {"consent_categories": list(range(20, 40))},
            "the event has 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, …",
        ),
        ({"user": "waiting", "consent_categories": ["3"]}, "user is a text: the app waits for consent"),
    ],
)
def test_without_consent_it_is_said_what_stands_there_instead(event: dict[str, Any], says: str) -> None:
    assert why_no_consent(event, "3") == f"CAPI_USER_CONSENT_CATEGORY=3; {says}"


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("event_time", "the time of the record is sent"),
        ("client_user_agent", "Meta asks it of a website's event"),
        ("contents[]", "nothing in the event can be used for it"),
    ],
)
def test_what_it_means_that_a_value_is_missing_depends_on_the_key(field: str, says: str) -> None:
    assert what_happened(MappingWarning(field, WarningCode.MISSING)) == says
