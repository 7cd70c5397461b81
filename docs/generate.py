"""
Writes the pages, and the parts of pages, that say what the code says.

    python docs/generate.py           write them
    python docs/generate.py --check   name those that are not as they would be written, exit 1

    consumer/observability/metrics.py, alerts.yaml ──► metrics.md
    consumer/config/settings.py ──────────────► settings.md
    consumer/messages.py ────────────────► reasons.md
    alerts.yaml ───────────────────────► operations.md, between its marks
"""

from __future__ import annotations

import sys
from pathlib import Path

from generating import metrics, reasons, settings, tables
from generating.alerts import alerts_table

DOCS = Path(__file__).parent
OPERATIONS = DOCS / "operations.md"


def pages() -> dict[Path, str]:
    """Each file with the text that it should have."""
    return {
        DOCS / "metrics.md": metrics.page(),
        DOCS / "settings.md": settings.page(),
        DOCS / "reasons.md": reasons.page(),
        OPERATIONS: between_marks(OPERATIONS.read_text("utf-8"), "alerts", tables.page(alerts_table())),
    }


def between_marks(present: str, name: str, text: str) -> str:
    """The page with the part between the marks of this name made anew."""
    before, start, rest = present.partition(f"<!-- {name}:begin -->\n")
    _, end, after = rest.partition(f"<!-- {name}:end -->\n")
    return f"{before}{start}{text}{end}{after}"


def main() -> int:
    """Write what is stale, or with `--check` name it."""
    stale = {
        path: text
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    is_check = "--check" in sys.argv[1:]
    for path, text in stale.items():
        if is_check:
            print(f"docs/{path.name} is not as the code says: make docs", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale and is_check else 0


if __name__ == "__main__":
    sys.exit(main())
