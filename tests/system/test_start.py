"""Where Kafka is not as the settings say, a command ends at once and says what it is and what to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from support import topics
from support.events import shop_events
from support.ports import free_ports
from support.scenario import Scene

NOWHERE = f"127.0.0.1:{free_ports(1)[0]}"
COMMANDS = ["run", "check"]


@pytest.fixture
def ready(scene: Scene) -> Any:
    """Both topics, with an event: nothing is missing yet."""
    scene.create_topics(partitions=2)
    scene.produce(shop_events(seed=5, count=1, now_s=int(time.time())))
    return scene


def refusal(scene: Any, command: Any, **settings: Any) -> Any:
    """What the command says as it refuses. It has committed nothing and shown no traceback."""
    finished = scene.processes.run(command, settings=scene.settings(CAPI_LOG_LEVEL="info", **settings))
    assert finished.returncode in (1, 2), finished.stderr
    assert "Traceback" not in finished.stderr
    assert topics.committed_offsets(scene.bootstrap_servers, scene.group) == {}
    return finished.returncode, finished.stdout + finished.stderr


@pytest.mark.kafka
@pytest.mark.parametrize("command", COMMANDS)
def test_a_broker_that_does_not_answer_is_named(ready: Any, command: Any) -> None:
    code, said = refusal(ready, command, CAPI_BOOTSTRAP_SERVERS=NOWHERE)
    assert code == 1
    assert one_line(said, "brokers", NOWHERE, "CAPI_BOOTSTRAP_SERVERS")


@pytest.mark.kafka
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("setting", ["CAPI_TOPICS", "CAPI_DEAD_LETTER_TOPIC"])
def test_a_topic_that_is_missing_is_named_with_its_setting(ready: Any, command: Any, setting: str) -> None:
    code, said = refusal(ready, command, **{setting: "nobody-made-it"})
    assert code == 1
    assert one_line(said, "topic nobody-made-it", "does not exist", "capi-consumer topics create", setting)
    assert topics.partitions_of(ready.bootstrap_servers, "nobody-made-it") == []


@pytest.mark.kafka
@pytest.mark.parametrize("command", COMMANDS)
def test_one_missing_topic_of_several_is_enough(ready: Any, command: Any) -> None:
    code, said = refusal(ready, command, CAPI_TOPICS=f"{ready.topic},nobody-made-it")
    assert code == 1
    assert one_line(said, "topic nobody-made-it", "does not exist")


@pytest.mark.kafka
@pytest.mark.parametrize("command", COMMANDS)
def test_dead_letters_in_the_events_topic_are_a_mistake_in_the_settings(ready: Any, command: Any) -> None:
    code, said = refusal(ready, command, CAPI_DEAD_LETTER_TOPIC=ready.topic)
    assert code == 2
    assert one_line(said, "CAPI_DEAD_LETTER_TOPIC", "CAPI_TOPICS")


@pytest.mark.kafka
@pytest.mark.parametrize("command", COMMANDS)
def test_a_dead_letter_topic_that_takes_less_than_the_events_topic_is_refused(
    ready: Any, topic_names: Callable[[str], str], command: Any
) -> None:
    narrow = topic_names("narrow")
    topics.create_topic(ready.bootstrap_servers, narrow, config={"max.message.bytes": "1000"})
    code, said = refusal(ready, command, CAPI_DEAD_LETTER_TOPIC=narrow)
    assert code == 1
    assert one_line(said, "dead letters", "max.message.bytes", narrow)


META = [
    ({}, 0, ["Meta:"]),
    ({"CAPI_ACCESS_TOKEN": "a-token-that-was-revoked"}, 1, ["Meta:", "CAPI_ACCESS_TOKEN"]),
    ({"CAPI_PIXEL_ID": "42"}, 1, ["Meta:", "CAPI_PIXEL_ID"]),
]


@pytest.mark.kafka
def test_check_says_whether_meta_takes_token_and_pixel_and_sends_nothing(ready: Any) -> None:
    ready.start_sandbox()
    for own, code, words in META:
        finished = ready.processes.run("check", settings=ready.settings(**own))
        assert finished.returncode == code, finished.stdout
        assert one_line(finished.stdout, *words), finished.stdout
        assert "a-token-that-was-revoked" not in finished.stdout + finished.stderr
    assert ready.sandbox_stats()["events_accepted"] == 0
    assert topics.committed_offsets(ready.bootstrap_servers, ready.group) == {}


def one_line(said: Any, *words: Any) -> bool:
    """Exactly one line holds all the words."""
    lines = [line for line in said.splitlines() if all(word in line for word in words)]
    return len(lines) == 1
