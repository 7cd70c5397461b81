"""A number of things, as a person reads it."""

from __future__ import annotations


def pluralize(number: int, noun: str) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
