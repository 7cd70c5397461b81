"""How commands end at the terminal: one line and an exit code, never a traceback with values."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from consumer import __version__
from consumer.cli import main
from consumer.errors import EXIT_INTERRUPTED, EXIT_PARTIAL, EXIT_USAGE, CommandError, SettingsError, exit_code

NAMED = "import sys; sys.argv[0] = 'capi-consumer'; "
CANARY = "canary-4711@example.com"


def run(*arguments: Any, **environment: Any) -> CompletedProcess[str]:
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", NAMED + "from consumer.cli.main import main; main()", *arguments],
        env={**bare, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"capi-consumer {__version__}\n", "")


def test_without_a_verb_the_help_is_shown() -> None:
    done = run()
    assert done.returncode == EXIT_USAGE
    for verb in ("run", "replay", "dead-letters", "sandbox"):
        assert verb in done.stdout + done.stderr


@pytest.mark.parametrize("verb", ["run", "replay", "dead-letters", "sandbox"])
def test_every_verb_says_what_it_does(verb: str) -> None:
    done = run(verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout


def test_a_verb_that_does_not_exist_is_a_mistake_in_the_call() -> None:
    assert run("fly").returncode == EXIT_USAGE


def test_a_word_that_an_option_does_not_know_is_one_line_with_those_that_it_knows() -> None:
    done = run("explain", "--format", "xml")
    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert done.stderr == (
        "capi-consumer: Invalid value for '--format': 'xml' is not one of 'auto', 'jsonl', 'json', 'csv'; "
        "see `capi-consumer explain --help`\n"
    )


def test_a_file_that_is_not_there_is_one_line_whatever_else_there_is_to_say() -> None:
    done = run("explain", "nowhere.jsonl")
    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert done.stderr == "capi-consumer: nowhere.jsonl cannot be read: No such file or directory\n"


def test_mistakes_in_the_settings_are_one_line_each_and_exit_2() -> None:
    done = run("run", CAPI_PIXEL_ID=CANARY, CAPI_LINGER_MS=CANARY, CAPI_TOPIC=CANARY)
    assert done.returncode == EXIT_USAGE
    assert done.stderr.splitlines() == [
        "capi-consumer: CAPI_TOPIC: no such setting; did you mean CAPI_TOPICS?",
        "capi-consumer: CAPI_PIXEL_ID: digits only, as Events Manager shows it",
        "capi-consumer: CAPI_LINGER_MS: Input should be a valid integer, "
        "unable to parse string as an integer",
        "capi-consumer: CAPI_ACCESS_TOKEN or CAPI_ACCESS_TOKEN_FILE: missing; "
        "Events Manager makes the token under Settings, Conversions API",
    ]
    assert done.stdout == ""


def test_the_settings_file_of_the_command_line_is_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('linger_ms = "x"\n')
    done = run("run", "--settings", str(file), CAPI_PIXEL_ID="1", CAPI_ACCESS_TOKEN="t")
    assert done.returncode == EXIT_USAGE
    assert done.stderr.startswith("capi-consumer: CAPI_LINGER_MS: ")


# The frame around every command


def main_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: Any) -> Any:
    """Exit code and standard error when a command raises."""

    def command(**_: Any) -> None:
        raise raised

    monkeypatch.setattr(main, "app", command)
    with pytest.raises(SystemExit) as ended:
        main.main()
    return ended.value.code, capsys.readouterr().err


def test_a_world_that_is_not_ready_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_with(monkeypatch, capsys, CommandError("no broker")) == (
        EXIT_PARTIAL,
        "capi-consumer: no broker\n",
    )


def test_each_of_several_lines_has_the_name_of_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_with(monkeypatch, capsys, SettingsError(["A: x", "B: y"])) == (
        EXIT_USAGE,
        "capi-consumer: A: x\ncapi-consumer: B: y\n",
    )


def test_an_interruption_outside_of_any_command_is_130_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_with(monkeypatch, capsys, KeyboardInterrupt()) == (EXIT_INTERRUPTED, "")


@pytest.mark.parametrize(
    ("is_all", "is_interrupted", "ends"),
    [(True, False, 0), (False, False, 1), (False, True, 130), (True, True, 130)],
)
def test_an_interruption_is_told_from_what_was_left_out(
    is_all: bool, is_interrupted: bool, ends: int
) -> None:
    assert exit_code(is_all=is_all, is_interrupted=is_interrupted) == ends


@pytest.mark.parametrize("raised", [ValueError(CANARY), KeyError(CANARY), RuntimeError({"em": CANARY})])
def test_a_bug_shows_where_it_is_and_none_of_its_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: Any
) -> None:
    """The text of an exception may be a value of an event: int() and KeyError repeat what they were given."""
    code, said = main_with(monkeypatch, capsys, raised)
    assert code == EXIT_PARTIAL
    assert type(raised).__name__ in said
    assert "test_main.py" in said
    assert CANARY not in said


def test_a_bug_behind_a_bug_shows_no_value_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        try:
            int(CANARY)
        except ValueError as first:
            raise RuntimeError("behind") from first
    except RuntimeError as second:
        _, said = main_with(monkeypatch, capsys, second)
    assert CANARY not in said


def test_a_reader_that_went_away_is_no_mistake_of_ours() -> None:
    done = subprocess.run(
        [
            "bash",
            "-o",
            "pipefail",
            "-c",
            f"{sys.executable} -c 'from consumer.cli.main import main; main()' run --help | true",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--release-brake"), "--release-brake is called --resume now"),
        (("dead-letters", "list", "--parked"), "--parked is called --parking-topic now"),
        (("replay", "--reason", "refused"), "--reason: refused is called rejected now"),
        (
            ("dead-letters", "list", "--reason", "unacceptable"),
            "--reason: unacceptable is called poison_event now",
        ),
    ],
)
def test_an_old_option_or_reason_is_rejected_with_the_new_word(arguments: tuple[str, ...], says: str) -> None:
    command = [sys.executable, "-c", "from consumer.cli.main import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert says in done.stderr
