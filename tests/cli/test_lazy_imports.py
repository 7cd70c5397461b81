"""What is loaded before it is known what is to be done: TAB and `--help` are answered at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# The command line, which says at its end what it had loaded.
TELLS = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv[0] = "capi-consumer"
from consumer.cli.main import main
main()
"""
# What only some commands need, and takes most of the time.
HEAVY = {
    "aiohttp",
    "babel",
    "confluent_kafka",
    "opentelemetry",
    "phonenumbers",
    "pycountry",
    "structlog",
    "uvloop",
}
SETTINGS = {"CAPI_TOPICS": "shop.events,shop.offline"}


def loaded(*arguments: Any, **environment: Any) -> tuple[str, set[Any]]:
    """What was printed, and the modules that were there at the end."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", TELLS, *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def completing(typed: Any) -> Any:
    words = ["capi-consumer", *typed.split(" ")]
    asked = {
        "_CAPI_CONSUMER_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    return loaded(**SETTINGS, **asked)


def libraries(modules: Any) -> set[Any]:
    return {name.partition(".")[0] for name in modules}


COMPLETED = [
    ("rep", "replay"),
    ("replay --rea", "--reason"),
    ("replay --reason poi", "poison_event"),
    ("publish --encoding win", "windows-1252"),
    ("dead-letters ex", "export"),
]


@pytest.mark.parametrize(("typed", "offered"), COMPLETED)
def test_completion_loads_nothing_of_what_a_command_needs(typed: Any, offered: Any) -> None:
    answer, modules = completing(typed)
    assert answer.split() == [offered]
    assert libraries(modules) & (HEAVY | {"rich"}) == set()


def test_completion_of_topics_loads_the_settings_and_no_client() -> None:
    answer, modules = completing("replay --to shop.o")
    assert answer.split() == ["shop.offline"]
    assert "consumer.config.settings" in modules
    assert libraries(modules) & HEAVY <= {"phonenumbers"}  # names of countries are a setting


@pytest.mark.parametrize(
    "call", ["--help", "run --help", "replay --help", "dead-letters list --help", "--version"]
)
def test_help_loads_nothing_of_what_a_command_needs(call: str) -> None:
    answer, modules = loaded(*call.split())
    assert "capi-consumer" in answer
    assert libraries(modules) & HEAVY == set()


def test_a_mistake_in_the_call_is_said_before_anything_is_loaded() -> None:
    _, modules = loaded("replay", "--rate", "fast")
    assert libraries(modules) & HEAVY == set()


def test_a_command_loads_its_own_part_of_the_program(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("[]\n")
    answer, modules = loaded("explain", "--json", str(file))
    assert "not_an_object" in answer
    assert "phonenumbers" in libraries(modules)
    assert libraries(modules) & {"aiohttp", "confluent_kafka", "opentelemetry", "uvloop"} == set()
