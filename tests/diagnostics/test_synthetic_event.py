"""The made-up event of `check --send-test-event`."""

from __future__ import annotations

import pytest

from consumer.config.settings import Settings
from consumer.diagnostics.meta_probe import synthetic_event
from consumer.domain.decision import Deliverable

AT_MS = 1_767_225_610_500


@pytest.mark.parametrize("rule", ["all", "any", "any_other"])
def test_the_synthetic_event_is_deliverable_under_every_rule_and_names_nobody(rule: str) -> None:
    decision = synthetic_event(Settings(match_rule=rule, user_consent_category="3"), AT_MS)
    assert isinstance(decision, Deliverable)
    assert b"capi-consumer-check" in decision.payload
    assert b"@" not in decision.payload
