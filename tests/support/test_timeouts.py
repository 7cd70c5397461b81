"""What hangs where no exception reaches it ends with its name, and everything else runs once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

RUN_S_MAX = 90

FILES = {
    "conftest.py": """
        from support import timeouts

        timeouts.GRACE_S = 0.5
        pytest_plugins = ("support.timeouts", "support.worker_scheduling")
    """,
    "test_1.py": """
        def test_a(): pass
        def test_b(): pass
    """,
    "test_2.py": """
        import signal, threading
        import pytest

        def hang():
            # As deaf as in C: nothing wakes the main thread for the alarm.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            threading.Event().wait()

        @pytest.fixture
        def hangs_when_taken_down():
            yield
            hang()

        def test_a(): pass

        @pytest.mark.timeout(0.5)
        def test_hangs(): hang()

        def test_b(): pass

        @pytest.mark.timeout(0.5)
        def test_fails_and_hangs(hangs_when_taken_down): assert False

        def test_c(): pass
    """,
    "test_3.py": """
        import threading
        import pytest

        def wait():
            threading.Event().wait()

        def test_a(): pass

        @pytest.mark.timeout(0.5)
        def test_waits(): wait()
    """,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> CompletedProcess[str]:
    """One worker, so that each next one takes over what the last one had."""
    folder = tmp_path_factory.mktemp("overdue")
    for name, text in FILES.items():
        lines = text.removeprefix("\n").splitlines()
        (folder / name).write_text("".join(line.removeprefix(" " * 8) + "\n" for line in lines))
    options = ["--numprocesses=1", "--dist=loadscope", "--no-loadscope-reorder", "-p", "no:cloudcoil"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--verbose", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
    )


def test_the_run_fails_and_names_what_hung(run: CompletedProcess[str]) -> None:
    assert run.returncode == 1
    # Once where it happens, and where CI is set in the summary too.
    crashed = re.findall(r"worker '\w+' crashed while running '(.+)'", run.stdout)
    assert list(dict.fromkeys(crashed)) == ["test_2.py::test_hangs", "test_2.py::test_fails_and_hangs"]


def test_it_shows_where_each_hung(run: CompletedProcess[str]) -> None:
    stacks = run.stderr.split("Timeout (0:00:01)!")[1:]
    assert len(stacks) == 2
    assert all("in hang\n" in stack for stack in stacks)
    assert "in test_hangs\n" in stacks[0]
    assert "in hangs_when_taken_down\n" in stacks[1]


def test_the_summary_says_where_one_stood_that_python_could_end(run: CompletedProcess[str]) -> None:
    (line,) = re.findall("FAILED test_3.py::test_waits.+", run.stdout.partition("short test summary")[2])
    assert "Timeout (>0.5s) from pytest-timeout. It stood at threading.py:" in line
    assert line.endswith(", test_3.py:5 wait, test_3.py:10 test_waits")


def test_everything_else_runs_once(run: CompletedProcess[str]) -> None:
    assert sorted(re.findall(r"PASSED (\S+)", run.stdout)) == [
        "test_1.py::test_a",
        "test_1.py::test_b",
        "test_2.py::test_a",
        "test_2.py::test_b",
        "test_2.py::test_c",
        "test_3.py::test_a",
    ]
