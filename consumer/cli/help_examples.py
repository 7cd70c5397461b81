"""
What `--help` ends with: calls that a person can copy, and what each exit code means for this command.

The help of typer keeps single line breaks of an epilog, and folds what is wider
than the terminal; what is here fits into eighty columns.
"""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A call, and when to make it."""

    when: str
    call: str


class ExitCodes(NamedTuple):
    """What 0, 1 and 130 mean for a command; 2 is the same for all."""

    ok: str
    partial: str
    interrupted: str = "interrupted (Ctrl-C)"


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "": (
        Example("the whole job on this machine, with nothing installed", "capi-consumer demo"),
        Example("is everything there that run needs?", "capi-consumer check"),
        Example("what would Meta get for these events?", "capi-consumer explain events.jsonl"),
        Example("completion for the shell at hand", "capi-consumer --install-completion"),
    ),
    "run": (
        Example("with settings from the environment (CAPI_...)", "capi-consumer run"),
        Example("with settings from a file", "capi-consumer run --settings capi.toml"),
        Example(
            "after a look at what the flood brake held back: let the letters go",
            "capi-consumer run --resume",
        ),
    ),
    "check": (
        Example("before the first run, and after each change of a setting", "capi-consumer check"),
        Example(
            "see one made-up event arrive in Events Manager, Test events",
            "capi-consumer check --send-test-event --test-event-code TEST12345",
        ),
        Example("for a script: what is not well?", "capi-consumer check --json"),
    ),
    "publish": (
        Example("look first, then publish", "capi-consumer publish --dry-run events.jsonl"),
        Example("a file of events", "capi-consumer publish events.jsonl"),
        Example("all or nothing", "capi-consumer publish --strict purchases.csv"),
        Example("a spreadsheet's export", "capi-consumer publish --encoding windows-1252 export.csv"),
        Example("from a pipe, as it stands", "capi-consumer demo --samples | capi-consumer publish --raw"),
        Example("dead letters, mended", "capi-consumer publish --replay letters.jsonl"),
    ),
    "explain": (
        Example("a table for each event", "capi-consumer explain events.jsonl"),
        Example("one answer a line, for programs", "capi-consumer explain --json events.jsonl"),
        Example("with the values, on your own screen", "capi-consumer explain --show-values events.jsonl"),
        Example("dead letters, before and after mending", "capi-consumer explain letters.jsonl"),
        Example("as if it were then", "capi-consumer explain --now 2026-01-31T12:00:00Z events.jsonl"),
        Example("an event by hand", "capi-consumer explain"),
    ),
    "replay": (
        Example("what would go back?", "capi-consumer replay --dry-run"),
        Example("everything, once the cause is mended", "capi-consumer replay"),
        Example(
            "what Meta refused in the last two hours", "capi-consumer replay --reason rejected --since 2h"
        ),
        Example("all but gently", "capi-consumer replay --rate 100"),
        Example("ten, to see whether it helps", "capi-consumer replay --meta-code 100 --limit 10"),
    ),
    "dead-letters list": (
        Example("what is there, and why", "capi-consumer dead-letters list"),
        Example("the last day", "capi-consumer dead-letters list --since 1d"),
        Example("of one reason", "capi-consumer dead-letters list --reason purchase_without_currency"),
        Example("what never reached Meta", "capi-consumer dead-letters list --meta-code none"),
        Example("what came back too often", "capi-consumer dead-letters list --parking-topic"),
    ),
    "dead-letters export": (
        Example("to mend them with an editor", "capi-consumer dead-letters export --out letters.jsonl"),
        Example("some of them", "capi-consumer dead-letters export --since 2d --out letters.jsonl"),
        Example("and back again", "capi-consumer publish --replay letters.jsonl"),
    ),
    "topics create": (
        Example("once, before the first run", "capi-consumer topics create"),
        Example("for more consumers at once", "capi-consumer topics create --partitions 24"),
        Example(
            "where events come from physical stores",
            "capi-consumer topics create --retention-hours 1488",
        ),
    ),
    "topics list": (
        Example("are they there, and how long do they keep?", "capi-consumer topics list"),
        Example("for a script", "capi-consumer topics list --json"),
    ),
    "sandbox": (
        Example("a Meta of your own", "capi-consumer sandbox --port 8081"),
        Example("a slow one", "capi-consumer sandbox --port 8081 --latency-ms 800"),
        Example(
            "one that breaks off its first answer",
            """capi-consumer sandbox --behave '{"faults": [{"kind": "drop"}]}'""",
        ),
    ),
    "demo": (
        Example("see it work", "capi-consumer demo"),
        Example("and try the other commands against it", "capi-consumer demo --keep"),
        Example("a thousand events to try things with", "capi-consumer demo --samples > events.jsonl"),
    ),
}

EXIT_CODES: dict[str, ExitCodes] = {
    "": ExitCodes("everything was done", "something was left out, or the world is not ready"),
    "run": ExitCodes(
        "stopped when it was asked to (Ctrl-C, SIGTERM)",
        "it could not start, not end its work, or was asked twice",
        "interrupted before it took any work",
    ),
    "check": ExitCodes("nothing is wrong (warnings may be)", "something is not well"),
    "publish": ExitCodes("every event was published", "one was left out or not delivered"),
    "explain": ExitCodes("all were explained, whatever is decided", "the file cannot be read"),
    "replay": ExitCodes("all that matched went back", "some were left out, parked, or held"),
    "dead-letters list": ExitCodes("they were counted", "the topic cannot be read"),
    "dead-letters export": ExitCodes(
        "all that matched are in the file", "the topic or the file cannot be used"
    ),
    "topics create": ExitCodes("all are there", "one could not be made"),
    "topics list": ExitCodes("all that run needs are there", "one is missing"),
    "sandbox": ExitCodes(
        "stopped when it was asked to (Ctrl-C, SIGTERM)",
        "it could not start",
        "interrupted before it listened",
    ),
    "demo": ExitCodes("everything adds up", "something does not", "interrupted before that is known"),
}
SAME_FOR_ALL = "2 a mistake in settings or call"


def epilog(verb: str) -> str:
    """The end of the help of a command; "" is the program itself."""
    calls = "\n".join(f"  [dim]# {one.when}[/]\n  {_escaped(one.call)}" for one in EXAMPLES[verb])
    ends = EXIT_CODES[verb]
    codes = "\n  ".join((f"0 {ends.ok}", f"1 {ends.partial}", SAME_FOR_ALL, f"130 {ends.interrupted}"))
    return f"[bold]Examples[/]\n{calls}\n\n[bold]Exit codes[/]\n  {codes}"


def _escaped(call: str) -> str:
    """Brackets of a call are no markup."""
    return call.replace("[", "\\[")
