"""What `replay` says to a person, on a terminal and in a pipe, of letters on a real broker."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.replays import REASON, arrived, create_topics, write_letters, writer
from support.scenario import Scene
from support.terminal_session import COLOUR, Seen, on_a_terminal

pytestmark = pytest.mark.kafka

UNCHANGED = "They went back unchanged, and fail again unless the cause was mended elsewhere."
KEPT = "The topic keeps its letters, replayed or not, until its retention ends."
# A bar under way: how far, how fast, and how long it still takes.
BAR = r"replaying +\S+ +[1-9]\d*/400 offsets +[\d,]+ offsets/s +0:00:\d\d"


@pytest.fixture(autouse=True)
def topics_there(scene: Scene) -> None:
    create_topics(scene)


def replay(scene: Any, *arguments: Any, **how: Any) -> Seen:
    return on_a_terminal("replay", *arguments, settings=scene.settings(), **how)


def sentences(seen: Any) -> list[Any]:
    """The lines that are no row of a table."""
    return [line for line in seen.lines if line and not line.startswith(" ")]


def test_it_says_what_went_back_below_a_table(scene: Scene) -> None:
    write_letters(scene, range(20))
    seen = replay(scene)
    assert seen.code == 0
    assert re.search(rf"^ *{REASON} +purchase +20 *$", "\n".join(seen.lines), re.MULTILINE)
    assert " ".join(sentences(seen)).endswith(
        f"20 letters of {scene.dead_letter_topic} replayed; group {scene.group}.replay {UNCHANGED} {KEPT}"
    )
    assert f"replaying {scene.dead_letter_topic} with group {scene.group}.replay; every letter" in seen.said
    assert arrived(scene).total() == 20


def test_a_bar_shows_how_fast_it_goes_and_how_long_it_still_takes(scene: Scene) -> None:
    write_letters(scene, range(400))
    seen = replay(scene, "--rate", "150", columns=120)
    assert seen.code == 0
    assert re.search(BAR, seen.said)
    assert "offsets/s" not in seen.out


def test_a_dry_run_says_would(scene: Scene) -> None:
    write_letters(scene, range(3))
    seen = replay(scene, "--dry-run")
    assert seen.code == 0
    assert f"3 letters of {scene.dead_letter_topic} would be replayed" in "\n".join(seen.lines)
    assert UNCHANGED not in seen.out
    assert "looking at" in seen.said


def test_what_is_left_out_is_said_with_what_to_do(scene: Scene) -> None:
    write_letters(scene, range(2))
    stranger = writer(scene)
    stranger.produce(scene.dead_letter_topic, b"{}", "u1")
    stranger.flush(30)
    seen = replay(scene, columns=200)
    assert seen.code == 1
    at = seen.lines.index("1 left out:")
    assert seen.lines[at + 1].startswith("  no_origin 1: it does not say where it comes from")


def test_in_a_pipe_it_is_text_or_one_line_of_json(scene: Scene) -> None:
    write_letters(scene, range(5))
    as_text = replay(scene, "--dry-run", piped=True)
    as_json = replay(scene, "--json", piped=True)
    assert (as_text.code, "\x1b" in as_text.out) == (0, False)
    assert f"5 letters of {scene.dead_letter_topic} would be replayed" in as_text.out
    assert (as_json.code, len(as_json.lines), json.loads(as_json.out)["replayed"]) == (0, 1, 5)


def test_no_color_takes_the_colours_of_the_bar_too(scene: Scene) -> None:
    write_letters(scene, range(200))
    seen = on_a_terminal("replay", "--rate", "150", settings=scene.settings(NO_COLOR="1"))
    assert seen.code == 0
    assert "offsets" in seen.said
    assert not COLOUR.search(seen.err + seen.out)


def test_ctrl_c_ends_it_in_order_and_says_how_to_go_on(scene: Scene) -> None:
    write_letters(scene, range(400))
    seen = replay(scene, "--rate", "100", interrupted_at=r"[1-9]\d*/400", columns=120)
    assert seen.code == 130
    said = re.search(r"ended early \(interrupted\): up to (\d+) are left; run it again to go on", seen.out)
    assert said is not None
    assert arrived(scene).total() == 400 - int(said[1]) > 0
    assert "\x1b[?25h" in seen.err  # the cursor is there again
