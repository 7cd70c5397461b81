"""
What Meta refuses about an event, as a table.

One bad event and the whole request is refused, so the first finding is the
answer. The rows of SHAPE are asked of every event before those of SENSE, which
may therefore rely on them. Sources, in the words of Meta's readers:

    M  Meta's documentation     S  Meta's own source code
    T  reports of its users     D  decided here: Meta refuses it, the body is a guess
    P  promised by this project: Meta may take it, a strict sandbox does not

A row with a subcode answers "Invalid parameter" and says the rest in
`error_user_title` and `error_user_msg`; one without says all in `message`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from consumer.sandbox import checks, promises
from consumer.sandbox.checks import Check, Finding, Json
from consumer.sandbox.refusal import BAD_REQUEST, INVALID_PARAMETER, Refusal, echo


class Rule(NamedTuple):
    """One row: what finds it, what is answered, and where we know it from."""

    finds: Check
    source: str
    subcode: int | None
    title: str | None
    message: str
    code: int = INVALID_PARAMETER
    status: int = BAD_REQUEST


SHAPE = (
    Rule(checks.not_an_object, "D", None, None, "(#100) Param {path} must be an object, got {value}."),
    Rule(checks.key_missing, "M", None, None, '(#100) Missing required key "{key}" on param "{path}".'),
    Rule(checks.key_unexpected, "M", None, None, '(#100) Unexpected key "{key}" on param "{path}".'),
    Rule(checks.type_wrong, "D", None, None, '(#100) Param "{path}" does not take {value}.'),
)
SENSE = (
    Rule(
        checks.too_old, "M", 2804003, "Event Timestamp Too Old",
        "The event time {value} is too long ago.",
    ),
    Rule(
        checks.in_the_future, "D", None, None,
        '(#100) The event time {value} of "{path}" is in the future.',
    ),
    Rule(
        checks.fbc_malformed, "M", 2804001, "Malformed Click ID",
        "The fbc parameter {value} does not have the form version.index.creationTime.fbclid.",
    ),
    Rule(
        checks.not_hashed, "T", 2804016, "User Parameter Not Hashed",
        "The {key} parameter isn't hashed with SHA-256: {value}.",
    ),
    Rule(
        checks.too_little, "M", 2804050, "Too Little Customer Information",
        "The event has only {value}. Add parameters that tell customers apart.",
    ),
    Rule(
        checks.extinfo_missing, "M", 2804043, "Missing Extended Device Information",
        "An event of an app needs app_data.extinfo with sixteen values, got {value}.",
    ),
    Rule(
        checks.channel_missing, "M", 2804063, "Missing Messaging Channel",
        "An event of business messaging needs the {key} parameter.",
    ),
    Rule(
        checks.not_a_messaging_event, "T", 2804066, "Messaging Event Invalid Event Type",
        "Business messaging does not take the event name {value}.",
    ),
    Rule(
        checks.purchase_without_value, "M", 2804009, "Missing Value for Purchase",
        "A Purchase needs a value, got {value}.",
    ),
    Rule(
        checks.purchase_without_currency, "M", 2804010, "Missing Currency for Purchase",
        "A Purchase needs a currency.",
    ),
    Rule(
        checks.currency_malformed, "D", 2804010, 'Invalid Currency "{value}"',
        "The currency {value} is not an ISO 4217 code.",
    ),
    Rule(
        checks.contents_malformed, "T", 2804008, "Invalid Contents Parameter",
        "The contents parameter is not a list of JSON objects: {value}.",
    ),
    Rule(
        checks.content_without_id, "T", None, None,
        '(#100) Missing required key "{key}" on param "{path}".',
    ),
)  # fmt: skip
PROMISES = (
    Rule(promises.event_id_missing, "P", None, None, '(#100) Missing key "{key}" on param "{path}".'),
    Rule(promises.fbp_malformed, "P", None, None, '(#100) The fbp {value} on param "{path}" is malformed.'),
    Rule(
        promises.ip_address_malformed, "P", None, None,
        '(#100) The client_ip_address {value} on param "{path}" is no IP address.',
    ),
    Rule(
        promises.email_in_clear, "P", 2804016, 'E-mail Address In Clear "{value}"',
        "Param {path} holds an e-mail address: {value}.",
    ),
    Rule(
        promises.named_personal_data, "P", 2804016, "Personal Data In Clear",
        "Param {path} holds personal data: {value}.",
    ),
)  # fmt: skip

STRICT = (SHAPE, SENSE + PROMISES)
LENIENT = (SHAPE, SENSE)


def refusal_of(
    events: Sequence[Json], now_s: float, tables: Sequence[tuple[Rule, ...]] = STRICT
) -> Refusal | None:
    """The first thing wrong with any of the events, else what one of them asks to be refused with."""
    for table in tables:
        for index, event in enumerate(events):
            for rule in table:
                if finding := rule.finds(event, now_s):
                    return _refusal(rule, finding, index)
    return next((refusal for event in events if (refusal := _asked_refusal(event))), None)


def _refusal(rule: Rule, finding: Finding, index: int) -> Refusal:
    words = {
        "path": f"$['data'][{index}]{finding.path}",
        "key": echo(finding.key),
        "value": echo(finding.value),
    }
    text = rule.message.format(**words)
    if rule.subcode is None:
        return Refusal(rule.status, rule.code, None, text)
    title = rule.title.format(**words) if rule.title else None
    return Refusal(rule.status, rule.code, rule.subcode, "Invalid parameter", title, text)


# What an event asks for


def _asked_refusal(event: Json) -> Refusal | None:
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
        return Refusal(BAD_REQUEST, INVALID_PARAMETER, None, "(#100) sandbox_refuse is code/subcode.")
    sent = echo(event["user_data"])
    return Refusal(
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
