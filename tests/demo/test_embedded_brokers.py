"""The brokers of `demo --keep` make and describe no topic when asked to: that is said at once."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from support.mock_kafka import MockKafka
from support.processes import Processes

from consumer.config.settings import Settings
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.kafka.admin import list_cluster

# Far below the time-out of one of the requests that they let wait.
AT_ONCE_S = 10.0


def timed(processes: Any, *arguments: Any, settings: Any) -> Any:
    began_s = time.monotonic()
    ended = processes.run(*arguments, settings=settings)
    assert time.monotonic() - began_s < AT_ONCE_S
    return ended


def test_a_topic_that_they_lack_is_named_with_the_request_they_do_not_know(processes: Processes) -> None:
    mock = MockKafka()
    mock.make_topic("capi.events")
    ended = timed(processes, "topics", "create", settings={"CAPI_BOOTSTRAP_SERVERS": mock.bootstrap_servers})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "capi-consumer: the brokers know no CreateTopics request, as those of `demo`, and lack "
        "capi.dead-letters, capi.parked: "
        "use the names of `demo --keep`, which are the defaults, or other brokers\n"
    )


def test_where_every_topic_is_there_nothing_is_asked_of_them(processes: Processes) -> None:
    mock = MockKafka()
    for name in ("capi.events", "capi.dead-letters", "capi.parked"):
        mock.make_topic(name)
    settings = {"CAPI_BOOTSTRAP_SERVERS": mock.bootstrap_servers}
    for verb in ("create", "list"):
        ended = timed(processes, "topics", verb, "--json", settings=settings)
        assert ended.returncode == 0
        states = {row["name"]: row["state"] for row in json.loads(ended.stdout)["topics"]}
        assert states == {"capi.events": "exists", "capi.dead-letters": "exists", "capi.parked": "exists"}


def test_a_login_at_brokers_without_sasl_is_said_to_be_what_it_probably_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("consumer.kafka.clients.METADATA_TIMEOUT_S", 1.0)
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "canary",
        "sasl.password": "canary",
    }
    mock = MockKafka()
    settings = Settings(bootstrap_servers=mock.bootstrap_servers, kafka_properties=login)
    with pytest.raises(CommandError) as refused:
        list_cluster(clients.admin_client(settings), settings)
    assert "(the brokers take no login there: the port is probably one without SASL)" in refused.value.says
    assert "canary" not in str(refused.value)
