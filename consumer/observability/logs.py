"""
Log lines: one per thing that matters, JSON or for a terminal, nothing personal.

Lines are written by structlog to standard error. Values of events never reach
a line: what is logged are counts, codes, offsets and words of closed sets. The
text of an exception is never logged: a connection error may hold a proxy's
password, a JSON error a part of the event. The two libraries that log by
themselves (asyncio, aiohttp) go through the same form, with the type of an
exception and without its text.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from consumer.config.settings import LogFormat, LogLevel
from consumer.meta.error_codes import masked
from consumer.observability import tracing

LEVELS = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}


def configure(form: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Set up logging for the process."""
    stream = stream or sys.stderr
    as_console = form is LogFormat.CONSOLE or (form is LogFormat.AUTO and stream.isatty())
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=_is_coloured(stream), pad_event_to=0)
        if as_console
        else structlog.processors.JSONRenderer(sort_keys=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if as_console else "iso", utc=not as_console),
            _exception_type_only,
            _with_span,
            _without_unknown,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)


def _is_coloured(stream: TextIO) -> bool:
    """Colour only on a terminal, and not against NO_COLOR (any value but empty)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def _with_span(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Which span the line was written in, so that trace and log are found from each other."""
    return {**line, **tracing.ids()}


def _without_unknown(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """What is not known takes no room."""
    return {name: value for name, value in line.items() if value is not None}


def _exception_type_only(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """The text of an exception, and its traceback, may show a value: only its type is written."""
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
    return line


class _Foreign(logging.Handler):
    """Lines of other libraries, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log = structlog.get_logger()
        log.log(record.levelno, _words(record.msg), source=record.name, exc_info=error)


def _words(message: object) -> str:
    """
    What another library says, without what it says it of.

    The format, not the message: its arguments may be anything. asyncio has put
    them in already: `Exception in callback f('...')`, and a second line with
    the exception.
    """
    if not isinstance(message, str):
        return type(message).__name__
    return masked(re.split(r"[(<\[{\n]", message, maxsplit=1)[0].strip())
