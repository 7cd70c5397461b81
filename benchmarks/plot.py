"""
The picture in docs/performance.md: what the size of a request and the number of them at once do.

A panel each. Events a second on the left axis, processor time of an event on the right, each as the
median of the rounds with its range. The same numbers make the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from benchmarks.figures import Figure

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "capi-consumer", "svg.fonttype": "none", "font.size": 10})

from matplotlib import pyplot  # noqa: E402 - after its backend is chosen
from matplotlib.axes import Axes  # noqa: E402

DRAWN_FILE = Path(__file__).parent.parent / "docs" / "performance.svg"
SPEED, COST = "#1f6feb", "#bc4c00"

Curve = Sequence[tuple[str, Figure, Figure]]


def draw(panels: Sequence[tuple[str, Curve]], file: Path) -> None:
    """One panel for each (label of the x axis, curve)."""
    picture, axes = pyplot.subplots(1, len(panels), figsize=(10, 3.8), layout="constrained", squeeze=False)
    picture.get_layout_engine().set(wspace=0.08)
    for number, (label, curve) in enumerate(panels):
        _panel(axes[0][number], label, curve)
    picture.savefig(file, metadata={"Date": None, "Creator": None})
    pyplot.close(picture)
    file.write_text("\n".join(line.rstrip() for line in file.read_text().splitlines()) + "\n")


def _panel(left: Axes, label: str, curve: Curve) -> None:
    right = left.twinx()
    names = [name for name, _, _ in curve]
    _line(left, names, [speed for _, speed, _ in curve], SPEED, "o-")
    _line(right, names, [cost for _, _, cost in curve], COST, "s--")
    left.set_xlabel(label)
    left.set_ylabel("events a second", color=SPEED)
    right.set_ylabel("processor, µs an event", color=COST)
    left.yaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    left.grid(axis="y", alpha=0.25)
    for axis in (left, right):
        axis.spines["top"].set_visible(False)


def _line(axis: Axes, names: Sequence[str], figures: Sequence[Figure], colour: str, style: str) -> None:
    medians = [figure.median for figure in figures]
    below = [figure.median - figure.low for figure in figures]
    above = [figure.high - figure.median for figure in figures]
    axis.errorbar(names, medians, yerr=[below, above], fmt=style, color=colour, capsize=3)
    axis.set_ylim(0, 1.15 * max(figure.high for figure in figures))
