"""The page's numbers are what others know: who published, Meta's stand-in, `explain`, the broker."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import expect
from playwright.sync_api._generated import Browser
from support.browsers import opened, picture
from support.page_reading import as_number, branches, cell, notes, number, shown, table
from support.running_demo import Demo
from support.waiting import eventually

from consumer.demo.environment import shop_samples
from consumer.domain.decision import FILTERED_REASONS, INVALID_REASONS
from consumer.mapping.tables import STANDARD_EVENTS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SAMPLES = shop_samples(time.time())
EVENTS = b"".join(sample.value + b"\n" for sample in SAMPLES)
# The ends of partitions are asked for each 10 s; a token that is refused is tried again later and later.
LAG_KNOWN_S_MAX = 30
TRIED_AGAIN_S_MAX = 70
TOKEN_REFUSED = {"kind": "error", "status": 400, "code": 190, "times": None}


def meant(reasons: Any) -> Counter[Any]:
    """How many samples were made to end so."""
    return Counter(sample.expected for sample in SAMPLES if sample.expected in reasons)


def notes_of(demo: Any, events: Any) -> Counter[Any]:
    """What `explain` says of these events, a process that nothing else has to do with."""
    lines = demo.run("explain", "--json", given=events).splitlines()
    return Counter((note["field"], note["note"]) for line in lines for note in json.loads(line)["notes"])


def of_meta(by_event_name: Any) -> Counter[Any]:
    """The names as the page has them: all that are not Meta's are one."""
    counts: Counter[Any] = Counter()
    for name, count in by_event_name.items():
        counts[name if name in STANDARD_EVENTS else "custom"] += count
    return counts


def percent(part: Any, whole: Any) -> str:
    if not part:
        return "0"
    exact = 100 * part / whole
    return "< 1" if exact < 1 else "99" if exact > 99 and part < whole else str(int(exact + 0.5))


def test_what_was_published_stands_where_it_was_made_to_end(browser: Browser, demo: Demo) -> None:
    outcome = demo.outcome
    assert outcome["adds_up"] is True
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        assert number(page, "accepted") == demo.sandbox_stats()["events_accepted"] == outcome["accepted"] + 1
        assert number(page, "consumed") == len(SAMPLES) + 1  # the mended letter
        assert number(page, "way") == 0
        assert branches(page, "filtered") == meant(FILTERED_REASONS)
        assert branches(page, "dead") == meant(INVALID_REASONS) == outcome["dead_letters"]
        assert number(page, "filtered") == meant(FILTERED_REASONS).total()
        assert number(page, "dead") == meant(INVALID_REASONS).total()
        assert watched.complaints == []


def test_each_match_key_of_each_event_name_has_the_share_that_the_sandbox_took(
    browser: Browser, demo: Demo
) -> None:
    accepted = of_meta(demo.outcome["event_names"])
    carried = {key: of_meta({}) for key in demo.outcome["match_keys"]}
    for name, keys in demo.outcome["match_keys_by_event"].items():
        for key, count in keys.items():
            carried[key] += of_meta({name: count})
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        ((_, _, *keys),) = table(page, "#match thead tr")
        (every, *rows) = table(page, "#match tbody tr")
    assert {name: as_number(count) for name, count, *_ in rows} == accepted + Counter(Purchase=1)
    assert set(keys) == set(carried)
    for name, count, *shares in rows:
        for key, share in zip(keys, shares, strict=True):
            took = carried[key][name]
            # The mended purchase carried the key, or not.
            may_be = {percent(took, as_number(count)), percent(took + (name == "Purchase"), as_number(count))}
            assert share in may_be, (name, key)
    assert every[:2] == ["all", str(accepted.total() + 1)]
    for key, share in zip(keys, every[2:], strict=True):
        took = carried[key].total()
        assert share in {percent(took, accepted.total() + 1), percent(took + 1, accepted.total() + 1)}, key


def test_the_values_left_out_are_those_that_explain_names(browser: Browser, demo: Demo) -> None:
    published = notes_of(demo, EVENTS)
    without_currency = (
        json.loads(one.value) for one in SAMPLES if one.expected == "purchase_without_currency"
    )
    mended = [json.dumps({**event, "currency": "EUR"}).encode() for event in without_currency]
    with opened(browser, demo.page) as watched:
        found = notes(shown(watched.page))
    assert published["ph", "no_country"] == 6
    assert any(found == published + notes_of(demo, one) for one in mended)


def test_what_meta_refused_is_there_with_code_sentence_and_trace_id(browser: Browser, demo: Demo) -> None:
    with opened(browser, demo.page) as watched:
        row = shown(watched.page).locator("#refusals tbody tr").first
        assert row.locator("th").inner_text().startswith("100 / ")
        place = row.locator("th a").get_attribute("href")
        assert place == "#code-100"  # of its subcode nothing is known
        assert watched.page.locator(f"{place} + dd").inner_text() == "a parameter of an event is refused"
        says, answers, last, trace = (cell.inner_text() for cell in row.locator("td").all())
        assert says == "a parameter of an event is refused (rejected)"
        assert int(answers) >= 1
        assert re.fullmatch(r"\d+ (s|min) ago", last)
        assert re.fullmatch(r"[A-Za-z0-9_-]{5,64}", trace)


def test_limits_partitions_and_state(browser: Browser, demo: Demo) -> None:
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        assert page.locator("#state").inner_text() == "running"
        assert page.locator("#owned").inner_text().startswith("4 partitions are this process's.")
        limits = {row[0]: row[2] for row in table(page, "#limits tbody tr")}
        assert limits["Events in flight"] == "20,000"
        assert limits["Bytes in flight"] == "134 MB"
        assert limits["Requests allowed at once"] == "8"


# Those change the counts.


def test_the_numbers_move_while_events_flow(browser: Browser, demo: Demo) -> None:
    before = demo.sandbox_stats()["events_accepted"]
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        page.evaluate("window.mark = 1")
        line = page.locator("#plot-accepted .line").get_attribute("d")
        had = Counter(notes(page))
        demo.publish(EVENTS)
        expect(cell(page, "accepted")).to_have_text(f"{before + demo.outcome['accepted']:,}")
        assert number(page, "accepted") == demo.sandbox_stats()["events_accepted"]
        expect(cell(page, "filtered")).to_have_text(f"{2 * meant(FILTERED_REASONS).total():,}")
        assert branches(page, "filtered") == meant(FILTERED_REASONS) + meant(FILTERED_REASONS)
        assert Counter(notes(page)) - had == notes_of(demo, EVENTS)
        expect(page.locator("#plot-accepted .line")).not_to_have_attribute("d", line)
        assert page.evaluate("window.mark") == 1  # the page was not loaded again
        picture(page, "page-moved", whole=False)


def test_what_meta_does_not_take_is_behind_as_the_broker_counts_it(browser: Browser, demo: Demo) -> None:
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        behind = page.locator("#plot-lag b")
        expect(behind).to_have_text("0 records", timeout=LAG_KNOWN_S_MAX * 1000)
        assert sum(demo.behind().values()) == 0
        demo.behave(faults=[TOKEN_REFUSED])
        demo.publish(EVENTS)
        expect(page.locator("#state")).to_have_text("misconfigured")

        def is_as_the_broker_says() -> dict[Any, Any] | None:
            counted = {place: count for place, count in demo.behind().items() if count}
            rows = table(page, "#partitions tbody tr")
            on_page = {int(place): as_number(count) for _, place, count in rows if count != "0"}
            return counted if counted == on_page else None

        by_broker = eventually(is_as_the_broker_says, LAG_KNOWN_S_MAX, "lag by partition", poll_s=0.5)
        assert by_broker is not None
        whole = sum(by_broker.values())
        assert 0 < whole <= len(SAMPLES)
        expect(behind).to_have_text(f"{whole:,} records")
        assert f"{whole:,} records behind" in page.locator("#owned").inner_text()
        assert page.locator("#alarm").inner_text() == (
            "The access token is refused: it was revoked, has expired, or was mistyped (190). "
            "Misconfigured (docs/operations.md): a new token in its file is taken up by itself."
        )
        picture(page, "page-setup")
        demo.behave(faults=[])
        expect(behind).to_have_text("0 records", timeout=TRIED_AGAIN_S_MAX * 1000)
        expect(page.locator("#state")).to_have_text("running")
        expect(page.locator("#alarm")).to_be_hidden()
        most = page.locator("#plot-lag p span").nth(1).inner_text()
        assert whole <= as_number(most.removeprefix("peak ")) <= len(SAMPLES)
