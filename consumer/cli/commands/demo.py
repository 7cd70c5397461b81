"""How `capi-consumer demo` is called."""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.options import AsJson

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
