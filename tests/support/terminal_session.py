"""
`capi-consumer` on a terminal of a given width, or with its standard output in a pipe beside one.

Standard output and standard error are two pseudo-terminals of the same size, so that a
test can tell what went where, as a person cannot.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import selectors
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from support.processes import COMMAND, environment

ENDS_WITHIN_S = 60.0
# Control sequences of a terminal (ECMA-48): colours, and what a bar moves the cursor with.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Of these, the ones that set a colour.
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


class Seen(NamedTuple):
    """How a command ended, and each stream as it came, with what controls the terminal."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What stands on standard output, without colours."""
        return CONTROL.sub("", self.out).replace("\r", "").splitlines()

    @property
    def said(self) -> str:
        """What standard error said, without colours; each state of a bar is a line, though it is gone."""
        return CONTROL.sub("", self.err).replace("\r", "\n")


def on_a_terminal(
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    columns: int = 80,
    piped: bool = False,
    interrupted_at: str | None = None,
) -> Seen:
    """
    The command to its end. `piped`: standard output is a pipe, and only standard error a terminal.

    `interrupted_at` is a pattern: once a stream has it, Ctrl-C is pressed.
    """
    err, their_err = _terminal(columns)
    out, their_out = os.pipe() if piped else _terminal(columns)
    child = subprocess.Popen(
        [COMMAND, *arguments],
        env=_with_colours(settings),
        stdin=subprocess.DEVNULL,
        stdout=their_out,
        stderr=their_err,
        start_new_session=True,
    )
    os.close(their_out)
    os.close(their_err)
    try:
        read_out, read_err = _read(out, err, hears=_interrupts(child, interrupted_at))
        return Seen(child.wait(ENDS_WITHIN_S), read_out, read_err)
    finally:
        child.kill()
        child.wait()
        os.close(out)
        os.close(err)


def _interrupts(child: subprocess.Popen[bytes], pattern: str | None) -> Callable[[bytes], None]:
    """Hears what comes, and sends SIGINT at the first time that a stream holds the pattern."""
    is_sent = pattern is None

    def hear(seen: bytes) -> None:
        nonlocal is_sent
        said = CONTROL.sub("", seen.decode(errors="replace"))
        if not is_sent and re.search(str(pattern), said):
            child.send_signal(signal.SIGINT)
            is_sent = True

    return hear


class Bash:
    """An interactive bash on a terminal, with a home of its own, in which keys are pressed."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self._ours, theirs = _terminal(200)
        self._seen = b""
        path = f"{Path(COMMAND).parent}:{os.environ['PATH']}"
        self._child = subprocess.Popen(
            ["bash", "--noprofile", "--rcfile", str(home / ".bashrc"), "-i"],
            env=_with_colours(settings) | {"PATH": path, "HOME": str(home), "PS1": "$ "},
            cwd=home,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def press(self, keys: str, until: str) -> str:
        """What is on the screen after these keys, as soon as it has this pattern, or in the end."""
        os.write(self._ours, keys.encode())
        until_s = time.monotonic() + ENDS_WITHIN_S
        while time.monotonic() < until_s and not re.search(until, self.screen):
            if select.select([self._ours], [], [], 1.0)[0]:
                self._seen += os.read(self._ours, 65536)
        return self.screen

    @property
    def screen(self) -> str:
        """All that was shown, without what controls the terminal or rings its bell."""
        shown = CONTROL.sub("", self._seen.decode(errors="replace"))
        return shown.replace("\r", "").replace("\a", "")

    def __enter__(self) -> Bash:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._ours)


def into_a_closed_pipe(*arguments: str, settings: Mapping[str, str] | None = None) -> Seen:
    """The command, with a reader of its standard output that has gone before the first word."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [COMMAND, *arguments],
            env=_with_colours(settings),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=ENDS_WITHIN_S,
        )
    finally:
        os.close(writer)
    return Seen(ended.returncode, "", ended.stderr)


def _with_colours(settings: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a terminal that has them."""
    return environment(**{"TERM": "xterm-256color", "LANG": "C.UTF-8"} | dict(settings or {}))


def _terminal(columns: int) -> tuple[int, int]:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    return ours, theirs


def _read(*files: int, hears: Callable[[bytes], None]) -> Sequence[str]:
    """All that comes of each, until all are closed. `hears` gets all of a file whenever there is more."""
    seen = dict.fromkeys(files, b"")
    until_s = time.monotonic() + ENDS_WITHIN_S
    with selectors.DefaultSelector() as waiting:
        for file in files:
            waiting.register(file, selectors.EVENT_READ)
        while waiting.get_map() and time.monotonic() < until_s:
            for key, _ in waiting.select(1.0):
                try:
                    part = os.read(key.fd, 65536)
                except OSError:  # how Linux says that the other end of a terminal is closed
                    part = b""
                seen[key.fd] += part
                hears(seen[key.fd])
                if not part:
                    waiting.unregister(key.fd)
    return [text.decode(errors="replace") for text in seen.values()]
