"""
What each reason, note and state means, for who looks at the page, and what to do.

The sentences of reasons and notes are those of `explain`; here stands what it
adds: what a person may do about it. No values, no addresses.
"""

from __future__ import annotations

from html import escape

from consumer.core.decision import FILTERED_REASONS, NoteWord, Reason
from consumer.explaining import words
from consumer.state import State

BY_META = {
    Reason.REFUSED: "Meta refused this one event; its code stands below the last refusals and in the letter",
    Reason.UNACCEPTABLE: "its requests kept failing while those of most others succeeded",
}
TO_DO = {
    Reason.TOMBSTONE: "Nothing to do: there is no event in it.",
    Reason.NO_CONSENT: "Nothing to do, if that is right. If all events end so, compare the category's id in "
    "the consent tool with CAPI_USER_CONSENT_CATEGORY.",
    Reason.EVENT_TOO_OLD: "After an outage it cannot be helped. Else look at the clock that writes the time.",
    Reason.PURCHASE_WITHOUT_PERSONAL_INFORMATION: "Send user.email or user.phone with purchases.",
    Reason.NOT_ENOUGH_TO_MATCH: "Send more: e-mail, phone, id, city, country, the cookies of the browser.",
    Reason.NOT_JSON: "Look at the producer: it writes something else into the topic.",
    Reason.NOT_AN_OBJECT: "Look at the producer: one record holds one event, an object.",
    Reason.NO_EVENT_NAME: "Give the event its name, and publish its dead letter again.",
    Reason.EVENT_TIME_IN_FUTURE: "Set the clock that writes the time, and replay the dead letter.",
    Reason.PURCHASE_WITHOUT_VALUE: "Send amount with purchases; mend the dead letter and publish it again.",
    Reason.PURCHASE_WITHOUT_CURRENCY: "Send currency with purchases; mend the letter and publish it again.",
    Reason.EVENT_TOO_LARGE: "Send fewer items or properties in one event.",
    Reason.REFUSED: "Look at the dead letter (capi-consumer dead-letters), mend it and publish it again.",
    Reason.UNACCEPTABLE: "Look at the dead letter, and replay it when Meta is well again.",
}
STATES = {
    State.STARTING: "waiting for its consumer group to hand it partitions",
    State.RUNNING: "taking records and sending events",
    State.THROTTLED: "waiting because Meta asks for patience; it goes on by itself",
    State.SETUP: "waiting because Meta refuses the token, the pixel or the version: somebody must mend it",
    State.BRAKED: "paused because half of the last records would be dead letters: somebody must look",
    State.DRAINING: "taking no more in; what is under way is brought to its end",
}


def reason(word: Reason) -> str:
    """What it says of a record, as a phrase."""
    return words.REASONS.get(word) or BY_META[word]


def as_html() -> str:
    """The lists of the page's last section: one entry has the id by which the tables link to it."""
    filtered = [word for word in Reason if word in FILTERED_REASONS]
    letters = [word for word in Reason if word not in FILTERED_REASONS]
    return "".join(
        [
            _list("Why a record is filtered", [_reason(word) for word in filtered]),
            _list("Why a record is a dead letter", [_reason(word) for word in letters]),
            _list("What happened to a value", [_entry(f"note-{n}", n, words.NOTES[n]) for n in NoteWord]),
            _list("What this process is doing", [_entry(f"state-{s}", s, STATES[s]) for s in State]),
        ]
    )


def _reason(word: Reason) -> str:
    return _entry(f"reason-{word}", word, reason(word), TO_DO[word])


def _list(title: str, entries: list[str]) -> str:
    return f"<h3>{escape(title)}</h3>\n<dl>\n{''.join(entries)}</dl>\n"


def _entry(anchor: str, word: str, says: str, to_do: str = "") -> str:
    name, _, _ = says.partition(" ")
    said = f"{says}." if "_" in name else f"{says[0].upper()}{says[1:]}."
    more = f" {to_do}" if to_do else ""
    return f'<dt id="{escape(anchor)}">{escape(word)}</dt><dd>{escape(said + more)}</dd>\n'
