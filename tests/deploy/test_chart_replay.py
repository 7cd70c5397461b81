"""The Job that replays: it waits for a person, and for another replay it is another Job."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from support.chart import CHART, minimal, notes, only, rendered, values_of

pytestmark = pytest.mark.chart

RUN = "from consumer.cli.main import main; main()"


def job(**changed: Any) -> dict[str, Any]:
    return only(rendered(minimal(replay={"enabled": True, **changed})), "Job")


def args(found: Any) -> Any:
    (container,) = found["spec"]["template"]["spec"]["containers"]
    return container["args"]


def test_it_does_nothing_by_itself() -> None:
    assert job()["spec"]["suspend"] is True
    assert job()["spec"]["backoffLimit"] == 0
    assert job()["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert not [manifest for manifest in rendered(minimal()) if manifest["kind"] == "Job"]


def test_it_only_counts_unless_it_is_told_to_send() -> None:
    assert args(job()) == ["replay", "--dry-run"]
    assert args(job(dryRun=False)) == ["replay"]


def test_every_choice_of_letters_is_an_option() -> None:
    found = only(rendered(values_of(CHART / "ci" / "replay-values.yaml")), "Job")
    assert args(found)[0] == "replay"
    assert sorted(args(found)[1:]) == [
        "--event-name=add to cart",
        "--event-name=purchase",
        "--group=replay-of-november",
        "--include-old",
        "--limit=1000000",
        "--max-replays=0",
        "--meta-code=100/2804003",
        "--meta-code=2",
        "--origin-partition=4",
        "--origin-partition=capi.events:3",
        "--rate=50.5",
        "--reason=poison_event",
        "--reason=rejected",
        "--since=2026-11-23T18:00:00Z",
        "--to=capi.retries",
        "--until=2026-11-24",
    ]


TIMES = [
    {"since": "2h"},
    {"since": "30 m"},
    {"since": "2026-11-23 18:00"},
    {"since": "2w", "until": "1d", "group": "g"},
]


@pytest.mark.parametrize("times", TIMES, ids=str)
def test_times_are_what_the_command_takes(times: Any) -> None:
    assert_program_reads(args(job(**times)))


def test_the_program_reads_these_options() -> None:
    assert_program_reads(args(only(rendered(values_of(CHART / "ci" / "replay-values.yaml")), "Job")))


def assert_program_reads(found: Any) -> None:
    """They are all well formed: without a Kafka it comes as far as the settings."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *found, "--settings", "nonexistent.toml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "nonexistent.toml" in done.stderr


def test_another_replay_is_another_job() -> None:
    names = [
        job(**changed)["metadata"]["name"]
        for changed in ({}, {"dryRun": False}, {"reasons": ["rejected"]}, {"limit": 5})
    ]
    assert len(set(names)) == len(names)
    assert job()["metadata"]["name"] == names[0]
    other = only(rendered(minimal(replay={"enabled": True}, image={"tag": "2.0.0"})), "Job")
    assert other["metadata"]["name"] not in names


def test_the_notes_name_the_job_and_the_command() -> None:
    said = notes(minimal(replay={"enabled": True, "eventNames": ["add to cart"]}))
    assert f"patch job/{job(eventNames=['add to cart'])['metadata']['name']} -p" in said
    assert "capi-consumer replay --dry-run '--event-name=add to cart'" in said
