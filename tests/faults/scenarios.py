"""The table: every scenario of docs/faults.md, in its order."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from faults import answers, brokers, groups, kills, letters, privacy, records, soak
from faults.measures import Measures, Size
from faults.world import World


class Scenario(NamedTuple):
    """A row of the table: `bar` is what is promised, `run` measures whether it is so."""

    id: str
    title: str
    bar: str
    run: Callable[[World, Size], Measures]


SCENARIOS = (
    Scenario(
        "F1",
        "kill -9 at random instants under load",
        "lost 0; twice at most what was in flight; every repeat has the same event_id",
        kills.killed_at_random_instants,
    ),
    Scenario(
        "F2",
        "kill -9 after Meta's 200 and before the commit",
        "lost 0; same event_id and event_time",
        kills.killed_between_answer_and_commit,
    ),
    Scenario(
        "F3",
        "kill -9 while dead letters are written",
        "no dead letter missing",
        kills.killed_while_dead_letters_are_written,
    ),
    Scenario(
        "F4",
        "SIGTERM under load with a slow sink, and while Meta throttles",
        "exit 0 within the grace time; lost 0; twice 0, while throttled at most the late answer's",
        kills.asked_to_stop_under_load,
    ),
    Scenario(
        "F5",
        "SIGSTOP past the session timeout, then SIGCONT",
        "the zombie commits nothing; lost 0",
        kills.stopped_past_the_session_timeout,
    ),
    Scenario(
        "F6",
        "members join and leave every second, up to six",
        "distinct set equal; twice under 5 %",
        groups.members_come_and_go,
    ),
    Scenario(
        "F7",
        "the same with eager, cooperative and KIP-848",
        "lost 0 each; a member without a partition is ready",
        groups.protocols,
    ),
    Scenario(
        "F8",
        "rolling restart with static membership",
        "no rebalance, by the members and by the coordinator",
        groups.rolling_restart,
    ),
    Scenario(
        "F9",
        "one of three brokers down, another restarted, under load",
        "lost 0; recovers by itself",
        brokers.broker_down,
    ),
    Scenario(
        "F10",
        "errors in answer to commits",
        "no crash, no commit too far",
        brokers.commits_refused,
    ),
    Scenario(
        "F11",
        "dead-letter topic gone and back; a record too large for it",
        "nothing committed past it; recovers; the letter goes without its value",
        records.letters_that_cannot_be_written,
    ),
    Scenario(
        "F12",
        "answers after 50 ms, 5 s, 50 ms",
        "memory flat; throughput comes back",
        answers.slow_and_quick_again,
    ),
    Scenario(
        "F13",
        "connections dropped and cut; answers after the timeout",
        "lost 0; repeats have the same event_id",
        answers.broken_connections,
    ),
    Scenario(
        "F14",
        "throttling by 429, by code 4 and 80004 under 400, by a usage header",
        "dead letters 0; the request rate follows",
        answers.throttled,
    ),
    Scenario(
        "F15",
        "only HTTP 500 for a minute",
        "dead letters 0; requests during the outage bounded",
        answers.outage,
    ),
    Scenario(
        "F16",
        "k bad events in a batch of 1,000",
        "exactly k dead letters, the others once; requests at most 1 + 2k·10",
        answers.bad_events_in_a_batch,
    ),
    Scenario(
        "F17",
        "not JSON, deep, NaN, bad UTF-8, huge, null key, tombstone",
        "each to its end; neighbours unharmed",
        records.odd_records,
    ),
    Scenario(
        "F18",
        "logs with holes: aborted transactions, compaction",
        "lag reaches 0",
        records.holes,
    ),
    Scenario(
        "F19",
        "committed offset no longer there",
        "never a silent jump: stop, earliest, latest",
        records.committed_offset_gone,
    ),
    Scenario(
        "F20",
        "an event whose request always ends with 500",
        "other partitions go on; it ends as `poison_event`",
        answers.stuck_event,
    ),
    Scenario(
        "F21",
        "token revoked under load, a new one written to its file",
        "dead letters 0; lost 0; goes on without a restart",
        answers.token_revoked_and_renewed,
    ),
    Scenario(
        "F22",
        "stale and future events among good ones; some too old while they wait",
        "gone before the batch; neighbours unharmed",
        answers.stale_and_future_events,
    ),
    Scenario(
        "F23",
        "nothing but invalid records",
        "the brake stops it; mended settings or a signal let it go on",
        letters.only_bad_records,
    ),
    Scenario(
        "F24",
        "replay by filter A, then B, then all; killed, stopped; letters that fail again, without id and time",
        "each letter once for each filter, none hidden; same id and time; parked after the limit",
        letters.letters_come_back,
    ),
    Scenario(
        "F25",
        "soak at half of the highest rate, 2,000 events/s at most",
        "memory does not grow; sockets, threads and asyncio tasks flat",
        soak.soak,
    ),
    Scenario(
        "F26",
        "any interleaving of start, complete, revoke, reassign, holes",
        "committable at most the lowest unfinished, never backwards; equals a plain model",
        soak.any_interleaving,
    ),
    Scenario(
        "F27",
        "canaries in every personal field, in URLs, names and the token, with faults",
        "in no log line, metric, header or error; in requests only as digests",
        privacy.canaries,
    ),
    Scenario(
        "F28",
        "requests at once, as the sandbox counts them",
        "never above the limit",
        answers.requests_at_once,
    ),
)
