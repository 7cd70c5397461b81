"""Each reason and note has its sentence; what is missing to match is said by the rule that was asked."""

import pytest

from consumer.core.decision import Filtered, Invalid, Note, NoteWord, Reason
from consumer.core.rules import MatchRule
from consumer.explaining.words import NOTES, REASONS, what_happened, what_is_known, why_not

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
def test_what_is_missing_to_match_is_said_by_the_rule(keys, rule, says):
    assert what_is_known(keys, MatchRule(rule)) == says
    assert why_not(Filtered(Reason.NOT_ENOUGH_TO_MATCH), keys, MatchRule(rule)) == says


def test_each_reason_and_note_has_a_sentence():
    by_answer = {Reason.REFUSED, Reason.UNACCEPTABLE}
    assert set(REASONS) == set(Reason) - by_answer
    assert set(NOTES) == set(NoteWord)


def test_the_readers_own_words_tell_why_an_entry_is_no_json():
    said = why_not(Invalid(Reason.NOT_JSON, detail="nothing between two commas"), (), MatchRule.ALL)
    assert said == "nothing between two commas"
    assert why_not(Invalid(Reason.NOT_JSON), (), MatchRule.ALL) == "the line is no JSON"


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("event_time", "the time of the record is sent"),
        ("client_user_agent", "Meta asks it of a website's event"),
        ("contents[]", "nothing in the event can be used for it"),
    ],
)
def test_what_it_means_that_a_value_is_missing_depends_on_the_key(field, says):
    assert what_happened(Note(field, NoteWord.MISSING)) == says
