"""
How a command ends: the exit codes, and the one line for the person at the terminal.

    0   everything was done
    1   something was left out, a check failed, or the world is not ready
    2   a mistake in the settings or in how the command was called
"""

from __future__ import annotations

OK = 0
NOT_ALL = 1
USAGE = 2


class CannotGoOn(Exception):
    """
    A world in which the command cannot do its work: no broker, no topic, no right.

    The message is one line that says what is wrong and what to do. It never
    holds a value of an event or a secret.
    """

    exit_code = NOT_ALL


class BadSettings(CannotGoOn):
    """Settings that cannot be used: every mistake at once, one a line, by name and never by value."""

    exit_code = USAGE

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes
