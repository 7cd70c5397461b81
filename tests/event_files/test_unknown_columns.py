"""A column that nothing reads is said, with the path that was probably meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from consumer import schemas_loader
from consumer.event_files.csv_columns import read_header
from consumer.event_files.csv_events import find_unknown_columns

FILES = Path(__file__).parent / "files"


def unread(*names: Any, paths: Any = None) -> list[Any]:
    return [
        tuple(remark) for remark in find_unknown_columns(names, schemas_loader.schema("event"), paths or {})
    ]


MEANT = [
    ("email", "user.email"),
    ("E-Mail", "user.email"),
    ("usr.firstname", "user.firstname"),
    ("user.first_name", "user.firstname"),
    ("user.emial", "user.email"),
    ("timestamp", "event_timestamp"),
    ("event_time", "event_timestamp"),
    ("user_agent", "browser.user_agent"),
    ("items.*.prodcut.name", "items.*.product.name"),
    ("loyalty", None),
]


@pytest.mark.parametrize(("name", "meant"), MEANT)
def test_a_column_that_nothing_reads_is_said_with_the_nearest_path(name: Any, meant: Any) -> None:
    hint = f"; did you mean {meant}?" if meant else ""
    assert unread(name) == [(f"column {name}", f"nothing reads it{hint}")]


READ = [
    "value",
    "revenue",
    "amount",
    "user.email",
    "user.email.0",
    "user.phone_sha256",
    "user.consent_categories",
    "items.*.product.price",
    "items.3.quantity",
    "context.device.cookie._fbc",
    "integrations.facebook.custom_data.anything.at.all",
    "integrations.facebook.user_data.em",
    "integrations.facebook.opt_out",
    "integrations.facebook.data_processing_options.0",
]


@pytest.mark.parametrize("name", READ)
def test_a_column_that_is_read_gives_no_word(name: Any) -> None:
    assert unread(name) == []


def test_no_column_of_the_spreadsheet_goes_unread() -> None:
    line = (FILES / "french-spreadsheet.csv").read_text("utf-8-sig").splitlines()[0]
    assert unread(*read_header(line).places) == []


def test_the_users_own_paths_are_read() -> None:
    paths = {"tier": (("loyalty", "tier"),), "contents": (("basket",),)}
    assert unread("loyalty.tier", "basket.*.id", paths=paths) == []
    assert [field for field, _ in unread("loyalty.card", paths=paths)] == ["column loyalty.card"]


def test_a_name_that_may_move_a_terminal_is_not_shown() -> None:
    assert unread("a\x1b[31m") == [("column with a name of other signs", "nothing reads it")]
