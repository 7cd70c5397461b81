"""The snippets of `docs/browser-pixel.md`, run in a browser: the pixel and the event say the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from typing import Any

import pytest
from playwright.sync_api._generated import Browser
from support.doc_pages import Page
from support.processes import COMMAND

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WITH_THE_TAG, WITHOUT_IT = Page("docs/browser-pixel.md").blocks("js")
# What Meta's pixel and the way to the topic would be called with.
RECORDING = """
    window.calls = []; window.sent = [];
    window.fbq = (...given) => calls.push(given);
    window.send = event => sent.push(event);
    window.tC = {uniqueEventId: "1763899990-Ab.9"};
"""
# What the tag and the visitor's browser put into every event, so that there is enough to match.
PERSON = {
    "user": {"email": "user@example.fr", "city": "Nantes", "country": "FR"},
    "browser": {"ip": "192.0.2.17", "user_agent": "Mozilla/5.0"},
    "url": "https://www.example.fr/",
}


def run(browser: Any, snippet: Any) -> Any:
    """What the pixel was told, and what was sent to the topic."""
    page = browser.new_page()
    try:
        # Answered here, nobody is asked: `crypto.randomUUID` is there for pages over HTTPS only.
        page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        page.goto("https://www.example.fr/")
        page.evaluate(f"() => {{ {RECORDING} {snippet} }}")
        ((track, *told),) = page.evaluate("window.calls")
        assert track == "track"
        return told, page.evaluate("window.sent")
    finally:
        page.close()


def payload_of(event: Any) -> Any:
    """What Meta would get for it."""
    whole = {**PERSON, "context": {"event_timestamp": round(time.time() * 1000)}, **event}
    done = subprocess.run(
        [COMMAND, "explain", "--json"],
        input=json.dumps(whole) + "\n",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
    )
    decided = json.loads(done.stdout)
    assert decided["decision"] == "deliverable", decided["reason"]
    return decided["payload"]


def test_without_the_tag_both_sides_have_one_new_id_and_one_name(browser: Browser) -> None:
    ids = set()
    for _ in range(2):
        (name, data, options), (event,) = run(browser, WITHOUT_IT)
        payload = payload_of(event)
        assert payload["event_id"] == options["eventID"]
        assert payload["event_name"] == name == "AddToCart"
        assert {key: payload["custom_data"][key] for key in data} == data
        ids.add(options["eventID"])
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one) for one in ids)


def test_with_the_tag_the_pixel_takes_the_id_that_the_tag_puts_into_the_event(browser: Browser) -> None:
    (name, data, options), sent = run(browser, WITH_THE_TAG)
    assert sent == []  # the tag sends it
    payload = payload_of(
        {
            "event_name": "purchase",
            "id": "ORDER-1",
            "amount": 12.5,
            "currency": "EUR",
            "items": [{"id": "sku-1", "quantity": 1, "product": {"id": "sku-1"}}],
            "integrations": {"facebook": {"event_id": "1763899990-Ab.9"}},
        }
    )
    assert payload["event_id"] == options["eventID"]
    assert payload["event_name"] == name == "Purchase"
    assert {key: payload["custom_data"][key] for key in data} == data
