"""A log line holds words and numbers of ours: no text of an exception, no argument of another library."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from consumer.config.settings import LogFormat, LogLevel
from consumer.observability import logs

CANARY = "canary-4711@example.com"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream() -> Iterator[Any]:
    yield io.StringIO()
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def lines(stream: Any) -> list[Any]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def log(stream: Any, level: Any = LogLevel.INFO, form: Any = LogFormat.JSON) -> Any:
    logs.configure(form, level, stream)
    return structlog.get_logger()


def test_a_line_is_one_json_object_with_level_and_time(stream: Any) -> None:
    log(stream).info("left the group", partitions=3)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "left the group", "level": "info", "partitions": 3}


LEVELS = [
    (LogLevel.DEBUG, ["debug", "info", "warning", "error"]),
    (LogLevel.INFO, ["info", "warning", "error"]),
    (LogLevel.WARNING, ["warning", "error"]),
    (LogLevel.ERROR, ["error"]),
]


@pytest.mark.parametrize(("level", "written"), LEVELS)
def test_only_lines_of_the_level_and_above_are_written(stream: Any, level: Any, written: Any) -> None:
    writer = log(stream, level)
    for word in ("debug", "info", "warning", "error"):
        getattr(writer, word)("x")
    assert [line["level"] for line in lines(stream)] == written


def test_auto_is_json_but_on_a_terminal(stream: Any) -> None:
    log(stream, form=LogFormat.AUTO).info("x")
    assert lines(stream)[0]["event"] == "x"
    terminal = Terminal()
    log(terminal, form=LogFormat.AUTO).info("x")
    assert not terminal.getvalue().startswith("{")


@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.CONSOLE])
def test_of_an_exception_only_the_type_is_written(stream: Any, form: Any) -> None:
    writer = log(stream, form=form)
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        writer.error("given", exc_info=error)
        writer.error("asked for", exc_info=True)
        writer.exception("by the verb")
        writer.error("as three", exc_info=(type(error), error, error.__traceback__))
    text = stream.getvalue()
    assert text.count("ValueError") == 4
    assert CANARY not in text
    assert "Traceback" not in text


def test_no_exception_is_no_field(stream: Any) -> None:
    log(stream).error("x", exc_info=None)
    assert "error" not in lines(stream)[0]


# Other libraries


def test_a_line_of_another_library_is_its_format_without_its_arguments(stream: Any) -> None:
    log(stream)
    logging.getLogger("aiohttp.server").error("Error handling request from %s", CANARY)
    (line,) = lines(stream)
    assert line["event"] == "Error handling request from %s"
    assert (line["source"], line["level"]) == ("aiohttp.server", "error")
    assert CANARY not in stream.getvalue()


def test_the_exception_of_another_library_is_its_type(stream: Any) -> None:
    log(stream)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("other").exception("failed")
    assert lines(stream)[0]["error"] == "ValueError"
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize("noise", ["debug", "info"])
def test_other_libraries_are_heard_from_warning_on(stream: Any, noise: str) -> None:
    log(stream, LogLevel.DEBUG)
    getattr(logging.getLogger("asyncio"), noise)("x")
    assert stream.getvalue() == ""


def test_the_level_of_our_lines_is_that_of_the_others_too(stream: Any) -> None:
    log(stream, LogLevel.ERROR)
    logging.getLogger("asyncio").warning("x")
    assert stream.getvalue() == ""


async def test_what_asyncio_writes_of_a_lost_exception_shows_no_text_of_it(stream: Any) -> None:
    """asyncio puts the exception into its message: `future: <Task ... exception=ValueError('...')>`."""
    log(stream)

    async def fail() -> None:
        raise ValueError(CANARY)

    task = asyncio.create_task(fail(), name="work")
    await asyncio.wait([task])
    del task
    assert CANARY not in stream.getvalue()
    assert [(line["event"], line["error"]) for line in lines(stream)] == [
        ("Task exception was never retrieved", "ValueError")
    ]


async def test_what_asyncio_writes_of_a_callback_shows_none_of_its_arguments(stream: Any) -> None:
    log(stream)

    def callback(text: Any) -> None:
        raise ValueError(text)

    asyncio.get_running_loop().call_soon(callback, CANARY)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (line,) = lines(stream)
    assert line["event"].startswith("Exception in callback")
    assert line["error"] == "ValueError"
    assert CANARY not in stream.getvalue()


async def test_what_asyncio_writes_under_debug_shows_none_of_its_arguments(stream: Any) -> None:
    log(stream)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    loop.call_soon(lambda text: text, CANARY)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.set_debug(False)
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (f"Unclosed session\nclient_session: <Session at {CANARY}>", "Unclosed session"),
        (f"Bad value '{CANARY}' seen", "Bad value ***** seen"),
        (ValueError(CANARY), "ValueError"),
        ({"a": CANARY}, "dict"),
        ("", ""),
    ],
)
def test_a_message_that_is_already_made_is_cut_and_masked(stream: Any, message: Any, shown: str) -> None:
    log(stream)
    logging.getLogger("other").warning(message)
    assert lines(stream)[0]["event"] == shown
    assert CANARY not in stream.getvalue()
