"""What the shells complete, without a broker and without Meta."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from support.processes import COMMAND
from support.terminal_session import Bash
from typer.testing import CliRunner, Result

from consumer.cli.main import app

# Brokers that nobody could reach: whoever asked them would wait.
SETTINGS = {
    "CAPI_BOOTSTRAP_SERVERS": "192.0.2.1:9",
    "CAPI_TOPICS": "shop.events,shop.offline,other",
}
SCRIPTS = [
    ("bash", "complete -o default -F _capi_consumer_completion capi-consumer"),
    ("zsh", "compdef _capi_consumer_completion capi-consumer"),
    ("fish", "complete --command capi-consumer"),
]


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | SETTINGS


def asked(**told: Any) -> Result:
    """What the program answers to a shell, in this process: it reads nothing but its environment."""
    return CliRunner().invoke(app, [], prog_name="capi-consumer", env=SETTINGS | told)


def completed(typed: Any, **more: Any) -> Any:
    """What bash is offered behind these words; the last of them is not finished."""
    words = ["capi-consumer", *typed.split(" ")]
    done = asked(
        _CAPI_CONSUMER_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(words),
        COMP_CWORD=str(len(words) - 1),
        **more,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(("shell", "holds"), SCRIPTS)
def test_the_script_of_each_shell_is_printed(shell: Any, holds: Any) -> None:
    done = asked(_CAPI_CONSUMER_COMPLETE=f"source_{shell}")
    assert (done.exit_code, done.stderr) == (0, "")
    assert holds in done.stdout


def test_the_shell_at_hand_is_found_by_itself() -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{COMMAND}' --show-completion; true"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert SCRIPTS[0][1] in done.stdout


def installed(home: Any) -> CompletedProcess[Any]:
    """Where bash is at hand: the program finds it by the process that it was called from."""
    return subprocess.run(
        ["bash", "-c", f"'{COMMAND}' --install-completion; exit $?"],
        env=environment() | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_it_is_installed_for_the_shell_at_hand_and_for_nobody_else(tmp_path: Path) -> None:
    done = installed(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bash completion installed in" in done.stdout
    script = tmp_path / ".bash_completions" / "capi-consumer.sh"
    assert SCRIPTS[0][1] in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {".bash_completions", ".bashrc"}


PRESSED = [
    ("capi-consumer pub\t", r"capi-consumer publish "),
    ("capi-consumer replay --reason poi\t", r"--reason poison_event "),
    ("capi-consumer replay --reason purchase_\t", r"--reason purchase_without_$"),
    ("capi-consumer publish --topic shop.o\t", r"--topic shop\.offline "),
    ("capi-consumer explain bou\t", r"explain bought\.json "),
]


def test_a_press_of_tab_completes_in_a_bash_that_it_was_installed_for(tmp_path: Path) -> None:
    installed(tmp_path)
    (tmp_path / "bought.json").touch()
    with Bash(tmp_path, SETTINGS) as bash:
        for keys, shown in PRESSED:
            assert re.search(shown, bash.press(keys, shown))
            bash.press("\x15", "")  # Ctrl-U: an empty line again


COMPLETED = [
    ("dead-l", ["dead-letters"]),
    ("replay --reason purchase_", ["purchase_without_currency", "purchase_without_value"]),
    ("dead-letters list --reason rejected,poison", ["rejected,poison_event"]),
    ("replay --to shop.", ["shop.events", "shop.offline"]),
    ("publish --topic o", ["other"]),
    ("publish --format js", ["jsonl", "json"]),
    ("publish ev", []),  # the shell's own: names of files
    ("replay --settings ca", []),
]


@pytest.mark.parametrize(("typed", "offered"), COMPLETED)
def test_words_are_completed_from_what_is_known_here(typed: Any, offered: Any) -> None:
    assert completed(typed) == offered


def test_settings_with_a_mistake_complete_nothing_and_say_nothing() -> None:
    assert completed("replay --to s", CAPI_LINGER_MS="soon") == []


def test_topics_of_a_settings_file_are_completed(tmp_path: Path) -> None:
    file = tmp_path / "capi.toml"
    file.write_text('dead_letter_topic = "letters"\n')
    assert completed(f"replay --settings {file} --to other") == ["other"]


def test_bash_completes_for_real() -> None:
    """The script as it stands in a shell, asked as readline asks."""
    program = f"""
        eval "$(_CAPI_CONSUMER_COMPLETE=source_bash '{COMMAND}')"
        COMP_WORDS=(capi-consumer replay --reason poi); COMP_CWORD=3
        _capi_consumer_completion '{COMMAND}'
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", program], env=environment(), capture_output=True, text=True, timeout=20
    )
    assert (done.stdout.strip(), done.stderr) == ("poison_event", "")
