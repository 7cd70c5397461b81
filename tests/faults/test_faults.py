"""Every scenario in its short form; `make faults` runs the full ones."""

from __future__ import annotations

from typing import Any

import pytest
from faults.measures import Size
from faults.scenarios import SCENARIOS
from faults.world import World
from support.kafka_cluster import KafkaCluster
from support.kafka_jars import NotAvailable
from support.requirements import require


@pytest.fixture(scope="module")
def world(kafka: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("faults"), kafka)


@pytest.mark.kafka
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_the_bar_of_each_scenario_is_met(world: World, scenario: Any) -> None:
    try:
        measures = scenario.run(world, Size(is_short=True))
    except NotAvailable as reason:  # a given cluster has no brokers that may be killed
        require("kafka", str(reason))
    assert measures.passed, (scenario.bar, measures.broken)
