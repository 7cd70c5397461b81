"""
How `capi-consumer sandbox` is called.

Every option can come from the environment too (`SANDBOX_PORT`, ...), as
compose files want it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consumer.sandbox.defaults import ACCESS_TOKEN, BODY_BYTES_MAX, PIXEL_ID


def sandbox(
    host: Annotated[str, typer.Option(envvar="SANDBOX_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="SANDBOX_PORT", min=0, max=65535, help="Port; 0 is a free one.")
    ] = 0,
    port_file: Annotated[
        Path | None,
        typer.Option(envvar="SANDBOX_PORT_FILE", help="Write the port to this file.", show_default=False),
    ] = None,
    pixel_id: Annotated[str, typer.Option(envvar="SANDBOX_PIXEL_ID", help="The pixel it knows.")] = PIXEL_ID,
    access_token: Annotated[
        str, typer.Option(envvar="SANDBOX_ACCESS_TOKEN", help="The token it takes.")
    ] = ACCESS_TOKEN,
    accepted_file: Annotated[
        Path | None,
        typer.Option(
            envvar="SANDBOX_ACCEPTED_FILE",
            help="Append every accepted event to this file: id, name and time, one JSON object a line.",
            show_default=False,
        ),
    ] = None,
    answers_file: Annotated[
        Path | None,
        typer.Option(
            envvar="SANDBOX_ANSWERS_FILE",
            help="With --fast: append to this file when each request was answered, and its events' ids.",
            show_default=False,
        ),
    ] = None,
    latency_ms: Annotated[
        float, typer.Option(envvar="SANDBOX_LATENCY_MS", min=0, help="Milliseconds before each answer.")
    ] = 0,
    behave: Annotated[
        str | None,
        typer.Option(
            envvar="SANDBOX_BEHAVE",
            help='Misbehave from the start: JSON as for POST /sandbox/behave, such as {"faults": [...]}.',
            show_default=False,
        ),
    ] = None,
    body_bytes_max: Annotated[
        int,
        typer.Option(envvar="SANDBOX_BODY_BYTES_MAX", min=1, help="A larger request is answered with 413."),
    ] = BODY_BYTES_MAX,
    fast: Annotated[
        bool, typer.Option("--fast", envvar="SANDBOX_FAST", help="Count and answer, check nothing.")
    ] = False,
    lenient: Annotated[
        bool,
        typer.Option(
            "--lenient",
            envvar="SANDBOX_LENIENT",
            help="Refuse only what Meta refuses, not what this project promises beyond it.",
        ),
    ] = False,
) -> None:
    """Stand in for Meta's Conversions API: check, count, and misbehave when asked."""
    from consumer.sandbox.command import sandbox as do  # not before it is called

    do(
        host=host,
        port=port,
        port_file=port_file,
        pixel_id=pixel_id,
        access_token=access_token,
        accepted_file=accepted_file,
        answers_file=answers_file,
        latency_ms=latency_ms,
        behave=behave,
        body_bytes_max=body_bytes_max,
        fast=fast,
        lenient=lenient,
    )
