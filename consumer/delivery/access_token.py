"""
The access token, as it stands now.

A token in a file may be replaced while we run, as Kubernetes does when its
Secret changes. It is read again when Meta refuses the one we have.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog

from consumer.config.loading import read_token
from consumer.config.settings import Settings
from consumer.delivery.circuit_breaker import Gate
from consumer.domain.state import State

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class AccessToken:
    """The token that requests carry. It shows itself in no `repr`."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError, without the token, when there is none that can be used."""
        self._settings = settings
        self._value = read_token(settings)
        self._since_s = self._written_s()

    def __repr__(self) -> str:
        return "AccessToken(*****)"

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    def reread(self) -> bool:
        """Read the file again: True for another token. A file that cannot be used changes nothing."""
        try:
            value = read_token(self._settings)
        except ValueError:
            return False
        is_other, self._value = value != self._value, value
        if is_other:
            self._since_s = self._written_s()
        return is_other

    def age_s(self, now_s: float) -> float:
        """Seconds since its file was written; of a token without file, since we have it."""
        return max(0.0, now_s - self._since_s)

    def _written_s(self) -> float:
        if self._settings.access_token_file is not None:
            with contextlib.suppress(OSError):
                return self._settings.access_token_file.stat().st_mtime
        return time.time()


async def watch_token(token: AccessToken, gate: Gate) -> None:
    """While Meta refuses us: a changed token file is tried at once."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if gate.state is State.MISCONFIGURED and token.reread():
            log.info("the token has changed: trying again")
            gate.retry_now()
