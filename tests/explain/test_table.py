"""A decision as a table: whole in a pipe, folded on a terminal, and harmless on both."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from support.mapping import NOW_MS, event, ordinary, record

from consumer.explain.rows import Explained, RecordingHasher
from consumer.explain.table import block, lines
from consumer.mapping.decide import decide
from consumer.mapping.lookup import Provenance
from consumer.mapping.rules import MappingOptions, MatchRule


def printed(given: Any, width: Any = None, **more: Any) -> Any:
    """The block of an event, as a person sees it."""
    hasher, sources = RecordingHasher(), Provenance()
    decision = decide(record(given), MappingOptions(), hasher, NOW_MS, sources)
    one = Explained(7, decision, sources, hasher.texts)
    if width is None:
        return lines(one, MatchRule.ALL, **more)
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None)
    console.print(block(one, MatchRule.ALL, width, **more))
    return file.getvalue()


def test_in_a_pipe_a_key_is_a_line() -> None:
    shown = [line.split() for line in printed(ordinary()).splitlines()]
    assert shown[0] == ["line", "7", "deliverable", "PageView"]
    assert shown[2] == ["Meta", "key", "from", "normalised,", "masked", "sent"]
    assert ["user_data.ct", "user.city", "xxxxx", "1670f2…"] in shown


def test_in_a_pipe_a_line_is_as_long_as_it_has_to_be_and_ends_where_its_text_ends() -> None:
    url = "https://shop.example.com/" + "a" * 2_000
    shown = printed(event(url=url)).splitlines()
    (row,) = [line for line in shown if line.startswith(" event_source_url")]
    assert row.endswith(url)
    assert [line for line in shown if line != line.rstrip()] == []


def test_columns_stand_under_their_names_whatever_the_script() -> None:
    shown = printed(event({"status": "注文済み", "integrations.facebook": {"custom_data": {"x": "é"}}}))
    rows = shown.splitlines()
    begin = rows[2].index("from")
    assert {row[begin - 2 : begin] for row in rows[4:-1]} == {"  "}


def test_on_a_narrow_terminal_nothing_is_clipped() -> None:
    shown = printed(ordinary(), width=70)
    assert max(map(len, shown.splitlines())) <= 70
    assert "…" not in shown.replace("71d4f5…", "").replace("1670f2…", "").replace("a24a7f…", "")
    assert "user_data.client_user_agent" in shown
    assert "browser.user_agent" in shown


def test_columns_without_a_word_are_left_out() -> None:
    assert "note" not in printed(ordinary())
    assert "note" in printed(event(fbp="x"))


def test_an_event_without_any_key_is_its_decision_alone() -> None:
    assert printed([]) == "line 7  invalid  not_an_object: JSON, but no object\n\n"
    assert printed([], width=70).split() == printed([]).split()


def test_an_event_that_cannot_be_matched_says_what_it_has() -> None:
    shown = printed({"event_name": "search", "user": {"email": "ann@example.com"}})
    assert (
        "line 7  filtered  not_enough_to_match: has em (1 identifier) and no other; CAPI_MATCH_RULE=" in shown
    )


def test_no_digest_is_shown_whole_and_no_plain_value_of_the_user() -> None:
    given = event({"user.email": ["ann@example.com", "bob@example.org"], "user.phone": "+33612345678"})
    shown = printed(given)
    assert "ann" not in shown
    assert "3361" not in shown
    assert "71d4f5…" in shown
    assert "71d4f55" not in shown


def test_values_are_shown_when_they_are_asked_for() -> None:
    shown = printed(ordinary(), show_values=True)
    assert "ann@example.com" in shown
    assert "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476" in shown
    assert "masked" not in shown


@pytest.mark.parametrize("odd", ["\x1b[31mred", "\x9b31m", "a\rb", "\u202eabc", "\x07", "[bold]x[/bold]"])
def test_text_of_an_event_moves_no_terminal_and_is_no_markup(odd: str) -> None:
    shown = printed(
        event({"event_name": odd, "status": odd, "integrations.facebook.custom_data": {odd: odd}})
    )
    assert not set(shown) & set("\x1b\x9b\r\u202e\x07")
    if odd.isprintable():
        assert shown.count(odd) >= 3
