"""
The register of metrics: each one with its unit, its attributes and their values, and what it says.

Nothing else may be counted. A counter with one attribute whose values are known
beforehand starts at 0 for each of them, so that an alert has its series before
the first incident. Names are OpenTelemetry's where its semantic conventions have one;
ours begin with `capi.`. docs/metrics.md is written from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consumer.domain.decision import CUSTOM, FILTERED_REASONS, INVALID_REASONS, WarningCode
from consumer.domain.state import State
from consumer.mapping.tables import NOTE_FIELDS, STANDARD_EVENTS, USER_DATA_KEYS
from consumer.meta.error_codes import CODE_WORDS
from consumer.meta.response import ResponseOutcome

# The values of an attribute: all that there are, or in words where they depend on the settings.
Values = tuple[str, ...] | str


class Instrument(StrEnum):
    """How a metric is measured, in OpenTelemetry's words."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """
    One metric. `attributes` maps the name of each to its values, in the order in which they are counted.

    `constants` are attributes that have one value for all that we do. `bounds`
    are the upper bounds of a histogram's buckets, in the metric's unit.
    """

    name: str
    instrument: Instrument
    unit: str
    help: str
    attributes: Mapping[str, Values] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()

    @property
    def prometheus_name(self) -> str:
        """Its name at /metrics; a histogram's without `_bucket`, `_sum`, `_count`."""
        name = re.sub(r"[^a-z0-9]+", "_", self.name)
        suffix = PROMETHEUS_UNITS.get(self.unit, "")
        if suffix and not name.endswith(suffix):
            name += suffix
        return f"{name}_total" if self.instrument is Instrument.COUNTER else name


PROMETHEUS_UNITS = {"s": "_seconds", "By": "_bytes"}
DURATION_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# From a second to Meta's seven days.
AGE_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 259_200.0, 604_800.0)
BATCH_EVENTS = (1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 750.0, 1000.0)
KAFKA = {"messaging.system": "kafka"}


def values_of(values: Iterable[StrEnum]) -> tuple[str, ...]:
    """A closed set as plain text."""
    return tuple(sorted(value.value for value in values))


def counter(
    name: str,
    unit: str,
    says: str,
    attributes: Mapping[str, Values] | None = None,
    constants: Mapping[str, str] | None = None,
) -> Metric:
    """What only grows."""
    return Metric(name, Instrument.COUNTER, unit, says, attributes or {}, constants or {})


def gauge(name: str, unit: str, says: str, attributes: Mapping[str, Values] | None = None) -> Metric:
    """What is read when somebody asks."""
    return Metric(name, Instrument.GAUGE, unit, says, attributes or {})


def histogram(
    name: str,
    unit: str,
    says: str,
    bounds: tuple[float, ...],
    attributes: Mapping[str, Values] | None = None,
    constants: Mapping[str, str] | None = None,
) -> Metric:
    """How measurements are spread."""
    return Metric(name, Instrument.HISTOGRAM, unit, says, attributes or {}, constants or {}, bounds)


# What happens to records

CONSUMED = counter(
    "messaging.client.consumed.messages",
    "{message}",
    "Records taken from the events topics.",
    {"messaging.destination.name": "the topics of CAPI_TOPICS"},
    {**KAFKA, "messaging.operation.name": "poll"},
)
PROCESS_DURATION = histogram(
    "messaging.process.duration",
    "s",
    "Time to decide on the records of one poll: reading, mapping, normalising, hashing.",
    DURATION_S,
    constants={**KAFKA, "messaging.operation.name": "decide"},
)
ACCEPTED = counter(
    "capi.events.accepted",
    "{event}",
    "Events in requests that Meta accepted.",
    {"event_name": tuple(sorted({*STANDARD_EVENTS, CUSTOM}))},
)
FILTERED = counter(
    "capi.events.filtered",
    "{event}",
    "Records that are not sent, by reason: a success.",
    {"reason": values_of(FILTERED_REASONS)},
)
DEAD_LETTERS = counter(
    "capi.dead_letters",
    "{record}",
    "Records whose dead letter the broker acknowledged, by reason.",
    {"reason": values_of(INVALID_REASONS)},
)
RELEASED = counter(
    "capi.records.released",
    "{record}",
    "Records taken that end elsewhere: they were held back when their partition was taken away or the "
    "process was told to stop. They come again.",
)
DEAD_LETTER_RETRIES = counter(
    "capi.dead_letters.retries", "{attempt}", "Writes of dead letters that failed and were tried again."
)
VALUES_DROPPED = counter(
    "capi.values.dropped",
    "{value}",
    "Values that could not be used, by field and warning.",
    {"field": tuple(sorted(NOTE_FIELDS)), "warning": values_of(WarningCode)},
)
MATCH_KEYS = counter(
    "capi.match_keys",
    "{event}",
    "Accepted events that carry each key of user_data, by event name.",
    {"event_name": tuple(sorted({*STANDARD_EVENTS, CUSTOM})), "key": tuple(sorted(USER_DATA_KEYS))},
)
UNCONFIRMED = counter(
    "capi.events.unconfirmed", "{event}", "Events in accepted requests that Meta's count left out."
)
EVENT_AGE = histogram(
    "capi.event.age", "s", "Age of the oldest event of a request when Meta accepted it.", AGE_S
)

# Requests to Meta

BATCH_SIZE = histogram("capi.batch.size", "{event}", "Events in a request.", BATCH_EVENTS)
REQUESTS = counter(
    "capi.requests", "{request}", "Requests to Meta, by outcome.", {"outcome": values_of(ResponseOutcome)}
)
ERRORS = counter(
    "capi.meta.errors",
    "{answer}",
    "Answers that carried an error, by Meta's code.",
    {"code": CODE_WORDS},
)
REQUEST_DURATION = histogram(
    "http.client.request.duration",
    "s",
    "Time from sending a request to the end of its answer.",
    DURATION_S,
    {
        "server.address": "the host of CAPI_GRAPH_URL",
        "server.port": "its port",
        "http.response.status_code": "HTTP's; empty where there was no answer",
        "error.type": "`timeout`, the type of an exception, or a status from 400 on; empty where all is well",
    },
    {"http.request.method": "POST"},
)
IN_FLIGHT = gauge("capi.in_flight", "{record}", "Records taken and not yet ended.")
IN_FLIGHT_BYTES = gauge("capi.in_flight.bytes", "By", "Bytes of those records.")
EVENTS_DELAYED = gauge(
    "capi.events.delayed", "{event}", "Events in flight that wait for the browser's copy (send_delay_s)."
)
REQUESTS_IN_FLIGHT = gauge("capi.requests.in_flight", "{request}", "Requests under way.")
REQUESTS_LIMIT = gauge("capi.requests.limit", "{request}", "Requests that may be under way at once.")

# Kafka

PLACE = {"topic": "the topics of CAPI_TOPICS", "partition": "those that are this consumer's"}
LAG = gauge(
    "capi.lag",
    "{record}",
    "Records of a partition that have not ended: from the lowest unfinished one to the end of the log.",
    PLACE,
)
LAG_AGE = gauge(
    "capi.lag.age",
    "s",
    "Since when the ends of the logs are known for capi.lag. It grows without Kafka.",
)
COMMITS = counter("capi.commits", "{commit}", "Offset commits, by outcome.", {"outcome": ("failed", "ok")})
REBALANCES = counter(
    "capi.rebalances",
    "{partition}",
    "Partitions assigned, revoked and lost.",
    {"event": ("assigned", "lost", "revoked")},
)
PARTITIONS = gauge("capi.partitions", "{partition}", "Partitions that are this consumer's.")
PARTITIONS_STALLED = gauge(
    "capi.partitions.stalled",
    "{partition}",
    "Partitions that stand still because their committed offset is gone (offset_out_of_range=pause).",
)

# The process

STATE = gauge(
    "capi.state",
    "1",
    "1 for the state that the consumer is in, 0 for the others.",
    {"state": values_of(State)},
)
THROTTLED = gauge(
    "capi.throttled", "s", "For how long Meta asks for patience, from now on; 0 while it does not."
)
DLQ_BREAKER_WAITING = gauge(
    "capi.dlq_breaker.waiting", "{record}", "Records whose dead letter the flood brake holds back."
)
FILTER_ALARM = gauge(
    "capi.filter_alarm",
    "1",
    "1 for a reason that over half of the last 1,000 records are filtered for, 0 for the others.",
    {"reason": values_of(FILTERED_REASONS)},
)
TOKEN_AGE = gauge(
    "capi.token.age",
    "s",
    "Age of the access token in use: since its file was written, without a file since the start.",
)
MEMORY = gauge("process.memory.usage", "By", "Resident memory of the process.")

REGISTER: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
COUNTERS = tuple(metric for metric in REGISTER if metric.instrument is Instrument.COUNTER)
GAUGES = tuple(metric for metric in REGISTER if metric.instrument is Instrument.GAUGE)
HISTOGRAMS = tuple(metric for metric in REGISTER if metric.instrument is Instrument.HISTOGRAM)
