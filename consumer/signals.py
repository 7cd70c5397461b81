"""
Ctrl-C and SIGTERM as a wish: the first one asks, the second one insists.

A command that works in handfuls looks at the event between two of them and ends
in order. Who asks twice gets the signal's own effect.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signal(event: threading.Event | None = None) -> Iterator[threading.Event]:
    """An event that the first signal sets, or this one. Elsewhere than on the main thread nobody sets it."""
    event = event or threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def ask(_number: int, _frame: object) -> None:
        event.set()
        _restore(before)

    for number in SIGNALS:
        signal.signal(number, ask)
    try:
        yield event
    finally:
        _restore(before)


def _restore(handlers: Mapping[signal.Signals, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]
