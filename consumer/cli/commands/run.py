"""
How `capi-consumer run` is called.

How `capi-consumer check` is called.

How `capi-consumer demo` is called.

How `capi-consumer sandbox` is called.

Every option can come from the environment too (`SANDBOX_PORT`, ...), as
compose files want it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consumer.cli.options import AsJson, SettingsFile
from consumer.sandbox.settings import ACCESS_TOKEN, BODY_BYTES_MAX, PIXEL_ID

ReleaseBrake = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Start with the flood brake released: dead letters are written, however many, "
        "until 1,000 records in a row are no flood. SIGUSR1 does the same to a running one.",
    ),
]


def run(settings_file: SettingsFile = None, resume: ReleaseBrake = False) -> None:
    """
    Read the events topics and send to Meta until Ctrl-C or SIGTERM, which drain; a second one does not.

    When half of the last 1,000 records would be dead letters, it pauses
    (state `paused`) until SIGUSR1 or a restart releases it.
    """
    from consumer.runtime.app import run as do  # not before it is called

    do(settings_file, resume=resume)


SendTestEvent = Annotated[
    bool,
    typer.Option(
        "--send-test-event",
        help="Send Meta one made-up page view of nobody, with the test event code. "
        "It shows under Test events; Meta counts it as live all the same.",
    ),
]
TestEventCode = Annotated[
    str,
    typer.Option(
        help="The code that Events Manager shows under Test events. Default: CAPI_TEST_EVENT_CODE.",
        metavar="CODE",
        show_default=False,
    ),
]


def check(
    send_test_event: SendTestEvent = False,
    test_event_code: TestEventCode = "",
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Look whether settings, Kafka and Meta are ready: one line each.

    Sends no event, unless --send-test-event asks for one.
    """
    from consumer.diagnostics.check import check as do  # not before it is called

    do(settings_file, send_test_event=send_test_event, test_event_code=test_event_code, as_json=as_json)


Keep = Annotated[
    bool, typer.Option("--keep", help="Leave brokers, sandbox and consumer running until Ctrl-C.")
]

Samples = Annotated[
    bool,
    typer.Option(
        "--samples",
        help="Only print the sample events, good and bad, one a line, with the times of today.",
    ),
]


def demo(keep: Keep = False, samples: Samples = False, as_json: AsJson = False) -> None:
    """
    Show the whole job with nothing installed: no Kafka, no Meta, no settings.

    A thousand sample events are published to mock brokers, consumed, and sent
    to a stand-in for Meta; one dead letter is mended and published again.
    Exits with 0 only when every event ended where it was meant to.

    With --samples the events go nowhere but to standard output, as
    `capi-consumer publish --raw` takes them.
    """
    from consumer.demo.command import demo as do  # not before it is called

    do(keep=keep, samples=samples, as_json=as_json)


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
