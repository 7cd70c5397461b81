"""Paths as steps, and the rules of a consumer without any setting."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from consumer.mapping.rules import MappingOptions, MatchRule, parse_path

PATHS = [
    ("value", ("value",)),
    ("items.0.product.id", ("items", 0, "product", "id")),
    ("  items.name ", ("items", "name")),
    ("a.-1", ("a", "-1")),
    ("a.٣", ("a", "٣")),
    ("a.01", ("a", 1)),
    ("a b.c", ("a b", "c")),
]


@pytest.mark.parametrize(("dotted", "steps"), PATHS)
def test_a_path_is_its_steps_and_a_number_is_a_place_in_a_list(dotted: Any, steps: Any) -> None:
    assert parse_path(dotted) == steps


@pytest.mark.parametrize("dotted", ["", " ", ".", "a.", ".a", "a..b"])
def test_an_empty_step_is_a_mistake_that_is_not_repeated(dotted: str) -> None:
    with pytest.raises(ValueError, match=r"^a path is words separated by single dots$"):
        parse_path(dotted)


def test_without_a_setting_no_consent_is_asked_and_a_purchase_needs_an_address_or_a_phone() -> None:
    rules = MappingOptions()
    assert rules.user_consent_category is None
    assert rules.match_rule is MatchRule.ALL
    assert rules.purchase_personal_information == ("em", "ph")
    assert (rules.default_country, rules.birthdate_order, rules.data_processing) == (None, None, None)
    assert (rules.action_source, rules.content_type) == ("website", "product")
    assert (dict(rules.event_names), dict(rules.custom_data_paths)) == ({}, {})
    assert rules.unredacted_keys == frozenset()
    assert rules.event_bytes_max == 262_144


def test_rules_cannot_be_changed() -> None:
    rules: Any = MappingOptions()
    with pytest.raises(dataclasses.FrozenInstanceError):
        rules.action_source = "app"
    with pytest.raises(TypeError):
        rules.event_names["a"] = "b"
