"""The ScaledObject: what KEDA is told of the group, of the limits, and of the way into Kafka."""

from __future__ import annotations

from typing import Any

import pytest
from support.chart import CHART, minimal, named, only, rendered, settings, values_of, workload

pytestmark = pytest.mark.chart


def of(name: Any) -> list[dict[str, Any]]:
    return rendered(values_of(CHART / "ci" / f"{name}-values.yaml"))


def spec(manifests: Any) -> Any:
    return only(manifests, "ScaledObject")["spec"]


def trigger(manifests: Any) -> Any:
    (found,) = spec(manifests)["triggers"]
    return found


@pytest.mark.parametrize("name", ["autoscaling", "autoscaling-secured"])
def test_the_scaled_workload_is_the_one_that_is_there_and_counts_its_pods_no_more(name: str) -> None:
    manifests = of(name)
    scaled = workload(manifests)
    assert spec(manifests)["scaleTargetRef"] == {
        "apiVersion": scaled["apiVersion"],
        "kind": scaled["kind"],
        "name": scaled["metadata"]["name"],
    }
    assert "replicas" not in scaled["spec"]


def test_without_autoscaling_the_pods_are_counted() -> None:
    assert workload(rendered(minimal(replicas=3)))["spec"]["replicas"] == 3


def test_keda_looks_at_the_group_and_the_topic_of_the_program() -> None:
    for values in (
        minimal(),
        minimal(settings={"group_id": "shop", "topics": ["shop.events"], "start_offset": "latest"}),
    ):
        manifests = rendered(values | {"autoscaling": {"enabled": True, "partitions": 6}})
        told, read = trigger(manifests)["metadata"], settings(manifests)
        assert told["consumerGroup"] == read["CAPI_GROUP_ID"]
        assert told["bootstrapServers"] == read["CAPI_BOOTSTRAP_SERVERS"]
        assert told["topic"] == ("shop.events" if "CAPI_TOPICS" in read else "capi.events")
        assert told["offsetResetPolicy"] == read.get("CAPI_START_OFFSET", "earliest")


def test_of_several_topics_the_lag_is_added_up() -> None:
    assert "topic" not in trigger(of("autoscaling-secured"))["metadata"]


@pytest.mark.parametrize(
    ("changed", "least", "most"),
    [({}, 1, 6), ({"maxReplicas": 3}, 1, 3), ({"minReplicas": 2, "maxReplicas": 6}, 2, 6)],
)
def test_there_is_a_pod_at_least_and_one_for_each_partition_at_most(
    changed: dict[str, Any], least: int, most: int
) -> None:
    found = spec(rendered(minimal(autoscaling={"enabled": True, "partitions": 6, **changed})))
    assert (found["minReplicaCount"], found["maxReplicaCount"]) == (least, most)


def test_pods_go_one_by_one_and_not_at_once() -> None:
    behavior = spec(of("autoscaling"))["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"] == {
        "stabilizationWindowSeconds": 900,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 300}],
    }


def test_a_kafka_without_a_login_needs_no_authentication() -> None:
    manifests = of("autoscaling")
    assert "authenticationRef" not in trigger(manifests)
    assert trigger(manifests)["metadata"]["tls"] == "disable"
    assert not [manifest for manifest in manifests if manifest["kind"] == "TriggerAuthentication"]


SECURED = {
    "autoscaling-secured": (
        "scram_sha512",
        {
            "username": ("kafka-user", "username"),
            "password": ("kafka-user", "password"),
            "ca": ("kafka-certificates", "ca.crt"),
            "cert": ("kafka-certificates", "tls.crt"),
            "key": ("kafka-certificates", "tls.key"),
        },
    ),
    "kafka-scram-password": (
        "scram_sha256",
        {
            "username": ("shop-capi-consumer-keda", "username"),
            "password": ("strimzi-user", "password"),
            "ca": ("kafka-certificates", "ca.crt"),
        },
    ),
    "kafka-made-login": (
        "plaintext",
        {
            "username": ("shop-capi-consumer-keda", "username"),
            "password": ("shop-capi-consumer-keda", "password"),
        },
    ),
    "kafka-oauth": (
        "oauthbearer",
        {
            "username": ("kafka-client", "client-id"),
            "password": ("kafka-client", "client-secret"),
            "oauthTokenEndpointUri": ("shop-capi-consumer-keda", "oauthTokenEndpointUri"),
            "scopes": ("shop-capi-consumer-keda", "scopes"),
            "ca": ("kafka-certificates", "ca.crt"),
        },
    ),
}


@pytest.mark.parametrize(("name", "sasl", "parameters"), [(name, *said) for name, said in SECURED.items()])
def test_keda_logs_in_as_the_consumer_does(name: Any, sasl: Any, parameters: Any) -> None:
    manifests = of(name)
    assert trigger(manifests)["metadata"]["tls"] == "enable"
    assert trigger(manifests)["metadata"]["sasl"] == sasl
    authentication = named(
        manifests, "TriggerAuthentication", trigger(manifests)["authenticationRef"]["name"]
    )
    references = authentication["spec"]["secretTargetRef"]
    assert {each["parameter"]: (each["name"], each["key"]) for each in references} == parameters
    for each in references:
        if each["name"] == "shop-capi-consumer-keda":
            assert named(manifests, "Secret", each["name"])["stringData"][each["key"]]


def test_a_trigger_authentication_of_one_s_own_is_taken() -> None:
    manifests = of("autoscaling-own-login")
    assert trigger(manifests)["authenticationRef"] == {"name": "kafka-of-the-company"}
    assert not [manifest for manifest in manifests if manifest["kind"] == "TriggerAuthentication"]


def test_keda_speaks_a_protocol_that_kafka_4_knows() -> None:
    major, minor, _ = trigger(of("autoscaling"))["metadata"]["version"].split(".")
    assert (int(major), int(minor)) >= (2, 1)
