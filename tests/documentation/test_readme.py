"""What the README shows is what the program does."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from support.doc_pages import Page
from support.processes import COMMAND

from consumer.domain.decision import FILTERED_REASONS, Deliverable, Reason
from consumer.domain.record import Partition, Record
from consumer.event_files.csv_events import csv_events
from consumer.event_files.lines import FoundEvent, numbered_lines
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions
from consumer.schemas_loader import EVENT, schema

README = Page("README.md")
# What differs from run to run: where the mended letter lay, and how long it took.
VARIES = re.compile(r"partition \d+ offset \d+|\(\d+\.\d s\)")


def test_the_demo_prints_what_the_readme_shows() -> None:
    shown = README.blocks("text")[0]
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


def shown_events(folder: Any) -> dict[Any, Any]:
    """The events that the README writes into files, as JSON and as CSV."""
    for block in (session.block for session in README.sessions):
        written = re.findall(r"^cat > .*?^END$", block, re.MULTILINE | re.DOTALL)
        subprocess.run(["/bin/bash", "-c", "\n".join(written)], cwd=folder, check=True, timeout=60)
    (line,) = csv_events(numbered_lines(iter([(folder / "bought.csv").read_bytes()])))
    assert isinstance(line, FoundEvent)
    return {"json": (folder / "bought.json").read_bytes(), "csv": line.value}


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_event_of_the_readme_is_as_the_schema_has_it_and_is_sent(form: str, tmp_path: Path) -> None:
    value = shown_events(tmp_path)[form]
    unlike = jsonschema_rs.validator_for(schema(EVENT)).iter_errors(orjson.loads(value))
    assert [error.message for error in unlike] == []
    now_ms = int(time.time() * 1000)
    decision = decide(
        Record(Partition("capi.events", 0), 0, now_ms, value),
        MappingOptions(user_consent_category="3"),
        BatchHasher(),
        now_ms,
    )
    assert isinstance(decision, Deliverable)
    assert {note.code for note in decision.warnings} <= {"missing"}
    sent = orjson.loads(decision.payload)
    assert sent["event_name"] == "Purchase"
    assert now_ms / 1000 - sent["event_time"] < 60
    assert sent["custom_data"]["value"] == 12.5
    assert [line["id"] for line in sent["custom_data"]["contents"]] == ["sku-1"]


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_stands_in_the_table_of_its_kind(reason: Any) -> None:
    filtered, letters = README.text.split("| dead letter |")
    part = filtered if reason in FILTERED_REASONS else letters.split("## Run it")[0]
    assert f"`{reason}`" in part


def test_it_is_in_the_order_in_which_it_is_read() -> None:
    headings = re.findall(r"^## (.*)$", README.text, re.MULTILINE)
    assert headings == [
        "See it work",
        "Use it",
        "Watch it",
        "Settings",
        "On the command line",
        "Where a record ends",
        "Run it",
        "Replay",
        "Develop it",
    ]
