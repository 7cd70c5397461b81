"""
How far a long work is, how fast it goes, and how long it still takes: a bar on standard error.

    1,024 read ━━━━━━━━━━╺━━━━━━━━━ 512/1024 KiB 2,043 events/s 0:00:01

Only where standard error is a terminal. It goes when the work is done: what
stays on the screen is the result.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from consumer.console import err
from consumer.event_files.event_files import EventFile

BAR_COLUMNS = 20
# Events between two looks at the progress bar.
STRIDE = 64


class Rate(ProgressColumn):
    """How many a second: of what the bar counts, or of `events` where it counts bytes of a file."""

    def __init__(self, unit: str) -> None:
        super().__init__(Column(no_wrap=True))
        self._unit = unit

    def render(self, task: Task) -> Text:
        """As rich asks for it; nothing before it is known."""
        events, elapsed_s = task.fields.get("events"), task.elapsed
        if events is not None:
            return Text(f"{events / elapsed_s:,.0f} events/s" if events and elapsed_s else "")
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {self._unit}/s" if speed else "")


def progress(unit: str, *, is_shown: bool = True) -> Progress:
    """A bar with count, rate and time left; nothing where standard error is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(BAR_COLUMNS),
        MofNCompleteColumn(),
        TextColumn(unit),
        Rate(unit),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not (is_shown and err.is_terminal),
    )


def reading(bar: Progress, opened: EventFile) -> Callable[[int], None]:
    """Shows a file in a bar of KiB as it is read; to be called with the number of events so far."""
    size = opened.size_bytes
    task = bar.add_task("reading", total=None if size is None else size // 1024, events=0)

    def show(read: int) -> None:
        if read % STRIDE == 0:
            bar.update(task, completed=opened.read_bytes // 1024, description=f"{read:,} read", events=read)

    return show
