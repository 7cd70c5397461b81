"""
The access token, as it stands now.

A token in a file may be replaced while we run, as Kubernetes does when its
Secret changes. It is read again when Meta refuses the one we have.
"""

from __future__ import annotations

from consumer.load_settings import read_token
from consumer.settings import Settings


class AccessToken:
    """The token that requests carry. It shows itself in no `repr`."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError, without the token, when there is none that can be used."""
        self._settings = settings
        self._value = read_token(settings)

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
        return is_other
