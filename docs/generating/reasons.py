"""docs/reasons.md: every word that the program says of an event, of itself and of Meta, with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

import orjson

from consumer import advice
from consumer.core import meta_codes, verdict
from consumer.core.decision import FILTERED_REASONS, Reason
from generating import tables
from generating.tables import code, table

HEAD = """\
# Reasons, notes, states and Meta's codes

Written by `make docs` from `consumer/advice.py` and the registers of the code. The same words stand in
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
`capi_notes_total` counts them.
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
    verdict.Kind.TRANSIENT: "no answer, 408, 5xx, 2xx that is no receipt",
    verdict.Kind.THROTTLED: "429",
    verdict.Kind.SETUP: "3xx, 401, 403, 404, 407 without a code that is known",
    verdict.Kind.TOO_LARGE: "413",
    verdict.Kind.REFUSED: "any other 4xx",
    verdict.Kind.ACCEPTED: "2xx with `events_received`",
}
RANGES = {
    meta_codes.RIGHTS: (meta_codes.PERMISSION, advice.GIVE_THE_RIGHT),
    meta_codes.BUSINESS_LIMITS: (meta_codes.BUSINESS_THROTTLE, advice.WAIT),
}


def page() -> str:
    """The text of docs/reasons.md."""
    filtered = {word: said for word, said in advice.REASONS.items() if word in FILTERED_REASONS}
    letters = {word: said for word, said in advice.REASONS.items() if word not in FILTERED_REASONS}
    return tables.page(
        [
            HEAD,
            *(FILTERED, *_words("reason", filtered)),
            *(LETTERS, *_words("reason", letters)),
            *(NOTES, *_words("note", advice.NOTES)),
            *(STATES, *_words("state", advice.STATES)),
            *(VERDICTS, *_verdicts()),
            *(CODES, *_codes()),
        ]
    )


def _words(
    kind: str, register: Mapping[Reason, advice.Advice] | Mapping[StrEnum, advice.Advice]
) -> Iterator[str]:
    rows = ((code(word), said.means, said.do) for word, said in register.items())
    return table((kind, "what it means", "what to do"), rows)


def _verdicts() -> Iterator[str]:
    rows = (
        (code(kind), _codes_of(kind), STATUSES.get(kind, ""), said.means, said.do)
        for kind, said in advice.VERDICTS.items()
    )
    return table(("verdict", "codes", "HTTP, where no code says more", "what it means", "what to do"), rows)


def _codes_of(kind: verdict.Kind) -> str:
    single = [_named(pair) for pair in sorted(meta_codes.SENTENCES, key=_order) if _kind(*pair) is kind]
    ranges = [word for codes, word in meta_codes.CODE_RANGES.items() if _kind(codes[0], None) is kind]
    return ", ".join([*single, *ranges])


def _codes() -> Iterator[str]:
    rows = [
        (_named(pair), code(_kind(*pair)), meta_codes.SENTENCES[pair], advice.CODES[pair])
        for pair in sorted(meta_codes.SENTENCES, key=_order)
    ]
    for codes, (says, do) in RANGES.items():
        rows.append((meta_codes.CODE_RANGES[codes], code(_kind(codes[0], None)), says, do))
    return table(("code", "verdict", "what it means", "what to do"), rows)


def _order(pair: tuple[int, int | None]) -> tuple[int, int]:
    return pair[0], pair[1] or 0


def _named(pair: tuple[int, int | None]) -> str:
    return str(pair[0]) if pair[1] is None else f"{pair[0]}/{pair[1]}"


def _kind(number: int, subcode: int | None) -> verdict.Kind:
    """The verdict of an answer with this code, as `run` reads it."""
    error = {"code": number, "error_subcode": subcode, "message": "", "type": "OAuthException"}
    return verdict.read_answer(400, {}, orjson.dumps({"error": error}), 1).kind
