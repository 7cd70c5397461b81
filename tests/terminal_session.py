"""
`capi-consumer` on a terminal of a given width, or with its standard output in a pipe beside one.

Standard output and standard error are two pseudo-terminals of the same size, so that a
test can tell what went where, as a person cannot.
"""

from __future__ import annotations

import fcntl
import os
import re
import selectors
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pages import COMMAND

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
        """What standard error said, without colours and without bars that are gone."""
        return CONTROL.sub("", self.err).replace("\r", "\n")


def on_a_terminal(
    *arguments: str, settings: Mapping[str, str] | None = None, columns: int = 80, piped: bool = False
) -> Seen:
    """The command to its end. `piped`: standard output is a pipe, and only standard error a terminal."""
    err, their_err = _terminal(columns)
    out, their_out = os.pipe() if piped else _terminal(columns)
    child = subprocess.Popen(
        [COMMAND, *arguments],
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=their_out,
        stderr=their_err,
        start_new_session=True,
    )
    os.close(their_out)
    os.close(their_err)
    try:
        read_out, read_err = _read(out, err)
        return Seen(child.wait(ENDS_WITHIN_S), read_out, read_err)
    finally:
        child.kill()
        child.wait()
        os.close(out)
        os.close(err)


def into_a_closed_pipe(*arguments: str, settings: Mapping[str, str] | None = None) -> Seen:
    """The command, with a reader of its standard output that has gone before the first word."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [COMMAND, *arguments],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=ENDS_WITHIN_S,
        )
    finally:
        os.close(writer)
    return Seen(ended.returncode, "", ended.stderr)


def environment(settings: Mapping[str, str] | None) -> dict[str, str]:
    """That of a terminal with colours, and nothing of the person's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | dict(settings or {})


def _terminal(columns: int) -> tuple[int, int]:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    return ours, theirs


def _read(*files: int) -> Sequence[str]:
    """All that comes of each, until both are closed."""
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
                if not part:
                    waiting.unregister(key.fd)
    return [text.decode(errors="replace") for text in seen.values()]
