"""`check` and the start of `run`: what is missing, in one line each, with what to do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from support import topics
from support.kafka_cluster import KafkaCluster, start_cluster
from support.kafka_jars import NotAvailable
from support.mock_kafka import MockKafka
from support.processes import Processes
from support.requirements import require
from support.scenario import Scene
from support.waiting import eventually

from consumer.config.settings import Settings
from consumer.diagnostics.check import _consent, group_state
from consumer.diagnostics.preflight import (
    CheckResult,
    compaction_findings,
    group_right,
    parking_finding,
    preflight,
    refuse_unless_ready,
    size_findings,
    topic_findings,
)
from consumer.errors import CommandError
from consumer.kafka import clients as kafka_clients
from consumer.kafka.admin import Cluster, Group, QueryFailed, Topic
from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

SETTINGS = Settings(topics=("events", "more"), dead_letter_topic="letters", group_id="g")


def names(findings: Any) -> dict[Any, Any]:
    return {finding.name: finding.ok for finding in findings}


def test_each_topic_of_the_settings_is_a_finding() -> None:
    there = {"events": Topic("events", 6, 3), "letters": Topic("letters", 1, 1)}
    assert topic_findings(SETTINGS, Cluster(3, there)) == [
        ("topic events", True, "6 partitions, 3 replicas", ""),
        (
            "topic more",
            False,
            "does not exist, or may not be seen",
            "`capi-consumer topics create` makes it, or CAPI_TOPICS names another",
        ),
        ("topic letters", True, "1 partition, 1 replica", ""),
    ]


def test_a_topic_that_is_not_there_is_named_with_its_setting() -> None:
    assert topic_findings(SETTINGS, Cluster(3, {}))[2] == (
        "topic letters",
        False,
        "does not exist, or may not be seen",
        "`capi-consumer topics create` makes it, or CAPI_DEAD_LETTER_TOPIC names another",
    )


def test_a_missing_parking_topic_is_no_reason_to_refuse() -> None:
    settings = Settings(topics=("events",), dead_letter_topic="letters", parking_topic="parked")
    assert parking_finding(settings, Cluster(1, {"parked": Topic("parked", 1, 1)})).ok is True
    finding = parking_finding(settings, Cluster(1, {}))
    refuse_unless_ready([finding])
    assert finding == (
        "topic parked",
        None,
        "does not exist, or may not be seen: `replay` will need it to park letters",
        "`capi-consumer topics create` makes it, or CAPI_PARKING_TOPIC names another",
    )


SIZES = [
    ({"events": "1000", "more": "500", "letters": "1000"}, True, "up to 1000 bytes; events have up to 1000"),
    (
        {"events": "1000", "more": "500", "letters": "999"},
        False,
        "at most 999 bytes, while events have up to 1000",
    ),
    ({"more": "500", "letters": "400"}, False, "at most 400 bytes, while events have up to 500"),
    ({"events": "1000"}, None, "not known (no right to read the topics' configuration, or no topic)"),
    ({}, None, "not known (no right to read the topics' configuration, or no topic)"),
]


@pytest.mark.parametrize(("sizes", "ok", "says"), SIZES)
def test_the_dead_letter_topic_must_take_what_the_events_topics_take(sizes: Any, ok: Any, says: Any) -> None:
    configs: dict[str, Any] = {name: {"max.message.bytes": size} for name, size in sizes.items()}
    [found] = size_findings(SETTINGS, configs)
    assert (found.ok, found.message) == (ok, says)


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_a_compacted_dead_letter_topic_is_refused(policy: str) -> None:
    settings = Settings(dead_letter_topic="letters")
    (finding,) = compaction_findings(settings, {"letters": {"cleanup.policy": policy}})
    assert (finding.ok, finding.remedy) == (False, "set cleanup.policy of letters to delete")


@pytest.mark.parametrize("config", [{"cleanup.policy": "delete"}, {}, QueryFailed("TIMED_OUT")])
def test_a_dead_letter_topic_that_is_not_known_to_be_compacted_is_no_finding(config: Any) -> None:
    assert compaction_findings(Settings(dead_letter_topic="letters"), {"letters": config}) == []


def test_a_size_that_may_not_be_read_is_no_reason_to_refuse() -> None:
    unknown = QueryFailed("TOPIC_AUTHORIZATION_FAILED")
    assert size_findings(SETTINGS, {"events": unknown, "letters": {"max.message.bytes": "1"}})[0].ok is None


RIGHTS = [
    (Group("stable", 2, None), True, "given (the brokers check no rights)"),
    (Group("stable", 2, frozenset({"READ", "DESCRIBE"})), True, "given"),
    (Group("stable", 2, frozenset({"ALL"})), True, "given"),
    (Group("stable", 2, frozenset({"DESCRIBE"})), False, "the brokers refuse it"),
    (QueryFailed("GROUP_AUTHORIZATION_FAILED"), False, "the brokers refuse it"),
    (QueryFailed("_TIMED_OUT"), None, "not known (_TIMED_OUT)"),
]


@pytest.mark.parametrize(("group", "ok", "says"), RIGHTS)
def test_a_right_that_is_refused_is_a_finding_and_one_that_is_not_known_is_none(
    group: Any, ok: Any, says: Any
) -> None:
    found = group_right("g", group)
    assert (found.name, found.ok, found.message) == ("right to read group g", ok, says)
    assert found.remedy == (
        "" if ok is not False else "give the user of CAPI_KAFKA_PROPERTIES the right READ on group g"
    )


def test_run_refuses_with_one_line_for_each_fault() -> None:
    well, bad = CheckResult("brokers", True, "3"), CheckResult("topic x", False, "does not exist", "make it")
    unknown = CheckResult("right to read group g", None, "not known (_TIMED_OUT)")
    refuse_unless_ready([well, unknown, well])
    with pytest.raises(CommandError) as refused:
        refuse_unless_ready([well, bad, unknown, bad])
    assert str(refused.value) == "topic x: does not exist; make it\ntopic x: does not exist; make it"


GROUPS = [
    (Group("stable", 2, None), True, "stable, members: 2"),
    (Group("empty", 0, None), True, "nobody is in it now"),
    (QueryFailed("GROUP_ID_NOT_FOUND"), True, "nobody has joined it yet"),
    (QueryFailed("_TIMED_OUT"), None, "not known (_TIMED_OUT)"),
]


@pytest.mark.parametrize(("group", "ok", "says"), GROUPS)
def test_the_group_is_well_whoever_is_in_it_and_may_be_unknown(group: Any, ok: Any, says: Any) -> None:
    assert group_state("group g", group) == ("group g", ok, says, "")


def test_brokers_without_requests_of_administration_are_ready_when_the_topics_are_there() -> None:
    mock = MockKafka()
    settings = Settings(bootstrap_servers=mock.bootstrap_servers)
    admin = kafka_clients.admin_client(settings)

    assert names(preflight(settings, admin))["topic capi.events"] is False
    mock.make_topic("capi.events")
    mock.make_topic("capi.dead-letters")
    assert names(preflight(settings, admin)) == {
        "brokers": True,
        "topic capi.events": True,
        "topic capi.dead-letters": True,
        "topic capi.parked": None,
        "right to read group capi-consumer": None,
    }


def test_where_no_broker_answers_that_is_the_only_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.kafka.clients.METADATA_TIMEOUT_S", 0.5)
    settings = Settings(bootstrap_servers="127.0.0.1:1")
    [found] = preflight(settings, kafka_clients.admin_client(settings))
    assert found[:2] == ("brokers", False)
    assert found.message == "no answer from the brokers 127.0.0.1:1 (connection refused)"
    assert found.remedy == "check the port in CAPI_BOOTSTRAP_SERVERS, and that Kafka runs"


# The command


def checked(processes: Any, settings: Any) -> Any:
    ended = processes.run("check", "--json", settings=settings)
    assert ended.stderr == ""
    said = json.loads(ended.stdout)
    return ended.returncode, said["ok"], {one["name"]: one for one in said["checks"]}


@pytest.mark.kafka
def test_all_is_well_when_all_is_there(scene: Scene, processes: Processes) -> None:
    scene.start_sandbox()
    assert processes.run("topics", "create", settings=scene.settings()).returncode == 0

    code, ok, found = checked(processes, scene.settings())

    assert (code, ok) == (0, True)
    assert list(found) == [
        "settings",
        "consent",
        "brokers",
        f"topic {scene.topic}",
        f"topic {scene.dead_letter_topic}",
        f"topic {scene.parking_topic}",
        f"right to read group {scene.group}",
        f"right to read topic {scene.topic}",
        f"right to write topic {scene.dead_letter_topic}",
        "size of dead letters",
        f"group {scene.group}",
        "Meta",
        "clock",
    ]
    assert found[f"group {scene.group}"]["message"] in ("nobody has joined it yet", "nobody is in it now")
    assert scene.accepted_lines() == 0


@pytest.mark.kafka
def test_a_person_gets_a_line_for_each_with_what_to_do(scene: Scene, processes: Processes) -> None:
    scene.start_sandbox()
    topics.create_topic(scene.bootstrap_servers, scene.topic)
    ended = processes.run("check", settings=scene.settings(CAPI_ACCESS_TOKEN="another"))

    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert [line[0] for line in lines] == ["✓", "✓", "✓", "✓", "✗", "!", "✓", "✓", "?", "✓", "✗", "✓"]
    assert lines[4] == (
        f"✗ topic {scene.dead_letter_topic}: does not exist, or may not be seen; "
        "`capi-consumer topics create` makes it, or CAPI_DEAD_LETTER_TOPIC names another"
    )
    assert lines[-2].startswith("✗ Meta: the access token is refused")
    assert "another" not in "".join(lines[:4] + lines[6:])
    assert topics.partitions_of(scene.bootstrap_servers, scene.dead_letter_topic) == []


@pytest.mark.kafka
def test_a_dead_letter_topic_that_takes_less_is_refused_by_check_and_run(
    scene: Scene, processes: Processes
) -> None:
    scene.start_sandbox()
    topics.create_topic(scene.bootstrap_servers, scene.topic, config={"max.message.bytes": "200000"})
    topics.create_topic(
        scene.bootstrap_servers, scene.dead_letter_topic, config={"max.message.bytes": "100000"}
    )

    code, ok, found = checked(processes, scene.settings())
    run = processes.run("run", settings=scene.settings())

    says = "at most 100000 bytes, while events have up to 200000"
    do = f"raise max.message.bytes of {scene.dead_letter_topic} to 200000 or more"
    assert (code, ok) == (1, False)
    assert {name for name, one in found.items() if one["ok"] is False} == {"size of dead letters"}
    assert (found["size of dead letters"]["message"], found["size of dead letters"]["remedy"]) == (says, do)
    assert run.returncode == 1
    assert f"capi-consumer: size of dead letters: {says}; {do}" in run.stderr.splitlines()


def test_what_is_not_known_has_its_own_mark(processes: Processes) -> None:
    mock = MockKafka()
    settings = {
        "CAPI_BOOTSTRAP_SERVERS": mock.bootstrap_servers,
        "CAPI_GRAPH_URL": "http://127.0.0.1:1",
        "CAPI_PIXEL_ID": "1",
        "CAPI_ACCESS_TOKEN": "t",
    }
    lines = processes.run("check", settings=settings).stdout.splitlines()
    unknown = "not known (these brokers cannot be asked for it)"
    assert f"? right to read group capi-consumer: {unknown}" in lines
    assert f"? group capi-consumer: {unknown}" in lines


def test_that_every_event_is_sent_whatever_its_consent_is_a_warning() -> None:
    without, named = _consent(Settings()), _consent(Settings(user_consent_category="3"))
    assert (without.ok, named.ok) == (None, True)
    assert without.message == "no category is set: every event is sent, whatever its consent"
    assert "CAPI_USER_CONSENT_CATEGORY" in without.remedy


def test_meta_is_tried_where_kafka_does_not_answer(processes: Processes) -> None:
    settings = {
        "CAPI_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "CAPI_GRAPH_URL": "http://127.0.0.1:1",
        "CAPI_PIXEL_ID": "1",
        "CAPI_ACCESS_TOKEN": "t",
    }
    code, ok, found = checked(processes, settings)
    assert (code, ok) == (1, False)
    assert {name: one["ok"] for name, one in found.items()} == {
        "settings": True,
        "consent": None,
        "brokers": False,
        "Meta": False,
        "clock": None,
    }


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    mock = MockKafka()
    for name in ("capi.events", "capi.dead-letters", "capi.parked"):
        mock.make_topic(name)
    return mock


async def checked_at_a_sandbox(processes: Any, brokers: Any, *arguments: Any, **settings: Any) -> Any:
    """The check's end, and what the sandbox has seen."""
    async with Sandbox(SandboxSettings(bodies_kept_max=5)) as meta:
        known = {
            "CAPI_BOOTSTRAP_SERVERS": brokers.bootstrap_servers,
            "CAPI_GRAPH_URL": meta.url,
            "CAPI_PIXEL_ID": "1234567890",
            "CAPI_ACCESS_TOKEN": "sandbox-token",
            "CAPI_USER_CONSENT_CATEGORY": "3",
        }
        ended = await asyncio.to_thread(processes.run, "check", *arguments, settings=known | settings)
        return ended, meta


async def test_a_test_event_is_sent_with_its_code_and_metas_answer_is_shown(
    processes: Processes, brokers: MockKafka
) -> None:
    ended, meta = await checked_at_a_sandbox(
        processes, brokers, "--send-test-event", "--test-event-code", "TEST4711"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    last = ended.stdout.splitlines()[-1]
    assert last.startswith("✓ test event: Meta answers that it received 1 event (HTTP 200, trace A")
    (event,) = meta.accepted
    assert event["event_id"] in last
    assert event["event_source_url"] == "https://www.example.com/capi-consumer-check"
    assert b'"test_event_code":"TEST4711"' in meta.bodies[-1]
    assert b"test_event_code" not in meta.bodies[0]


async def test_the_code_of_the_settings_serves_and_the_state_of_each_line_is_in_the_json(
    processes: Processes, brokers: MockKafka
) -> None:
    ended, meta = await checked_at_a_sandbox(
        processes, brokers, "--send-test-event", "--json", CAPI_TEST_EVENT_CODE="TEST1"
    )
    found = {one["name"]: one["state"] for one in json.loads(ended.stdout)["checks"]}
    assert len(meta.accepted) == 1
    assert (found["Meta"], found["clock"], found["test event"]) == ("ok", "ok", "ok")
    assert found["right to read group capi-consumer"] == "unknown"


async def test_without_being_asked_no_event_is_sent_whatever_the_code(
    processes: Processes, brokers: MockKafka
) -> None:
    ended, meta = await checked_at_a_sandbox(processes, brokers, CAPI_TEST_EVENT_CODE="TEST1")
    assert (ended.returncode, len(meta.accepted)) == (0, 0)


async def test_where_the_token_is_refused_no_test_event_is_sent(
    processes: Processes, brokers: MockKafka
) -> None:
    ended, meta = await checked_at_a_sandbox(
        processes, brokers, "--send-test-event", "--test-event-code", "T", CAPI_ACCESS_TOKEN="another"
    )
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1].startswith("✗ test event: not sent; mend first what is wrong")
    assert len(meta.bodies) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--send-test-event"], "--send-test-event needs a test event code: Events Manager shows it"),
        (["--send-test-event", "--test-event-code", " "], "--send-test-event needs a test event code"),
        (["--test-event-code", "TEST1"], "--test-event-code sends nothing by itself: say --send-test-event"),
    ],
)
def test_a_test_event_without_a_code_is_refused_before_anything_is_looked_at(
    processes: Processes, arguments: list[str], says: str
) -> None:
    settings = {"CAPI_PIXEL_ID": "1", "CAPI_ACCESS_TOKEN": "t"}
    ended = processes.run("check", *arguments, settings=settings)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"capi-consumer: {says}")


def test_mistakes_in_the_settings_are_all_said_and_end_with_2(processes: Processes, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("linger_ms = 'soon'\n")
    ended = processes.run("check", "--settings", str(file), settings={"CAPI_DEAD_LETER_TOPIC": "x"})
    assert ended.returncode == 2
    assert ended.stdout == ""
    said = ended.stderr
    assert "CAPI_DEAD_LETER_TOPIC: no such setting; did you mean CAPI_DEAD_LETTER_TOPIC?" in said
    assert "CAPI_LINGER_MS: " in said
    assert "Traceback" not in said


# A broker that checks rights

AUTHORISER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


def cluster_with_authoriser(folder: Any) -> KafkaCluster:
    try:
        return start_cluster(folder, properties=AUTHORISER)
    except NotAvailable as reason:
        require("kafka", str(reason))


def allow(admin: Any, kind: Any, name: Any, *operations: Any) -> None:
    """Everybody may do this with the resource, and nothing else."""
    bindings = [
        AclBinding(
            kind,
            name,
            ResourcePatternType.LITERAL,
            "User:*",
            "*",
            operation,
            AclPermissionType.ALLOW,
        )
        for operation in operations
    ]
    for made in admin.create_acls(bindings, request_timeout=15).values():
        made.result()


@pytest.mark.kafka
def test_rights_that_are_missing_are_named_one_by_one(tmp_path: Path) -> None:
    cluster = cluster_with_authoriser(tmp_path)
    try:
        servers = cluster.bootstrap_servers
        settings = Settings(
            bootstrap_servers=servers,
            topics=("events",),
            dead_letter_topic="letters",
            parking_topic="parked",
            group_id="g",
        )
        for name in ("events", "letters", "parked"):
            topics.create_topic(servers, name)
        admin = topics.admin(servers)
        look = kafka_clients.admin_client(settings)
        # The first question about a group makes a new cluster look for a coordinator.
        eventually(lambda: all(finding.ok for finding in preflight(settings, look)), 30)

        looking = (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)
        allow(admin, ResourceType.TOPIC, "events", *looking, AclOperation.WRITE)
        allow(admin, ResourceType.TOPIC, "letters", AclOperation.DESCRIBE, AclOperation.READ)
        allow(admin, ResourceType.GROUP, "g", AclOperation.DESCRIBE)

        def refused() -> list[Any]:
            return [finding for finding in preflight(settings, look) if finding.ok is False]

        found = eventually(lambda: refused() if len(refused()) == 3 else [], 30)
        assert [(finding.name, finding.remedy) for finding in found] == [
            ("right to read group g", "give the user of CAPI_KAFKA_PROPERTIES the right READ on group g"),
            (
                "right to read topic events",
                "give the user of CAPI_KAFKA_PROPERTIES the right READ on topic events",
            ),
            (
                "right to write topic letters",
                "give the user of CAPI_KAFKA_PROPERTIES the right WRITE on topic letters",
            ),
        ]

        allow(admin, ResourceType.TOPIC, "events", AclOperation.READ)
        allow(admin, ResourceType.TOPIC, "letters", AclOperation.WRITE)
        allow(admin, ResourceType.GROUP, "g", AclOperation.READ)
        eventually(lambda: not refused(), 30)
        unread = {finding.name: finding for finding in preflight(settings, look)}["size of dead letters"]
        assert (unread.ok, unread.message[:9]) == (None, "not known")
    finally:
        cluster.end()
