"""Through TLS, certificates and logins every event ends once; a door that stays shut is said in one line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.events import Bad, Event, shop_events
from support.kafka_jars import NotAvailable
from support.processes import log_lines
from support.requirements import require
from support.scenario import SESSION, Scene
from support.secured_kafka import USER, SecuredKafka, start_secured
from support.token_issuer import CLIENT_ID
from support.waiting import eventually

EVENTS = 60
PASSWORD = "canary-right"
WRONG = "canary-wrong"
# `run` asks for ten seconds before it gives up; the rest is for a machine with much to do.
REFUSED_S_MAX = 60.0
# A login's life, librdkafka's longest wait for the next try (10 s), and some patience.
NOTICED_S_MAX = 60.0


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A broker with a door of each kind."""
    try:
        kafka = start_secured(tmp_path_factory.mktemp("secured"))
    except NotAvailable as reason:
        require("kafka", str(reason))
    yield kafka
    kafka.end()


@pytest.fixture(scope="module")
def kafka(secured: SecuredKafka) -> Any:
    """The scene of these tests is on that broker."""
    return secured.cluster


@pytest.fixture(autouse=True)
def _right_secrets(secured: SecuredKafka) -> None:
    secured.set_password(USER, PASSWORD)
    secured.issuer.set_secret(PASSWORD)


@dataclass(frozen=True)
class Door:
    """A way in: its address and what a client shows there."""

    address: str
    properties: dict[str, Any]


@pytest.fixture
def doors(secured: SecuredKafka) -> dict[Any, Any]:
    """Each door with the right key."""
    return {
        "scram": Door(secured.scram, secured.scram_properties(USER, PASSWORD)),
        "mutual": Door(secured.mutual, secured.mutual_properties(secured.authority)),
        "oauth": Door(secured.oauth, secured.oauth_properties(CLIENT_ID, PASSWORD)),
    }


def through(scene: Any, door: Any, file: str = "kafka.json") -> dict[Any, Any]:
    """The settings of a command that comes in by this door, its key in a file."""
    path = scene.processes.folder / file
    path.write_text(json.dumps(door.properties))
    return {"CAPI_BOOTSTRAP_SERVERS": door.address, "CAPI_KAFKA_PROPERTIES_FILE": str(path)}


def made(seed: Any, bad: Any = None) -> list[Event]:
    return shop_events(seed=seed, count=EVENTS, now_s=int(time.time()), bad=bad or {})


def values(events: list[Event]) -> list[bytes]:
    """What the records hold; each of them has a value."""
    found = [event.value for event in events if event.value is not None]
    assert len(found) == len(events)
    return found


@pytest.mark.kafka
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["scram", "mutual", "oauth"])
def test_every_event_ends_once_and_letters_are_written(
    scene: Scene, doors: dict[Any, Any], name: str
) -> None:
    scene.create_topics(2)
    scene.start_sandbox()
    consumer = scene.consumer(**through(scene, doors[name]))
    scene.produce(made(seed=3, bad={Bad.NOT_JSON: 5, Bad.REFUSED: 5}))
    eventually(scene.is_done, 60, "all is committed")
    assert consumer.stop(30) == 0
    report = scene.report()
    assert report.holds, report
    assert (report.dead_lettered, report.twice) == (10, 0)
    assert "canary" not in consumer.output


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_properties_in_the_environment_do_as_well_as_in_a_file(scene: Scene, doors: dict[Any, Any]) -> None:
    scene.create_topics(2)
    scene.start_sandbox()
    door = doors["mutual"]
    consumer = scene.consumer(
        CAPI_BOOTSTRAP_SERVERS=door.address, CAPI_KAFKA_PROPERTIES=json.dumps({**SESSION, **door.properties})
    )
    scene.produce(made(seed=4))
    eventually(scene.is_done, 60, "all is committed")
    assert consumer.stop(30) == 0
    assert scene.report().holds


@pytest.mark.kafka
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["scram", "mutual", "oauth"])
def test_the_other_commands_come_in_by_the_same_door(scene: Scene, doors: dict[Any, Any], name: str) -> None:
    scene.start_sandbox()
    settings = scene.settings(**through(scene, doors[name]))
    events = scene.processes.folder / "events.jsonl"
    events.write_bytes(b"\n".join(values(made(seed=5))))
    commands = [
        ["topics", "create"],
        ["check"],
        ["publish", str(events)],
        ["dead-letters", "list"],
        ["replay"],
    ]
    for command in commands:
        done = scene.processes.run(*command, settings=settings)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "canary" not in done.stdout + done.stderr


@dataclass(frozen=True)
class Shut:
    """A door and what is wrong with the key; `says` are words of the one line."""

    door: str
    changed: dict[str, Any]
    says: tuple[str, ...]


CERTIFICATE = ("ssl.certificate.location", "ssl.key.location")
SHUT = {
    "wrong password": Shut("scram", {"sasl.password": WRONG}, ("login is refused", "sasl.password")),
    "unknown user": Shut("scram", {"sasl.username": "nobody"}, ("login is refused", "sasl.username")),
    "another mechanism": Shut(
        "scram", {"sasl.mechanism": "PLAIN"}, ("do not take this kind of login", "sasl.mechanism")
    ),
    "wrong authority": Shut(
        "scram", {"ssl.ca.location": "stranger"}, ("no TLS connection", "ssl.ca.location")
    ),
    "no certificate": Shut(
        "mutual", dict.fromkeys(CERTIFICATE), ("want a certificate of ours", "ssl.certificate.location")
    ),
    "a stranger's certificate": Shut(
        "mutual", dict.fromkeys(CERTIFICATE, "stranger"), ("refuse it", "ssl.certificate.location")
    ),
    "wrong client secret": Shut(
        "oauth",
        {"sasl.oauthbearer.client.secret": WRONG},
        ("no token from the issuer", "sasl.oauthbearer.client.secret"),
    ),
}


def key_of(secured: Any, doors: Any, shut: Any) -> Door:
    """The properties of the door, changed: without what is None, a stranger's where that is said."""
    strange = secured.mutual_properties(secured.stranger) | {"ssl.ca.location": str(secured.stranger.file)}
    changed = {name: strange[name] if value == "stranger" else value for name, value in shut.changed.items()}
    properties = {**doors[shut.door].properties, **changed}
    return Door(doors[shut.door].address, {n: value for n, value in properties.items() if value is not None})


def refused(process: Any, words: Any) -> bool:
    """A process that ends by itself, with one line that says why. Fails with what it wrote."""
    assert process.wait(REFUSED_S_MAX) == 1, process.output
    said = [line for line in process.output.splitlines() if "no answer from the brokers" in line]
    assert len(said) == 1, process.output
    assert all(word in said[0] for word in words), said
    assert "Traceback" not in process.output
    assert "canary" not in process.output
    return True


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_door_that_stays_shut_is_one_line_that_names_what_to_check(
    scene: Scene, secured: SecuredKafka, doors: dict[Any, Any]
) -> None:
    """Each `run` waits ten seconds for an answer: all of them at once."""
    scene.create_topics(1)
    running = {}
    for case, shut in SHUT.items():
        settings = scene.settings(**through(scene, key_of(secured, doors, shut), file=f"{case}.json"))
        running[case] = scene.processes.start("run", settings=settings)
    for case, process in running.items():
        assert refused(process, SHUT[case].says), case
        assert len(process.stderr.read_text().splitlines()) == 1, process.output


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_every_command_says_that_the_login_is_refused(
    scene: Scene, secured: SecuredKafka, doors: dict[Any, Any]
) -> None:
    shut = SHUT["wrong password"]
    settings = scene.settings(**through(scene, key_of(secured, doors, shut)))
    events = scene.processes.folder / "events.jsonl"
    events.write_bytes(values(made(seed=5))[0])
    commands = [
        ["check"],
        ["publish", str(events)],
        ["dead-letters", "list"],
        ["replay"],
        ["topics", "create"],
    ]
    running = [scene.processes.start(*command, settings=settings) for command in commands]
    assert all(refused(process, shut.says) for process in running)


def change_secret(secured: Any, name: Any, secret: Any) -> None:
    if name == "scram":
        secured.set_password(USER, secret)
    else:
        secured.issuer.set_secret(secret)


def causes(consumer: Any) -> list[Any]:
    """What the consumer said of its connections."""
    return [line["cause"] for line in log_lines([consumer.stderr]) if "cause" in line]


@pytest.mark.kafka
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("name", "cause"), [("scram", "the login is refused"), ("oauth", "no token from the issuer")]
)
def test_a_secret_that_goes_bad_is_said_and_one_that_is_right_again_is_enough(
    scene: Scene, secured: SecuredKafka, doors: dict[Any, Any], name: str, cause: str
) -> None:
    scene.create_topics(2)
    scene.start_sandbox()
    consumer = scene.consumer(**through(scene, doors[name]))
    scene.produce(made(seed=6))
    eventually(scene.is_done, 60, "all is committed")
    assert causes(consumer) == []

    change_secret(secured, name, WRONG)
    eventually(lambda: consumer.still_runs() and cause in causes(consumer), NOTICED_S_MAX, "it says so")
    assert consumer.status("/livez") == 200
    scene.produce(made(seed=7, bad={Bad.NOT_JSON: 5}))

    change_secret(secured, name, PASSWORD)
    eventually(lambda: consumer.still_runs() and scene.is_done(), 90, "it goes on by itself")
    assert consumer.stop(30) == 0
    report = scene.report()
    assert report.holds, report
    assert report.dead_lettered == 5
    assert "canary" not in consumer.output


# As docs/kafka-security.md has them: what each command needs, and no more.
RIGHTS: dict[str, list[tuple[str, ...]]] = {
    "create": [
        ("topic", "{topic}", "CREATE"),
        ("topic", "{letters}", "CREATE"),
        ("topic", "{parked}", "CREATE"),
    ],
    "publish": [("topic", "{topic}", "WRITE")],
    "run": [("topic", "{topic}", "READ"), ("group", "{group}", "READ"), ("topic", "{letters}", "WRITE")],
    "dead-letters": [
        ("topic", "{letters}", "READ"),
        ("topic", "{parked}", "READ"),
        ("group", "capi-consumer.looks-only", "DESCRIBE"),
    ],
    "replay": [
        ("topic", "{letters}", "READ"),
        ("group", "{group}.replay*", "READ"),
        ("topic", "{topic}", "READ", "WRITE"),
        ("topic", "{parked}", "WRITE"),
        ("group", "capi-consumer.looks-only", "DESCRIBE"),
    ],
}


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_each_command_does_with_the_rights_that_the_page_names(scene: Scene, secured: SecuredKafka) -> None:
    names = {
        "topic": scene.topic,
        "letters": scene.dead_letter_topic,
        "parked": scene.parking_topic,
        "group": scene.group,
    }
    settings = {}
    for command, rights in RIGHTS.items():
        user = f"{command}-{scene.group}"
        secured.set_password(user, PASSWORD)
        for kind, name, *operations in rights:
            secured.allow(user, kind, name.format(**names), *operations)
        door = Door(secured.scram, secured.scram_properties(user, PASSWORD))
        settings[command] = through(scene, door, file=f"{command}.json")
    scene.start_sandbox()
    events = scene.processes.folder / "events.jsonl"
    events.write_bytes(b"\n".join([*values(made(seed=8)), b"no JSON"]))

    def done(command: Any, *arguments: Any) -> Any:
        ended = scene.processes.run(*arguments, settings=scene.settings(**settings[command]))
        assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
        return ended.stdout

    done("create", "topics", "create")
    done("run", "check")
    done("publish", "publish", "--raw", str(events))
    consumer = scene.consumer(**settings["run"])
    eventually(lambda: scene.accepted_lines() == EVENTS, 60, "all that can be are accepted")
    assert json.loads(done("dead-letters", "dead-letters", "list", "--json"))["letters"] == 1
    assert json.loads(done("replay", "replay", "--json"))["replayed"] == 1
    assert consumer.stop(30) == 0
