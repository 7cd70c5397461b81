"""`capi-consumer demo` runs anywhere, in any year, and finds out when something does not add up."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from rich.console import Console
from support.mock_kafka import MockKafka
from support.processes import COMMAND, environment
from support.running_demo import running_demo

from consumer.demo.environment import demo_environment, shop_samples
from consumer.demo.report import for_a_person
from consumer.demo.scenario import ScenarioResult, assertions, run_scenario

ROOT = Path(__file__).parents[2]
ADDS_UP_S_MAX = 60.0

# The clock of the process, set ahead before anything else looks at it.
DAYS_AHEAD = """
import sys, time
ahead_s, true_time = float(sys.argv.pop(1)) * 86400, time.time
time.time = lambda: true_time() + ahead_s
"""


def run(*command: Any, cwd: Any, env: Any = None) -> CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=env or environment(), capture_output=True, text=True, timeout=ADDS_UP_S_MAX
    )


def test_everything_adds_up_and_nothing_is_left_behind(tmp_path: Path) -> None:
    ended = run(COMMAND, "demo", cwd=tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "Everything adds up." in ended.stdout
    assert "accepted as Purchase, event id odd-" in ended.stdout
    for words in ("published +1000", "accepted +718", "filtered +260", "no_consent +169", "dead letters +22"):
        assert re.search(words, ended.stdout), words
    first, *steps = ended.stderr.splitlines()
    assert re.fullmatch(r"· live page: http://127\.0\.0\.1:\d+/", first)
    assert steps == [
        "· publishing 1000 events of a shop",
        "· consuming them: map, normalise, hash, send",
        "· reading the dead-letter topic",
        "· mending one letter and publishing it again",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_users_settings_do_not_reach_it(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('pixel_id = "1"\n')
    hostile = environment(
        CAPI_GRAPH_URL="https://graph.example.com",
        CAPI_TOPICS="production",
        CAPI_KAFKA_PROPERTIES='{"security.protocol":"ssl"}',
        CAPI_NO_SUCH_SETTING="1",
        CAPI_SETTINGS_FILE=str(settings),
    )
    ended = run(COMMAND, "demo", "--json", cwd=tmp_path, env=hostile)

    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert (outcome["published"], outcome["accepted"], outcome["adds_up"]) == (1000, 718, True)
    assert outcome["filtered"] == {
        "no_consent": 169,
        "not_enough_to_match": 70,
        "purchase_without_personal_information": 14,
        "event_too_old": 7,
    }
    assert outcome["dead_letters"] == {
        "purchase_without_currency": 8,
        "purchase_without_value": 4,
        "not_json": 4,
        "no_event_name": 3,
        "not_an_object": 2,
        "rejected": 1,
    }
    assert outcome["mended"] == {"published": 1, "accepted": 1}
    by_event = outcome["match_keys_by_event"]
    assert by_event.keys() == outcome["event_names"].keys()
    assert by_event["StartTrial"]["fbp"] == outcome["event_names"]["StartTrial"] == 1
    assert sum(keys.get("em", 0) for keys in by_event.values()) == outcome["match_keys"]["em"]


@pytest.mark.parametrize("days", [400, -400])
def test_it_works_in_another_year(tmp_path: Path, days: int) -> None:
    launch = DAYS_AHEAD + "from consumer.cli.main import main; main()"
    ended = run(sys.executable, "-c", launch, str(days), "demo", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["adds_up"] is True


def test_it_can_be_left_running_for_other_commands(tmp_path: Path) -> None:
    with running_demo(tmp_path) as demo:
        assert json.loads(demo.run("dead-letters", "list", "--json"))["letters"] == 22
        topics = json.loads(demo.run("topics", "create", "--json"))["topics"]
    assert {row["name"]: row["state"] for row in topics} == {
        "capi.events": "exists",
        "capi.dead-letters": "exists",
        "capi.parked": "exists",
    }


# The samples alone


def test_its_samples_are_printed_one_a_line_with_the_times_of_today(tmp_path: Path) -> None:
    earliest = int(time.time())
    ended = run(COMMAND, "demo", "--samples", cwd=tmp_path)
    latest = int(time.time())

    assert (ended.returncode, ended.stderr) == (0, "")
    printed = ended.stdout.encode().splitlines()
    assert printed in [
        [sample.value for sample in shop_samples(now_s)] for now_s in range(earliest, latest + 1)
    ]


def test_its_samples_can_be_published_as_they_stand(tmp_path: Path) -> None:
    brokers = MockKafka()
    brokers.make_topic("capi.events")
    with subprocess.Popen(
        [COMMAND, "demo", "--samples"], stdout=subprocess.PIPE, env=environment()
    ) as samples:
        published = subprocess.run(
            [COMMAND, "publish", "--raw", "--json"],
            stdin=samples.stdout,
            env=environment(CAPI_BOOTSTRAP_SERVERS=brokers.bootstrap_servers, CAPI_TOPICS="capi.events"),
            capture_output=True,
            text=True,
            timeout=ADDS_UP_S_MAX,
        )
    assert (published.returncode, json.loads(published.stdout)["published"]) == (0, 1000), published.stderr
    assert len(brokers.records("capi.events")) == 1000


@pytest.mark.parametrize("option", ["--keep", "--json"])
def test_samples_go_with_no_other_option(option: str, tmp_path: Path) -> None:
    assert run(COMMAND, "demo", "--samples", option, cwd=tmp_path).returncode == 2


def test_a_reader_of_the_samples_may_leave_early(tmp_path: Path) -> None:
    ended = run("/bin/sh", "-c", f"'{COMMAND}' demo --samples | head -n 3", cwd=tmp_path)
    assert (len(ended.stdout.splitlines()), ended.stderr) == (3, "")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = run(*build, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_in_an_empty_folder_runs_it(wheel: Any, tmp_path: Path) -> None:
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    env = environment(PYTHONPATH=str(installed))

    where = run(sys.executable, "-c", "import consumer; print(consumer.__file__)", cwd=empty, env=env)
    assert where.stdout.startswith(str(installed)), where.stderr
    ended = run(
        sys.executable,
        "-c",
        "from consumer.cli.main import main; main()",
        "demo",
        "--json",
        cwd=empty,
        env=env,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["adds_up"] is True


# What it finds out, and how it looks


@pytest.fixture(scope="module")
def story() -> Any:
    async def live() -> ScenarioResult:
        async with demo_environment() as running:
            return await run_scenario(running, lambda _: None)

    return asyncio.run(live())


@pytest.mark.parametrize("width", [36, 50, 66, 80])
def test_no_width_cuts_anything(story: Any, width: int) -> None:
    console = Console(width=width, color_system=None, soft_wrap=True)
    with console.capture() as captured:
        console.print(for_a_person(story, assertions(story), 1.0))
    text = captured.get()

    assert "…" not in text
    squeezed = "".join(text.split())
    assert "store_pickup_selected" in squeezed
    words = set(text.split())
    assert {word for check in assertions(story) for word in check.fact.split()} <= words
    assert max(map(len, re.findall("█+", text))) == {36: 3, 50: 3, 66: 16, 80: 30}[width]


def wrong(story: Any) -> set[Any]:
    return {check.fact for check in assertions(story) if not check.holds}


def test_a_true_story_adds_up(story: Any) -> None:
    assert wrong(story) == set()


def test_a_lost_event_is_found(story: Any) -> None:
    assert wrong(replace(story, accepted=story.accepted[1:])) == {
        "Meta's stand-in accepted exactly those it should",
        "accepted + filtered + dead letters = published",
    }


def test_an_event_in_place_of_another_is_found(story: Any) -> None:
    stranger = {**story.accepted[0], "event_id": "stranger"}
    assert wrong(replace(story, accepted=[stranger, *story.accepted[1:]])) == {
        "Meta's stand-in accepted exactly those it should"
    }


def test_an_event_sent_twice_is_found(story: Any) -> None:
    assert wrong(replace(story, stats=replace(story.stats, repeats=1))) == {"each of them once"}


def test_a_dead_letter_that_was_changed_is_found(story: Any) -> None:
    first, *others = story.letters
    changed = replace(first, value=first.value + b" ")
    assert wrong(replace(story, letters=[changed, *others])) == {
        "each bad event is a dead letter, to the byte"
    }


def test_a_sample_that_was_not_published_is_found(story: Any) -> None:
    assert wrong(replace(story, published=999)) == {
        "every sample was published",
        "accepted + filtered + dead letters = published",
    }


def test_another_reason_for_filtering_is_found(story: Any) -> None:
    counted = {**story.counters, "capi.events.filtered": {("no_consent",): 260}}
    assert wrong(replace(story, counters=counted)) == {"the rest was filtered, each for its reason"}


def test_a_mended_letter_under_another_id_is_found(story: Any) -> None:
    (accepted,) = story.mended.accepted
    other = replace(story.mended, accepted=[{**accepted, "event_id": "other"}])
    assert wrong(replace(story, mended=other)) == {"the mended letter was accepted under its first id"}
    nothing = replace(story.mended, published=0, accepted=[])
    assert wrong(replace(story, mended=nothing)) == {"the mended letter was accepted under its first id"}
