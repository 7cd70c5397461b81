"""The page in a real browser: it fits, it needs nobody else, and everybody can use it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api._generated import Browser
from support import axe
from support.browsers import opened, picture
from support.page_reading import shown, table
from support.requirements import require
from support.running_demo import Demo

from consumer import __version__
from consumer.config.settings import Settings
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry
from consumer.status_page.server import WATCHERS_MAX, serve_status_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ALL_LOOKS = [(1440, "light"), (1440, "dark"), (360, "light"), (360, "dark")]


@pytest.fixture(scope="module")
def rules() -> str:
    try:
        return axe.source()
    except axe.NotAvailable as reason:
        require("browser", str(reason))


def violations(page: Any, rules: Any) -> list[Any]:
    """axe-core's, by rule and element. The page lets no script in but its own: this one is a debugger's."""
    page.evaluate(rules)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [(each["id"], node["target"]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize(("width", "theme"), ALL_LOOKS)
def test_it_fits_asks_nobody_else_and_axe_finds_nothing(
    browser: Browser, demo: Demo, rules: str, width: Any, theme: Any
) -> None:
    with opened(browser, demo.page, width, theme) as watched:
        page = shown(watched.page)
        picture(page, f"page-{width}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page, rules) == []
        assert {url for url in watched.asked if not url.startswith(demo.page)} == set()
        assert watched.complaints == []


def test_by_keyboard_a_reason_leads_to_what_it_means_and_a_message_takes_no_focus(
    browser: Browser, demo: Demo
) -> None:
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
        assert 0 < box(meant)["y"] < 740


def box(of: Locator) -> Any:
    """Where an element stands that is on the page."""
    found = of.bounding_box()
    assert found is not None
    return found


def test_each_stop_of_the_keyboard_is_seen(browser: Browser, demo: Demo) -> None:
    outlined = (
        "e => [e.textContent.slice(0, 40), getComputedStyle(e).outlineStyle, e.getBoundingClientRect().left]"
    )
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        stops: list[Any] = []
        while len(stops) < 100:
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
            stops.append(page.locator(":focus").evaluate(outlined))
    assert [text for text, _, _ in stops][:3] == ["To the numbers", "running", "no_consent"]
    assert [text for text, style, left in stops if style != "solid" or left < 0] == []
    assert 20 < len(stops) < 100


def test_who_listens_hears_nothing_while_only_numbers_move(browser: Browser, demo: Demo) -> None:
    with opened(browser, demo.page) as watched:
        page = shown(watched.page)
        page.evaluate(
            """() => {
                window.heard = [];
                const listening = new MutationObserver((changes) => window.heard.push(...changes));
                const all = { attributes: true, characterData: true, childList: true, subtree: true };
                const regions = document.querySelectorAll("[role=status], [role=alert], [aria-live]");
                for (const region of regions) listening.observe(region, all);
                window.regions = regions.length;
            }"""
        )
        line = page.locator("#plot-consumed .line")
        for _ in range(2):
            expect(line).not_to_have_attribute("d", line.get_attribute("d"))
        assert page.evaluate("[window.regions, window.heard.length]") == [2, 0]


# Before the first event, and after the end


@contextmanager
def serving(prepare: Any = lambda telemetry: None, loops: Any = None, **given: Any) -> Iterator[Any]:
    """A page in a thread, of a process to which nothing has happened but `prepare`; `end` ends it."""
    loop, telemetry = asyncio.new_event_loop(), Telemetry()
    if loops is not None:
        loops.append(loop)
    prepare(telemetry)
    ready, told = threading.Event(), SimpleNamespace(at="", leave=asyncio.Event())

    async def serve() -> None:
        async with serve_status_page(
            Settings(pixel_id="1", status_page_address="127.0.0.1:0", **given), telemetry
        ) as told.at:
            ready.set()
            await told.leave.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)

    def end() -> None:
        loop.call_soon_threadsafe(told.leave.set)
        thread.join(10)

    try:
        yield told.at, end
    finally:
        end()
        loop.close()
        telemetry.close()


def test_what_is_empty_explains_itself_and_the_end_is_said(browser: Browser, rules: str) -> None:
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


def test_a_process_that_goes_silent_is_said_and_its_next_word_takes_it_back(browser: Browser) -> None:
    """As behind a forwarded port that is gone: the connection stays, and nothing comes."""
    goes_on = threading.Event()
    loops: list[Any] = []

    def hang() -> None:
        loops[0].call_soon_threadsafe(goes_on.wait, 60)

    with serving(loops=loops) as (address, _), opened(browser, address) as watched:
        try:
            state = shown(watched.page).locator("#state")
            expect(state).to_have_text("starting")
            hang()
            expect(state).to_have_text("no answer")
            assert "the last ones that came" in watched.page.locator("#state-says").inner_text()
        finally:
            goes_on.set()
        expect(state).to_have_text("starting")
        assert watched.complaints == []


def test_a_process_of_another_version_has_its_own_page_loaded(browser: Browser) -> None:
    with serving() as (address, _), opened(browser, address) as watched:
        page = shown(watched.page)
        with urlopen(f"{address}events", timeout=30) as stream:
            now = stream.readline().decode()
        of_another = now.replace(f'"version":"{__version__}"', '"version":"9.9.9"')
        assert of_another != now
        told = f"{now}\n{of_another}\n"
        page.route(
            "**/events", lambda route: route.fulfill(body=told, content_type="text/event-stream"), times=1
        )
        loads = []
        page.on("load", lambda one: loads.append(one))
        with page.expect_event("load", lambda _: len(loads) == 2):
            page.reload()
        expect(page.locator("#state")).to_have_text("starting")
        assert watched.complaints == []


def test_a_page_too_many_says_so_and_begins_when_another_is_closed(browser: Browser, rules: str) -> None:
    with serving() as (address, _), ExitStack() as others:
        for _ in range(WATCHERS_MAX):
            others.enter_context(urlopen(f"{address}events", timeout=30)).readline()
        with opened(browser, address) as watched:
            state = watched.page.locator("#state")
            expect(state).to_have_text("too many pages")
            assert watched.page.locator("#state-says").inner_text() == (
                "8 pages of this process are open already: close one, and this one begins"
            )
            assert violations(watched.page, rules) == []
            others.close()
            expect(state).to_have_text("starting")
            assert watched.complaints == []


def test_records_that_another_consumer_has_again_have_a_row_of_their_own(
    browser: Browser, rules: str
) -> None:
    def given_up(telemetry: Any) -> None:
        telemetry.add(metrics.CONSUMED, 10, "shop.events")
        telemetry.add(metrics.ACCEPTED, 6, "Purchase")
        telemetry.add(metrics.RELEASED, 4)

    with serving(given_up) as (address, _), opened(browser, address, 360) as watched:
        page = shown(watched.page)
        found = {row[0]: row[1] for row in table(page, "#ends tbody tr")}
        assert found["Given up, to come again"] == "4"
        assert page.locator("#flow .band").count() == 2
        assert violations(page, rules) == []
        assert watched.complaints == []


def test_a_group_of_any_name_is_text_and_turns_nothing_round(browser: Browser) -> None:
    group = '<img src="x" onerror="alert(1)">\u202egroup'
    with serving(group_id=group) as (address, _), opened(browser, address) as watched:
        page = shown(watched.page)
        assert page.locator("#about").text_content() == (
            f"This process: capi.events as \u2068{group}\u2069, to pixel 1 at graph.facebook.com"
        )
        assert page.locator("img").count() == 0
        assert watched.complaints == []


def test_of_very_many_partitions_some_are_shown_and_it_says_how_many_are_not(
    browser: Browser, rules: str
) -> None:
    def many(telemetry: Any) -> None:
        telemetry.read_from(metrics.PARTITIONS, lambda: {(): 250})
        telemetry.read_from(metrics.LAG, lambda: {("shop.events", str(n)): n for n in range(250)})

    with serving(many) as (address, _), opened(browser, address, 360) as watched:
        page = shown(watched.page)
        assert page.locator("#owned").inner_text() == (
            "250 partitions are this process's. 31,125 records behind, as of 0 s ago."
        )
        assert page.locator("#more").inner_text() == (
            "These 100 are the furthest behind; 150 more are not shown."
        )
        rows = table(page, "#partitions tbody tr")
        assert [row[1] for row in rows] == [str(n) for n in range(150, 250)]
        assert box(page.locator("#partitions").locator(".."))["height"] < 600
        assert violations(page, rules) == []
