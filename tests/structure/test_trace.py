"""`make trace` shows the way of one record of each kind through the running consumer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.package_tree import ROOT

RUN_S_MAX = 110
# Files that an accepted record visits, in this order.
ACCEPTED = (
    "kafka/consumer.py",
    "kafka/conversion.py",
    "kafka/offset_tracker.py",
    "mapping/decide.py",
    "mapping/consent.py",
    "delivery/dispatcher.py",
    "delivery/batcher.py",
    "delivery/batch_delivery.py",
    "delivery/request_limiter.py",
    "delivery/meta_client.py",
    "meta/response.py",
    "delivery/outcomes.py",
    "kafka/committer.py",
)


@pytest.fixture(scope="module")
def visits() -> dict[str, list[list[str]]]:
    """For each kind of record, the file and the function of each visit."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.trace_record", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
    )
    # Exit code 1: more than 30 files, or more than three objects between the batch and the HTTP client.
    assert done.returncode == 0, done.stderr
    found: dict[str, list[list[str]]] = json.loads(done.stdout)
    return found


def test_an_accepted_record_visits_these_files_in_order(visits: dict[str, list[list[str]]]) -> None:
    files = list(dict.fromkeys(file for file, _ in visits["accepted"]))
    assert [file for file in files if file in ACCEPTED] == list(ACCEPTED)


def test_a_filtered_record_goes_to_the_offset_tracker_and_to_no_batch(
    visits: dict[str, list[list[str]]],
) -> None:
    files = {file for file, _ in visits["filtered"]}
    assert "kafka/offset_tracker.py" in files
    assert not {"delivery/batch_delivery.py", "delivery/meta_client.py", "dead_letters/writer.py"} & files


@pytest.mark.parametrize("kind", ["invalid", "rejected"])
def test_an_invalid_and_a_rejected_record_are_written_to_the_dead_letter_topic(
    visits: dict[str, list[list[str]]], kind: str
) -> None:
    assert ["dead_letters/writer.py", "DeadLetterWriter.write"] in visits[kind]
