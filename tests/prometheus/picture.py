"""The dashboard's panels as one SVG, with its places, titles and units, from what Prometheus answered."""

from __future__ import annotations

import math
import re
from typing import Any

from prometheus import plots
from prometheus.plots import Line, Place
from prometheus.story import Told
from support.promql_queries import dashboard

COLUMN, ROW, GAP = 50, 31, 6
TITLE = 20
NOTE = 34
STEP_S = 1.0
SAYS = (
    "Panels of helm/capi-consumer/files/dashboard.json, drawn by tests/prometheus/draw.py from what a real"
    " Prometheus answered; no screenshot of Grafana.",
    "One run: one consumer, then two, 200 events a second; the sandbox in Meta's place counts too few,"
    " throttles, fails, refuses the token; then visitors without consent come in a burst.",
)

Panel = dict[str, Any]


def picture(story: Told) -> str:
    """The SVG."""
    panels = dashboard()["panels"]
    high = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * ROW + NOTE + GAP
    wide = 24 * COLUMN + GAP
    says = [plots.text(GAP + 2, 14 + 14 * at, line, 11) for at, line in enumerate(SAYS)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}"'
            f' width="{wide}" height="{high}"'
            ' font-family="Inter, Helvetica, Arial, sans-serif">',
            f'<rect width="{wide}" height="{high}" fill="#f6f8fa"/>',
            *says,
            *(_panel(panel, story) for panel in panels),
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, story: Told) -> str:
    grid = panel["gridPos"]
    x, y = GAP + grid["x"] * COLUMN, NOTE + grid["y"] * ROW
    w, h = grid["w"] * COLUMN - GAP, grid["h"] * ROW - GAP
    frame = f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="3" fill="#fff" stroke="#d8dee4"/>'
    size = min(12.0, (w - 12) / len(panel["title"]) / 0.55)
    title = plots.text(x + 8, y + 16, panel["title"], size, plots.INK, weight=600)
    inside = Place(x + 8, y + TITLE + 4, w - 16, h - TITLE - 10)
    return frame + title + DRAWN[panel["type"]](panel, inside, story)


def _stat(panel: Panel, place: Place, story: Told) -> str:
    """The last values, as Grafana's `lastNotNull`."""
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    lasts = [(line.name, line.points[-1][1]) for line in _lines(panel, story)]
    own = _own(panel, "color")
    shown = [
        (
            name if len(lasts) > 1 or "{{" in panel["targets"][0]["legendFormat"] else "",
            written(value, unit),
            own.get(name, plots.INK),
        )
        for name, value in lasts
    ]
    return plots.numbers(place, shown)


def _chart(panel: Panel, place: Place, story: Told) -> str:
    units = _own(panel, "unit")
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    other = next(iter(units.values()), unit)
    return plots.chart(place, _lines(panel, story), _span(story), _axis(unit), _axis(other))


def _axis(unit: str) -> plots.Axis:
    return plots.Axis(lambda value: written(value, unit), lambda most: _one_of(unit, most))


def _one_of(unit: str, most: float) -> float:
    """In what a value is written: a MiB of bytes, an hour of seconds."""
    if unit == "bytes":
        return 2.0**20
    if unit == "s":
        return next((size for size, _ in LONG if most >= size), 1.0 if most >= 1 else 0.001)
    return 1.0


def _bands(panel: Panel, place: Place, story: Told) -> str:
    return plots.bands(place, _lines(panel, story), _span(story), plots.NAMED["orange"])


def _bars(panel: Panel, place: Place, story: Told) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    rows = [(line.name, line.points[-1][1]) for line in _lines(panel, story)]
    rows.sort(key=lambda row: -row[1])
    most = defaults.get("max", max((value for _, value in rows), default=1.0))
    colour = plots.NAMED[defaults["thresholds"]["steps"][0]["color"]]
    return plots.bars(place, rows, most, colour, lambda value: written(value, defaults["unit"]))


DRAWN = {"stat": _stat, "timeseries": _chart, "state-timeline": _bands, "bargauge": _bars}


def _lines(panel: Panel, story: Told) -> list[Line]:
    """The series of all the panel's queries, with the names that its legend has."""
    found: list[tuple[str, list[tuple[float, float]]]] = []
    for target in panel["targets"]:
        query = story.query(target["expr"])
        if target.get("instant"):
            answers = [(one["metric"], [one["value"]]) for one in story.prometheus.query(query, story.to_s)]
        else:
            ranged = story.prometheus.query_range(query, story.from_s, story.to_s, STEP_S)
            answers = [(one["metric"], one["values"]) for one in ranged]
        for labels, values in answers:
            points = [(float(when), float(value)) for when, value in values if not math.isnan(float(value))]
            if points:
                found.append((_named(target["legendFormat"], labels), points))
    own = _own(panel, "color")
    chosen = plots.colours([name for name, _ in found], own)
    dashed, right = _own(panel, "custom.lineStyle"), _own(panel, "custom.axisPlacement")
    alone = _own(panel, "custom.stacking")
    is_stacked = (
        panel["fieldConfig"]["defaults"].get("custom", {}).get("stacking", {}).get("mode") == "normal"
    )
    return [
        Line(name, points, chosen[name], name in dashed, name in right, is_stacked and name not in alone)
        for name, points in found
    ]


def _named(form: str, labels: dict[str, str]) -> str:
    """As Grafana makes the name; what makes the names of the tests' topics differ is left out."""
    name = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), form).strip()
    return re.sub(r"-[0-9a-f]{12}\b", "", name)


def _own(panel: Panel, wanted: str) -> dict[str, str]:
    """What the panel says of single series: name -> value."""
    found = {}
    for override in panel["fieldConfig"]["overrides"]:
        for one in override["properties"]:
            if one["id"] == wanted:
                value = one["value"]
                is_colour = isinstance(value, dict) and "fixedColor" in value
                found[override["matcher"]["options"]] = (
                    plots.NAMED[value["fixedColor"]] if is_colour else value
                )
    return found


def _span(story: Told) -> tuple[float, float]:
    return story.from_s, story.to_s


def written(value: float, unit: str) -> str:
    """A value with its unit, short."""
    match unit:
        case "percentunit":
            return f"{value:.0%}"
        case "bytes":
            return f"{value / 2**20:.0f} MiB"
        case "s":
            return f"{value * 1000:.0f} ms" if 0 < value < 1 else _seconds(value)
    if value >= 10_000:
        return f"{value / 1000:.0f}k"
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"


LONG = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def _seconds(value: float) -> str:
    for size, word in LONG:
        if value >= size:
            return f"{value / size:.2g} {word}" if value < 10 * size else f"{value / size:.0f} {word}"
    return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
