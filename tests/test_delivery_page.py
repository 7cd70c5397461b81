"""docs/delivery.md speaks of settings, metrics, states and options that exist, with their defaults."""

from __future__ import annotations

import re

import pytest
from pages import Page, unknown_in

from consumer import metrics
from consumer.load_settings import known_names
from consumer.settings import Settings
from consumer.state import State

PAGE = Page("docs/delivery.md")
ROWS = re.findall(r"^\| `CAPI_([A-Z_]+)` \| (\S+) \|", PAGE.text, re.MULTILINE)


def default(name):
    value = Settings.model_fields[name.lower()].default
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def exposed():
    """The name of every metric as /metrics shows it."""
    return {metric.prometheus_name for metric in metrics.REGISTER}


@pytest.mark.parametrize("name", PAGE.settings)
def test_each_setting_exists(name):
    assert name in known_names()


@pytest.mark.parametrize(("name", "shown"), ROWS)
def test_each_setting_has_the_default_that_is_shown(name, shown):
    assert shown.strip("`") == default(name)


def test_every_limit_is_in_the_table():
    limits = {
        name
        for name in Settings.model_fields
        if re.search(r"_(max|ms|s)$", name) and name not in ("health_address",)
    }
    assert {name.upper() for name in limits} <= {name for name, _ in ROWS}


def test_each_metric_exists():
    spoken_of = set(re.findall(r"`(capi_[a-z_]+)", PAGE.text))
    assert len(spoken_of) >= 6
    assert spoken_of <= exposed()


def test_each_state_has_its_row():
    table = PAGE.text.split("## States")[1].split("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [state.value for state in State]


def test_the_page_shows_commands():
    assert len(PAGE.commands) >= 8


@pytest.mark.parametrize("line", PAGE.commands)
def test_each_command_exists_with_its_options(line):
    assert unknown_in(line) == []


@pytest.mark.parametrize("link", PAGE.links)
def test_each_link_leads_somewhere(link):
    assert PAGE.leads_somewhere(link)
