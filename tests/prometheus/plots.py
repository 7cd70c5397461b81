"""
Marks of a picture, as SVG: lines over time, bands of states, bars, and one large number.

Each function gets the place that it may fill and returns SVG text. Colours are a
panel's own, else of PALETTE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

INK, FAINT, GRID = "#24292f", "#6e7781", "#e4e7eb"
PALETTE = (
    "#3274d9",
    "#56a64b",
    "#e0752d",
    "#a352cc",
    "#e02f44",
    "#1f9e9e",
    "#b58900",
    "#7c5c4a",
    "#c1548d",
    "#5c6ac4",
)
NAMED = {
    "green": "#56a64b",
    "blue": "#3274d9",
    "red": "#e02f44",
    "yellow": "#d9a400",
    "orange": "#ff9830",
    "text": "#57606a",
}
CHARACTER = 5.6  # the width of one at 10 px, on average
LEGEND_ROW = 14
GAP_S = 4.0  # longer than that without a value, and the line is broken

Point = tuple[float, float]
Written = Callable[[float], str]


class Place(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    w: float
    h: float


class Line(NamedTuple):
    """One series over time."""

    name: str
    points: Sequence[Point]
    colour: str
    is_dashed: bool = False
    is_right: bool = False  # measured at the right axis
    is_stacked: bool = False


def text(
    x: float,
    y: float,
    words: str,
    size: float = 10,
    colour: str = FAINT,
    anchor: str = "start",
    weight: int = 400,
) -> str:
    """Words on a baseline."""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}"'
        f' font-weight="{weight}">{escape(words)}</text>'
    )


def rectangle(place: Place, colour: str) -> str:
    """One that is filled."""
    x, y, w, h = (f"{value:.1f}" for value in place)
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{colour}"/>'


def number(place: Place, value: str, colour: str) -> str:
    """One large number."""
    size = min(34.0, place.h * 0.5, place.w / max(1, len(value)) * 1.5)
    return text(place.x + place.w / 2, place.y + place.h / 2 + size / 3, value, size, colour, "middle", 600)


def numbers(place: Place, values: Sequence[tuple[str, str, str]]) -> str:
    """Some large numbers side by side: name, value, colour of each."""
    wide = place.w / max(1, len(values))
    return "".join(
        number(Place(place.x + at * wide, place.y, wide, place.h - 10), value, colour)
        + text(place.x + (at + 0.5) * wide, place.y + place.h - 4, name, 10, FAINT, "middle")
        for at, (name, value, colour) in enumerate(values)
    )


def bars(place: Place, rows: Sequence[tuple[str, float]], most: float, colour: str, written: Written) -> str:
    """Horizontal bars with their names before them."""
    if not rows:
        return ""
    high = min(22.0, place.h / len(rows))
    names_w = min(place.w * 0.45, max(len(name) for name, _ in rows) * CHARACTER + 8)
    room = place.w - names_w - 46
    drawn = []
    for at, (name, value) in enumerate(rows):
        y = place.y + at * high
        wide = room * value / most if most else 0
        drawn += [
            text(place.x + names_w - 6, y + high * 0.68, name, 10, INK, "end"),
            rectangle(Place(place.x + names_w, y + 2, wide, high - 4), colour),
            text(place.x + names_w + wide + 4, y + high * 0.68, written(value), 10),
        ]
    return "".join(drawn)


def bands(place: Place, lines: Sequence[Line], span: Point, colour: str) -> str:
    """A row for each line, coloured where it is 1."""
    names_w = max(len(line.name) for line in lines) * CHARACTER + 8
    room = Place(place.x + names_w, place.y, place.w - names_w, place.h - LEGEND_ROW)
    high = min(24.0, room.h / len(lines))
    drawn = []
    for at, line in enumerate(lines):
        y = room.y + at * high
        drawn.append(text(room.x - 6, y + high * 0.65, line.name, 10, INK, "end"))
        drawn.append(rectangle(Place(room.x, y + 2, room.w, high - 4), "#f3f4f6"))
        for (begin, value), (end, _) in pairwise(line.points):
            if value >= 1 and end - begin <= GAP_S:
                x, right = (room.x + room.w * (when - span[0]) / (span[1] - span[0]) for when in (begin, end))
                drawn.append(rectangle(Place(x, y + 2, right - x + 0.2, high - 4), colour))
    return "".join(drawn) + _times(Place(room.x, room.y, room.w, high * len(lines)), span)


class Axis(NamedTuple):
    """How values are written, and the size of one of the unit in which they are: a day of seconds."""

    written: Written
    unit: Callable[[float], float] = lambda most: 1.0

    def end(self, most: float) -> float:
        """Where the axis ends."""
        return nice(most / self.unit(most)) * self.unit(most)


def chart(place: Place, lines: Sequence[Line], span: Point, left: Axis, right: Axis) -> str:
    """Lines over time with axes, and a legend below. Stacked ones stand on those before them."""
    rows = _legend_rows(lines, place.w)
    has_right = any(line.is_right for line in lines)
    wide = place.w - (92 if has_right else 52)
    room = Place(place.x + 44, place.y + 4, wide, place.h - 20 - LEGEND_ROW * len(rows))
    drawn = []
    for is_right, axis in ((False, left), (True, right)):
        of_axis = [line for line in _stacked(lines) if line.is_right is is_right]
        if of_axis:
            most = axis.end(max((value for line in of_axis for _, value in line.points), default=1.0))
            drawn.append(_axis(room, most, axis.written, is_right))
            # The highest of a stack first, so that those below it stay to be seen.
            drawn += [_path(room, line, span, most) for line in reversed(of_axis)]
    legend_y = place.y + place.h - LEGEND_ROW * len(rows) + 10
    drawn += [_legend(place.x + 4, legend_y + at * LEGEND_ROW, row) for at, row in enumerate(rows)]
    return "".join(drawn) + _times(room, span)


def _stacked(lines: Sequence[Line]) -> list[Line]:
    """The lines, with what stands below it added to each that is stacked."""
    below: dict[float, float] = {}
    found = []
    for line in lines:
        if line.is_stacked:
            below |= {when: below.get(when, 0.0) + value for when, value in line.points}
            line = line._replace(points=[(when, below[when]) for when, _ in line.points])
        found.append(line)
    return found


def nice(most: float) -> float:
    """The end of an axis: four steps of 1, 2, 2.5 or 5."""
    if most <= 0:
        return 1.0
    power = 10.0 ** (len(f"{most / 4:.0f}") - 1) if most >= 4 else 10.0 ** -len(f"{4 / most:.0f}")
    return next(4 * step * power for step in (1, 2, 2.5, 5, 10, 20, 25, 50, 100) if 4 * step * power >= most)


def _axis(room: Place, most: float, written: Written, is_right: bool) -> str:
    drawn = []
    for step in range(5):
        y = room.y + room.h * (1 - step / 4)
        if not is_right:
            drawn.append(f'<path d="M{room.x:.1f} {y:.1f}h{room.w:.1f}" stroke="{GRID}"/>')
        x, anchor = (room.x + room.w + 5, "start") if is_right else (room.x - 5, "end")
        drawn.append(text(x, y + 3, written(most * step / 4), 9, FAINT, anchor))
    return "".join(drawn)


def _times(room: Place, span: Point) -> str:
    """Minutes and seconds since the beginning."""
    drawn = []
    every = 30 if span[1] - span[0] <= 240 else 60
    for since in range(0, int(span[1] - span[0]) + 1, every):
        x = room.x + room.w * since / (span[1] - span[0])
        drawn.append(text(x, room.y + room.h + 12, f"{since // 60}:{since % 60:02d}", 9, FAINT, "middle"))
    return "".join(drawn)


def _path(room: Place, line: Line, span: Point, most: float) -> str:
    look = f'fill="none" stroke="{line.colour}" stroke-width="1.4" stroke-linejoin="round"'
    if line.is_dashed:
        look += ' stroke-dasharray="5 4"'
    floor = room.y + room.h
    areas, steps = [], []
    for run in _runs(line.points):
        places = [
            (
                room.x + room.w * (when - span[0]) / (span[1] - span[0]),
                floor - room.h * min(1.0, value / most),
            )
            for when, value in run
        ]
        step = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        steps.append(step)
        areas.append(f"{step}L{places[-1][0]:.1f} {floor:.1f}L{places[0][0]:.1f} {floor:.1f}Z")
    drawn = f'<path d="{"".join(steps)}" {look}/>'
    if not line.is_stacked:
        return drawn
    area = "".join(areas)
    return f'<path d="{area}" fill="#fff"/><path d="{area}" fill="{line.colour}" opacity="0.3"/>{drawn}'


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """The points without gaps between them, run after run."""
    runs: list[list[Point]] = []
    for point in points:
        if runs and point[0] - runs[-1][-1][0] <= GAP_S:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _legend_rows(lines: Sequence[Line], wide: float) -> list[list[Line]]:
    rows: list[list[Line]] = [[]]
    used = 0.0
    for line in lines:
        need = len(line.name) * CHARACTER + 24
        if rows[-1] and used + need > wide:
            rows.append([])
            used = 0.0
        rows[-1].append(line)
        used += need
    return rows


def _legend(x: float, y: float, row: Sequence[Line]) -> str:
    drawn = []
    for line in row:
        dash = ' stroke-dasharray="4 3"' if line.is_dashed else ""
        drawn.append(f'<path d="M{x:.1f} {y - 3:.1f}h12" stroke="{line.colour}" stroke-width="3"{dash}/>')
        drawn.append(text(x + 16, y, line.name, 10, INK))
        x += len(line.name) * CHARACTER + 24
    return "".join(drawn)


def colours(names: Sequence[str], own: Mapping[str, str]) -> dict[str, str]:
    """A colour for each name: its own, else the next of the palette that nobody has."""
    free = [colour for colour in PALETTE if colour not in own.values()] or list(PALETTE)
    without = [name for name in dict.fromkeys(names) if name not in own]
    return {**own, **{name: free[at % len(free)] for at, name in enumerate(without)}}
