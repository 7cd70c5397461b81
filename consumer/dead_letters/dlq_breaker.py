"""
The flood brake: when most records would be dead letters, their letters wait.

    records decided, batches answered -> Flood -> off: each letter is written
                                                  on:  letters wait, nothing more is taken in

What waits stays in flight and uncommitted, so the group keeps its place; good
events that were taken already are sent. A person releases it (SIGUSR1, or a
restart with `--resume`). Who has mended the settings restarts: the
records are decided anew, by the new settings.

Everything but `is_on` and `held` belongs to the event loop's thread.

Is the topic moving into the dead-letter topic?

    decided    the last 1,000 records, as they were decided: deliverable, filtered, invalid
    answered   the last 1,000 events that Meta took or refused

A flood: at least 100 of those would be dead letters, and they are half of the
last 1,000 records, or of all when there are fewer. Of the deliverable ones as
many would be refused as Meta has lately refused of others:

    invalid + deliverable x refused / answered  >=  records / 2

There are two windows because records are decided at once and answered later,
or during an outage not at all: in one window the invalid ones would overtake
the good ones that wait, and a topic with one bad record in ten would look bad.
For the same reason a poll is counted as a whole, and a batch as a whole: in a
batch Meta names the bad events before it takes the good ones.

A brake that is on stays on until it is released: at half, one record more or
less would switch it. A released brake is off until both windows are full and
show no flood; then it is armed again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import structlog

from consumer.domain.decision import INVALID_REASONS, Reason
from consumer.observability.filter_alarm import SlidingCounter

RECORDS = 1_000
# A restart begins with empty windows, because that is how corrected settings take effect. So a source that
# is entirely wrong gets LETTERS_MIN - 1 dead letters per restart.
LETTERS_MIN = 100
# So few answers show nothing of the others: those that are missing count as good.
ANSWERS_MIN = 100


class DeadLetterRate:
    """The brake as a fact: on or off. A record counts by its reason; None where it is sent, or accepted."""

    def __init__(self, *, is_released: bool = False) -> None:
        self._decided: SlidingCounter[Reason | None] = SlidingCounter(RECORDS)
        self._answered: SlidingCounter[Reason | None] = SlidingCounter(RECORDS)
        self._is_released = is_released
        self.is_on = False

    def record_decisions(self, reasons: Sequence[Reason | None]) -> None:
        """The records of one poll, as they were decided."""
        self._decided.append(reasons)
        self._judge()

    def record_responses(self, reasons: Sequence[Reason | None]) -> None:
        """The events of one batch, as Meta answered them."""
        self._answered.append(reasons)
        self._judge()

    def release(self) -> None:
        """Off, until there has been no flood for as many records as are looked at."""
        self.is_on = False
        self._is_released = True

    @property
    def records(self) -> int:
        """How many records are looked at."""
        return len(self._decided)

    def dead_letters(self) -> dict[str, int]:
        """Those of the last records and answers that are dead letters, by reason."""
        counts = Counter(self._decided.counts()) + Counter(self._answered.counts())
        return {reason.value: count for reason, count in counts.items() if reason in INVALID_REASONS}

    def _judge(self) -> None:
        if self.is_on:
            return
        is_flood = self._is_over_limit()
        if self._is_released:
            # Both windows must be full: 1,000 decisions are made long before Meta's first response.
            self._is_released = is_flood or not (self._decided.is_full and self._answered.is_full)
        else:
            self.is_on = is_flood

    def _is_over_limit(self) -> bool:
        invalid, refused = self._decided.count(INVALID_REASONS), self._answered.count(INVALID_REASONS)
        if invalid + refused < LETTERS_MIN:
            return False
        deliverable = self._decided.count([None])
        answered = max(len(self._answered), ANSWERS_MIN)
        # The formula above, times 2 x answered: whole numbers have no half that is a little less.
        return 2 * (invalid * answered + deliverable * refused) >= len(self._decided) * answered


log = structlog.get_logger()

# How often it is said that the brake is on: the log is where somebody looks at night.
REMIND_EVERY_S = 30.0


class DlqBreaker:
    """Holds dead letters while there is a flood of them. `is_wanted` is the setting."""

    def __init__(self, *, is_wanted: bool = True, is_released: bool = False) -> None:
        self._is_wanted = is_wanted
        self._flood = DeadLetterRate(is_released=is_released)
        self._off = asyncio.Event()
        self._off.set()
        self.waiting = 0

    @property
    def is_open(self) -> bool:
        """Whether letters wait. Read by the worker's thread too."""
        return self._flood.is_on

    def record_decisions(self, reasons: Sequence[Reason | None]) -> None:
        """The records of one poll: reasons of filtered and invalid ones, None for those that are sent."""
        if self._is_wanted:
            self._flood.record_decisions(reasons)
            self._follow()

    def record_responses(self, reasons: Sequence[Reason | None]) -> None:
        """Events of one batch as Meta answered them: None for accepted ones."""
        if self._is_wanted:
            self._flood.record_responses(reasons)
            self._follow()

    async def wait(self) -> None:
        """Return when a letter may be written."""
        self.waiting += 1
        try:
            while self.is_open:
                await self._off.wait()
        finally:
            self.waiting -= 1

    def resume(self) -> None:
        """Let the letters be written. Without effect while the brake is off."""
        if not self.is_open:
            log.info("the brake is not on: nothing to release")
            return
        log.warning("the brake was released", letters_held=self.waiting)
        self._flood.release()
        self._off.set()

    def log_reminder(self) -> None:
        """Say that the brake is on, if it is, and what to do."""
        if self.is_open:
            log.error(
                "the flood brake is on: most records would be dead letters, so nothing more is taken in",
                would_be_dead_letters=self._flood.dead_letters(),
                records_looked_at=self._flood.records,
                letters_held=self.waiting,
                mend="mend events or settings and restart",
                release="to let the letters be written: SIGUSR1, or restart with --resume",
            )

    def _follow(self) -> None:
        if self.is_open and self._off.is_set():
            self._off.clear()
            self.log_reminder()


async def log_reminders(brake: DlqBreaker) -> None:
    """Say it again for as long as the brake is on."""
    while True:
        await asyncio.sleep(REMIND_EVERY_S)
        brake.log_reminder()
