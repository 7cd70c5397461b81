"""
The access token, and its reload.

A token file may be replaced while the consumer runs, as Kubernetes does when a
Secret changes. The file is read again while Meta rejects the current token.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog

from consumer.config.loading import read_token
from consumer.config.settings import Settings
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.domain.state import State

log = structlog.get_logger()

RELOAD_EVERY_S = 1.0


class AccessToken:
    """The token that requests carry. Its `repr` hides it."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError, which never contains the token, if there is none that can be used."""
        self._settings = settings
        self._value = read_token(settings)
        self._since_s = self._written_s()

    def __repr__(self) -> str:
        return "AccessToken(*****)"

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    def reload(self) -> bool:
        """Read the file again. True if the token has changed; a file that cannot be used changes nothing."""
        try:
            value = read_token(self._settings)
        except ValueError:
            return False
        is_other, self._value = value != self._value, value
        if is_other:
            self._since_s = self._written_s()
        return is_other

    def age_s(self, now_s: float) -> float:
        """Seconds since its file was written; without a file, since the start."""
        return max(0.0, now_s - self._since_s)

    def _written_s(self) -> float:
        if self._settings.access_token_file is not None:
            with contextlib.suppress(OSError):
                return self._settings.access_token_file.stat().st_mtime
        return time.time()


async def watch_token(token: AccessToken, breaker: CircuitBreaker) -> None:
    """While Meta rejects the token, pixel or version, try a changed token file at once."""
    while True:
        await asyncio.sleep(RELOAD_EVERY_S)
        if breaker.state is State.MISCONFIGURED and token.reload():
            log.info("access token changed; retrying")
            breaker.retry_now()
