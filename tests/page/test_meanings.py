"""Each word that the page shows has a place on it that says what it means."""

from __future__ import annotations

import re

from consumer.core.decision import NoteWord, Reason
from consumer.page import meanings
from consumer.state import State

ANCHORS = re.findall(r'<dt id="([^"]+)">', meanings.as_html())


def test_each_reason_note_and_state_is_explained_once():
    wanted = [f"reason-{word}" for word in Reason]
    wanted += [f"note-{word}" for word in NoteWord]
    wanted += [f"state-{word}" for word in State]
    assert sorted(ANCHORS) == sorted(wanted)


def test_each_reason_says_what_to_do():
    assert set(meanings.TO_DO) == set(Reason)
    assert set(meanings.STATES) == set(State)


def test_a_meaning_is_a_sentence_and_a_setting_or_property_keeps_its_letters():
    html = meanings.as_html()
    assert '<dt id="reason-tombstone">tombstone</dt><dd>The record has no value. Nothing to do:' in html
    assert "<dd>event_name is missing, blank" in html
