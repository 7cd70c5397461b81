"""docs/delivery.md speaks of settings and states that exist, with their defaults."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.doc_pages import Page

from consumer.config.settings import Settings
from consumer.domain.state import State

PAGE = Page("docs/delivery.md")
ROWS = re.findall(r"^\| `CAPI_([A-Z_]+)` \| (\S+) \|", PAGE.text, re.MULTILINE)


def default(name: Any) -> str:
    value = Settings.model_fields[name.lower()].default
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@pytest.mark.parametrize(("name", "shown"), ROWS)
def test_each_setting_has_the_default_that_is_shown(name: Any, shown: Any) -> None:
    assert shown.strip("`") == default(name)


def test_every_limit_is_in_the_table() -> None:
    limits = {
        name
        for name in Settings.model_fields
        if re.search(r"_(max|ms|s)$", name) and name not in ("health_address",)
    }
    assert {name.upper() for name in limits} <= {name for name, _ in ROWS}


def test_each_state_has_its_row() -> None:
    table = PAGE.text.split("## States")[1].split("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [state.value for state in State]
