"""
When something happened, in milliseconds since 1970.

    1700000000            under 1e11: seconds
    1700000000123         under 1e14: milliseconds
    1700000000123456      under 1e17: microseconds
    1700000000123456789   else nanoseconds
    2023-11-14T22:13:20Z  RFC 3339; seconds, zone and the zone's colon may be missing

What is finer is cut off, never rounded: an event is not moved into the future.
Meta takes whole seconds; the milliseconds tell what lies ahead of what.
"""

from __future__ import annotations

import datetime
import math
import re

from consumer.mapping.values import EMPTY, MALFORMED, WRONG_TYPE, InvalidValue

DAY_S = 24 * 60 * 60
DAY_MS = DAY_S * 1000

# How far ahead an event may be of the clock, and a click of its event: clocks differ.
AHEAD_MS_MAX = 5 * 60 * 1000

_MILLISECONDS_MIN, _MILLISECONDS_MAX = 10**11, 10**14
_A_SECOND = ((_MILLISECONDS_MIN, 1), (_MILLISECONDS_MAX, 10**3), (10**17, 10**6))
_NANOSECONDS = 10**9

# 30 digits are enough for nanoseconds in any calendar, and short enough for int().
_DECIMAL = re.compile(r"([0-9]{1,30})(?:\.([0-9]+))?")
_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_DAY_ZERO = datetime.date(1970, 1, 1).toordinal()


def unix_ms(value: object) -> int | InvalidValue:
    """Milliseconds since 1970, at least a second of them, of a JSON number or text."""
    if type(value) is int and _MILLISECONDS_MIN <= value < _MILLISECONDS_MAX:
        return value
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return WRONG_TYPE
    if not math.isfinite(value):
        return MALFORMED
    return _of_number(int(value), int(value % 1 * 1000))


def day_of(time_ms: int) -> datetime.date:
    """The day of UTC at a time in milliseconds since 1970."""
    return datetime.date.fromordinal(_DAY_ZERO + time_ms // DAY_MS)


def _of_text(text: str) -> int | InvalidValue:
    if not text:
        return EMPTY
    if match := _DECIMAL.fullmatch(text):
        return _of_number(int(match[1]), _thousandths(match[2]))
    match = _RFC_3339.fullmatch(text)
    return MALFORMED if match is None else _of_date_time(match)


def _of_number(number: int, thousandths: int) -> int | InvalidValue:
    a_second = next((unit for limit, unit in _A_SECOND if number < limit), _NANOSECONDS)
    return _positive((number * 1000 + thousandths) // a_second)


def _thousandths(decimals: str | None) -> int:
    """The first three decimals: 123 of `.1239`."""
    return int((decimals or "")[:3].ljust(3, "0"))


def _of_date_time(match: re.Match[str]) -> int | InvalidValue:
    date, *clock, decimals, sign, zone_hours, zone_minutes = match.groups()
    hours, minutes, seconds = (int(part or 0) for part in clock)
    zone = int(zone_hours or 0), int(zone_minutes or 0)
    # RFC 3339 writes a leap second as :60.
    if hours > 23 or minutes > 59 or seconds > 60 or zone[0] > 23 or zone[1] > 59:
        return MALFORMED
    try:
        days = datetime.date.fromisoformat(date).toordinal() - _DAY_ZERO
    except ValueError:
        return MALFORMED
    ahead = (zone[0] * 3600 + zone[1] * 60) * (-1 if sign == "-" else 1)
    whole = days * DAY_S + hours * 3600 + minutes * 60 + seconds - ahead
    return _positive(whole * 1000 + _thousandths(decimals))


def _positive(milliseconds: int) -> int | InvalidValue:
    return milliseconds if milliseconds >= 1000 else MALFORMED
