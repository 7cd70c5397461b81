"""
`capi-consumer sandbox` at work: the stand-in for Meta as a process of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import uvloop

from consumer.errors import CommandError, SettingsError
from consumer.sandbox.faults import InvalidBehavior
from consumer.sandbox.server import serve
from consumer.sandbox.settings import SandboxSettings


def sandbox(
    *,
    host: str,
    port: int,
    port_file: Path | None,
    pixel_id: str,
    access_token: str,
    accepted_file: Path | None,
    answers_file: Path | None,
    latency_ms: float,
    behave: str | None,
    body_bytes_max: int,
    fast: bool,
    lenient: bool,
) -> None:
    """Serve until told to stop. Raises CannotGoOn where it cannot start, BadSettings where it may not."""
    try:
        settings = SandboxSettings(
            host=host,
            port=port,
            pixel_id=pixel_id,
            access_token=access_token,
            accepted_file=accepted_file,
            answers_file=answers_file,
            latency_ms=latency_ms,
            behave=_read_behave(behave),
            body_bytes_max=body_bytes_max,
            fast=fast,
            strict=not lenient,
            accepted_kept_max=0,  # a process keeps nothing personal
        )
    except ValueError as mistake:
        raise SettingsError([f"sandbox: {mistake}"]) from None
    try:
        uvloop.run(serve(settings, port_file=port_file))
    except OSError as error:
        if error.filename:
            raise CommandError(f"sandbox: cannot start with {error.filename}: {error.strerror}") from None
        # asyncio's own text says the address once more.
        why = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else error.strerror
        raise CommandError(
            f"sandbox: cannot listen on {host}:{port} ({why})",
            "name another --host or --port; port 0 is a free one",
        ) from None


def _read_behave(text: str | None) -> dict[str, object]:
    if text is None:
        return {}
    try:
        changes = orjson.loads(text)
    except orjson.JSONDecodeError:
        changes = None
    if not isinstance(changes, dict):
        raise InvalidBehavior("behave: not a JSON object")
    return changes
