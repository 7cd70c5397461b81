"""
Personal data in clear stays out of what is sent as it is.

Two things count as personal here: a text that holds an e-mail address, and a
text or number under a name of personal data (`phone`, `first_name`), also in
lists and objects below that name. Both are taken out; booleans stay.

Addresses in other shapes, or a phone number under a name of its own, cannot be
told from other data and are not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

# Any character but these separators and white space may be part of an address.
# Unicode's white space is spelled out: Python's own also counts four control
# characters, behind which an address would be overlooked.
_PART = r"[^@/?&=# \t-\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"

# Something before the @, and a dot between two parts after it. One character
# before the @ is enough to know, and keeps the search linear on any text.
_ADDRESS = re.compile(rf"(?<={_PART})@{_PART}+\.{_PART}")

PERSONAL_NAMES = frozenset(
    {
        "email",
        "mail",
        "emailaddress",
        "phone",
        "phonenumber",
        "telephone",
        "mobile",
        "firstname",
        "lastname",
        "fullname",
        "address",
        "street",
        "birthdate",
        "birthday",
        "dob",
        "gender",
        "ssn",
    }
)


class _Redacted:
    """Marks what is taken out, as null is a value."""


REDACTED: Final = _Redacted()


def contains_email(text: str) -> bool:
    """Whether a text contains an e-mail address."""
    return "@" in text and _ADDRESS.search(text) is not None


def is_personal_name(name: str) -> bool:
    """Whether a key or parameter is named like personal data: `First-Name`, `e_mail`."""
    # Three times `replace` is four times as fast as one `translate`. No name is
    # remembered: a parameter may be named by an address or a telephone number.
    return name.replace("-", "").replace("_", "").replace(" ", "").lower() in PERSONAL_NAMES


def redact(value: object, allow: Set[str] = frozenset(), *, is_personal: bool = False) -> object:
    """
    The value without personal data: the same object when there was none, `REDACTED` when nothing is left.

    `allow` are exact keys whose values are kept whole, at any depth. Bounded
    depth is the caller's promise (`depth.is_too_deep`).
    """
    if isinstance(value, str):
        return REDACTED if is_personal or contains_email(value) else value
    if isinstance(value, dict):
        return _clean_object(value, allow, is_personal)
    if isinstance(value, list):
        return _clean_list(value, allow, is_personal)
    if is_personal and isinstance(value, int | float) and not isinstance(value, bool):
        return REDACTED
    return value


def _clean_object(value: dict[str, object], allow: Set[str], is_personal: bool) -> dict[str, object]:
    kept = {}
    for key, child in value.items():
        clean_child = clean_entry(key, child, allow, is_personal=is_personal)
        if clean_child is not REDACTED:
            kept[key] = clean_child
    same = len(kept) == len(value) and all(kept[key] is child for key, child in value.items())
    return value if same else kept


def clean_entry(key: str, value: object, allow: Set[str], *, is_personal: bool = False) -> object:
    """The value of a key, judged with the key's name; `REDACTED` when the key itself holds an address."""
    if key in allow:
        return value
    if contains_email(key):
        return REDACTED
    return redact(value, allow, is_personal=is_personal or is_personal_name(key))


def _clean_list(value: list[object], allow: Set[str], is_personal: bool) -> list[object]:
    cleaned = [redact(element, allow, is_personal=is_personal) for element in value]
    if all(after is before for after, before in zip(cleaned, value, strict=True)):
        return value
    return [element for element in cleaned if element is not REDACTED]
