"""Brokers of a test's own, a topic of one partition, and members that join its group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.faulty_kafka import FaultyKafka
from support.group_members import TOPIC, joining


@pytest.fixture
def brokers() -> Iterator[FaultyKafka]:
    with FaultyKafka() as running:
        yield running


@pytest.fixture
def topic(brokers: FaultyKafka) -> str:
    brokers.make_topic(TOPIC, 1)
    return TOPIC


@pytest.fixture
def join(brokers: FaultyKafka) -> Iterator[Any]:
    with joining(brokers) as join:
        yield join
