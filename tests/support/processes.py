"""
The command `capi-consumer` as a user runs it: processes, signals, exit codes.

A process gets a clean environment (PATH, HOME and the settings of the test),
writes into files, and is ended when the test ends, whatever happened.

    processes.run("check", settings)        to its end
    running = processes.start("run", settings)
    running.await_ready(deadline_s)         /readyz answers 200
    running.kill() · running.stop()         SIGKILL · SIGTERM
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import children
from support.ports import free_ports
from support.waiting import eventually

COMMAND = Path(sys.executable).with_name("capi-consumer")
HEALTH = "CAPI_HEALTH_ADDRESS"
RUN_S_MAX = 60.0
LINES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Running:
    """A process that was started; it may have ended since."""

    name: str
    child: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path
    health: str = ""

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self.child.poll()

    @property
    def output(self) -> str:
        """Both streams so far, standard output first."""
        return self.stdout.read_text(errors="replace") + self.stderr.read_text(errors="replace")

    def status(self, path: str) -> int:
        """HTTP status of the health server's answer to `path`; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.health}{path}", timeout=2.0) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def await_ready(self, deadline_s: float) -> None:
        """Wait for /readyz. Fails at once when the process has ended."""
        eventually(self._is_ready, deadline_s, f"{self.name} is ready")

    def _is_ready(self) -> bool:
        return self.still_runs() and self.status("/readyz") == 200

    def still_runs(self) -> bool:
        """True; fails when the process has ended, so that nobody waits for it."""
        assert self.returncode is None, f"{self.name} ended with {self.returncode}\n{self.last_lines()}"
        return True

    def metric(self, name: str, **attributes: str) -> float:
        """The number of one series of /metrics."""
        with urllib.request.urlopen(f"http://{self.health}/metrics", timeout=2.0) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{word}"' for key, word in attributes.items()]
        (found,) = (
            one
            for one in lines
            if one.startswith((name + "{", name + " ")) and all(part in one for part in wanted)
        )
        return float(found.rpartition(" ")[2])

    def release_brake(self) -> None:
        """SIGUSR1."""
        self.child.send_signal(signal.SIGUSR1)

    def kill(self) -> None:
        """SIGKILL, as a machine that is gone."""
        children.end(self.child)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        self.child.send_signal(signal.SIGTERM)

    def stop(self, deadline_s: float) -> int:
        """SIGTERM; the return code. Fails when the process is still there at the deadline."""
        self.ask_to_stop()
        return self.wait(deadline_s)

    def wait(self, deadline_s: float) -> int:
        """The return code of a process that ends by itself."""
        try:
            return self.child.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} still runs after {deadline_s} s\n{self.last_lines()}"
            ) from None

    def pause(self) -> None:
        """SIGSTOP."""
        self.child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.child.send_signal(signal.SIGCONT)

    def last_lines(self) -> str:
        """The end of what it wrote, without what only a search would want."""
        lines = [line for line in self.output.splitlines() if '"level": "debug"' not in line]
        return "\n".join(lines[-LINES_SHOWN:])


@dataclass(slots=True)
class Processes:
    """The processes of one test, under one folder."""

    folder: Path
    started: list[Running] = field(default_factory=list)

    def start(
        self,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str] = (str(COMMAND),),
    ) -> Running:
        """`capi-consumer ARGUMENTS`, with a health address of its own unless the settings name one."""
        number = len(self.started) + 1
        name = f"{number}-{arguments[0]}"
        health = {HEALTH: f"127.0.0.1:{free_ports(1)[0]}"}
        its_own = environment(**health | dict(settings or {}))
        stdout, stderr = self.folder / f"{name}.out", self.folder / f"{name}.err"
        child = children.start([*command, *arguments], its_own, stdout, stderr, self.folder)
        running = Running(name, child, stdout, stderr, its_own[HEALTH])
        self.started.append(running)
        return running

    def run(
        self, *arguments: str, settings: Mapping[str, str] | None = None, deadline_s: float = RUN_S_MAX
    ) -> Finished:
        """`capi-consumer ARGUMENTS` to its end."""
        running = self.start(*arguments, settings=settings)
        code = running.wait(deadline_s)
        return Finished(
            code, running.stdout.read_text(errors="replace"), running.stderr.read_text(errors="replace")
        )

    def end(self) -> None:
        """End what still runs; print the last lines of each, which pytest shows when the test failed."""
        for running in self.started:
            code = running.returncode
            running.kill()
            print(f"--- {running.name}: {'still ran' if code is None else code}\n{running.last_lines()}")


def log_lines(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The JSON log lines of some files. A line cut by a kill, and what is no object, is left out."""
    for path in paths:
        for line in path.read_bytes().splitlines():
            try:
                read = json.loads(line)
            except ValueError:
                continue
            if isinstance(read, dict):
                yield read


def environment(**settings: str) -> dict[str, str]:
    """Of a command: nothing of ours but where programs are."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | settings
