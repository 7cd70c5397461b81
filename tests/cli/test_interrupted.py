"""Ctrl-C, command by command: where it is the end, and where it comes before the end."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from support.mock_kafka import MockKafka
from support.processes import COMMAND, Processes, environment
from support.waiting import eventually

DEADLINE_S = 30.0
# Less than the ten seconds that brokers are waited for.
SOON_S = 6.0
SENDS = {"CAPI_PIXEL_ID": "1", "CAPI_ACCESS_TOKEN": "t", "CAPI_GRAPH_URL": "http://127.0.0.1:1"}


@pytest.fixture
def silent_broker() -> Iterator[socket.socket]:
    """Takes connections and answers nothing: whoever asks it is on the way, and stays there."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(DEADLINE_S)
        yield server


def interrupted(processes: Processes, *call: str, when: str, settings: Any = None) -> int:
    """The exit code of a command that gets SIGINT as soon as it has said this."""
    running = processes.start(*call, settings=settings)
    eventually(lambda: running.still_runs() and when in running.output, DEADLINE_S, when)
    running.child.send_signal(signal.SIGINT)
    code = running.wait(DEADLINE_S)
    assert "Traceback" not in running.output
    return code


@pytest.fixture(scope="module")
def brokers() -> Iterator[dict[Any, Any]]:
    brokers = MockKafka()
    for topic in ("capi.events", "capi.dead-letters"):
        brokers.make_topic(topic)
    yield {**SENDS, "CAPI_BOOTSTRAP_SERVERS": brokers.bootstrap_servers}


def test_run_is_stopped_by_it_and_that_is_its_end(processes: Processes, brokers: dict[Any, Any]) -> None:
    assert interrupted(processes, "run", when="consuming", settings=brokers) == 0


def test_sandbox_is_stopped_by_it_and_that_is_its_end(processes: Processes) -> None:
    assert interrupted(processes, "sandbox", when="listening") == 0


def test_the_demo_is_interrupted_by_it(processes: Processes) -> None:
    assert interrupted(processes, "demo", when="· consuming them") == 130


WAITING_FOR_A_BROKER = [
    ["run"],
    ["check"],
    ["topics", "list"],
    ["topics", "create"],
    ["replay"],
    ["dead-letters", "list"],
    ["dead-letters", "export"],
    ["publish"],
]


@pytest.mark.parametrize("call", WAITING_FOR_A_BROKER, ids=" ".join)
def test_who_waits_for_a_broker_is_interrupted_at_once(
    call: Any,
    processes: Processes,
    silent_broker: socket.socket,
) -> None:
    address = "{}:{}".format(*silent_broker.getsockname())
    running = processes.start(*call, settings={**SENDS, "CAPI_BOOTSTRAP_SERVERS": address})
    with silent_broker.accept()[0]:
        running.child.send_signal(signal.SIGINT)
        assert running.wait(SOON_S) == 130
    assert "Traceback" not in running.output


def test_explain_ends_at_once_though_nothing_more_comes() -> None:
    with subprocess.Popen(
        [COMMAND, "explain", "--json"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            child.stdin.write(b"[]\n")
            child.stdin.flush()
            assert b'"not_an_object"' in child.stdout.readline()
            child.send_signal(signal.SIGINT)
            assert child.wait(DEADLINE_S) == 130
            said = child.stderr.read()
            assert b"interrupted after 1 event: the rest was not read" in said
            assert b"Traceback" not in said
        finally:
            child.kill()
