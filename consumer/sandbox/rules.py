"""
What Meta refuses about an event, as a table.

One bad event and the whole request is refused, so the first finding is the
answer. The rows of SHAPE are asked of every event before those of SENSE, which
may therefore rely on them.

A row with a subcode answers "Invalid parameter" and says the rest in
`error_user_title` and `error_user_msg`; one without says all in `message`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from consumer.sandbox import checks
from consumer.sandbox.checks import Finding, Json, Predicate
from consumer.sandbox.response import BAD_REQUEST, INVALID_PARAMETER, MetaError, echo


class KnownFrom(StrEnum):
    """Where a rule is known from."""

    META = "Meta's documentation"
    USERS = "reports of Meta's users"
    GUESS = "decided here: Meta refuses it, the body is a guess"
    OUR_OWN = "promised by this project: Meta may take it, a strict sandbox does not"


class Rule(NamedTuple):
    """One row: what finds it, where it is known from, and what is answered."""

    finds: Predicate
    known_from: KnownFrom
    message: str
    subcode: int | None = None
    title: str | None = None


SHAPE = (
    Rule(
        checks.not_an_object, KnownFrom.GUESS,
        "(#100) Param {path} must be an object, got {value}.",
    ),
    Rule(
        checks.key_missing, KnownFrom.META,
        '(#100) Missing required key "{key}" on param "{path}".',
    ),
    Rule(
        checks.key_unexpected, KnownFrom.META,
        '(#100) Unexpected key "{key}" on param "{path}".',
    ),
    Rule(
        checks.type_wrong, KnownFrom.GUESS,
        '(#100) Param "{path}" does not take {value}.',
    ),
)  # fmt: skip
SENSE = (
    Rule(
        checks.too_old, KnownFrom.META,
        "The event time {value} is too long ago.",
        subcode=2804003, title="Event Timestamp Too Old",
    ),
    Rule(
        checks.in_the_future, KnownFrom.GUESS,
        '(#100) The event time {value} of "{path}" is in the future.',
    ),
    Rule(
        checks.fbc_malformed, KnownFrom.META,
        "The fbc parameter {value} does not have the form version.index.creationTime.fbclid.",
        subcode=2804001, title="Malformed Click ID",
    ),
    Rule(
        checks.not_hashed, KnownFrom.USERS,
        "The {key} parameter isn't hashed with SHA-256: {value}.",
        subcode=2804016, title="User Parameter Not Hashed",
    ),
    Rule(
        checks.too_little, KnownFrom.META,
        "The event has only {value}. Add parameters that tell customers apart.",
        subcode=2804050, title="Too Little Customer Information",
    ),
    Rule(
        checks.extinfo_missing, KnownFrom.META,
        "An event of an app needs app_data.extinfo with sixteen values, got {value}.",
        subcode=2804043, title="Missing Extended Device Information",
    ),
    Rule(
        checks.channel_missing, KnownFrom.META,
        "An event of business messaging needs the {key} parameter.",
        subcode=2804063, title="Missing Messaging Channel",
    ),
    Rule(
        checks.not_a_messaging_event, KnownFrom.USERS,
        "Business messaging does not take the event name {value}.",
        subcode=2804066, title="Messaging Event Invalid Event Type",
    ),
    Rule(
        checks.purchase_without_value, KnownFrom.META,
        "A Purchase needs a value, got {value}.",
        subcode=2804009, title="Missing Value for Purchase",
    ),
    Rule(
        checks.purchase_without_currency, KnownFrom.META,
        "A Purchase needs a currency.",
        subcode=2804010, title="Missing Currency for Purchase",
    ),
    Rule(
        checks.currency_malformed, KnownFrom.GUESS,
        "The currency {value} is not an ISO 4217 code.",
        subcode=2804010, title='Invalid Currency "{value}"',
    ),
    Rule(
        checks.contents_malformed, KnownFrom.USERS,
        "The contents parameter is not a list of JSON objects: {value}.",
        subcode=2804008, title="Invalid Contents Parameter",
    ),
    Rule(
        checks.content_without_id, KnownFrom.USERS,
        '(#100) Missing required key "{key}" on param "{path}".',
    ),
)  # fmt: skip
PROMISES = (
    Rule(
        checks.event_id_missing, KnownFrom.OUR_OWN,
        '(#100) Missing key "{key}" on param "{path}".',
    ),
    Rule(
        checks.fbp_malformed, KnownFrom.OUR_OWN,
        '(#100) The fbp {value} on param "{path}" is malformed.',
    ),
    Rule(
        checks.ip_address_malformed, KnownFrom.OUR_OWN,
        '(#100) The client_ip_address {value} on param "{path}" is no IP address.',
    ),
    Rule(
        checks.email_in_clear, KnownFrom.OUR_OWN,
        "Param {path} holds an e-mail address: {value}.",
        subcode=2804016, title='E-mail Address In Clear "{value}"',
    ),
    Rule(
        checks.named_personal_data, KnownFrom.OUR_OWN,
        "Param {path} holds personal data: {value}.",
        subcode=2804016, title="Personal Data In Clear",
    ),
)  # fmt: skip

STRICT = (SHAPE, SENSE + PROMISES)
LENIENT = (SHAPE, SENSE)


def error_for(
    events: Sequence[Json], now_s: float, tables: Sequence[tuple[Rule, ...]] = STRICT
) -> MetaError | None:
    """The first thing wrong with any of the events, else what one of them asks to be refused with."""
    for table in tables:
        for index, event in enumerate(events):
            for rule in table:
                if finding := rule.finds(event, now_s):
                    return _refusal(rule, finding, index)
    return next((refusal for event in events if (refusal := _asked_refusal(event))), None)


def _refusal(rule: Rule, finding: Finding, index: int) -> MetaError:
    words = {
        "path": f"$['data'][{index}]{finding.path}",
        "key": echo(finding.key),
        "value": echo(finding.value),
    }
    text = rule.message.format(**words)
    if rule.subcode is None:
        return MetaError(BAD_REQUEST, INVALID_PARAMETER, None, text)
    title = rule.title.format(**words) if rule.title else None
    return MetaError(BAD_REQUEST, INVALID_PARAMETER, rule.subcode, "Invalid parameter", title, text)


# What an event asks for


def _asked_refusal(event: Json) -> MetaError | None:
    """
    What `custom_data.sandbox_refuse` asks for: a code, or a code and a subcode, as in `100/2804007`.

    The whole of the event's personal part is echoed, in every place where
    Meta's text may stand.
    """
    asked = event.get("custom_data", {}).get("sandbox_refuse")
    if asked is None:
        return None
    form = re.fullmatch(r"(-?[0-9]{1,9})(?:/([0-9]{1,9}))?", echo(asked))
    if form is None:
        return MetaError(BAD_REQUEST, INVALID_PARAMETER, None, "(#100) sandbox_refuse is code/subcode.")
    sent = echo(event["user_data"])
    return MetaError(
        status=BAD_REQUEST,
        code=int(form[1]),
        subcode=int(form[2]) if form[2] else None,
        message=f"Invalid parameter: {sent}",
        title=f'Refused "{echo(event.get("event_id", event["event_name"]))}"',
        detail=f"The event asked to be refused: {sent}",
        data=sent,
    )


def asked_status(events: Sequence[Json]) -> int | None:
    """The HTTP status that `custom_data.sandbox_status` of an event asks for, 400 to 599."""
    for event in events:
        custom_data = event.get("custom_data") if isinstance(event, dict) else None
        asked = custom_data.get("sandbox_status") if isinstance(custom_data, dict) else None
        if asked is not None and re.fullmatch(r"[45][0-9]{2}", echo(asked)):
            return int(echo(asked))
    return None
