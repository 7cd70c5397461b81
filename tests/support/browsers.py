"""
Debian's Chromium, driven by Playwright; ended with the test that started it.

It looks for nothing by itself: no update, no sign-in, no component.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import Error as BrowserError
from support.requirements import require

SCREENS = Path(__file__).parents[2] / "build" / "screens"
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_MS_MAX = 30_000
WAIT_MS_MAX = 15_000
# What comes with a later message. Playwright's `wait_for_function` would be against the page's policy.
expect.set_options(timeout=WAIT_MS_MAX)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; where it cannot be had the test is skipped, or fails if browsers are required."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        require("browser", "no chromium (Debian's package chromium)")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=found, args=OPTIONS, timeout=START_MS_MAX, handle_sigint=False
            )
        except BrowserError as error:
            require("browser", f"chromium does not start: {error.message.splitlines()[0]}")
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page of a browser, what it complained of, and whom it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)


@contextmanager
def opened(browser: Browser, address: str, width: int = 1440, theme: str = "light") -> Iterator[Watched]:
    """The page at `address`, closed afterwards."""
    page = browser.new_page(
        viewport={"width": width, "height": 900 if width > 600 else 740},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.set_default_timeout(WAIT_MS_MAX)
    watched = Watched(page)
    page.on("console", lambda said: watched.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("request", lambda request: watched.asked.add(request.url))
    try:
        page.goto(address)
        yield watched
    finally:
        page.close()


def picture(page: Page, name: str, *, whole: bool = True) -> None:
    """What it looks like, into `build/screens/`."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=whole)
