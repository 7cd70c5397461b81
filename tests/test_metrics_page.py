"""docs/metrics.md is as the register of metrics says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from consumer import metrics

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "metrics.md").read_text()


def test_the_page_is_as_it_would_be_written():
    checked = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, check=False, timeout=60
    )
    assert checked.returncode == 0, "docs/metrics.md is not as consumer/metrics.py says: make docs"


def test_each_metric_has_one_row():
    rows = [line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(metric.name for metric in metrics.REGISTER)
