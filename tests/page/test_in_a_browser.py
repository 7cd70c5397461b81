"""The page in a real browser: its numbers are the oracle's, they move, and everybody can use it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from eventually import eventually
from page import axe
from page.browsers import WAIT_MS_MAX, chromium, opened, picture
from playwright.sync_api import expect
from required import require

from consumer.core.mapping import STANDARD_EVENTS
from consumer.page.server import served
from consumer.settings import Settings
from consumer.telemetry import Telemetry

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

COMMAND = str(Path(sys.executable).with_name("capi-consumer"))
READY_S_MAX = 60.0
# What comes with a later message. Playwright's `wait_for_function` would be against the page's policy.
expect.set_options(timeout=WAIT_MS_MAX)
ALL_LOOKS = [(1440, "light"), (1440, "dark"), (360, "light"), (360, "dark")]


def environment(**settings):
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | settings


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def rules():
    try:
        return axe.source()
    except axe.NotAvailable as reason:
        require("browser", str(reason))


@pytest.fixture(scope="module")
def demo(tmp_path_factory, browser):
    """The demo, left running after everything that it does: where its page is, and what came out."""
    folder = tmp_path_factory.mktemp("demo")
    said, outcome = folder / "said", folder / "outcome"
    with said.open("wb") as stderr, outcome.open("wb") as stdout:
        child = subprocess.Popen(
            [COMMAND, "demo", "--keep", "--json"],
            env=environment(),
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        eventually(lambda: "capi-consumer replay --dry-run" in said.read_text(), READY_S_MAX)
        text = said.read_text()
        yield SimpleNamespace(
            page=re.search(r"live page: (\S+)", text)[1],
            settings=dict(re.findall(r"export (\w+)=(\S+)", text)),
            outcome=json.loads(outcome.read_text()),
        )
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 0  # an open page holds nothing up
    finally:
        child.kill()
        child.wait(10)


def sandbox_stats(demo):
    """What Meta's stand-in counted: the oracle."""
    with urllib.request.urlopen(f"{demo.settings['CAPI_GRAPH_URL']}/sandbox/stats", timeout=10) as answer:
        return json.loads(answer.read())


def number(page, key):
    text = page.locator(f'#ends [data-key="{key}"] td').first.inner_text()
    return int(text.replace(",", ""))


def branches(page, kind):
    rows = page.locator(f'#ends [data-key^="{kind}:"]').all()
    counts = {row.locator("th").inner_text(): row.locator("td").first.inner_text() for row in rows}
    return {word: int(count.replace(",", "")) for word, count in counts.items()}


def shown(page):
    """Wait for the first message."""
    page.wait_for_selector('#ends [data-key="accepted"]')
    return page


def violations(page, rules):
    """axe-core's, by rule and element. The page lets no script in but its own: this one is a debugger's."""
    page.evaluate(rules)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [(each["id"], node["target"]) for each in found for node in each["nodes"]]


# What it says


def test_the_numbers_are_the_oracles(browser, demo):
    outcome = demo.outcome
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        assert number(page, "accepted") == sandbox_stats(demo)["events_accepted"] == outcome["accepted"] + 1
        assert number(page, "consumed") == outcome["published"] + outcome["mended"]["published"]
        assert number(page, "way") == 0
        assert branches(page, "filtered") == outcome["filtered"]
        assert branches(page, "dead") == outcome["dead_letters"]
        assert number(page, "filtered") == sum(outcome["filtered"].values())
        assert number(page, "dead") == sum(outcome["dead_letters"].values())
        assert watched.complaints == []


def test_match_keys_by_event_name_are_the_oracles(browser, demo):
    names = Counter({"Purchase": 1})  # the mended one
    for name, count in demo.outcome["event_names"].items():
        names[name if name in STANDARD_EVENTS else "custom"] += count
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        rows = page.locator("#match tbody tr").all()
        cells = [[cell.inner_text() for cell in row.locator("th, td").all()] for row in rows[:3]]
        accepted = page.eval_on_selector_all(
            "#match tbody tr", "rows => rows.map(r => [r.children[0].textContent, r.children[1].textContent])"
        )
        keys = page.eval_on_selector_all("#match thead .key", "cells => cells.map(c => c.textContent)")
    assert {name: int(count) for name, count in accepted[1:]} == names
    total = names.total()
    assert cells[0][:2] == ["all", str(total)]
    assert set(keys) >= set(demo.outcome["match_keys"])
    for key, share in zip(keys, cells[0][2:], strict=True):
        before = demo.outcome["match_keys"].get(key, 0)
        assert share in {percent(before, total), percent(before + 1, total)}, key


def percent(part, whole):
    if not part:
        return "0"
    exact = 100 * part / whole
    return "< 1" if exact < 1 else "99" if exact > 99 and part < whole else str(int(exact + 0.5))


def test_what_meta_refused_is_there_with_code_sentence_and_trace_id(browser, demo):
    with opened(browser, demo.page) as watched:
        row = shown(watched.page).locator("#refusals tbody tr").first
        assert row.locator("th").inner_text().startswith("100 / ")
        says, answers, last, trace = (cell.inner_text() for cell in row.locator("td").all())
        assert says == "a parameter of an event is refused (refused)"
        assert int(answers) >= 1
        assert re.fullmatch(r"\d+ (s|min) ago", last)
        assert re.fullmatch(r"[A-Za-z0-9_-]{5,64}", trace)


def test_limits_partitions_and_state(browser, demo):
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        assert page.locator("#state").inner_text() == "running"
        assert page.locator("#owned").inner_text().startswith("4 partitions are this process's.")
        limits = dict(
            page.eval_on_selector_all(
                "#limits tbody tr", "rows => rows.map(r => [r.dataset.key, r.cells[2].textContent])"
            )
        )
        assert limits["Events in flight"] == "20,000"
        assert limits["Bytes in flight"] == "134 MB"
        assert limits["Requests allowed at once"] == "8"


@pytest.mark.parametrize(("width", "theme"), ALL_LOOKS)
def test_it_fits_asks_nobody_else_and_axe_finds_nothing(browser, demo, rules, width, theme):
    with opened(browser, demo.page, width, theme) as watched:
        page = shown(watched.page)
        picture(page, f"page-{width}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page, rules) == []
        assert {url for url in watched.asked if not url.startswith(demo.page)} == set()
        assert watched.complaints == []


def test_by_keyboard_a_reason_leads_to_what_it_means_and_a_message_takes_no_focus(browser, demo):
    with opened(browser, demo.page, 360) as watched:
        page = shown(watched.page)
        focused = "document.activeElement.textContent"
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == "To the numbers"
        for _ in range(4):
            page.keyboard.press("Tab")
            if page.evaluate(focused) == "no_consent":
                break
        assert page.evaluate(focused) == "no_consent"
        line = page.locator("#plot-consumed .line")
        before = line.get_attribute("d")
        expect(line).not_to_have_attribute("d", before)
        assert page.evaluate(focused) == "no_consent"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#reason-no_consent"
        meant = page.locator("dt:target + dd")
        assert "CAPI_USER_CONSENT_CATEGORY" in meant.inner_text()
        assert 0 < meant.bounding_box()["y"] < 740


# Last: it changes the counts.
def test_the_numbers_move_while_events_flow(browser, demo):
    before = sandbox_stats(demo)["events_accepted"]
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        page.evaluate("window.mark = 1")
        line = page.locator("#plot-accepted .line").get_attribute("d")
        with subprocess.Popen(
            [COMMAND, "demo", "--samples"], stdout=subprocess.PIPE, env=environment()
        ) as made:
            published = subprocess.run(
                [COMMAND, "publish", "--raw", "--json"],
                stdin=made.stdout,
                env=environment(**demo.settings),
                capture_output=True,
                timeout=READY_S_MAX,
            )
        assert published.returncode == 0, published.stderr
        expect(page.locator('#ends [data-key="accepted"] td').first).to_have_text(
            f"{before + demo.outcome['accepted']:,}"
        )
        assert number(page, "accepted") == sandbox_stats(demo)["events_accepted"]
        filtered = 2 * sum(demo.outcome["filtered"].values())
        expect(page.locator('#ends [data-key="filtered"] td').first).to_have_text(f"{filtered:,}")
        assert branches(page, "filtered") == {k: 2 * n for k, n in demo.outcome["filtered"].items()}
        expect(page.locator("#plot-accepted .line")).not_to_have_attribute("d", line)
        assert page.evaluate("window.mark") == 1  # the page was not loaded again
        picture(page, "page-moved", whole=False)


# Before the first event, and after the end


@contextmanager
def serving():
    """A page in a thread, of a process to which nothing has happened; `end` ends it."""
    loop, telemetry = asyncio.new_event_loop(), Telemetry()
    ready, told = threading.Event(), SimpleNamespace(at="", leave=asyncio.Event())

    async def serve():
        async with served(Settings(pixel_id="1", page_address="127.0.0.1:0"), telemetry) as told.at:
            ready.set()
            await told.leave.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)

    def end():
        loop.call_soon_threadsafe(told.leave.set)
        thread.join(10)

    try:
        yield told.at, end
    finally:
        end()
        loop.close()
        telemetry.close()


def test_what_is_empty_explains_itself_and_the_end_is_said(browser, rules):
    with serving() as (address, end), opened(browser, address, 360, "dark") as watched:
        page = shown(watched.page)
        for text in (
            "No event has come yet",
            "No event has been accepted yet.",
            "Nothing has been left out of an event yet.",
            "Meta has refused nothing yet.",
            "No partition is this process's",
            "nothing yet",
        ):
            assert page.get_by_text(text).first.is_visible(), text
        assert page.locator("#match").is_hidden()
        assert violations(page, rules) == []
        picture(page, "page-empty")
        end()
        expect(page.locator("#state")).to_have_text("no answer")
        assert "does not answer" in page.locator("#state-says").inner_text()
