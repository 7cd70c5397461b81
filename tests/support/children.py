"""
Processes that end with the tests, however the tests end.

Three nets, because a test run may be interrupted at any point: the fixture
that started a child ends it; `atexit` ends what a fixture could not; and where
the system can (Linux), the kernel kills a child whose parent is gone, so that
even `kill -9` of the test run leaves nothing behind. setpriv (util-linux) asks
for that, in the child and before its program: Python of ours must not run
there. It would end what other threads of the tests hold, librdkafka's clients
among it, and wait for locks that nobody in the child lets go.

Only processes started here are ever signalled, by their own id.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_started: set[subprocess.Popen[bytes]] = set()
_setpriv = shutil.which("setpriv")
_UNLESS_THE_PARENT_IS_GONE = '[ "$PPID" = "$0" ] && exec "$@"'  # it may end before the kernel knows


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    stdout: Path,
    stderr: Path,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """A child whose output is appended to two files, in a process group of its own."""
    with stdout.open("ab") as out, stderr.open("ab") as err:
        child = subprocess.Popen(
            [*_dies_with_this_process(), *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            start_new_session=True,
        )
    _started.add(child)
    return child


def end(child: subprocess.Popen[bytes]) -> int:
    """Kill the child if it is still there and reap it. The return code, negative for a signal."""
    if child.poll() is None:
        child.kill()
    code = child.wait()
    _started.discard(child)
    return code


def _dies_with_this_process() -> list[str]:
    """What stands before a command."""
    if _setpriv is None:
        return []
    shell = ["sh", "-c", _UNLESS_THE_PARENT_IS_GONE, str(os.getpid())]
    return [_setpriv, "--pdeathsig", "KILL", "--", *shell]


@atexit.register
def _end_all() -> None:
    for child in list(_started):
        end(child)
