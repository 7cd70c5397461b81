"""Opting out, and data processing options: one group; the safe side of what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import NOW_MS, facebook, noted, record, sent

from consumer.mapping.decide import decide
from consumer.mapping.lookup import Provenance
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import DataProcessing, MappingOptions

OPTIONS = "data_processing_options"
KEYS = (OPTIONS, "data_processing_options_country", "data_processing_options_state")
LIMITED = (["LDU"], 0, 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (False, False), ("true", True), ("false", False), ("1", True), ("0", False), (1, True),
        (0, False), (1.0, True), (0.0, False), (" false ", False),
    ],
)  # fmt: skip
def test_opting_out_is_read(value: Any, expected: bool) -> None:
    assert sent(facebook(opt_out=value))["opt_out"] is expected
    assert noted(facebook(opt_out=value)) == []


@pytest.mark.parametrize("value", ["", "no", "yes", "FALSE", 2, -1, 0.5, [], [False], {}])
def test_what_cannot_be_read_opts_out(value: Any) -> None:
    assert sent(facebook(opt_out=value))["opt_out"] is True
    assert noted(facebook(opt_out=value))[0][0] == "opt_out"


def test_null_says_nothing_about_opting_out() -> None:
    assert "opt_out" not in sent(facebook(opt_out=None))


def group(rules: Any = None, **overrides: Any) -> tuple[Any, ...]:
    """Options, country and state as sent."""
    found = sent(facebook(**{"event_name": "PageView", **overrides}), rules)
    return tuple(found.get(key) for key in KEYS)


def overrides(options: Any, country: Any = None, state: Any = None) -> dict[Any, Any]:
    return dict(zip(KEYS, (options, country, state), strict=True))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((["LDU"], 0, 0), (["LDU"], 0, 0)),
        ((["LDU"], 1, 1000), (["LDU"], 1, 1000)),
        ((["LDU"], 1, 1013), (["LDU"], 1, 1013)),
        ((["LDU"], 1.0, 1000.0), (["LDU"], 1, 1000)),
        (("LDU", 0, 0), (["LDU"], 0, 0)),
        (([" LDU "], None, None), (["LDU"], None, None)),
        (([], None, None), ([], None, None)),
        (([], 0, 0), ([], 0, 0)),
    ],
)
def test_the_events_own_group_is_sent(given: Any, expected: Any) -> None:
    assert group(**overrides(*given)) == expected
    assert noted(facebook(**overrides(*given))) == []


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ((5, None, None), "wrong_type"),
        (({"LDU": True}, None, None), "wrong_type"),
        ((["LDU", 5], None, None), "wrong_type"),
        (([None], None, None), "wrong_type"),
        ((True, None, None), "wrong_type"),
        ((False, None, None), "wrong_type"),
        (("", None, None), "malformed"),
        ((["LDU", " "], None, None), "malformed"),
        ((["LDU"], 2, 0), "malformed"),
        ((["LDU"], -1, 0), "malformed"),
        ((["LDU"], "US", 0), "malformed"),
        ((["LDU"], True, 0), "malformed"),
        ((["LDU"], 1, 999), "malformed"),
        ((["LDU"], 1, 1014), "malformed"),
        ((["LDU"], 1, "California"), "malformed"),
        ((["LDU"], 1, []), "malformed"),
        (([], 7, 0), "malformed"),
        ((["ann@example.com"], 1, 1000), "personal_data"),
    ],
)
def test_a_group_that_cannot_be_read_is_limited_use(given: Any, word: str) -> None:
    assert group(**overrides(*given)) == LIMITED
    assert noted(facebook(**overrides(*given))) == [(OPTIONS, word)]


def test_an_event_without_options_takes_the_settings_group_as_a_whole() -> None:
    rules = MappingOptions(data_processing=DataProcessing(("LDU",), 1, 1000))
    assert group(rules) == (["LDU"], 1, 1000)
    assert group(rules, **overrides(None, 0, 0)) == (["LDU"], 1, 1000)


def test_an_event_with_options_takes_nothing_of_the_settings() -> None:
    rules = MappingOptions(data_processing=DataProcessing(("LDU",), 1, 1000))
    assert group(rules, **overrides([])) == ([], None, None)


def test_a_setting_without_country_sends_none() -> None:
    assert group(MappingOptions(data_processing=DataProcessing(()))) == ([], None, None)


def test_nothing_is_sent_when_nobody_says_anything() -> None:
    assert group() == (None, None, None)
    assert group(**overrides(None, 1, 1000)) == (None, None, None)


def sources(rules: Any = None, **overrides: Any) -> tuple[Any, ...]:
    """Where explain says that options, country and state came from."""
    found = Provenance()
    decide(record(facebook(**overrides)), rules or MappingOptions(), BatchHasher(), NOW_MS, found)
    return tuple(found.get(key) for key in KEYS)


def test_only_a_key_that_the_event_gives_has_a_source_in_it() -> None:
    path, *_ = paths = tuple(f"integrations.facebook.{key}" for key in KEYS)
    assert sources(**overrides(["LDU"])) == (path, None, None)
    assert sources(**overrides(["LDU"], 1, 1000)) == paths
    assert sources(MappingOptions(data_processing=DataProcessing(("LDU",), 1, 1000))) == (None, None, None)
    assert sources(**overrides(None, 1, 1000)) == (None, None, None)


def test_what_is_sent_to_be_on_the_safe_side_says_so() -> None:
    path, country, state = (f"integrations.facebook.{key}" for key in KEYS)
    assert sources(**overrides(5)) == (path, "the safe side", "the safe side")
    assert sources(**overrides(["LDU"], 7)) == (path, country, "the safe side")
    assert sources(**overrides([" "], None, 1000)) == (path, "the safe side", state)
