"""
Why an event is not sent, and what became of a value, in sentences.

One sentence for each reason and each note. They name settings, never values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from consumer.domain.decision import Filtered, Invalid, MappingWarning, Reason, WarningCode
from consumer.mapping import consent
from consumer.mapping.decide import IDENTIFIERS, OTHERS, is_enough_by_rule, meta_rejects_keys
from consumer.mapping.rules import MatchRule
from consumer.mapping.tables import USER_DATA_KEYS

IDS_SHOWN_MAX = 10
PLAIN_ID = re.compile(r"[A-Za-z0-9_.-]{1,20}")

SHORT_REASONS = {
    Reason.TOMBSTONE: "the record has no value",
    Reason.NO_CONSENT: "the event does not carry the consent category of the settings",
    Reason.EVENT_TOO_OLD: "Meta takes events of the last 7 days, from physical_store of the last 62",
    Reason.PURCHASE_WITHOUT_PERSONAL_INFORMATION: "a purchase needs an e-mail address or a phone number",
    Reason.NOT_ENOUGH_TO_MATCH: "too little is known of the person (CAPI_MATCH_RULE)",
    Reason.NOT_JSON: "no JSON in UTF-8",
    Reason.NOT_AN_OBJECT: "JSON, but no object",
    Reason.NO_EVENT_NAME: "event_name is missing, blank, no text, or holds an e-mail address",
    Reason.EVENT_TIME_IN_FUTURE: "event and record are more than 5 minutes ahead",
    Reason.PURCHASE_WITHOUT_VALUE: "Meta refuses a Purchase without value",
    Reason.PURCHASE_WITHOUT_CURRENCY: "Meta refuses a Purchase without currency",
    Reason.EVENT_TOO_LARGE: "the payload is larger than CAPI_EVENT_BYTES_MAX",
}
SHORT_WARNINGS = {
    WarningCode.MALFORMED: "not in a form that can be used",
    WarningCode.WRONG_TYPE: "not of the type that is expected",
    WarningCode.UNKNOWN_KEY: "a key that Meta does not know was left out",
    WarningCode.PLACEHOLDER: "a placeholder, not a value",
    WarningCode.EXPIRED: "older than 90 days",
    WarningCode.FUTURE: "ahead of now; the record's time counts",
    WarningCode.AMBIGUOUS: "can be read in two ways",
    WarningCode.PERSONAL_DATA: "personal data was taken out",
    WarningCode.NO_COUNTRY: "a national number without a country (CAPI_DEFAULT_COUNTRY), or not valid in it",
    WarningCode.MISSING: "nothing in the event can be used for it",
    WarningCode.TOO_DEEP: "nested more than 32 levels deep",
}
# What it means that one of these has no value.
WITHOUT = {
    "event_time": "the time of the record is sent",
    "client_user_agent": "Meta asks it of a website's event",
    "event_source_url": "Meta asks it of a website's event",
}
# What it means that an event has no id of its own.
NO_ID = "without an id of its own it is not known for the browser's copy"
RULES = {
    MatchRule.ALL: "1 identifier and 3 others",
    MatchRule.ANY_OTHER: "1 identifier and 3 more, identifiers or others",
    MatchRule.ANY: "1 identifier or 3 others",
}


def why_no_consent(event: Mapping[str, object], category: str) -> str:
    """What the event says instead of the category that is asked for. Ids are opaque, and nobody's data."""
    asked = f"CAPI_USER_CONSENT_CATEGORY={category}"
    if consent.is_consent_pending(event):
        return f"{asked}; user is a text: the app waits for consent"
    found = consent.consent_categories(event)
    if found is None:
        return f"{asked}; the event has no consent_categories"
    shown = ", ".join(id_ if PLAIN_ID.fullmatch(id_) else "(another)" for id_ in found[:IDS_SHOWN_MAX])
    return f"{asked}; the event has {shown or 'none'}{', …' if len(found) > IDS_SHOWN_MAX else ''}"


def why_not(decision: Filtered | Invalid, keys: Collection[str], rule: MatchRule) -> str:
    """The sentence for an event that is not sent. `keys` are Meta's, of what was found in it."""
    if decision.reason is Reason.NOT_ENOUGH_TO_MATCH:
        return what_is_known(keys, rule)
    return SHORT_REASONS.get(decision.reason, "")


def what_happened(note: MappingWarning) -> str:
    """The sentence for a note."""
    if note.code is WarningCode.MISSING:
        return WITHOUT.get(note.field, SHORT_WARNINGS[note.code])
    return SHORT_WARNINGS[note.code]


def what_is_known(keys: Collection[str], rule: MatchRule) -> str:
    """What there is of a person among Meta's `keys`, and how much the rule asks for."""
    identifiers = [key for key in keys if key in IDENTIFIERS]
    others = [key for key in keys if key in OTHERS]
    has = f"{_named(identifiers, 'identifier')} and {_named(others, 'other')}"
    says = f"has {has}; CAPI_MATCH_RULE={rule} needs {RULES[rule]}"
    person = [key for key in keys if key in USER_DATA_KEYS]
    if is_enough_by_rule(person, rule) and meta_rejects_keys(person):
        return f"{says}, and Meta refuses {', '.join(others)} with nothing beside"
    return says


def _named(keys: Sequence[str], what: str) -> str:
    """`em and ph (2 identifiers)`."""
    if not keys:
        return f"no {what}"
    *before, last = keys
    names = f"{', '.join(before)} and {last}" if before else last
    return f"{names} ({len(keys)} {what}{'s' if before else ''})"
