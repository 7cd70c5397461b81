"""
The command `capi-consumer`: which verbs there are, and how each of them ends.

How each verb is called stands in `commands/`, and what it does in a module of its
own; this is the only place that knows them all.
"""

from __future__ import annotations

import re
import sys
import traceback

import typer

from consumer import __version__, errors
from consumer.cli.commands import dead_letters, topics
from consumer.cli.commands.dead_letters import replay
from consumer.cli.commands.publish import explain, publish
from consumer.cli.commands.run import check, demo, run, sandbox
from consumer.cli.help_examples import epilog
from consumer.cli.options import Command, CommandGroup
from consumer.errors import CommandError

app = typer.Typer(
    name="capi-consumer",
    cls=CommandGroup,
    epilog=epilog(""),
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with local variables would show personal data
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"capi-consumer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Commanders Act events from Kafka to Meta's Conversions API."""


app.command(cls=Command, epilog=epilog("run"))(run)
app.command(cls=Command, epilog=epilog("check"))(check)
app.command(cls=Command, epilog=epilog("publish"))(publish)
app.command(cls=Command, epilog=epilog("explain"))(explain)
app.command(cls=Command, epilog=epilog("replay"))(replay)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(topics.app, name="topics")
app.command(cls=Command, epilog=epilog("sandbox"))(sandbox)
app.command(cls=Command, epilog=epilog("demo"))(demo)


def main() -> None:
    """Run the command line; a world in which it cannot go on is one line, never a traceback."""
    try:
        sys.exit(app(standalone_mode=False))
    except typer.TyperException as mistake:
        sys.exit(_say_how_to_call(mistake))
    except CommandError as reason:
        for line in str(reason).splitlines():
            print(f"capi-consumer: {line}", file=sys.stderr)
        sys.exit(reason.exit_code)
    except KeyboardInterrupt:
        sys.exit(errors.EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away: not our mistake
        sys.stderr.close()
        sys.exit(errors.EXIT_PARTIAL)
    except Exception as bug:  # noqa: BLE001 - the last place where anybody can look at it
        _say_where(bug)
        sys.exit(errors.EXIT_PARTIAL)


# Options of earlier versions and their names now.
RENAMED_OPTIONS = {"--parked": "--parking-topic", "--release-brake": "--resume"}


def _say_how_to_call(mistake: typer.TyperException) -> int:
    """A mistake in the call, in one line; where nothing was called, its help has been shown."""
    if type(mistake).__name__ != "NoArgsIsHelpError":
        context = getattr(mistake, "ctx", None)
        path = context.command_path if context else "capi-consumer"
        says = mistake.format_message().replace("Value error, ", "").rstrip(".")  # the word is pydantic's
        for old, new in RENAMED_OPTIONS.items():
            if re.search(rf"{old}\b", says):
                says = f"{old} is called {new} now"
        print(f"capi-consumer: {says}; see `{path} --help`", file=sys.stderr)
    return mistake.exit_code


def _say_where(bug: Exception) -> None:
    """A traceback without the texts: they may repeat a value of an event, as that of int() does."""
    print(f"capi-consumer: a mistake of ours, please report it: {type(bug).__name__} at", file=sys.stderr)
    for frame in traceback.extract_tb(bug.__traceback__):
        print(f"  {frame.filename}:{frame.lineno} {frame.name}", file=sys.stderr)
