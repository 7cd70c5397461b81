"""docs/delivery.md speaks of settings, metrics, states and options that exist, with their defaults."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from consumer import metrics
from consumer.load_settings import known_names
from consumer.settings import Settings
from consumer.state import State

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
COMMAND = Path(sys.executable).parent / "capi-consumer"
ROWS = re.findall(r"^\| `CAPI_([A-Z_]+)` \| (\S+) \|", PAGE, re.MULTILINE)


def default(name):
    value = Settings.model_fields[name.lower()].default
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def exposed():
    """The name of every metric as /metrics shows it."""
    return {metric.prometheus_name for metric in metrics.REGISTER}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"CAPI_[A-Z_]+\b", PAGE))))
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
    spoken_of = set(re.findall(r"`(capi_[a-z_]+)", PAGE))
    assert len(spoken_of) >= 6
    assert spoken_of <= exposed()


def test_each_state_has_its_row():
    table = PAGE.split("## States")[1].split("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [state.value for state in State]


def commands():
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("capi-consumer ")})


@pytest.mark.parametrize("line", commands())
def test_each_command_exists_with_its_options(line):
    words = line.split()[1:]
    verbs = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    shown = subprocess.run([COMMAND, *verbs, "--help"], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", shown.stdout), option


def test_each_link_leads_somewhere():
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, anchor = link.partition("#")
        assert (ROOT / "docs" / file).exists(), link
        assert file or anchor in anchors, link
