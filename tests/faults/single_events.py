"""One event at a time, for scenarios that say what is special about it."""

from __future__ import annotations

from typing import Any

from support.events import ADVERTISING


def page_view(identity: str, time_s: int) -> dict[str, Any]:
    """A good event, with just enough to match somebody."""
    return {
        "event_name": "page_view",
        "context": {"event_timestamp": time_s, "page": {"url": "https://shop.example.com/"}},
        "user": {
            "email": "person.1@example.com",
            "firstname": "Zoé",
            "country": "FR",
            "consent_categories": [ADVERTISING],
        },
        "browser": {"user_agent": "Mozilla/5.0", "ip": "203.0.113.7"},
        "integrations": {"facebook": {"event_id": identity}},
    }
