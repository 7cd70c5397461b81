"""
What the pages say of speed, written from build/bench.json: `make bench-docs`.

    docs/performance.md   the table, and what a million events cost
    docs/operations.md    how many pods a rate needs

Only a run of all parts is taken: figures of two runs do not belong in one table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import FIGURES, Figure
from benchmarks.results import HEAD, ROOT, Json, cells, figures_of, in_order

PERFORMANCE = ROOT / "docs" / "performance.md"
OPERATIONS = ROOT / "docs" / "operations.md"
RATES = (1_000, 10_000, 100_000)
PARTITIONS_LEAST = 6


def write_pages(read: Json, performance: Path = PERFORMANCE, operations: Path = OPERATIONS) -> None:
    """All three places. ValueError for a run of some parts, and for a page without the markers."""
    if absent := missing(read):
        raise ValueError(f"this was no run of all parts: {', '.join(absent)} are not in it")
    figures = figures_of(read)
    put_between("bench", f"{says(read)}\n\n{table(figures)}", performance)
    put_between("million", million(figures), performance)
    put_between("capacity", capacity(figures), operations)


def put_between(word: str, text: str, page: Path) -> None:
    """Put the text between the two markers of that word, in place of what is there."""
    begin, end = f"<!-- {word}:begin -->", f"<!-- {word}:end -->"
    before, has_begin, rest = page.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"{page.name} has no {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}{end}{after}")


def missing(read: Json) -> Sequence[str]:
    """Keys that a run of all parts has and this one has not."""
    return [key for key in FIGURES if key not in read]


def says(read: Json) -> str:
    """Of which run."""
    on = read["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in on["libraries"].items())
    return (
        f"The {read['form']} form, {read['rounds']} rounds in {read['seconds'] / 60:.0f} minutes "
        f"on {on['day']}, commit `{on['commit']}`:\n"
        f"{on['cores']} cores of {on['processor']}, {on['memory_gb']} GB, {on['system']}, "
        f"Python {on['python']},\n{libraries}."
    )


def table(figures: Mapping[str, Figure]) -> str:
    """Every figure, with its bar."""
    lines = [_line(HEAD), _line(["---", "---", "---:", "---:", "---:", "---"])]
    for key, figure in in_order(figures):
        name, *rest = cells(key, figure)
        lines.append(_line([f"`{name}`", *rest]))
    return "".join(lines)


def million(figures: Mapping[str, Figure]) -> str:
    """What a million events take."""
    cpu_us, speed = figures["pipeline_cpu_us"].median, figures["pipeline_events_s"].median
    read_gb, sent_gb = (figures[key].median / 1e3 for key in ("event_bytes", "payload_bytes"))
    return (
        f"| a million events take | |\n|---|---|\n"
        f"| of one core | {cpu_us:.0f} seconds |\n"
        f"| on the machine above | {1e6 / speed / 60:.1f} minutes |\n"
        f"| memory, at most | {figures['rss_mb'].median:.0f} MB |\n"
        f"| requests to Meta | 1,000 |\n"
        f"| read from Kafka, before compression | {read_gb:.1f} GB |\n"
        f"| sent to Meta, without `CAPI_GZIP` | {sent_gb:.1f} GB |\n"
    )


def capacity(figures: Mapping[str, Figure]) -> str:
    """What a pod can take, and how many pods a rate needs when each is planned with half of that."""
    cost = figures["pipeline_cpu_us"]
    a_core = 1e6 / cost.median
    lines = [
        f"One event costs {cost.median:.0f} µs of a core (the median of {len(cost.rounds)} rounds, "
        f"{cost.low:.0f} to {cost.high:.0f}), which is {_rounded(a_core):,} events a second for a pod\n"
        f"that has a core to itself, with {figures['rss_mb'].median:.0f} MB resident. Plan with half of it, "
        "so that a backlog is caught up as fast as it grew:\n\n",
        "| events a second | pods of one core | partitions | requests to Meta a second, full batches |\n",
        "|---|---|---|---|\n",
    ]
    for rate in RATES:
        pods = math.ceil(rate / (a_core / 2))
        shown = f"{max(2, pods)} (one would do)" if pods == 1 else f"{pods}"
        partitions = max(PARTITIONS_LEAST, 2 * pods)
        lines.append(f"| {rate:,} | {shown} | {partitions} | {rate // 1000} |\n")
    return "".join(lines)


def _rounded(number: float) -> int:
    """To two digits."""
    step = 10 ** (int(math.log10(number)) - 1)
    return int(number // step * step)


def _line(row: Iterable[str]) -> str:
    return f"| {' | '.join(row)} |\n"
