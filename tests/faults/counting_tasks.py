"""
`capi-consumer` as it is, which also writes down how many asyncio tasks its event loop has.

The program shows no such number, and needs none. The loop counts by a timer of
its own, which is no task, and appends a line to `TASKS_FILE` in the working folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from consumer.cli.main import main

TASKS_FILE = "tasks"
COUNT_S = 0.5

_run = uvloop.run


async def _counted(work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()

    def count() -> None:
        with Path(TASKS_FILE).open("a") as lines:
            lines.write(f"{len(asyncio.all_tasks())}\n")
        loop.call_later(COUNT_S, count)

    count()
    await work


def _run_counted(work: Coroutine[Any, Any, None]) -> None:
    Path(TASKS_FILE).write_text("")
    _run(_counted(work))


if __name__ == "__main__":
    module: Any = uvloop
    module.run = _run_counted
    main()
