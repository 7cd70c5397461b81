"""
Personal data in clear stays out of what is sent as it is.

Two things count as personal here: a text that holds an e-mail address, and a
text or number under a name of personal data (`phone`, `first_name`), also in
lists and objects below that name. Both are taken out; booleans stay.

Addresses in other shapes, or a phone number under a name of its own, cannot be
told from other data and are not looked for.

A page's address without personal data, and otherwise byte for byte.

    https://ann:secret@shop.example.com/account/ann@example.com?ref=1&email=x#top
    https://shop.example.com/account/*****?ref=1#top

User name and password go. A parameter goes when it is named like personal
data or holds an e-mail address; a path segment or fragment that holds one
becomes `*****`. What is looked at is also decoded, twice at most, because
addresses travel encoded and sometimes encoded again. Nothing that stays is
rewritten: no lower case, no sorting, no new encoding.

Values that are sent as they are: text and ids.

Nothing here lower-cases or hashes: that is for `user_data`. Each reader gives
the value that is sent, or says why there is none (·).

                     text   clean_text   text_or_integer   content_id   identifier   given
    " a "            "a"    "a"          "a"               "a"          " a "        " a "
    "null"           sent   sent         sent              sent         ·            ·
    with an address  sent   ·            sent              ·            ·            ·
    5, 5.0           ·      ·            "5"               "5"          "5"          5
    "", 5.5, true    ·      ·            ·                 ·            ·            ·
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Final
from urllib.parse import unquote, unquote_plus

from consumer.mapping.values import (
    EMPTY,
    MALFORMED,
    PERSONAL_DATA,
    PLACEHOLDER,
    WRONG_TYPE,
    InvalidValue,
    integer_of,
    is_placeholder,
    text_of,
)

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


MASK = "*****"
DECODINGS_MAX = 2

_URL = re.compile(
    r"(?P<scheme>https?://)(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.IGNORECASE | re.DOTALL,
)
_NO_HOST = re.compile(r"\s|^(:|$)")

# Most addresses are seen at one glance: nothing in them is encoded, nothing can be an e-mail
# address, and no parameter is named like personal data. Whatever else goes the long way.
_PLAIN = re.compile(r"https?://[^/?#@%+\s\\:][^/?#@%+\s\\]*(?:[/?#][^@%+\s]*)?")
_BETWEEN = "[-_ ]*"
_NAMED_PERSONALLY = re.compile(
    f"[?&]{_BETWEEN}(?:{'|'.join(map(_BETWEEN.join, sorted(PERSONAL_NAMES)))}){_BETWEEN}(?:[=&#]|$)",
    re.IGNORECASE,
)


def clean_url(value: object) -> tuple[str, bool] | InvalidValue:
    """An absolute http(s) address without personal data, and whether anything was taken out."""
    if not isinstance(value, str):
        return WRONG_TYPE
    if _PLAIN.fullmatch(value) and not _NAMED_PERSONALLY.search(value):
        return value, False
    url = value.strip()
    parts = _URL.fullmatch(url)
    if parts is None:
        return MALFORMED
    authority = parts["authority"]
    host = authority.rpartition("@")[2]
    # A backslash ends a host in browsers and does not elsewhere: such an address has no one meaning.
    if "\\" in authority or _NO_HOST.search(host):
        return MALFORMED
    if _shows_address(host):
        return PERSONAL_DATA
    cleaned = "".join(
        (
            parts["scheme"],
            host,
            _clean_path(parts["path"]),
            _clean_query(parts["query"] or ""),
            _clean_fragment(parts["fragment"] or ""),
        )
    )
    return cleaned, cleaned != url


def click_id(url: str) -> str | None:
    """The first `fbclid` parameter of an address, percent-decoded once; None when there is none."""
    if "fbclid" not in url:
        return None
    query = url.partition("#")[0].partition("?")[2]
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name == "fbclid":
            return unquote(value)
    return None


def _clean_path(path: str) -> str:
    if not _shows_address(path):
        return path
    return "/".join(MASK if _shows_address(segment) else segment for segment in path.split("/"))


def _clean_query(query: str) -> str:
    if not query:
        return query
    parameters = query[1:].split("&")
    kept = [parameter for parameter in parameters if not _is_personal(parameter)]
    if len(kept) == len(parameters):
        return query
    return "?" + "&".join(kept) if kept else ""


def _clean_fragment(fragment: str) -> str:
    return "#" + MASK if _shows_address(fragment[1:]) else fragment


def _is_personal(parameter: str) -> bool:
    name = parameter.partition("=")[0]
    return any(map(is_personal_name, _readings(name))) or _shows_address(parameter)


def _shows_address(text: str) -> bool:
    # Most texts have neither, and no decoding makes an @ of anything else.
    return ("@" in text or "%" in text) and any(map(contains_email, _readings(text)))


def _readings(text: str) -> Sequence[str]:
    """The text, and what it decodes to, for as long as there is something to decode."""
    readings = [text]
    while len(readings) <= DECODINGS_MAX and ("%" in text or "+" in text):
        text = unquote_plus(text)
        readings.append(text)
    return readings


def trimmed_text(value: object) -> str | InvalidValue:
    """Trimmed text."""
    if not isinstance(value, str):
        return WRONG_TYPE
    return value.strip() or EMPTY


def clean_text(value: object) -> str | InvalidValue:
    """Trimmed text without an e-mail address in it."""
    return _without_email(trimmed_text(value))


def text_or_integer(value: object) -> str | InvalidValue:
    """Trimmed text, or an integer as text."""
    found = text_of(value)
    return found if isinstance(found, InvalidValue) else found.strip() or EMPTY


def content_id(value: object) -> str | InvalidValue:
    """The id of a product: text or an integer, as text, without an e-mail address in it."""
    if isinstance(value, str) and "@" not in value:
        return value.strip() or EMPTY
    return _without_email(text_or_integer(value))


def identifier(value: object) -> str | InvalidValue:
    """
    Text unchanged, or an integer as text; no placeholder, no e-mail address.

    For an event id too: every event that carries the same placeholder would
    count as a repeat of the first.
    """
    found = text_of(value)
    if isinstance(found, InvalidValue):
        return found
    if not found or found.isspace():
        return EMPTY
    return PLACEHOLDER if is_placeholder(found) else _without_email(found)


def identifier_as_is(value: object) -> str | int | InvalidValue:
    """An identifier that is sent as given: text unchanged, or an integer."""
    number = integer_of(value)
    return identifier(value) if number is None else number


def _without_email(found: str | InvalidValue) -> str | InvalidValue:
    return PERSONAL_DATA if isinstance(found, str) and contains_email(found) else found
