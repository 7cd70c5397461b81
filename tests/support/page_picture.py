"""
Draws docs/page.webp, README's picture of the live page: `make page`.

A demo, and then some more of its events again and again, so that there is
something to see in the plots. Chromium itself encodes the picture: WebP has a
third of the bytes of its screenshot, a PNG.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from playwright.sync_api import Browser
from support.browsers import chromium, opened
from support.page_reading import shown
from support.running_demo import running_demo

from consumer.demo.environment import shop_samples

FILE = Path(__file__).parents[2] / "docs" / "page.webp"
FLOWS_S = 45.0
EVENTS_A_TIME = 150
AS_WEBP = """async ([png, quality]) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const { width, height } = image;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""
QUALITY = 0.8


def main() -> None:
    """Run the demo and write the file."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        FILE.write_bytes(as_webp(browser, screenshot(browser, Path(folder))))
    sys.stdout.write(json.dumps({"file": str(FILE), "bytes": FILE.stat().st_size}) + "\n")


def screenshot(browser: Browser, folder: Path) -> bytes:
    """What a wide window shows while events flow, as PNG."""
    with running_demo(folder) as demo, opened(browser, demo.page) as watched:
        page = shown(watched.page)
        events = cycle(sample.value + b"\n" for sample in shop_samples(time.time()))
        until = time.monotonic() + FLOWS_S
        while time.monotonic() < until:
            demo.publish(b"".join(islice(events, EVENTS_A_TIME)))
        page.wait_for_timeout(500)
        return page.screenshot()


def as_webp(browser: Browser, png: bytes) -> bytes:
    """The same picture, smaller."""
    page = browser.new_page()
    try:
        return base64.b64decode(page.evaluate(AS_WEBP, [base64.b64encode(png).decode(), QUALITY]))
    finally:
        page.close()


if __name__ == "__main__":
    main()
