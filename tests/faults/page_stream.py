"""
Everything that the live page of one process says, from its first message to its last.

    with PageStream(address) as page:
        …                         the process runs, and ends
    page.files()                  document, style and script; while it runs
    page.said                     the stream of events, as it came
"""

from __future__ import annotations

import json
import threading
import urllib.request
from typing import Any

from support.waiting import eventually

FILES = ("/", "/page.css", "/page.js", "/page.svg")
SILENCE_S_MAX = 30.0
END_S_MAX = 30.0


class PageStream:
    """A watcher that stays until the process hangs up. The block ends after the process."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}"
        self._lines: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> PageStream:
        self._stream = urllib.request.urlopen(f"{self._url}/events", timeout=SILENCE_S_MAX)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(END_S_MAX)
        self._stream.close()

    def _listen(self) -> None:
        self._lines.extend(self._stream)

    @property
    def said(self) -> str:
        """All messages so far."""
        return b"".join(list(self._lines)).decode()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The same, read."""
        return [json.loads(line.removeprefix("data: ")) for line in self.said.splitlines() if line]

    def await_two_more(self) -> None:
        """Until a message was made after the call."""
        known = len(self.messages)
        eventually(lambda: len(self.messages) >= known + 2, SILENCE_S_MAX, "the page says how it stands")

    def files(self) -> str:
        """What a browser loads before it listens."""
        texts = []
        for path in FILES:
            with urllib.request.urlopen(f"{self._url}{path}", timeout=10) as answer:
                texts.append(answer.read().decode())
        return "\n".join(texts)
