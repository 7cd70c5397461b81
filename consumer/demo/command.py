"""`capi-consumer demo` at work: the whole job, on this machine, in some seconds."""

from __future__ import annotations

import asyncio
import signal
import sys
import time

import orjson
import typer
import uvloop

from consumer import errors
from consumer.config.settings import LogFormat, LogLevel
from consumer.console import err, out
from consumer.demo.environment import DemoEnvironment, demo_environment, shop_samples
from consumer.demo.report import as_json as outcome_as_json
from consumer.demo.report import for_a_person
from consumer.demo.scenario import assertions, run_scenario
from consumer.observability import logs


def demo(*, keep: bool, samples: bool, as_json: bool) -> None:
    """Play it, and judge it. Exits with 1 where it does not add up."""
    if samples:
        if keep or as_json:
            raise typer.BadParameter("--samples prints events and runs nothing: it goes with no other option")
        _print_samples()
        return
    logs.configure(LogFormat.CONSOLE, LogLevel.ERROR)
    raise typer.Exit(uvloop.run(_demo(keep=keep, as_json=as_json)))


def _print_samples() -> None:
    for sample in shop_samples(time.time()):
        sys.stdout.buffer.write(sample.value + b"\n")
    sys.stdout.buffer.flush()


async def _demo(*, keep: bool, as_json: bool) -> int:
    started = time.monotonic()
    async with demo_environment() as running:
        _say(f"live page: {running.page}")
        story = await run_scenario(running, _say)
        judged = assertions(story)
        seconds = time.monotonic() - started
        if as_json:
            out.print(orjson.dumps(outcome_as_json(story, judged, seconds)).decode(), markup=False)
        else:
            out.print(for_a_person(story, judged, seconds))
        if keep:
            await _until_interrupted(running)
    return errors.EXIT_OK if all(check.holds for check in judged) else errors.EXIT_PARTIAL


def _say(step: str) -> None:
    err.print(f"· {step}", style="dim", markup=False)


async def _until_interrupted(running: DemoEnvironment) -> None:
    """Say how other commands reach this world, and wait."""
    settings = running.settings
    err.print(f"\nLeft running until Ctrl-C. In a browser:\n\n  {running.page}", style="bold", markup=False)
    err.print("\nIn another terminal:\n", style="bold")
    for name, value in {
        "CAPI_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "CAPI_GRAPH_URL": settings.graph_url,
        "CAPI_PIXEL_ID": settings.pixel_id,
        "CAPI_ACCESS_TOKEN": settings.access_token.get_secret_value(),  # the sandbox's, no secret
        "CAPI_USER_CONSENT_CATEGORY": settings.user_consent_category,
    }.items():
        err.print(f"  export {name}={value}", markup=False)
    err.print("  capi-consumer dead-letters list\n  capi-consumer replay --dry-run", markup=False)
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    await interrupted.wait()
