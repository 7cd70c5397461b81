"""How the tests run the command: with the settings of the test alone, and always to an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.processes import Processes, log_lines


def test_a_process_gets_the_settings_of_the_test_and_no_others(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPI_NO_SUCH_SETTING", "1")
    finished = processes.run("run", settings={"CAPI_LINGER_MS": "many"})
    assert finished.returncode == 2
    assert "CAPI_LINGER_MS" in finished.stderr
    assert "CAPI_NO_SUCH_SETTING" not in finished.stderr


def test_a_process_that_ended_is_not_waited_for(processes: Processes) -> None:
    running = processes.start("run", settings={"CAPI_LINGER_MS": "many"})
    with pytest.raises(AssertionError, match="ended with 2"):
        running.await_ready(30)


def test_a_process_that_does_not_end_fails_the_test_and_is_ended_with_it(processes: Processes) -> None:
    running = processes.start("sandbox")
    with pytest.raises(AssertionError, match="still runs after"):
        running.wait(0.1)
    processes.end()
    assert running.returncode == -9


def test_a_log_line_that_a_kill_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "run.err"
    path.write_bytes(b'{"event":"drained"}\nnot JSON\n[1]\n{"event":"record filt')
    assert list(log_lines([path])) == [{"event": "drained"}]
