"""
The schemas that ship with the program.

They stand in `schemas/` at the top of the repository, where readers look for
them, and travel inside the package when it is built. A checkout that runs
without having been built finds them where they stand.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import orjson

EVENT = "event"
SERVER_EVENT = "server-event"
DEAD_LETTER = "dead-letter"


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema `name`, such as `event`. Callers share it and leave it unchanged."""
    read: dict[str, Any] = orjson.loads((_folder() / f"{name}.schema.json").read_bytes())
    return read


def _folder() -> Traversable:
    packaged = resources.files("consumer") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "schemas"
