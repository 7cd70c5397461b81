"""
Entry point of the command `capi-consumer`: import our package `consumer`, and no other of that name.

A Kafka service often has a `consumer.py` of its own. If it's on PYTHONPATH, it
comes before installed packages, so `import consumer` would find it. This module
loads the package that is installed beside it, and leaves the search path as it
is: your PYTHONPATH still applies to everything else.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PACKAGE = "consumer"


def main() -> None:
    """Run the command line."""
    _load_package()
    from consumer.cli.main import main as run  # only now is it sure whose package this is

    run()


def _load_package() -> None:
    folder = Path(__file__).resolve().parent / PACKAGE
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"capi-consumer is not installed completely: {folder} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    main()
