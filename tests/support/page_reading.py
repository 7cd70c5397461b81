"""What stands on the page, as values."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

CELLS = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"


def shown(page: Page) -> Page:
    """Wait for the first message."""
    page.wait_for_selector('#ends [data-key="accepted"]')
    return page


def cell(page: Page, key: str) -> Locator:
    """The number of a row of the funnel."""
    return page.locator(f'#ends [data-key="{key}"] td').first


def number(page: Page, key: str) -> int:
    """The same, as a number."""
    return as_number(cell(page, key).inner_text())


def branches(page: Page, kind: str) -> dict[str, int]:
    """Reason -> records, of the branch `filtered` or `dead`."""
    rows = table(page, f'#ends [data-key^="{kind}:"]')
    return {word: as_number(count) for word, count, _ in rows}


def table(page: Page, rows: str) -> list[list[str]]:
    """The texts of these rows, cell by cell."""
    return list(page.eval_on_selector_all(rows, CELLS))


def notes(page: Page) -> dict[tuple[str, str], int]:
    """(field, note) -> values that were left out."""
    return {(field, note): as_number(count) for field, note, count in table(page, "#notes tbody tr")}


def as_number(text: str) -> int:
    """`1,234` is 1234."""
    return int(text.replace(",", ""))
