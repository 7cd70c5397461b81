"""
What the kernel knows of a process: memory, open files, threads, connections.

Peak memory (VmHWM) is gone with the process, so a thread looks at those that
run until they are gone.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

from support.processes import Running

LOOK_S = 0.1
KB_OF_A_MB = 1024


def memory_mb(pid: int, line: str = "VmHWM") -> float:
    """`VmHWM` is the peak, `VmRSS` what it has now. 0 when the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [text.split()[1] for text in status.splitlines() if text.startswith(f"{line}:")]
    return int(found[0]) / KB_OF_A_MB if found else 0.0


def counter(running: Running, name: str, labels: str = "") -> float:
    """The sum of a counter's series whose labels hold this text, as /metrics shows it."""
    with urllib.request.urlopen(f"http://{running.health}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    series = [line for line in lines if line.startswith(name) and labels in line and "_created" not in line]
    assert series, f"no metric {name}"
    return sum(float(line.rsplit(" ", 1)[1]) for line in series)


def open_files(pid: int) -> int:
    """Files and sockets that the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> int:
    """Threads of the process."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


ESTABLISHED = "01"


def connections(pid: int, port: int) -> frozenset[str]:
    """TCP connections that the process has to this port of this machine: what the kernel calls them."""
    ours = {name[len("socket:[") : -1] for name in _open_names(pid) if name.startswith("socket:[")}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    to_the_port = [row[9] for row in rows if row[3] == ESTABLISHED and row[2].endswith(f":{port:04X}")]
    return frozenset(ours.intersection(to_the_port))


def most_that_last(looks: Iterable[frozenset[str]]) -> int:
    """
    The most connections that stand in two looks in a row.

    One that was given up is closed in the event loop's next turn, and by then
    the next may be open: a single look may see both, on a busy machine.
    """
    return max(len(one & next_one) for one, next_one in itertools.pairwise(looks))


def _open_names(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield link.readlink().name


class Peaks:
    """Looks at processes as they come and go; `most_mb` is the highest peak of any of them."""

    def __init__(self, running: Callable[[], Iterable[Running]]) -> None:
        self._running = running
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)
        self.most_mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look_again_and_again(self) -> None:
        while not self._ended.wait(LOOK_S):
            peaks = [memory_mb(one.child.pid) for one in list(self._running()) if one.returncode is None]
            self.most_mb = max([self.most_mb, *peaks])
