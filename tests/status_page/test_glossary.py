"""Each word that the page shows has a place on it that says what it means."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from support.doc_pages import ROOT

from consumer.domain.decision import Reason, WarningCode
from consumer.domain.state import State
from consumer.meta.error_codes import SENTENCES
from consumer.status_page import snapshot

HTML = snapshot.as_html()
ANCHORS = re.findall(r'<dt id="([^"]+)">', HTML)


def test_each_reason_note_state_and_code_is_explained_once() -> None:
    wanted = [f"reason-{word}" for word in Reason]
    wanted += [f"note-{word}" for word in WarningCode]
    wanted += [f"state-{word}" for word in State]
    wanted += [f"code-{code}" if sub is None else f"code-{code}-{sub}" for code, sub in SENTENCES]
    assert sorted(ANCHORS) == sorted(wanted)


def entry(anchor: Any) -> tuple[Any, ...]:
    """What stands on the page for a word, as it is read: what it means, and what to do."""
    said = re.search(rf'<dt id="{anchor}">[^<]*</dt><dd>(.*?)</dd><dd class="do">(.*?)</dd>', HTML)
    assert said is not None
    return tuple(unescape(re.sub(r"</?code>", "", text)) for text in said.groups())


SAID = [
    ("reason-tombstone", "A record without a value.", "Nothing: it is how Kafka deletes."),
    (
        "reason-event_time_in_future",
        "The event's time and the record's are both more than 5 minutes ahead.",
        "Mend the clock of the producer. Replay the letters when their time has come.",
    ),
    (
        "reason-purchase_without_currency",
        "A Purchase without a currency of ISO 4217: Meta refuses it, and all that travel with it.",
        'Send currency, such as "EUR". Export the letters, add it, publish them again.',
    ),
    (
        "reason-rejected",
        "Meta refused this event, alone in its request.",
        "Code and subcode are in the letter's headers: see Meta's codes (docs/reasons.md). Mend the cause, "
        "then the letters.",
    ),
    (
        "code-100-2804009",
        "a Purchase has no value",
        "Add amount to the letter; send it with each purchase.",
    ),
    (
        "state-throttled",
        "Meta asks for patience; every request waits as long as it says.",
        "Nothing. Fewer consumers do not help. For half an hour: Throttled (docs/operations.md).",
    ),
]


@pytest.mark.parametrize(("anchor", "means", "to_do"), SAID)
def test_an_entry_says_what_it_means_and_what_to_do(anchor: Any, means: Any, to_do: Any) -> None:
    assert entry(anchor) == (means, to_do)


def test_a_setting_or_a_property_keeps_its_letters() -> None:
    assert "<dd><code>event_name</code> is missing, blank" in HTML
    assert "The category of <code>CAPI_USER_CONSENT_CATEGORY</code> is not in the event." in HTML


def test_no_mark_of_markdown_is_left_and_each_page_that_is_named_is_there() -> None:
    assert re.findall(r"[`\[\]]", HTML) == []
    named = set(re.findall(r"\(docs/([^)]+)\)", HTML))
    assert {"delivery.md", "operations.md", "mapping.md", "reasons.md"} <= named
    assert [name for name in named if not (ROOT / "docs" / name).is_file()] == []


def test_the_state_in_the_head_is_said_in_the_words_of_its_entry() -> None:
    assert snapshot.state_advice(State.MISCONFIGURED) == (
        "Meta refuses token, pixel or version. Nothing is sent and nothing is lost.",
        "Misconfigured (docs/operations.md): a new token in its file is taken up by itself.",
    )
    for word in State:
        assert entry(f"state-{word}") == snapshot.state_advice(word)
