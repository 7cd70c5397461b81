"""What cannot be had here skips a test with its reason; where it is required, the test fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
NEEDING = """
import pytest
from support.requirements import require

@pytest.fixture(scope="session")
def broker():
    require("kafka", "no java")

def test_one(broker): pass
def test_two(broker): pass
def test_three(): pass
"""


def run_of(folder: Any, required: Any) -> CompletedProcess[str]:
    (folder / "test_needing.py").write_text(NEEDING)
    options = ["-p", "conftest", "-p", "no:cloudcoil", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "TESTS_REQUIRE": required}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("required", ["", "chart", "kafkaesque, chart"])
def test_what_is_not_required_is_skipped_with_its_reason_and_counted(required: str, tmp_path: Path) -> None:
    done = run_of(tmp_path, required)
    assert "1 passed, 2 skipped" in done.stdout
    assert "\n2 skipped: needs kafka: no java\n" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("required", ["kafka", "chart, kafka"])
def test_what_is_required_fails_with_its_reason(required: str, tmp_path: Path) -> None:
    done = run_of(tmp_path, required)
    assert "1 passed, 2 errors" in done.stdout
    assert "TESTS_REQUIRE names kafka, and it cannot be had: no java" in done.stdout
    assert done.returncode == 1
