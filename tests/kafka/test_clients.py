"""The properties that carry the promise always win, and librdkafka takes what we give it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from support.faulty_kafka import effective

from consumer.config.kafka_constraints import GroupProtocol
from consumer.config.parsers import REFUSED_KAFKA_PROPERTIES
from consumer.config.settings import Settings
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.kafka.admin import list_cluster

CONSUMER_PROMISE = {
    "group.id": "capi-consumer",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "bootstrap.servers": "127.0.0.1:1",
}
PRODUCER_PROMISE = {"acks": "all", "enable.idempotence": True, "bootstrap.servers": "127.0.0.1:1"}


def settings(**given: Any) -> Settings:
    return Settings(bootstrap_servers="127.0.0.1:1", **given)


def test_no_offset_is_committed_by_a_timer_and_no_letter_counts_before_every_replica_has_it() -> None:
    assert CONSUMER_PROMISE.items() <= clients.consumer_properties(settings()).items()
    assert PRODUCER_PROMISE.items() <= clients.producer_properties(settings()).items()


def test_no_file_of_properties_wins_over_the_promise(tmp_path: Path) -> None:
    """A file may change after it was checked; what it says of these still counts for nothing."""
    file = tmp_path / "properties.json"
    file.write_text(
        json.dumps({**dict.fromkeys(REFUSED_KAFKA_PROPERTIES, "canary"), "enable.partition.eof": False})
    )
    changed = settings(kafka_properties_file=file)
    assert CONSUMER_PROMISE.items() <= clients.consumer_properties(changed).items()
    assert PRODUCER_PROMISE.items() <= clients.producer_properties(changed).items()


def test_the_file_wins_over_the_setting_and_both_over_our_own(tmp_path: Path) -> None:
    file = tmp_path / "properties.json"
    file.write_text('{"sasl.password": "of the file", "linger.ms": 9}')
    given = settings(
        kafka_properties={"sasl.password": "of the setting", "client.id": "mine", "linger.ms": 1},
        kafka_properties_file=file,
    )
    properties = clients.producer_properties(given)
    assert (properties["sasl.password"], properties["client.id"], properties["linger.ms"]) == (
        "of the file",
        "mine",
        9,
    )


def test_booleans_are_librdkafka_s_words() -> None:
    properties = clients.client_properties(
        settings(kafka_properties={"a": True, "b": False, "c": 1, "d": "True"})
    )
    assert {name: properties[name] for name in "abcd"} == {"a": "true", "b": "false", "c": 1, "d": "True"}


def test_a_property_of_the_other_kind_of_client_is_left_out() -> None:
    both = settings(kafka_properties={"session.timeout.ms": 6000, "compression.type": "zstd"})
    assert "compression.type" not in clients.consumer_properties(both)
    assert "session.timeout.ms" not in clients.producer_properties(both)
    assert clients.consumer_properties(both)["session.timeout.ms"] == 6000
    assert clients.producer_properties(both)["compression.type"] == "zstd"


def test_a_reader_of_its_own_has_a_group_of_its_own() -> None:
    assert clients.consumer_properties(settings(), group="other")["group.id"] == "other"


PRESETS = [
    ("cooperative", {"partition.assignment.strategy": "cooperative-sticky"}),
    ("eager", {"partition.assignment.strategy": "range,roundrobin"}),
    ("consumer", {"group.protocol": "consumer"}),
]


@pytest.mark.parametrize(("preset", "expected"), PRESETS)
def test_a_preset_is_these_properties(preset: Any, expected: Any) -> None:
    properties = clients.consumer_properties(settings(group_protocol=preset))
    names = {"group.protocol", "partition.assignment.strategy", "session.timeout.ms", "group.instance.id"}
    assert {name: value for name, value in properties.items() if name in names} == expected


def test_a_static_member_has_its_name_and_a_reader_of_its_own_group_has_none() -> None:
    given = settings(group_instance_id="capi-0")
    assert clients.consumer_properties(given)["group.instance.id"] == "capi-0"
    assert "group.instance.id" not in clients.consumer_properties(given, group="other")
    assert "group.instance.id" not in clients.producer_properties(given)


MIB = 1024 * 1024
# bytes_in_flight_max, what librdkafka may prefetch in KiB, and of one partition at once in bytes
PREFETCHED = [
    (1024, 1_024, 65_536),
    (4 * MIB, 1_024, 65_536),
    (8 * MIB, 2_048, 65_536),
    (80 * MIB, 20_480, 163_840),
    (128 * MIB, 32_768, 262_144),
    (256 * MIB, 65_536, 262_144),
    (1024 * MIB, 65_536, 262_144),
]


@pytest.mark.parametrize(("bytes_in_flight_max", "kib", "of_a_partition"), PREFETCHED)
def test_what_is_prefetched_follows_from_the_budget_of_bytes(
    bytes_in_flight_max: Any, kib: Any, of_a_partition: Any
) -> None:
    properties = clients.consumer_properties(settings(bytes_in_flight_max=bytes_in_flight_max))
    assert properties["queued.max.messages.kbytes"] == kib
    assert properties["queued.min.messages"] == 1_000
    assert properties["max.partition.fetch.bytes"] == of_a_partition
    # librdkafka makes it fit by itself, unless it is set.
    assert "fetch.max.bytes" not in properties


def test_a_queue_that_was_full_is_filled_again_before_it_is_empty() -> None:
    properties = clients.consumer_properties(settings())
    events_a_second = properties["queued.min.messages"] * 1_000 / properties["fetch.queue.backoff.ms"]
    assert events_a_second == 100_000  # of one partition; by librdkafka's own second it would be 1,000


def test_what_is_prefetched_is_the_users_where_he_says_so() -> None:
    own = {"queued.max.messages.kbytes": 4_096}
    assert clients.consumer_properties(settings(kafka_properties=own))["queued.max.messages.kbytes"] == 4_096


# queued.max.messages.kbytes and message.max.bytes as given, fetch.max.bytes as librdkafka makes it
FETCHED = [
    (1_024, 1_000_000, 1_048_576),
    (32_768, 1_000_000, 33_554_432),
    (65_536, 1_000_000, 52_428_800),
    (1_024, 20_000_000, 20_000_000),
]


@pytest.mark.parametrize(("kib", "message_bytes", "expected"), FETCHED)
def test_librdkafka_fetches_no_more_at_once_than_it_may_hold(
    kib: Any, message_bytes: Any, expected: Any
) -> None:
    """What the docstring of `prefetched_kib` rests on, asked of the library itself."""
    given = {"queued.max.messages.kbytes": kib, "message.max.bytes": message_bytes, "group.id": "g"}
    assert effective(given, "fetch.max.bytes") == str(expected)
    assert effective(given, "max.partition.fetch.bytes") == "1048576"


# librdkafka itself judges these.

TAKEN = [
    ({}, {}),
    *(({"group_protocol": protocol, "group_instance_id": "a"}, {}) for protocol in GroupProtocol),
    (
        {"group_protocol": "consumer"},
        {"group.protocol": "consumer", "group.remote.assignor": "uniform", "max.poll.interval.ms": 60_000},
    ),
    ({}, {"group.protocol": "classic", "session.timeout.ms": 10_000, "group.protocol.type": "consumer"}),
    ({"group_protocol": "eager"}, {"partition.assignment.strategy": "roundrobin"}),
    *(({"bytes_in_flight_max": size}, {}) for size in (1024, 2**40)),
    ({"bytes_in_flight_max": 1024}, {"message.max.bytes": 20_000_000}),
    ({}, {"fetch.min.bytes": 1, "linger.ms": 0, "batch.size": 1000, "security.protocol": "plaintext"}),
]


@pytest.mark.parametrize(("more", "own"), TAKEN)
def test_librdkafka_takes_our_properties_with_the_users(
    more: Any, own: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    given = settings(kafka_properties=own, **more)
    clients.new_consumer(clients.consumer_properties(given)).close()
    clients.new_producer(clients.producer_properties(given))
    clients.admin_client(given)
    assert capfd.readouterr().err == ""


MECHANISMS = "it takes PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
OIDC = {
    "security.protocol": "sasl_ssl",
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:9/token",
}

NOT_TAKEN = [
    ({"no.such.property": "canary"}, "knows no property no.such.property"),
    ({"security.protocol": "canary"}, "does not take the value of security.protocol"),
    ({"socket.timeout.ms": "canary"}, "does not take the value of socket.timeout.ms"),
    ({"socket.timeout.ms": "-5"}, "does not take the value of socket.timeout.ms"),
    (
        {"ssl.ca.location": "/canary", "security.protocol": "ssl"},
        "cannot read the file of ssl.ca.location, /canary (No such file or directory)",
    ),
    (
        {"client.rack": "x", "sasl.mechanism": "canary", "security.protocol": "sasl_plaintext"},
        f"has no such sasl.mechanism: {MECHANISMS}",
    ),
    (
        {"security.protocol": "sasl_ssl", "sasl.username": "canary"},
        f"has no such sasl.mechanism: {MECHANISMS}",
    ),
    (
        {"security.protocol": "sasl_ssl", "sasl.mechanism": "GSSAPI"},
        f"has no such sasl.mechanism: {MECHANISMS}",
    ),
    (
        {"security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "canary"},
        "wants sasl.username and sasl.password",
    ),
    ({"security.protocol": "ssl", "ssl.keystore.location": "/canary"}, "wants ssl.keystore.password"),
    (
        {**OIDC, "sasl.oauthbearer.client.secret": "canary"},
        "wants sasl.oauthbearer.client.id",
    ),
    (
        {"socket.timeout.ms": "canary", "client.id": "x"},
        "does not take the value of socket.timeout.ms",
    ),
]


@pytest.mark.parametrize(("own", "says"), NOT_TAKEN)
@pytest.mark.parametrize("client", ["consumer", "producer", "admin"])
def test_what_librdkafka_does_not_take_is_one_line_without_the_value(
    own: Any, says: Any, client: str, capfd: pytest.CaptureFixture[str]
) -> None:
    given = settings(kafka_properties=own)
    with pytest.raises(CommandError) as refused:
        if client == "consumer":
            clients.new_consumer(clients.consumer_properties(given))
        elif client == "producer":
            clients.new_producer(clients.producer_properties(given))
        else:
            clients.admin_client(given)
    assert (
        str(refused.value) == f"librdkafka {says}: mend CAPI_KAFKA_PROPERTIES or CAPI_KAFKA_PROPERTIES_FILE"
    )
    assert "canary" not in capfd.readouterr().err


@pytest.mark.parametrize("name", ["sasl.mechanism", "sasl.mechanisms"])
def test_oauthbearer_without_an_issuer_would_wait_for_ever_and_is_refused(name: str) -> None:
    own = {"security.protocol": "sasl_ssl", name: "OAUTHBEARER"}
    with pytest.raises(
        CommandError, match=r"needs sasl\.oauthbearer\.method=oidc: mend CAPI_KAFKA_PROPERTIES"
    ):
        clients.admin_client(settings(kafka_properties=own))
    clients.admin_client(settings(kafka_properties={**own, "enable.sasl.oauthbearer.unsecure.jwt": True}))


def test_an_extra_of_confluent_kafka_that_is_not_there_is_one_line() -> None:
    aws = {
        "sasl.oauthbearer.metadata.authentication.type": "aws_iam",
        "sasl.oauthbearer.config": "region=eu-west-1,audience=canary",
    }
    with pytest.raises(CommandError, match=r"lacks an extra .*\(oauthbearer-aws\)"):
        clients.admin_client(settings(kafka_properties={**OIDC, **aws}))


PYTHON_OBJECTS = [
    "error_cb",
    "stats_cb",
    "oauth_cb",
    "on_commit",
    "on_delivery",
    "logger",
    "default.topic.config",
]


@pytest.mark.parametrize("name", PYTHON_OBJECTS)
def test_what_takes_an_object_of_python_is_no_property(name: Any) -> None:
    with pytest.raises(ValueError, match="one of these takes an object"):
        settings(kafka_properties={name: "x"})


def test_the_name_of_an_error_is_a_word_and_never_its_text() -> None:
    assert clients.error_name(KafkaException(KafkaError(KafkaError._TRANSPORT, "canary"))) == "_TRANSPORT"
    assert clients.error_name(KafkaException("canary")) == "_FAIL"
    assert clients.error_name(KafkaException()) == "_FAIL"


HEARD = [
    (set(), "_TRANSPORT"),
    ({"_RESOLVE"}, "no such host"),
    ({"_RESOLVE", "rejected"}, "connection refused"),
    ({"_SSL", "rejected"}, "no TLS connection"),
    ({"_AUTHENTICATION"}, "the login is refused"),
]


@pytest.mark.parametrize(("heard", "says"), HEARD)
def test_what_was_heard_last_on_the_way_to_the_brokers_is_said(heard: Any, says: Any) -> None:
    error = KafkaException(KafkaError(KafkaError._TRANSPORT, "canary"))
    found = clients.cannot_reach(settings(), error, heard)
    assert found.says == f"no answer from the brokers 127.0.0.1:1 ({says})"
    assert found.do.startswith("check ")


def test_a_host_that_does_not_exist_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.kafka.clients.METADATA_TIMEOUT_S", 0.5)
    given = Settings(bootstrap_servers="no-such-host.invalid:9092")
    with pytest.raises(CommandError, match=r"no-such-host\.invalid:9092 \(no such host\): check"):
        list_cluster(clients.admin_client(given), given)


def test_brokers_that_do_not_answer_are_one_line() -> None:
    error = KafkaException(KafkaError(KafkaError._TRANSPORT, "canary"))
    assert str(clients.cannot_reach(settings(), error)) == (
        "no answer from the brokers 127.0.0.1:1 (_TRANSPORT): "
        "check CAPI_BOOTSTRAP_SERVERS, the network, and the security settings in CAPI_KAFKA_PROPERTIES"
    )
