"""
Which event makes its requests fail, and when it is Meta that fails.

A request that gets 500 may fail because of one event in it, or because Meta is
ill. The other batches tell which: their first requests since this batch began
to fail are its peers.

    peers         + + + + + - + + + + +     most are answered: it may be this batch
    this batch    x  x   x     x     x      failures that count
                  |---- T seconds ---->     N of them over T: bisect it

    peers         - - - + - - - - - - -     an outage: counting starts again at 0
                  (none)                    nothing is blamed

1. Peers are the first requests of the last 10 batches since this one began to
   fail. They are healthy if there are at least 5 and more than half were
   answered, whatever Meta answered about their events.
2. A failure counts while most peers are answered. If most of them fail, the
   count starts again at 0.
3. A batch with 5 counted failures over T seconds, whose peers are healthy, is
   bisected. Its halves are delivered independently of each other.
4. A half that fails is bisected again if something was accepted since the split.
5. A single event starts from 0. After 5 counted failures over T seconds it needs
   5 more, each after something else was accepted: then it is a poison event.

Only first requests are peers, because they are a fair sample. Failed batches
are sent again and again, so in an outage most requests would be those of a few
unlucky batches, and a few poison events would look like an outage.

T is the setting `poison_after_s`. Times are in seconds of any one clock.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

NEVER = math.inf
# Enough that an outage does not look healthy by chance: if 19 of 20 requests fail, most of 10 succeed
# 3 times in a million. Few enough to notice within seconds that an outage begins.
PEERS_MAX = 10
# Fewer peers prove nothing. One batch a minute gives as many within the default of `poison_after_s`.
PEERS_MIN = 5
# With a short `poison_after_s`, a hiccup of two or three requests must not bisect anything.
FAILURES_MIN = 5
# The good neighbours of a poison event fail now and then too while Meta is half ill: once in two requests,
# say. That they do so five times more, and each time just after something was accepted, is rare.
EVENT_FAILURES_MIN = 5


class PeerSummary(NamedTuple):
    """First requests of other batches: answered by Meta, or failed."""

    answered: int
    failed: int

    @property
    def is_mostly_answered(self) -> bool:
        """More than half, however few they are."""
        return self.answered > self.failed

    @property
    def is_healthy(self) -> bool:
        """More than half, and enough of them to prove something."""
        return self.is_mostly_answered and self.answered + self.failed >= PEERS_MIN


class PeerOutcomes:
    """What happened to the first requests of the last batches."""

    def __init__(self) -> None:
        self._first_requests: deque[tuple[float, bool]] = deque(maxlen=PEERS_MAX)
        self.accepted_at = -NEVER

    def record_first_request(self, now_s: float, *, is_answered: bool) -> None:
        """The first request of a batch was answered, or it failed."""
        self._first_requests.append((now_s, is_answered))

    def record_acceptance(self, now_s: float) -> None:
        """Meta accepted something, at any attempt."""
        self.accepted_at = now_s

    def since(self, failing_since: float) -> PeerSummary:
        """
        The peers of a batch that has failed since then.

        Its own first request isn't among them: it failed at that time, or earlier.
        """
        answered = [is_answered for at, is_answered in self._first_requests if at > failing_since]
        return PeerSummary(sum(answered), len(answered) - sum(answered))


class FailureHistory(NamedTuple):
    """
    The requests of a batch, or of a part of one, and its failures since it last got an answer.

    `failing_since` and `failed_at` are the times of the first and the last
    failure. `counted` is how many of them count, since `counted_since`;
    `event_failures` how many of a single event count in addition. `split_at` is
    when the batch was bisected. NEVER, or minus that, if it hasn't happened.
    """

    attempts: int = 0
    failing_since: float = NEVER
    failed_at: float = NEVER
    counted: int = 0
    counted_since: float = NEVER
    split_at: float = -NEVER
    event_failures: int = 0

    def after_answer(self) -> FailureHistory:
        """One more request, which was answered, or failed for a reason that isn't the batch."""
        return FailureHistory(self.attempts + 1)

    def after_failure(
        self, now_s: float, peers: PeerOutcomes, events: int, poison_after_s: float
    ) -> FailureHistory:
        """One more request with this number of events, which failed."""
        failing_since = min(self.failing_since, now_s)
        summary = peers.since(failing_since)
        counted, counted_since = self.counted, self.counted_since
        if summary.is_mostly_answered:
            counted, counted_since = counted + 1, min(counted_since, now_s)
        elif summary.failed:
            counted, counted_since = 0, NEVER
        after = self._replace(
            attempts=self.attempts + 1,
            failing_since=failing_since,
            failed_at=now_s,
            counted=counted,
            counted_since=counted_since,
        )
        is_after_acceptance = peers.accepted_at > self.failed_at
        if events == 1 and is_after_acceptance and after.is_suspect(now_s, peers, poison_after_s):
            return after._replace(event_failures=self.event_failures + 1)
        return after

    def split(self, now_s: float, events: int) -> FailureHistory:
        """The history of a part with this number of events. A single event starts from 0."""
        if events > 1:
            return self._replace(split_at=now_s)
        # Only what it does alone counts: its batch may have failed because of another event.
        return self._replace(split_at=now_s, counted=0, counted_since=NEVER)

    def is_suspect(self, now_s: float, peers: PeerOutcomes, poison_after_s: float) -> bool:
        """Whether enough failures count, over enough time, and its peers are still healthy."""
        return (
            self.counted >= FAILURES_MIN
            and now_s - self.counted_since >= poison_after_s
            and peers.since(self.failing_since).is_healthy
        )

    def is_poison(self, now_s: float, peers: PeerOutcomes, events: int, poison_after_s: float) -> bool:
        """Whether to bisect a batch; of a single event, whether it is a poison event."""
        if events == 1:
            return self.event_failures >= EVENT_FAILURES_MIN
        # An acceptance since the split, because a part may fail for another reason an hour later: an outage
        # that begins while a batch is bisected costs requests, and no event.
        return peers.accepted_at > self.split_at and self.is_suspect(now_s, peers, poison_after_s)
