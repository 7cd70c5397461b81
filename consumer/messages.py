"""
What each word of the program means to a person, and what to do about it.

One entry for each reason, note, state, verdict, and for each code of Meta's
that has a sentence (`meta/error_codes.py`). docs/reasons.md is written from here.
No text holds a value; settings are named as the environment has them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from consumer.domain.decision import Reason, WarningCode
from consumer.domain.state import State
from consumer.meta.response import ResponseOutcome

# A link of Markdown, from docs/reasons.md: its text, the page and the place on it.
LINK = re.compile(r"\[([^]]+)\]\(([a-z-]+\.md)?(#[a-z-]+)?\)")


class Advice(NamedTuple):
    """What it means, and what to do."""

    means: str
    do: str


def in_plain_text(advice: str) -> str:
    """For a terminal, where a link is a page to open: `Enough to match (docs/mapping.md)`."""
    return LINK.sub(lambda link: f"{link[1]} (docs/{link[2] or 'reasons.md'})", advice)


REASONS = {
    Reason.TOMBSTONE: Advice("A record without a value.", "Nothing: it is how Kafka deletes."),
    Reason.NO_CONSENT: Advice(
        "The category of `CAPI_USER_CONSENT_CATEGORY` is not in the event.",
        "Nothing, if that is right. If all events end so: is the id the one in the consent tool, and does the"
        " tag send `consent_categories`? [From the consent tool to the topic](consent.md).",
    ),
    Reason.EVENT_TOO_OLD: Advice(
        "Older than 7 days, 62 for `physical_store`, less ten minutes: Meta would refuse it, and all that"
        " travel with it.",
        "Send sooner; events of a shop need `type: offline`. If they waited here, another alert came first.",
    ),
    Reason.PURCHASE_WITHOUT_PERSONAL_INFORMATION: Advice(
        "A purchase without e-mail and phone.",
        "Send them with the purchase, or widen `CAPI_PURCHASE_PERSONAL_INFORMATION`.",
    ),
    Reason.NOT_ENOUGH_TO_MATCH: Advice(
        "Too little is known of the person for `CAPI_MATCH_RULE`, or Meta refuses the combination.",
        "Send e-mail or phone when the visitor is known, and `fbp` always; or choose another"
        " `CAPI_MATCH_RULE`. [Enough to match](mapping.md#enough-to-match).",
    ),
    Reason.NOT_JSON: Advice("The record is no JSON in UTF-8.", "Mend the producer, then the letters."),
    Reason.NOT_AN_OBJECT: Advice(
        "The record is JSON, but a list, a text or a number.",
        "Mend the producer: one event is one object, one record.",
    ),
    Reason.NO_EVENT_NAME: Advice(
        "`event_name` is missing, blank, no text, or holds an e-mail address.",
        "Mend the tag. `integrations.facebook.event_name` does not stand in for it.",
    ),
    Reason.EVENT_TIME_IN_FUTURE: Advice(
        "The event's time and the record's are both more than 5 minutes ahead.",
        "Mend the clock of the producer. Replay the letters when their time has come.",
    ),
    Reason.PURCHASE_WITHOUT_VALUE: Advice(
        "A Purchase without a value that can be read: Meta refuses it, and all that travel with it.",
        'Send `amount` as a number. Look for the note `ambiguous`: `"1.234"` is not read.',
    ),
    Reason.PURCHASE_WITHOUT_CURRENCY: Advice(
        "A Purchase without a currency of ISO 4217: Meta refuses it, and all that travel with it.",
        'Send `currency`, such as `"EUR"`. Export the letters, add it, publish them again.',
    ),
    Reason.EVENT_TOO_LARGE: Advice(
        "The event as sent is larger than `CAPI_EVENT_BYTES_MAX`, or Meta says 413 to it alone.",
        "Send fewer `items`, or fewer keys of your own.",
    ),
    Reason.REJECTED: Advice(
        "Meta refused this event, alone in its request.",
        "Code and subcode are in the letter's headers: see [Meta's codes](#metas-codes). Mend the"
        " cause, then the letters.",
    ),
    Reason.POISON_EVENT: Advice(
        "Requests with this event fail time and again, while those of most others are answered.",
        "Replay it once: it may have been bad luck. If it comes back, show it to somebody who can read the"
        " event beside the log. [Whose fault it is](delivery.md#whose-fault-it-is).",
    ),
}

WARNINGS = {
    WarningCode.MALFORMED: Advice(
        "Not in a form that can be used: a phone number of five digits, an `fbc` that is none, an IP address"
        " of a private network.",
        "`explain` names the property; [hashing](hashing.md) says what is read.",
    ),
    WarningCode.WRONG_TYPE: Advice(
        "An object, a boolean or a broken number where text is expected.", "Mend the data layer."
    ),
    WarningCode.UNKNOWN_KEY: Advice(
        "A key that Meta does not know, in `user_data` or in a line of `contents`: it was left out.",
        "Use Meta's names: `em`, not `email`.",
    ),
    WarningCode.PLACEHOLDER: Advice(
        "The value says that there is none: `undefined`, `(not set)`.", "Leave the property out instead."
    ),
    WarningCode.EXPIRED: Advice("A click id more than 90 days older than the event.", "Nothing."),
    WarningCode.FUTURE: Advice(
        "The event's time is ahead of now; the record's time is sent.", "Mend the clock of the producer."
    ),
    WarningCode.AMBIGUOUS: Advice(
        "Can be read in two ways: `02/03/1997`, `1.234`.",
        "Send `1997-03-02` and numbers, or set `CAPI_BIRTHDATE_ORDER`.",
    ),
    WarningCode.PERSONAL_DATA: Advice(
        "Something personal was taken out of a place where it does not belong.",
        "Look which key it is. If it is not personal, name it in `CAPI_CUSTOM_DATA_UNREDACTED_KEYS`."
        " [What is taken out](own-rules.md#what-is-taken-out).",
    ),
    WarningCode.NO_COUNTRY: Advice(
        "A national phone number, and no country that it is valid in.",
        "Send `user.country`, or set `CAPI_DEFAULT_COUNTRY`.",
    ),
    WarningCode.MISSING: Advice(
        "Nothing in the event can be used for it. For `event_time` the record's time is sent; for a website,"
        " Meta asks for user agent and address; an item without an id is left out.",
        "Send it.",
    ),
    WarningCode.TOO_DEEP: Advice("Nested more than 32 levels deep.", "Send less."),
}

STATES = {
    State.STARTING: Advice(
        "The group has not taken it in yet.",
        "Nothing. For a quarter of an hour: [Starting](operations.md#starting).",
    ),
    State.RUNNING: Advice("A member of its group, at work or standing by.", "Nothing."),
    State.THROTTLED: Advice(
        "Meta asks for patience; every request waits as long as it says.",
        "Nothing. Fewer consumers do not help. For half an hour: [Throttled](operations.md#throttled).",
    ),
    State.MISCONFIGURED: Advice(
        "Meta refuses token, pixel or version. Nothing is sent and nothing is lost.",
        "[Misconfigured](operations.md#misconfigured): a new token in its file is taken up by itself.",
    ),
    State.PAUSED: Advice(
        "Half of the last 1,000 records would be dead letters; nothing more is taken in.",
        "[Paused](operations.md#paused): mend the settings and restart, or let the letters be written.",
    ),
    State.DRAINING: Advice("It was told to stop, and finishes what it has.", "Nothing."),
}

VERDICTS = {
    ResponseOutcome.ACCEPTED: Advice("Meta took the request. Its events have ended.", "Nothing."),
    ResponseOutcome.TRANSIENT: Advice(
        "Meta or the network fails for now. The same bytes go again, later and later.",
        "Nothing for some minutes; then [Requests fail](operations.md#requests-fail).",
    ),
    ResponseOutcome.THROTTLED: Advice(
        "Too many calls. The whole pixel waits as long as Meta says, else one to five minutes.",
        "Nothing; for half an hour: [Throttled](operations.md#throttled).",
    ),
    ResponseOutcome.BLOCKED: Advice(
        "Meta has blocked the account. The pixel waits five minutes at a time.",
        "Account Quality in the Business settings: [Blocked](operations.md#blocked).",
    ),
    ResponseOutcome.MISCONFIGURED: Advice(
        "Token, pixel or version. Nobody's event's fault: nothing ends, one request at a time tries again.",
        "Mend it: [Misconfigured](operations.md#misconfigured).",
    ),
    ResponseOutcome.TOO_LARGE: Advice(
        "The request is too large. It is halved; one event alone is `event_too_large`.",
        "Lower `CAPI_REQUEST_BYTES_MAX` if it happens often.",
    ),
    ResponseOutcome.REJECTED: Advice(
        "One of the events is refused, and with it the request. The others are sent without it.",
        "The one is the dead letter `rejected`; what to do stands beside its code.",
    ),
}

RENEW = "A new token: [Rotate the token](operations.md#rotate-the-token)."
GIVE_THE_RIGHT = (
    "Give the token's system user the right to this pixel, or make a token in the pixel's own settings."
)
WAIT = "Nothing; what else sends to this pixel, or with this app?"
PASSES = "Nothing: it is tried again."

# (code, subcode), as in `meta_codes.SENTENCES`; a subcode of None stands for every other one.
CODES: dict[tuple[int, int | None], str] = {
    (1, None): PASSES,
    (2, None): PASSES,
    (3, None): GIVE_THE_RIGHT,
    (4, None): WAIT,
    (10, None): GIVE_THE_RIGHT,
    (12, None): "Set `CAPI_GRAPH_VERSION` to a newer version.",
    (17, None): WAIT,
    (32, None): WAIT,
    (100, 33): "Is `CAPI_PIXEL_ID` right, and the token one of this pixel?",
    (100, None): "Look at the letter with `explain`: which key is unusual? Leave it out, or correct it, and"
    " publish the mended letter. Report it with the `fbtrace_id`, so that it is refused here and not there.",
    (100, 2804001): "Send `_fbc` as the cookie has it, unchanged, or none.",
    (100, 2804003): "Nothing: it cannot be sent any more. Why did it wait?",
    (100, 2804009): "Add `amount` to the letter; send it with each purchase.",
    (100, 2804010): "Add `currency` to the letter; send it with each purchase.",
    (100, 2804016): "Look for an override under `integrations.facebook.user_data`, and report it: what must"
    " be hashed is hashed here.",
    (100, 2804043): "Send `app_data.extinfo` with its 16 entries, or another `action_source`.",
    (
        100,
        2804050,
    ): "Send more of the person: e-mail, phone, `fbp`. `CAPI_MATCH_RULE=all` keeps such events back.",
    (100, 2804063): "Send `messaging_channel` with `business_messaging`.",
    (100, 2804066): "Choose a name that Meta has for business messaging, or another `action_source`.",
    (102, None): RENEW,
    (104, None): RENEW,
    (105, None): "Send fewer keys in `custom_data`.",
    (190, None): RENEW,
    (294, None): GIVE_THE_RIGHT,
    (341, None): WAIT,
    (368, None): "Account Quality in the Business settings says why, and takes the appeal.",
    (613, None): WAIT,
    (2500, None): "Check `CAPI_GRAPH_URL`, `CAPI_GRAPH_VERSION` and `CAPI_PIXEL_ID`.",
    (2635, None): "Set `CAPI_GRAPH_VERSION` to a newer version.",
    (5000, None): PASSES,
    (21009, None): PASSES,
}


# What it means that one of these has no value.
# What it means that an event has no id of its own.
