"""
The demo's outcome, for a person and as JSON.

On a narrow terminal the bars shrink first, then labels fold; nothing is cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from consumer.dead_letters.summary import DeadLetterTally
from consumer.dead_letters.tables import tally_table
from consumer.demo.scenario import CURRENCY, Assertion, ScenarioResult, dead_letters_by_reason, filtered
from consumer.observability import metrics

BAR_WIDTH = 30
BAR_WIDTH_MIN = 3
BESIDE_A_BAR = 50  # the longest label, a number, and the gaps between them
GAP = 2


@dataclass(frozen=True, slots=True)
class Fitted:
    """Something to print that is made when the width of the terminal is known."""

    make: Callable[[int], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich asks for it."""
        yield self.make(options.max_width)


def match_keys(story: ScenarioResult) -> Counter[str]:
    """How many accepted events carry each key of `user_data`: what lets Meta find the person."""
    return Counter(key for event in story.accepted for key in event["user_data"])


def match_keys_by_event(story: ScenarioResult) -> dict[str, Counter[str]]:
    """The same for each of Meta's event names: from what the sandbox accepted, not from our own counters."""
    carried: dict[str, Counter[str]] = {}
    for event in story.accepted:
        carried.setdefault(event["event_name"], Counter()).update(event["user_data"].keys())
    return carried


def event_names(story: ScenarioResult) -> Counter[str]:
    """The accepted events by Meta's name."""
    return Counter(event["event_name"] for event in story.accepted)


def as_json(story: ScenarioResult, judged: Sequence[Assertion], seconds: float) -> dict[str, object]:
    """The whole outcome as one object."""
    return {
        "published": story.published,
        "accepted": len(story.accepted),
        "filtered": dict(_ranked(filtered(story))),
        "dead_letters": dict(_ranked(dead_letters_by_reason(story))),
        "requests": story.stats.requests,
        "event_names": dict(_ranked(event_names(story))),
        "match_keys": dict(_ranked(match_keys(story))),
        "match_keys_by_event": {
            name: dict(_ranked(keys)) for name, keys in sorted(match_keys_by_event(story).items())
        },
        "mended": {"published": story.mended.published, "accepted": len(story.mended.accepted)},
        "checks": [check._asdict() for check in judged],
        "adds_up": all(check.holds for check in judged),
        "seconds": round(seconds, 3),
    }


def for_a_person(story: ScenarioResult, judged: Sequence[Assertion], seconds: float) -> RenderableType:
    """Tables: the funnel, what Meta gets, the dead letters, one letter's second way, and the judgement."""
    return Group(
        _headed("What became of them", Fitted(lambda width: _funnel(story, _bar_width(width)))),
        _headed(
            "What lets Meta find the person (share of accepted events)",
            Fitted(lambda width: _shares(story, _bar_width(width))),
        ),
        _headed("What they are at Meta", Fitted(lambda width: _columns(event_names(story), width))),
        _headed("In the dead-letter topic", _dead_letters(story)),
        _headed("One letter mended", _second_way(story)),
        _headed("Does it add up?", _judgement(judged)),
        Text(f"\n{_verdict(judged)} ({seconds:.1f} s)", style="bold"),
    )


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Most first; what is equally frequent by name, so that two runs look the same."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _headed(title: str, what: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold cyan"), what)


def _funnel(story: ScenarioResult, bar_width: int) -> Table:
    table = _table()
    total = story.published
    rows: list[tuple[str, int, str]] = [
        ("published", total, "default"),
        ("consumed", sum(story.counters[metrics.CONSUMED.name].values()), "default"),
        ("accepted", len(story.accepted), "green"),
        ("filtered", filtered(story).total(), "yellow"),
        *((f"  {reason}", count, "yellow") for reason, count in _ranked(filtered(story))),
        ("dead letters", len(story.letters), "red"),
        *((f"  {reason}", count, "red") for reason, count in _ranked(dead_letters_by_reason(story))),
    ]
    for name, count, style in rows:
        table.add_row(
            Text(name, overflow="fold"),
            Text(str(count), justify="right"),
            _bar(count, total, bar_width, style),
        )
    return table


def _shares(story: ScenarioResult, bar_width: int) -> Table:
    table = _table()
    total = len(story.accepted)
    for key, count in _ranked(match_keys(story)):
        share = f"{100 * count / total:.0f} %" if 100 * count >= total else "< 1 %"
        table.add_row(
            Text(key, overflow="fold"), Text(share, justify="right"), _bar(count, total, bar_width, "green")
        )
    return table


def _columns(counts: Mapping[str, int], width: int) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, GAP, 0, 0))
    cells = [f"{count:>4} {name}" for name, count in _ranked(counts)]
    rows = next(rows for rows in _heights(len(cells)) if rows == len(cells) or _span(cells, rows) <= width)
    for row in range(rows):  # read downwards
        table.add_row(*(Text(cell, overflow="fold") for cell in cells[row::rows]))
    return table


def _heights(cells: int) -> list[int]:
    """How many rows three columns of so many cells have, then two, then one."""
    return [-(-cells // columns) for columns in (3, 2, 1)]


def _span(cells: Sequence[str], rows: int) -> int:
    """How wide these cells are when they stand in columns of so many rows."""
    columns = [cells[start : start + rows] for start in range(0, len(cells), rows)]
    return sum(max(map(len, column)) + GAP for column in columns)


def _dead_letters(story: ScenarioResult) -> Table:
    tally = DeadLetterTally()
    for letter in story.letters:
        tally.count(letter)
    return tally_table(tally)


def _second_way(story: ScenarioResult) -> Text:
    mended = story.mended
    event = mended.accepted[0] if mended.accepted else {}
    outcome = f"accepted as {event['event_name']}, event id {event['event_id']}" if event else "not accepted"
    lines = [
        f"exported   partition {mended.letter.partition.number} offset {mended.letter.offset}, "
        "purchase_without_currency",
        f"mended     + currency: {CURRENCY}",
        f"published  to its origin topic, with its origin kept; {outcome}",
    ]
    return Text("\n".join(lines))


def _judgement(judged: Sequence[Assertion]) -> Table:
    table = _table()
    for check in judged:
        mark = Text("yes", style="green") if check.holds else Text("NO", style="bold red")
        table.add_row(
            mark, Text(check.fact, overflow="fold"), Text(check.numbers, style="dim", overflow="fold")
        )
    return table


def _verdict(judged: Sequence[Assertion]) -> str:
    wrong = sum(not check.holds for check in judged)
    return f"{wrong} of {len(judged)} facts do not hold." if wrong else "Everything adds up."


def _table() -> Table:
    return Table(box=box.SIMPLE, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)


def _bar_width(width: int) -> int:
    """How long the longest bar may be on a terminal of this width."""
    return max(BAR_WIDTH_MIN, min(BAR_WIDTH, width - BESIDE_A_BAR))


def _bar(count: int, total: int, bar_width: int, style: str) -> Text:
    width = round(bar_width * count / total) if total else 0
    return Text("█" * max(width, 1 if count else 0), style=style)
