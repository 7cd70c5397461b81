"""What a file of events may be, in the words of the command line: its form and its encoding."""

from __future__ import annotations

from enum import StrEnum

STANDARD_INPUT = "-"


class FileFormat(StrEnum):
    """How events stand in a file."""

    AUTO = "auto"
    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"


class Encoding(StrEnum):
    """How the text of a CSV file is written in bytes."""

    UTF_8 = "utf-8"
    WINDOWS_1252 = "windows-1252"
    ISO_8859_15 = "iso-8859-15"
    CP1252 = "cp1252"
    LATIN1 = "latin1"
    ISO_8859_1 = "iso-8859-1"

    @property
    def codec(self) -> str:
        """How it is read: what calls itself Latin 1 is Windows 1252, as browsers have it."""
        return self.WINDOWS_1252.value if self in _WINDOWS_1252 else self.value


_WINDOWS_1252 = frozenset({Encoding.CP1252, Encoding.LATIN1, Encoding.ISO_8859_1})
