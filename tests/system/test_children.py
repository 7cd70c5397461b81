"""How the tests start a child: nothing of this process happens in it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from support import children


class Held:
    """What a thread holds, as a thread that writes to Kafka holds its Producer. Says where it ends."""

    def __init__(self, endings: Any) -> None:
        self.endings = endings

    def __del__(self) -> None:
        with self.endings.open("a") as file:
            file.write(f"{os.getpid()}\n")


def test_what_other_threads_hold_does_not_end_in_a_child(tmp_path: Path) -> None:
    """librdkafka's clients among it: ending one waits for threads and locks that no child has."""
    endings = tmp_path / "endings"
    its_own = threading.local()
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        its_own.held = Held(endings)
        is_held.set()
        is_over.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(60)
    child = children.start(["true"], dict(os.environ), tmp_path / "out", tmp_path / "err")
    code = children.end(child)
    is_over.set()
    thread.join(60)
    assert endings.read_text() == f"{os.getpid()}\n"
    assert code in (0, -9)
