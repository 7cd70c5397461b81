"""
What the page shows of this moment, read from the register of metrics.

    counters (Telemetry.snapshot)  -> funnel, match keys, notes
    gauges   (Telemetry.reading)   -> state, limits, partitions, lag
    Refusals, which no metric can hold beside them

Plain values that go out as JSON: numbers, names of Meta's keys, reason words,
names of topics, and our own sentences.

What each reason, note, state and code of Meta's means, for who looks at the page, and what to do.

The sentences are those of `advice`, as HTML: a setting or a property stays in
its letters, and a link names its page: the docs are not on this one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from html import escape
from urllib.parse import urlsplit

from consumer import __version__, messages
from consumer.config.settings import Settings
from consumer.domain.decision import FILTERED_REASONS
from consumer.domain.state import State
from consumer.messages import Advice
from consumer.meta.error_codes import SENTENCES
from consumer.observability import metrics
from consumer.observability.metrics import Metric
from consumer.observability.telemetry import Labels, Telemetry
from consumer.status_page.history import CounterSample

LETTERS = re.compile(r"`([^`]+)`")


def state_advice(word: State) -> Advice:
    """What this process is doing, and what to do, in plain text."""
    return Advice(*(LETTERS.sub(r"\1", messages.in_plain_text(text)) for text in messages.STATES[word]))


def as_html() -> str:
    """The lists of the page's last section. By the id of an entry the tables link to it."""
    reasons = messages.REASONS.items()
    filtered = [(word, said) for word, said in reasons if word in FILTERED_REASONS]
    letters = [(word, said) for word, said in reasons if word not in FILTERED_REASONS]
    return "".join(
        [
            _list("Why a record is filtered", "reason", filtered),
            _list("Why a record is a dead letter", "reason", letters),
            _list("What happened to a value", "note", messages.WARNINGS.items()),
            _list("What this process is doing", "state", messages.STATES.items()),
            _list("What Meta answers, by code", "code", map(_code, sorted(SENTENCES, key=_order))),
        ]
    )


def _code(pair: tuple[int, int | None]) -> tuple[str, Advice]:
    code, subcode = pair
    word = f"{code}" if subcode is None else f"{code}/{subcode}"
    return word, Advice(SENTENCES[pair], messages.CODES[pair])


def _order(pair: tuple[int, int | None]) -> tuple[int, int]:
    return pair[0], pair[1] or 0


def _list(title: str, kind: str, register: Iterable[tuple[str, Advice]]) -> str:
    entries = "".join(_entry(f"{kind}-{word}".replace("/", "-"), word, said) for word, said in register)
    return f"<h3>{escape(title)}</h3>\n<dl>\n{entries}</dl>\n"


def _entry(anchor: str, word: str, said: Advice) -> str:
    means, to_do = map(_html, said)
    return f'<dt id="{escape(anchor)}">{escape(word)}</dt><dd>{means}</dd><dd class="do">{to_do}</dd>\n'


def _html(markdown: str) -> str:
    return LETTERS.sub(r"<code>\1</code>", escape(messages.in_plain_text(markdown), quote=False))


# A message a second, and a table that is read by eye.
PARTITIONS_SHOWN_MAX = 100

Json = dict[str, object]
Sums = Mapping[str, Mapping[Labels, int]]


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What does not change while the process lives. `started_s` is in unix seconds."""

    started_s: float
    group: str
    topics: tuple[str, ...]
    pixel: str
    sends_to: str
    events_max: int
    bytes_max: int
    requests_max: int

    @classmethod
    def of(cls, settings: Settings, started_s: float) -> PageInfo:
        """What the page needs of the settings."""
        return cls(
            started_s,
            settings.group_id,
            settings.topics,
            settings.pixel_id,
            urlsplit(settings.graph_url).hostname or "",
            settings.events_in_flight_max,
            settings.bytes_in_flight_max,
            settings.requests_in_flight_max,
        )


def totals(telemetry: Telemetry) -> CounterSample:
    """What the history keeps of this moment."""
    lag = telemetry.reading(metrics.LAG)
    return CounterSample(
        telemetry.total(metrics.CONSUMED),
        telemetry.total(metrics.ACCEPTED),
        telemetry.total(metrics.FILTERED),
        telemetry.total(metrics.DEAD_LETTERS),
        telemetry.total(metrics.REQUESTS),
        sum(lag.values()) if lag else None,
    )


def snapshot(telemetry: Telemetry, about: PageInfo, now_s: float) -> Json:
    """Everything that is shown, but for the plots."""
    sums = telemetry.snapshot()
    return {
        "now_s": round(now_s, 1),
        "process": _process(telemetry, about),
        "funnel": _funnel(sums, telemetry),
        "limits": _limits(telemetry, about),
        "match_keys": _match_keys(sums),
        "notes": [[field, note, n] for (field, note), n in _ranked(sums[metrics.VALUES_DROPPED.name])],
        "refusals": _refusals(telemetry),
        "partitions": _partitions(telemetry),
    }


def _process(telemetry: Telemetry, about: PageInfo) -> Json:
    states = telemetry.reading(metrics.STATE)
    state = next((State(word) for (word,), is_so in states.items() if is_so), State.STARTING)
    alarms = telemetry.reading(metrics.FILTER_ALARM)
    return {
        "version": __version__,
        "started_s": about.started_s,
        "group": about.group,
        "topics": about.topics,
        "pixel": about.pixel,
        "sends_to": about.sends_to,
        "state": state,
        "state_says": state_advice(state).means,
        "state_to_do": state_advice(state).do,
        "throttled_s": _one(telemetry, metrics.THROTTLED),
        "letters_held": _one(telemetry, metrics.DLQ_BREAKER_WAITING),
        "filter_alarm": [reason for (reason,), is_on in alarms.items() if is_on],
        "memory_bytes": _one(telemetry, metrics.MEMORY),
    }


def _funnel(sums: Sums, telemetry: Telemetry) -> Json:
    """Where the records are that were consumed. `in_flight` is read a moment later than the sums."""
    return {
        "consumed": sum(sums[metrics.CONSUMED.name].values()),
        "accepted": sum(sums[metrics.ACCEPTED.name].values()),
        "unconfirmed": sum(sums[metrics.UNCONFIRMED.name].values()),
        "in_flight": _one(telemetry, metrics.IN_FLIGHT),
        "given_up": sum(sums[metrics.RELEASED.name].values()),
        "filtered": [[reason, n] for (reason,), n in _ranked(sums[metrics.FILTERED.name])],
        "dead_letters": [[reason, n] for (reason,), n in _ranked(sums[metrics.DEAD_LETTERS.name])],
    }


def _limits(telemetry: Telemetry, about: PageInfo) -> Json:
    """What is under way, the most that there may be, and for requests what Meta takes well just now."""
    return {
        "events": [_one(telemetry, metrics.IN_FLIGHT), about.events_max],
        "bytes": [_one(telemetry, metrics.IN_FLIGHT_BYTES), about.bytes_max],
        "requests": [_one(telemetry, metrics.REQUESTS_IN_FLIGHT), _one(telemetry, metrics.REQUESTS_LIMIT)],
        "concurrency": [_one(telemetry, metrics.REQUESTS_LIMIT), about.requests_max],
        "held": _one(telemetry, metrics.EVENTS_DELAYED),
    }


def _match_keys(sums: Sums) -> Json:
    """Accepted events by name, and how many of them carried each key; the most frequent first."""
    carried: dict[str, dict[str, int]] = {}
    keys: Counter[str] = Counter()
    for (event_name, key), n in sums[metrics.MATCH_KEYS.name].items():
        carried.setdefault(event_name, {})[key] = n
        keys[key] += n
    return {
        "keys": [key for (key,), _ in _ranked({(key,): n for key, n in keys.items()})],
        "rows": [
            [name, accepted, carried.get(name, {})]
            for (name,), accepted in _ranked(sums[metrics.ACCEPTED.name])
        ],
    }


def _refusals(telemetry: Telemetry) -> list[Json]:
    return [
        {
            "kind": refusal.kind,
            "code": refusal.code,
            "subcode": refusal.subcode,
            "says": refusal.says,
            "answers": refusal.answers,
            "at_s": round(refusal.at_s, 1),
            "fbtrace_id": refusal.fbtrace_id,
        }
        for refusal in telemetry.recent_errors.latest()
    ]


def _partitions(telemetry: Telemetry) -> Json:
    """How far behind each is, in the order of their numbers; of very many those that are furthest behind."""
    lag = telemetry.reading(metrics.LAG)
    furthest = nlargest(PARTITIONS_SHOWN_MAX, lag.items(), key=lambda place: place[1])
    return {
        "owned": _one(telemetry, metrics.PARTITIONS),
        "stopped": _one(telemetry, metrics.PARTITIONS_STALLED),
        "lag_known_ago_s": round(_one(telemetry, metrics.LAG_AGE)),
        "behind": sum(lag.values()),
        "lag": sorted((topic, int(number), records) for (topic, number), records in furthest),
        "not_shown": len(lag) - len(furthest),
    }


def _one(telemetry: Telemetry, metric: Metric) -> float:
    """A gauge without attributes; 0 before anybody says where it is read."""
    return sum(telemetry.reading(metric).values())


def _ranked(counts: Mapping[Labels, int]) -> list[tuple[Labels, int]]:
    """Those above 0, the most first; what is equally frequent by name."""
    return sorted(((labels, n) for labels, n in counts.items() if n), key=lambda item: (-item[1], item[0]))
