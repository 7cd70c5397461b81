"""
The commands of the pages that need nothing but a file or brokers in a process: run as they stand.

One `capi-consumer demo --keep` is there for all of them, as the pages say that
it may be. Each page has a folder of its own, in which its blocks run in order.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eventually import eventually
from pages import COMMAND, PAGES, Page

WITHIN_S = 100
SESSIONS = [
    pytest.param(path, number, *session, id=f"{path} {number + 1}")
    for path in PAGES
    for number, session in enumerate(Page(path).sessions)
]
EXPORTED = re.compile(r"^  export (CAPI_[A-Z_]+)=(\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The settings that reach it."""
    folder = tmp_path_factory.mktemp("demo")
    said = folder / "said"
    clean = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    with said.open("w") as file:
        running = subprocess.Popen(
            [COMMAND, "demo", "--keep"], stdout=subprocess.DEVNULL, stderr=file, env=clean, cwd=folder
        )
    try:
        eventually(lambda: "replay --dry-run" in said.read_text(), WITHIN_S)
        yield dict(EXPORTED.findall(said.read_text()))
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(WITHIN_S)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder for each page."""
    return {path: tmp_path_factory.mktemp("page") for path in PAGES}


def test_the_pages_have_sessions():
    assert {path for path in PAGES if Page(path).sessions} >= {
        "README.md",
        "docs/browser-pixel.md",
        "docs/consent.md",
        "docs/first-event.md",
    }


@pytest.mark.parametrize(("path", "number", "block", "printed"), SESSIONS)
def test_a_session_runs_as_it_stands(path, number, block, printed, demo, folders):
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", block],
        cwd=folders[path],
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8", **demo},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
    )
    assert done.returncode == 0, done.stderr
    if printed is not None:
        assert done.stdout == printed
    if "explain bought.json" in block or "explain first.json" in block:
        assert done.stdout.startswith("line 1  deliverable  Purchase\n")
