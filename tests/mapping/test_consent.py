"""Consent: the categories an event carries, in every shape they come in."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import decided, event, noted, reason

from consumer.domain.decision import Filtered, Reason
from consumer.mapping import consent
from consumer.mapping.consent import has_consent
from consumer.mapping.rules import MappingOptions

ADVERTISING = MappingOptions(user_consent_category="3")


@pytest.mark.parametrize(
    "categories",
    [
        None, [], "", 0, 2, 33, "2", "33", "03", "3.0", [2, 4], "1,2", "13|31", True, [True], {"3": True},
        [["3"]], [{"id": 3}], [None], 3.5, "3;4", "-3", -3,
    ],
)  # fmt: skip
def test_without_its_category_an_event_is_not_used(categories: Any) -> None:
    assert reason(event(consent_categories=categories), ADVERTISING) == "no_consent"


@pytest.mark.parametrize(
    "categories",
    [
        3, 3.0, "3", " 3 ", [3], [1, 3], [3.0], ["3"], [" 3"], "1,3", "1, 3", "1|3", "1 | 3|5", ["1,2",
        "4|3"],
        [None, 3], [{}, "3"], [True, "3"],
    ],
)  # fmt: skip
def test_an_event_with_its_category_is_used(categories: Any) -> None:
    assert reason(event(consent_categories=categories), ADVERTISING) is None


@pytest.mark.parametrize("categories", [None, [], "2", [7], {}])
def test_without_a_category_configured_every_event_is_used(categories: Any) -> None:
    assert reason(event(consent_categories=categories), MappingOptions()) is None


def test_an_event_that_says_nothing_of_consent_has_none() -> None:
    assert reason(event(), ADVERTISING) == "no_consent"


def test_the_user_may_hold_the_categories() -> None:
    assert reason(event({"user.consent_categories": [3]}), ADVERTISING) is None


@pytest.mark.parametrize(
    ("root", "of_user", "expected"),
    [
        ([2], [3], "no_consent"),
        ([], [3], "no_consent"),
        ("", [3], "no_consent"),
        (False, [3], "no_consent"),
        ({}, [3], "no_consent"),
        ([3], [2], None),
        (None, [3], None),
        (None, [2], "no_consent"),
    ],
)
def test_the_first_place_that_says_anything_decides_alone(
    root: Any, of_user: list[int], expected: str | None
) -> None:
    given = event({"consent_categories": root, "user.consent_categories": of_user})
    assert reason(given, ADVERTISING) == expected


@pytest.mark.parametrize("user", ["", "waiting", "3", "consent pending"])
def test_while_an_app_waits_for_consent_there_is_none_wherever_it_stands(user: str) -> None:
    assert reason(event(user=user, consent_categories=[3]), ADVERTISING) == "no_consent"


@pytest.mark.parametrize("user", [[], 5, True, ["3"]])
def test_a_user_that_is_neither_object_nor_text_is_absent(user: Any) -> None:
    given = event(user=user, consent_categories=[3])
    assert reason(given, ADVERTISING) == "not_enough_to_match"
    assert ("user", "wrong_type") in noted(given, ADVERTISING)


@pytest.mark.parametrize("category", ["advertising", "3.0", "été", "a b"])
def test_ids_are_opaque_text(category: str) -> None:
    rules = MappingOptions(user_consent_category=category)
    assert reason(event(consent_categories=["analytics", category]), rules) is None
    assert reason(event(consent_categories=["analytics"]), rules) == "no_consent"


@pytest.mark.parametrize(
    ("categories", "word"), [(True, "True"), (True, "1"), ([None], "None"), ([{}], "{}")]
)
def test_what_is_no_id_never_reads_as_one(
    categories: bool | list[None] | list[dict[str, Any]], word: str
) -> None:
    assert not has_consent({"consent_categories": categories}, word)


def test_ids_keep_their_case() -> None:
    assert not has_consent({"consent_categories": ["ADS"]}, "ads")


@pytest.mark.parametrize(
    "changes",
    [{"event_name": None}, {"event_name": 5}, {"event_name": "a@example.com"}, {"event_timestamp": 1}],
)
def test_consent_comes_before_anything_else(changes: dict[str, Any]) -> None:
    assert decided(event(changes), ADVERTISING) == Filtered(Reason.NO_CONSENT)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"consent_categories": None}, None),
        ({"consent_categories": []}, ()),
        ({"consent_categories": ["1", 2, "1", True]}, ("1", "2")),
        ({"consent_categories": "1,2|3"}, ("1", "2", "3")),
        ({"user": {"consent_categories": [3.0]}}, ("3",)),
        ({"consent_categories": ["1"], "user": {"consent_categories": ["2"]}}, ("1",)),
        ({"consent_categories": ["1"], "user": "waiting"}, None),
    ],
)
def test_the_categories_of_an_event_are_told_as_they_are_read(given: dict[str, Any], expected: Any) -> None:
    assert consent.consent_categories(given) == expected


@pytest.mark.parametrize(("user", "expected"), [("waiting", True), ("", True), ({}, False), (None, False)])
def test_an_app_waits_while_user_is_a_text(user: dict[str, Any] | str | None, expected: bool) -> None:
    assert consent.is_consent_pending({"user": user}) is expected
