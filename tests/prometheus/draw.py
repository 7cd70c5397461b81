"""
Draws docs/dashboard.svg: `make dashboard`.

The story of the tests, drawn out so that there is something to see; two to three minutes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from faults.world import World
from prometheus.picture import picture
from prometheus.story import told
from support.compose import PROJECT

FILE = PROJECT / "docs" / "dashboard.svg"
PART_S = 15.0


def main() -> None:
    """Run the story and write the file."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            with told(world, time.sleep, PART_S) as story:
                FILE.write_text(picture(story), encoding="utf-8")
        finally:
            world.end()
    sys.stdout.write(json.dumps({"file": str(FILE), "bytes": FILE.stat().st_size}) + "\n")


if __name__ == "__main__":
    main()
