"""Personal data in free values: what is found, and what is left."""

from __future__ import annotations

import time
import weakref
from typing import Any

import pytest

from consumer.mapping.redaction import REDACTED, clean_entry, contains_email, is_personal_name, redact

ADDRESS = "ann@example.com"


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS, f"to {ADDRESS}, today", f"<{ADDRESS}>", "a@b.c", "é@ü.ø", "a.b+c@d.e.f", "x@y..z", "!@!.!",
        "mailto:ann@example.com", "ann@@x.y b@c.d", "@ann@example.com", "ann@[127.0.0.1]",
    ],
)  # fmt: skip
def test_an_address_is_found(text: Any) -> None:
    assert contains_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@b",
        "@b.c",
        "a@.",
        "a@b.",
        " @b.c",
        "a@ b.c",
        "a @b.c",
        "5@home",
        "a@b c.d",
        "/@b.c",
        "a@b/c.d",
        "a@b",
    ],
)
def test_what_is_no_address_is_not_found(text: str) -> None:
    assert not contains_email(text)


@pytest.mark.parametrize(
    "text", ["a" * 300_000 + "@", "a@" * 150_000, "@" * 300_000, "a@" + "." * 300_000, "a@" + "b" * 300_000]
)
def test_a_search_takes_time_in_proportion(text: str) -> None:
    begun = time.process_time()
    contains_email(text)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "name",
    [
        "email", "mail", "emailaddress", "phone", "phonenumber", "telephone", "mobile", "firstname",
        "lastname",
        "fullname", "address", "street", "birthdate", "birthday", "dob", "gender", "ssn", "E-Mail", "e_mail",
        "Email Address", "FIRST_NAME", "first-name", " phone ", "-_ dob _-", "e" + "-" * 200 + "mail",
    ],
)  # fmt: skip
def test_names_of_personal_data_are_known_in_any_spelling(name: str) -> None:
    assert is_personal_name(name)


@pytest.mark.parametrize(
    "name", ["", "name", "user", "emails", "my_email", "phone2", "city", "é-mail", "e.mail", "id"]
)
def test_other_names_are_free(name: str) -> None:
    assert not is_personal_name(name)


class Text(str):
    """A text that can be watched: Python's own has no weak references."""


@pytest.mark.parametrize("name", [ADDRESS, "+33612345678", "phone"])
def test_a_name_is_forgotten_once_it_is_judged(name: Any) -> None:
    judged = Text(name)
    watched = weakref.ref(judged)
    is_personal_name(judged)
    del judged
    assert watched() is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ADDRESS, REDACTED),
        ([1, ADDRESS, "x"], [1, "x"]),
        ({"a": ADDRESS, "b": 1}, {"b": 1}),
        ({ADDRESS: 1, "b": 1}, {"b": 1}),
        ({"a": [{"b": [ADDRESS, {"c": ADDRESS}]}]}, {"a": [{"b": [{}]}]}),
        ({"phone": "0612345678"}, {}),
        ({"phone": 612345678}, {}),
        ({"phone": 6.5}, {}),
        ({"phone": True}, {"phone": True}),
        ({"phone": None}, {"phone": None}),
        ({"phone": ["1", 2, True, None, {"x": "3", "ok": False}]}, {"phone": [True, None, {"ok": False}]}),
        ({"address": {"line": "1 rue X", "floor": 3, "lift": True}}, {"address": {"lift": True}}),
        ({"a": {"First-Name": "Ann", "n": 1}}, {"a": {"n": 1}}),
    ],
)
def test_personal_data_is_taken_out_at_every_depth(value: Any, expected: Any) -> None:
    assert redact(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        0,
        1.5,
        True,
        None,
        "",
        "text",
        [],
        {},
        [[]],
        {"a": {"b": [1, "x", None, {"c": False}]}},
        {"email": None},
    ],
)
def test_a_value_without_personal_data_is_the_same_object(value: Any) -> None:
    assert redact(value) is value


def test_allowed_keys_are_kept_whole_at_any_depth() -> None:
    value = {"a": {"email": {"phone": ADDRESS}}, "mail": ADDRESS}
    assert redact(value, frozenset({"email"})) == {"a": {"email": {"phone": ADDRESS}}}


def test_allowed_keys_are_exact() -> None:
    assert redact({"Email": "x"}, frozenset({"email"})) == {}


def test_an_entry_is_judged_with_its_key() -> None:
    assert clean_entry("phone", "06", frozenset()) is REDACTED
    assert clean_entry("phone", "06", frozenset({"phone"})) == "06"
    assert clean_entry(f"x {ADDRESS}", True, frozenset()) is REDACTED
    assert clean_entry("size", "06", frozenset()) == "06"
