"""
A browser, and a demo to look at.

    browser   Debian's Chromium, one for the tests of a file
    demo      `capi-consumer demo --keep`, after everything that it does
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api._generated import Browser
from support.browsers import chromium
from support.running_demo import Demo, running_demo


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running
