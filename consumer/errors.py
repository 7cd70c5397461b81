"""
How a command ends: the exit codes, and the one line for the person at the terminal.

    0   everything was done
    1   something was left out, a check failed, or the world is not ready
    2   a mistake in the settings or in how the command was called
    130 interrupted (Ctrl-C) before its end; what was done until then is summed up where there is a sum

Commands that run until somebody stops them (`run`, `sandbox`, `demo --keep`)
have no end before that: to be stopped is theirs, and 0. Interrupted while they
still start, they end with 130; `run` asked a second time, with 1.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_PARTIAL = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 and SIGINT's number, as shells have it


def exit_code(*, is_all: bool, is_interrupted: bool) -> int:
    """How a command ends that did all it was asked for, or not."""
    if is_interrupted:
        return EXIT_INTERRUPTED
    return EXIT_OK if is_all else EXIT_PARTIAL


class CommandError(Exception):
    """
    A world in which the command cannot do its work: no broker, no topic, no right.

    `says` is what is wrong and `do` what to do about it; the message is both, in
    one line. It never holds a value of an event or a secret.
    """

    exit_code = EXIT_PARTIAL

    def __init__(self, says: str, do: str = "") -> None:
        super().__init__(f"{says}: {do}" if do else says)
        self.says = says
        self.do = do


class UsageError(CommandError):
    """A way to call a command that it refuses, in this place or at all."""

    exit_code = EXIT_USAGE


class SettingsError(CommandError):
    """Settings that cannot be used: every mistake at once, one a line, by name and never by value."""

    exit_code = EXIT_USAGE

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.problems = mistakes
