"""docs/reasons.md: every word that the program says of an event, of itself and of Meta, with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

import orjson

from consumer import messages
from consumer.domain.decision import FILTERED_REASONS, Reason
from consumer.meta import error_codes, response
from generating import tables
from generating.tables import code, table

HEAD = """\
# Reasons, notes, states and Meta's codes

Written by `make docs` from `consumer/messages.py` and the registers of the code. The same words stand in
metrics, in log lines, in the headers of dead letters and on the command line.

- [Filtered](#filtered) · [Dead letters](#dead-letters) · [Notes](#notes) · [States](#states)
- [What an answer of Meta means](#what-an-answer-of-meta-means) · [Meta's codes](#metas-codes)
"""
FILTERED = """\
## Filtered

Counted, passed by for good, and not sent: a success. To have them decided anew after a setting was
wrong, [rewind the group](dead-letters.md#rewinding-a-group).
"""
LETTERS = """\
## Dead letters

The record stays in the dead-letter topic, to the byte, until you [mend or
replay](dead-letters.md#mend) it.
"""
NOTES = """\
## Notes

A value that cannot be used costs that value, never the event. `explain` shows field and note,
`capi_values_dropped_total` counts them.
"""
STATES = """\
## States

What `/readyz` says, `capi_state` and the log. More in [delivery](delivery.md#states).
"""
VERDICTS = """\
## What an answer of Meta means

The verdict of a request: `capi_requests_total` counts them. A code is asked before the HTTP status,
which misleads.
"""
CODES = """\
## Meta's codes

Code and subcode stand in the log line `request not accepted`, in the headers `dlq.meta-code` and
`dlq.meta-subcode`, and in `dead-letters list`. A code without a subcode is for every subcode that has no
row. Meta's own text may repeat a value of the event, so it is never shown.
"""
STATUSES = {
    response.ResponseOutcome.TRANSIENT: "no answer, 408, 5xx, 2xx that is no receipt",
    response.ResponseOutcome.THROTTLED: "429",
    response.ResponseOutcome.MISCONFIGURED: "3xx, 401, 403, 404, 407 without a code that is known",
    response.ResponseOutcome.TOO_LARGE: "413",
    response.ResponseOutcome.REJECTED: "any other 4xx",
    response.ResponseOutcome.ACCEPTED: "2xx with `events_received`",
}
RANGES = {
    error_codes.RIGHTS: (error_codes.PERMISSION, messages.GIVE_THE_RIGHT),
    error_codes.BUSINESS_LIMITS: (error_codes.BUSINESS_THROTTLE, messages.WAIT),
}


def page() -> str:
    """The text of docs/reasons.md."""
    filtered = {word: said for word, said in messages.REASONS.items() if word in FILTERED_REASONS}
    letters = {word: said for word, said in messages.REASONS.items() if word not in FILTERED_REASONS}
    return tables.page(
        [
            HEAD,
            *(FILTERED, *_words("reason", filtered)),
            *(LETTERS, *_words("reason", letters)),
            *(NOTES, *_words("note", messages.WARNINGS)),
            *(STATES, *_words("state", messages.STATES)),
            *(VERDICTS, *_verdicts()),
            *(CODES, *_codes()),
        ]
    )


def _words(
    kind: str, register: Mapping[Reason, messages.Advice] | Mapping[StrEnum, messages.Advice]
) -> Iterator[str]:
    rows = ((code(word), said.means, said.do) for word, said in register.items())
    return table((kind, "what it means", "what to do"), rows)


def _verdicts() -> Iterator[str]:
    rows = (
        (code(kind), _codes_of(kind), STATUSES.get(kind, ""), said.means, said.do)
        for kind, said in messages.VERDICTS.items()
    )
    return table(("verdict", "codes", "HTTP, where no code says more", "what it means", "what to do"), rows)


def _codes_of(kind: response.ResponseOutcome) -> str:
    single = [_named(pair) for pair in sorted(error_codes.SENTENCES, key=_order) if _kind(*pair) is kind]
    ranges = [word for codes, word in error_codes.CODE_RANGES.items() if _kind(codes[0], None) is kind]
    return ", ".join([*single, *ranges])


def _codes() -> Iterator[str]:
    rows = [
        (_named(pair), code(_kind(*pair)), error_codes.SENTENCES[pair], messages.CODES[pair])
        for pair in sorted(error_codes.SENTENCES, key=_order)
    ]
    for codes, (says, do) in RANGES.items():
        rows.append((error_codes.CODE_RANGES[codes], code(_kind(codes[0], None)), says, do))
    return table(("code", "verdict", "what it means", "what to do"), rows)


def _order(pair: tuple[int, int | None]) -> tuple[int, int]:
    return pair[0], pair[1] or 0


def _named(pair: tuple[int, int | None]) -> str:
    return str(pair[0]) if pair[1] is None else f"{pair[0]}/{pair[1]}"


def _kind(number: int, subcode: int | None) -> response.ResponseOutcome:
    """The verdict of an answer with this code, as `run` reads it."""
    error = {"code": number, "error_subcode": subcode, "message": "", "type": "OAuthException"}
    return response.read_response(400, {}, orjson.dumps({"error": error}), 1).outcome
