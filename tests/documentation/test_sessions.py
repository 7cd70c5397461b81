"""
The commands of the pages that need nothing but a file or brokers in a process: run as they stand.

One `capi-consumer demo --keep` is there for all of them, as the pages say that
it may be. Each page has a folder of its own, in which its blocks run in order.
Three things are other than for a reader: the demo's settings stand for those
that a page exports, here is the pod, and a test is the editor that mends letters.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from subprocess import Popen
from typing import Any

import pytest
from support.command_families import BIN, ROOT, Call, calls_in
from support.doc_pages import PAGES, Page
from support.ports import free_ports
from support.running_demo import running_demo
from support.shell_blocks import commands
from support.waiting import eventually

WITHIN_S = 100
SESSIONS = [
    pytest.param(path, session, id=f"{path} {number + 1}")
    for path in PAGES
    for number, session in enumerate(Page(path).sessions)
]
EXPORTS = re.compile(r"^export CAPI_[A-Z_]+=.*\n", re.MULTILINE)
IN_A_POD = re.compile(r"^kubectl exec (?:-i )?deploy/\S+ -- (?=capi-consumer)", re.MULTILINE)
MENDED = re.compile(r"^(?=capi-consumer publish --replay)", re.MULTILINE)
AT_WORK = '"state": "running"'

# What other tests run, because it does not end by itself, or needs what the demo lacks.
ELSEWHERE = {
    Call(
        "demo", frozenset()
    ): "tests/documentation/test_readme.py::test_the_demo_prints_what_the_readme_shows",
    Call("demo", frozenset({"keep"})): "tests/documentation/test_sessions.py::demo",
    Call("run", frozenset({"resume"})): (
        "tests/runtime/test_app.py::test_one_that_starts_with_the_brake_released_writes_every_letter"
    ),
    Call("sandbox", frozenset()): (
        "tests/sandbox/test_process.py::test_it_says_where_it_listens_and_ends_cleanly_on_a_signal"
    ),
    Call("sandbox", frozenset({"port"})): (
        "tests/sandbox/test_process.py::test_a_port_that_is_taken_is_said_in_one_line"
    ),
}


def parts(block: Any) -> list[Any]:
    """The block as it runs here, in pieces between which somebody mends the letters."""
    return [part for part in MENDED.split(IN_A_POD.sub("", EXPORTS.sub("", block))) if part]


def mend(file: Any) -> None:
    """As an editor leaves it: what is no event is left out, what an event lacks is there."""
    letters = [json.loads(line) for line in file.read_text().splitlines()]
    events = [letter for letter in letters if isinstance(letter.get("event"), dict)]
    for letter in events:
        letter["event"] |= {"event_name": "purchase", "amount": 12.5, "currency": "EUR"}
    file.write_text("".join(f"{json.dumps(letter)}\n" for letter in events))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings that reach it."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running.settings


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """A folder for each page."""
    return {path: tmp_path_factory.mktemp("page") for path in PAGES}


@pytest.fixture
def bash(demo: dict[str, str], folders: dict[Any, Any]) -> Any:
    """A shell in the folder of a page, that can be told a part of a block."""
    (port,) = free_ports(1)
    # In one group with the demo's consumer, or another page's, each would wait for the other to leave.
    settings = {"CAPI_HEALTH_ADDRESS": f"127.0.0.1:{port}", "CAPI_START_OFFSET": "latest", **demo}

    def begin(path: Any, part: Any) -> Popen[str]:
        return subprocess.Popen(
            # Bash becomes the last command of a script, which then asks in vain what shell called it.
            ["/bin/bash", "-euo", "pipefail", "-c", f"{part}\nexit $?"],
            cwd=folders[path],
            env={
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "HOME": str(folders[path]),
                "LANG": "C.UTF-8",
                "CAPI_GROUP_ID": folders[path].name,
                **settings,
            },
            stdout=subprocess.PIPE,
            stderr=(folders[path] / "said").open("w"),
            text=True,
            start_new_session=True,
        )

    return begin


@pytest.mark.parametrize(("path", "session"), SESSIONS)
def test_a_session_runs_as_it_stands(path: Any, session: Any, bash: Any, folders: dict[Any, Any]) -> None:
    printed, said = "", folders[path] / "said"
    for part in parts(session.block):
        if part.startswith("capi-consumer publish --replay"):
            mend(folders[path] / "letters.jsonl")
        running = bash(path, part)
        try:
            if session.is_stopped:
                eventually(lambda: AT_WORK in said.read_text(), WITHIN_S)
                os.killpg(running.pid, signal.SIGINT)
            printed += running.communicate(timeout=WITHIN_S)[0]
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
        assert running.returncode == 0, said.read_text()
    if session.printed is not None:
        assert printed == session.printed
    if "explain bought.json" in session.block or "explain first.json" in session.block:
        assert printed.startswith("line 1  deliverable  Purchase\n")


# What is shown and what is run

RUN = {
    call
    for path in PAGES
    for session in Page(path).sessions
    for part in parts(session.block)
    for words in commands(part)
    for call in calls_in(words)
}
SHOWN = sorted(
    {call for path in PAGES for words in Page(path).commands for call in calls_in(words)},
    key=lambda call: (call.verb, sorted(call.options)),
)


def test_the_pages_have_sessions() -> None:
    assert {path for path in PAGES if Page(path).sessions} >= {
        "README.md",
        "docs/browser-pixel.md",
        "docs/consent.md",
        "docs/dead-letters.md",
        "docs/first-event.md",
        "docs/kafka-security.md",
        "docs/mapping.md",
        "docs/operations.md",
    }


@pytest.mark.parametrize("call", SHOWN, ids=lambda call: f"{call.verb} {' '.join(sorted(call.options))}")
def test_each_command_that_is_shown_runs_with_all_its_options(call: Any) -> None:
    alike = {frozenset(one.options) for one in RUN if one.verb == call.verb}
    assert call in ELSEWHERE or call.options <= frozenset().union(*alike)
    assert call in ELSEWHERE or alike


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_what_runs_elsewhere_is_there(test: Any) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
