"""
Birthdates, as YYYYMMDD.

    1997-02-16, 1997/2/16, 19970216      year first: no doubt
    16.02.1997, 2/16/1997, 2/2/1997      day and month tell themselves apart, or are equal
    02/03/1997                           ambiguous, unless the setting says which comes first

A time may follow. Dates that forms fill in by themselves are nobody's birthdate.
"""

from __future__ import annotations

import datetime
import re

from consumer.mapping.rules import BirthdateOrder
from consumer.mapping.values import AMBIGUOUS, MALFORMED, InvalidValue

_TIME = r"(?:[t ][0-9]{1,2}:[0-9]{2}.*)?"
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})" + _TIME, re.DOTALL)
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/._ ])([0-9]{1,2})\2([0-9]{1,2})" + _TIME, re.DOTALL)
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/._ ])([0-9]{1,2})\2([0-9]{4})" + _TIME, re.DOTALL)

_AFTER = datetime.date(1900, 1, 1)
_UNIX_EPOCH = datetime.date(1970, 1, 1)


def birthdate_digits(text: str, order: BirthdateOrder | None, today: datetime.date) -> str | InvalidValue:
    """`YYYYMMDD` of a folded text, for a date after 1900-01-01, up to today, other than 1970-01-01."""
    if match := _COMPACT.fullmatch(text):
        return _real(*map(int, match.group(1, 2, 3)), today=today)
    if match := _YEAR_FIRST.fullmatch(text):
        return _real(*map(int, match.group(1, 3, 4)), today=today)
    if match := _YEAR_LAST.fullmatch(text):
        first, second, year = map(int, match.group(1, 3, 4))
        return _day_and_month(first, second, year, order, today)
    return MALFORMED


def _day_and_month(
    first: int, second: int, year: int, order: BirthdateOrder | None, today: datetime.date
) -> str | InvalidValue:
    if first > 12 or first == second:
        return _real(year, second, first, today=today)
    if second > 12 or order is BirthdateOrder.MDY:
        return _real(year, first, second, today=today)
    return _real(year, second, first, today=today) if order is BirthdateOrder.DMY else AMBIGUOUS


def _real(year: int, month: int, day: int, *, today: datetime.date) -> str | InvalidValue:
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        return MALFORMED
    if not _AFTER < date <= today or date == _UNIX_EPOCH:
        return MALFORMED
    return date.isoformat().replace("-", "")
