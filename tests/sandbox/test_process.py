"""The sandbox as a process: where it listens, how it ends, what it reads from its surroundings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from support.sandbox_requests import good
from support.waiting import eventually

ALONE = """
import sys, typer
from consumer.errors import CommandError
from consumer.cli.commands.run import sandbox
app = typer.Typer()
app.command("sandbox")(sandbox)
try:
    app()
except CommandError as reason:
    print(reason, file=sys.stderr)
    sys.exit(reason.exit_code)
"""


def command(*options: Any, **environment: Any) -> Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ALONE, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    )


@contextmanager
def running(*options: Any, **environment: Any) -> Iterator[Any]:
    """A sandbox process and its base URL; it is killed when the test did not end it."""
    process = command(*options, **environment)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["listening"]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def call(url: Any, body: Any = None, token: str = "sandbox-token") -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None


def post(url: Any, event: Any, pixel_id: str = "1234567890", **how: Any) -> Any:
    return call(f"{url}/v26.0/{pixel_id}/events", {"data": [event]}, **how)


def fresh(event_id: str = "event-1") -> dict[str, Any]:
    return good(event_id=event_id, event_time=int(time.time()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_cleanly_on_a_signal(number: Any, tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    with running("--port-file", str(port_file)) as (process, url):
        assert url == f"http://127.0.0.1:{port_file.read_text().strip()}"
        assert post(url, fresh())[0] == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


def test_a_signal_does_not_wait_for_an_answer_that_is_held_back(tmp_path: Path) -> None:
    path = tmp_path / "accepted"
    slow = running("--latency-ms", "60000", "--accepted-file", str(path))
    with slow as (process, url), ThreadPoolExecutor(1) as threads:
        answer = threads.submit(post, url, fresh())
        eventually(lambda: path.exists() and path.read_bytes(), 20, "the event in the file")
        process.terminate()
        process.communicate(timeout=9)
        assert process.returncode == 0
        assert isinstance(answer.exception(timeout=1), OSError)


def test_what_it_accepted_outlives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "accepted"
    with running("--accepted-file", str(path)) as (process, url):
        for index in range(3):
            assert post(url, fresh(str(index)))[0] == 200
        process.kill()
        process.wait(timeout=10)
    assert [json.loads(line)["event_id"] for line in path.read_text().splitlines()] == ["0", "1", "2"]


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "accepted"
    surroundings = {
        "SANDBOX_PIXEL_ID": "42",
        "SANDBOX_ACCESS_TOKEN": "from-outside",
        "SANDBOX_ACCEPTED_FILE": str(path),
        "SANDBOX_PORT_FILE": str(tmp_path / "port"),
        "SANDBOX_HOST": "0.0.0.0",
        "SANDBOX_LENIENT": "true",
        "SANDBOX_BODY_BYTES_MAX": "600",
        "SANDBOX_BEHAVE": '{"faults": [{"kind": "html", "status": 503}]}',
    }
    with running(**surroundings) as (_, url):
        event = {**fresh(), "custom_data": {"phone": "0612345678"}}
        how = {"pixel_id": "42", "token": "from-outside"}
        assert post(url, event, **how)[0] == 503
        assert post(url, event, **how) == (
            200,
            {"events_received": 1, "messages": [], "fbtrace_id": f"A{2:020d}"},
        )
        assert post(url, {**event, "custom_data": {"note": "x" * 600}}, **how)[0] == 413
        assert post(url, event)[0] == 400
        assert len(path.read_text().splitlines()) == 1
        assert call(f"{url}/sandbox/stats")[1]["events_accepted"] == 1


def test_fast_is_an_option_and_an_environment_variable() -> None:
    for options, surroundings in ((["--fast"], {}), ([], {"SANDBOX_FAST": "1"})):
        with running(*options, **surroundings) as (_, url):
            assert post(url, {"event_name": "x"}, token="another")[0] == 200


CANNOT = [
    (["--fast", "--accepted-file", "x"], 2, "fast mode reads no events"),
    (["--answers-file", "x"], 2, "an answers file is what fast mode writes"),
    (["--fast", "--answers-file", "/nowhere/answers"], 1, "cannot start with /nowhere/answers: No such file"),
    (["--behave", "{"], 2, "behave: not a JSON object"),
    (["--behave", '{"latency": 1}'], 2, "latency: "),
    (["--accepted-file", "/nowhere/accepted"], 1, "cannot start with /nowhere/accepted: No such file"),
]


@pytest.mark.parametrize(("options", "exit_code", "said"), CANNOT)
def test_what_it_cannot_start_with_is_one_line_and_an_exit_code(
    options: Any, exit_code: Any, said: Any
) -> None:
    process = command(*options)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (exit_code, "")
    assert said in err
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with running() as (_, url):
        process = command("--port", url.rpartition(":")[2])
        _, err = process.communicate(timeout=20)
        assert process.returncode == 1
        taken = url.removeprefix("http://")
        assert err == (
            f"sandbox: cannot listen on {taken} (address already in use): "
            "name another --host or --port; port 0 is a free one\n"
        )
