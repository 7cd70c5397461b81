"""Slips are spoken of once, and nothing that may be personal is."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from support.mapping import NOW_MS

from consumer.event_files.lines import FoundEvent
from consumer.explain.command import MANY_LINES, Hints
from consumer.explain.decisions import explain_events
from consumer.mapping.rules import MappingOptions
from consumer.publish.runner import PublishReport


class Heard(PublishReport):
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Any] = []

    def warn(self, line: Any, last_line: Any, remark: Any) -> None:
        self.lines.append(f"{line}: {remark.field}: {remark.says}")


def hinted(*values: Any, is_by_line: bool = True) -> tuple[list[Any], list[str]]:
    """What is said of the lines of a file, and at its end."""
    heard = Heard()
    hints = Hints(MappingOptions(), heard)
    entries = [FoundEvent(number, number, value) for number, value in enumerate(values, start=1)]
    list(hints.note_warnings(explain_events(hints.read(entries), MappingOptions(), NOW_MS)))
    return heard.lines, hints.at_the_end(is_by_line=is_by_line)


@pytest.mark.parametrize(
    ("event", "slip", "meant"),
    [
        ({"user": {"mail": "x"}}, "user.mail", "user.email"),
        ({"user": {"first_name": "x"}}, "user.first_name", "user.firstname"),
        ({"email": "x"}, "email", "user.email"),
        ({"browser": {"useragent": "x"}}, "browser.useragent", "browser.user_agent"),
    ],
)
def test_a_name_that_nothing_reads_is_told_with_the_one_that_is_like_it(
    event: dict[str, Any], slip: str, meant: str
) -> None:
    lines, _ = hinted(orjson.dumps({"event_name": "x", **event}))
    assert lines == [f"1: {slip}: nothing reads it; did you mean {meant}?"]


def test_a_slip_is_told_once_in_a_file() -> None:
    event = orjson.dumps({"event_name": "x", "user": {"mail": "x"}})
    assert len(hinted(event, event, event)[0]) == 1


@pytest.mark.parametrize(
    "event",
    [
        {"event_name": "x", "user": {"email": "x"}, "items": []},
        {"event_name": "x", "loyalty_programme": {"mail": "x"}},
        {"event_name": "x", "ann@example.com": 1, "user": {"ann@example.com": 1, "": 2}},
        {"event_name": "x", "integrations": {"facebook": {"custom_data": {"mail": 1}}}},
    ],
)
def test_other_properties_are_nobodys_slip(event: dict[str, Any]) -> None:
    assert hinted(orjson.dumps(event))[0] == []


def test_an_event_over_several_lines_is_told_what_to_do() -> None:
    event = orjson.dumps({"event_name": "x"}, option=orjson.OPT_INDENT_2).splitlines()
    assert hinted(*event)[1] == [MANY_LINES]
    assert hinted(*event, is_by_line=False)[1] == []
    assert hinted(b'{"event_name": "x"}', b"oops")[1] == [MANY_LINES]
    assert hinted(b"oops", b'{"event_name": "x"}')[1] == []


def test_a_file_without_events_says_so() -> None:
    assert hinted() == ([], ["no events"])
