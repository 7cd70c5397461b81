"""What the README shows is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import orjson
import pytest
from command_help import must_exist

from consumer.core.decide import decide
from consumer.core.decision import FILTERED_REASONS, Deliverable, Reason
from consumer.core.hashing import BatchHasher
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules
from consumer.files.csv_events import csv_events
from consumer.files.lines import numbered_lines
from consumer.load_settings import known_names
from consumer.resources import EVENT, schema

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = Path(sys.executable).parent / "capi-consumer"
# What differs from run to run: where the mended letter lay, and how long it took.
VARIES = re.compile(r"partition \d+ offset \d+|\(\d+\.\d s\)")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands():
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    piped = [part.strip() for line in lines for part in line.split("|")]
    return sorted({part for part in piped if part.startswith("capi-consumer ")})


def test_the_demo_prints_what_the_readme_shows():
    shown = blocks("text")[0]
    done = subprocess.run(
        [COMMAND, "demo"],
        capture_output=True,
        text=True,
        timeout=100,
        env={"COLUMNS": "80", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    printed = "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())
    assert VARIES.sub("…", printed) == VARIES.sub("…", shown.strip("\n"))


def shown_events():
    """The events that the README shows, as JSON and as CSV."""
    (as_json,), (as_csv,) = blocks("json"), blocks("csv")
    (line,) = csv_events(numbered_lines(iter([as_csv.encode()])))
    return {"json": as_json.encode(), "csv": line.value}


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_event_of_the_readme_is_as_the_schema_has_it_and_is_sent(form):
    value = shown_events()[form]
    unlike = jsonschema_rs.validator_for(schema(EVENT)).iter_errors(orjson.loads(value))
    assert [error.message for error in unlike] == []
    then_ms = 1_795_456_860_000  # a minute after 2026-11-23T18:00:00Z, when both happened
    decision = decide(
        Record(Partition("capi.events", 0), 0, then_ms, value),
        Rules(user_consent_category="3"),
        BatchHasher(),
        then_ms,
    )
    assert isinstance(decision, Deliverable)
    assert {note.word for note in decision.notes} <= {"missing"}
    sent = orjson.loads(decision.payload)
    assert (sent["event_name"], sent["event_time"]) == ("Purchase", 1_795_456_800)
    assert sent["custom_data"]["value"] == 12.5
    assert [line["id"] for line in sent["custom_data"]["contents"]] == ["sku-1"]


def test_the_readme_shows_commands():
    assert len(commands()) >= 8


@pytest.mark.parametrize("line", commands())
def test_each_command_of_the_readme_exists_with_its_options(line):
    must_exist(line)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_stands_in_the_table_of_its_kind(reason):
    filtered, letters = README.split("| dead letter |")
    part = filtered if reason in FILTERED_REASONS else letters.split("## Settings")[0]
    assert f"`{reason}`" in part


@pytest.mark.parametrize("name", sorted(set(re.findall(r"CAPI_[A-Z_]+\b", README))))
def test_each_setting_of_the_readme_exists(name):
    assert name in known_names() or name == "CAPI_"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE))))
def test_each_target_of_the_readme_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_each_link_of_the_readme_leads_somewhere(link):
    assert (ROOT / link).exists()
