"""Files go in; each event is found where it belongs: at Meta, filtered, or as a letter that comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import topics
from support.oracle import read_accepted
from support.scenario import Scene
from support.topics import LogRecord
from support.waiting import eventually

FILES = Path(__file__).parents[1] / "event_files" / "files"
INVALID = {"not_json", "not_an_object", "no_event_name", "purchase_without_currency"}


def publish(scene: Any, file: Any, *options: Any) -> Any:
    return scene.processes.run("publish", *options, str(file), settings=scene.settings())


def accepted(scene: Any) -> list[Any]:
    return sorted((one.event_name, one.event_id) for one in read_accepted(scene.accepted_file))


def explained(scene: Any, records: Any) -> list[Any]:
    """What `explain` says Meta would get for these records."""
    file = scene.processes.folder / "records.jsonl"
    file.write_bytes(b"".join((record.value or b"") + b"\n" for record in records))
    shown = scene.processes.run("explain", "--json", str(file), settings=scene.settings())
    assert shown.returncode == 0, shown.stderr
    return [json.loads(line) for line in shown.stdout.splitlines()]


def letters(scene: Any) -> list[LogRecord]:
    return topics.read_to_end(scene.bootstrap_servers, scene.dead_letter_topic)


def header(letter: Any, name: Any) -> Any:
    return dict(letter.headers)[name].decode()


def mended(line: Any) -> Any:
    """The exported letter as a person would mend it; as it is where nobody can."""
    return line.replace('"event_id":"br-1",', '"event_id":"br-1","currency":"EUR",').replace(
        '"sandbox_refuse":"100/2804007"', '"color":"blue"'
    )


@pytest.mark.kafka
def test_events_of_files_are_sent_filtered_or_come_back_mended(scene: Scene, tmp_path: Path) -> None:
    scene.create_topics(3)
    scene.start_sandbox()
    scene.consumer(CAPI_DEFAULT_COUNTRY="FR")

    # A spreadsheet as it is exported in France: a purchase on three lines, `12,50` and `1 234,56 €`.
    assert publish(scene, FILES / "french-spreadsheet.csv").returncode == 0
    rows = explained(scene, topics.read_to_end(scene.bootstrap_servers, scene.topic))
    assert sorted(row["reason"] or "" for row in rows) == ["", "", "", "no_consent"]
    purchases = [
        row["payload"] for row in rows if row["payload"] and row["payload"]["event_name"] == "Purchase"
    ]
    sent = sorted((one["custom_data"] for one in purchases), key=lambda data: data["value"])
    assert [(data["order_id"], data["value"], data["currency"]) for data in sent] == [
        ("FR-1001", 12.5, "EUR"),
        ("FR-1002", 1234.56, "EUR"),
    ]
    assert sent[1]["contents"] == [
        {"id": "sku-2", "quantity": 1, "item_price": 1199.56},
        {"id": "sku-3", "quantity": 2, "item_price": 12.5},
        {"id": "sku-4", "quantity": 1, "item_price": 10},
    ]

    # A good file, of which one event asks to be refused by Meta and one says too little of the person;
    # and four that `publish` leaves out, unless told to send what stands there.
    assert publish(scene, FILES / "events.jsonl").returncode == 0
    left_out = publish(scene, FILES / "broken.jsonl", "--json")
    assert (left_out.returncode, json.loads(left_out.stdout)["left_out"]) == (1, 4)
    assert publish(scene, FILES / "broken.jsonl", "--raw").returncode == 0
    eventually(lambda: len(accepted(scene)) == 6 and len(letters(scene)) == 5, 60, "each has its end")
    eventually(scene.is_done, 30, "all is committed")
    names = [name for name, _ in accepted(scene)]
    assert names == ["PageView", "PageView", "Purchase", "Purchase", "Purchase", "ViewContent"]
    assert {header(letter, "dlq.reason") for letter in letters(scene)} == INVALID | {"rejected"}

    # Exported, mended, published again: under the id they had.
    file = tmp_path / "letters.jsonl"
    export = scene.processes.run("dead-letters", "export", "--out", str(file), settings=scene.settings())
    assert export.returncode == 0, export.stderr
    file.write_text("\n".join(mended(line) for line in file.read_text().splitlines()))
    again = publish(scene, file, "--replay", "--json")
    assert again.returncode == 1, "three of the five cannot be mended, and are left out"
    assert json.loads(again.stdout)["published"] == 2
    eventually(lambda: len(accepted(scene)) == 8, 60, "the mended two are accepted")
    assert {("Purchase", "br-1"), ("Lead", "le-1")} <= set(accepted(scene))

    # Replayed as they are, all five fail as before, and say where they first stood.
    origins = {
        (header(one, "dlq.origin-partition"), header(one, "dlq.origin-offset")) for one in letters(scene)
    }
    replay = scene.processes.run("replay", "--json", settings=scene.settings())
    assert replay.returncode == 0, replay.stderr
    eventually(lambda: len(letters(scene)) == 10, 60, "they are dead letters again")
    eventually(scene.is_done, 30, "all is committed")
    returned = [one for one in letters(scene) if header(one, "dlq.replay-count") == "1"]
    assert {
        (header(one, "dlq.origin-partition"), header(one, "dlq.origin-offset")) for one in returned
    } == origins
    assert len(accepted(scene)) == 8

    listed = scene.processes.run("dead-letters", "list", "--json", settings=scene.settings())
    counts = json.loads(listed.stdout)
    assert sum(row["letters"] for row in counts["counts"]) == 10
