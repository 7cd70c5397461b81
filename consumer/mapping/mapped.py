"""An event after mapping and before it is judged: what would be sent, in its parts."""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.decision import MappingWarnings


class MappedEvent(NamedTuple):
    """
    What would be sent for an event.

    `given_name` is the site's, `name` the one that Meta gets. `server_event` holds
    its keys but for the other two. Times in unix seconds.
    """

    given_name: str
    name: str
    event_time_s: int
    expires_at_s: int
    server_event: dict[str, object]
    user_data: dict[str, object]
    custom_data: dict[str, object]
    notes: MappingWarnings

    def __repr__(self) -> str:
        """Without its parts, which are somebody's."""
        return f"Mapped({self.notes})"
