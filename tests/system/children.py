"""
Processes that end with the tests, however the tests end.

Three nets, because a test run may be interrupted at any point: the fixture
that started a child ends it; `atexit` ends what a fixture could not; and where
the system can (Linux), the kernel kills a child whose parent is gone, so that
even `kill -9` of the test run leaves nothing behind.

Only processes started here are ever signalled, by their own id.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h

_started: set[subprocess.Popen[bytes]] = set()
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


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
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),
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


def _die_with_parent(parent: int):
    """What the child does before it becomes the program. Loads nothing: it runs between fork and exec."""
    if _libc is None:
        return None
    prctl = _libc.prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent ended before the kernel knew
            os._exit(1)

    return ask


@atexit.register
def _end_all() -> None:
    for child in list(_started):
        end(child)
