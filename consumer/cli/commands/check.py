"""How `capi-consumer check` is called."""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.options import AsJson, SettingsFile

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
