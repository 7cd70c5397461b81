"""Where a conversion happened, and what two of the places need beside them."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import event, facebook, noted, sent

from consumer.mapping.rules import MappingOptions

ADDRESS = "ann@example.com"


@pytest.mark.parametrize(
    "source", ["email", "website", "phone_call", "chat", "physical_store", "system_generated", "other"]
)
def test_the_override_says_where_it_happened(source: str) -> None:
    assert sent(facebook(action_source=f" {source.upper()} "))["action_source"] == source


@pytest.mark.parametrize(
    ("changes", "setting", "expected"),
    [
        ({}, "website", "website"),
        ({}, "chat", "chat"),
        ({"type": "offline"}, "website", "physical_store"),
        ({"type": "call"}, "website", "phone_call"),
        ({"type": "online"}, "chat", "chat"),
        ({"type": 5}, "website", "website"),
        ({"type": ["offline"]}, "website", "website"),
        ({"type": "offline", "integrations.facebook.action_source": "chat"}, "website", "chat"),
        ({"type": "offline", "integrations.facebook.action_source": "shop"}, "website", "physical_store"),
        ({}, "app", "website"),
        ({}, "business_messaging", "website"),
    ],
)
def test_where_it_happened_falls_back_step_by_step(
    changes: dict[str, Any], setting: str, expected: str
) -> None:
    assert sent(event(changes), MappingOptions(action_source=setting))["action_source"] == expected


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("shop", "malformed"),
        ("", "missing"),
        (5, "wrong_type"),
        ("app", "missing"),
        ("business_messaging", "missing"),
    ],
)
def test_an_unusable_action_source_is_noted(override: int | str, word: str) -> None:
    assert sent(facebook(action_source=override))["action_source"] == "website"
    assert noted(facebook(action_source=override)) == [("action_source", word)]


@pytest.mark.parametrize(
    ("extinfo", "expected"),
    [
        (["a2"] * 16, "app"),
        (["a2"] * 15, "website"),
        (["a2"] * 17, "website"),
        (["a2"] * 15 + [ADDRESS], "website"),
        ("a2", "website"),
        (None, "website"),
    ],
)
def test_an_app_needs_its_sixteen_facts_after_cleaning(extinfo: Any, expected: str) -> None:
    assert sent(facebook(action_source="app", app_data={"extinfo": extinfo}))["action_source"] == expected


def test_a_conversation_needs_its_channel() -> None:
    given = facebook(action_source="business_messaging", messaging_channel="whatsapp")
    assert sent(given)["action_source"] == "business_messaging"
    assert sent(given)["messaging_channel"] == "whatsapp"
