"""Values that the chart turns away, each with the message that its writer needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.chart import CHART, helm, minimal, rendered

pytestmark = pytest.mark.chart

TOKEN = {"existingSecret": "meta-access-token"}
BROKERS = "kafka:9092"

REFUSED_BY_THE_SCHEMA = {
    "no pixel id": (
        {"settings": {"bootstrap_servers": BROKERS}, "accessToken": TOKEN},
        "/settings/pixel_id': '' does not match pattern",
    ),
    "a pixel id without quotes": (minimal(settings={"pixel_id": 123456}), "/settings/pixel_id': got number"),
    "a pixel id of letters": (minimal(settings={"pixel_id": "shop"}), "/settings/pixel_id': 'shop' does not"),
    "no brokers": (
        {"settings": {"pixel_id": "1"}, "accessToken": TOKEN},
        "/settings/bootstrap_servers': minLength",
    ),
    "an unknown value": (minimal(replicaCount=3), "additional properties 'replicaCount' not allowed"),
    "an unknown setting": (
        minimal(settings={"linger": 5}),
        "/settings': additional properties 'linger' not allowed",
    ),
    "an unknown value in a section": (
        minimal(probes={"liveness": {"path": "/x"}}),
        "/probes/liveness': additional properties 'path' not allowed",
    ),
    "a token among the settings": (
        minimal(settings={"access_token": "x"}),
        "additional properties 'access_token' not allowed",
    ),
    "a health address": (
        minimal(settings={"health_address": "0.0.0.0:1"}),
        "additional properties 'health_address' not allowed",
    ),
    "a word that is none of the choices": (
        minimal(settings={"match_rule": "some"}),
        "/settings/match_rule': value must be one of 'all', 'any_other', 'any'",
    ),
    "too many events in a request": (
        minimal(settings={"batch_events_max": 1001}),
        "/settings/batch_events_max': maximum: got 1,001, want 1,000",
    ),
    "no time at all": (minimal(settings={"request_timeout_s": 0}), "/settings/request_timeout_s'"),
    "a group that nobody knows": (
        minimal(settings={"group_protocol": "sticky"}),
        "/settings/group_protocol': value must be one of 'cooperative', 'eager', 'consumer'",
    ),
    "a member's name with a blank": (
        minimal(settings={"group_instance_id": "a b"}),
        "/settings/group_instance_id'",
    ),
    "no topic": (minimal(settings={"topics": []}), "/settings/topics': minItems"),
    "a list as text": (minimal(settings={"topics": "a,b"}), "/settings/topics': got string, want array"),
    "a truth as text": (minimal(settings={"gzip": "yes"}), "/settings/gzip': got string, want boolean"),
    "a property that breaks the delivery promise": (
        minimal(settings={"kafka_properties": {"enable.auto.commit": True}}),
        "/settings/kafka_properties/enable.auto.commit': false schema",
    ),
    "the same among the secret ones": (
        minimal(kafkaSecret={"properties": {"acks": 1}}),
        "/kafkaSecret/properties/acks': false schema",
    ),
    "a proxy with a password": (minimal(settings={"proxy": "http://a:b@proxy:1"}), "/settings/proxy'"),
    "the settings by another door": (
        minimal(extraEnv=[{"name": "CAPI_LINGER_MS", "value": "5"}]),
        "/extraEnv/0/name'",
    ),
    "an image that moves": (minimal(image={"tag": "latest"}), "/image/tag'"),
    "root": (minimal(podSecurityContext={"runAsUser": 0}), "/podSecurityContext/runAsUser': minimum"),
    "a writable file system": (
        minimal(podSecurityContext={"readOnlyRootFilesystem": False}),
        "additional properties 'readOnlyRootFilesystem' not allowed",
    ),
    "a negative number of pods": (minimal(replicas=-1), "/replicas': minimum: got -1, want 0"),
    "half a pod": (minimal(replicas=1.5), "/replicas': got number, want integer"),
    "memory of no unit": (
        minimal(resources={"limits": {"memory": "lots"}}),
        "/resources/limits/memory'",
    ),
    "a label that the selector needs": (
        minimal(podLabels={"app.kubernetes.io/name": "other"}),
        "/podLabels/app.kubernetes.io~1name': false schema",
    ),
    "a name that Kubernetes does not take": (minimal(fullnameOverride="Shop_1"), "/fullnameOverride'"),
    "an autoscaling down to nothing": (
        minimal(autoscaling={"enabled": True, "partitions": 6, "minReplicas": 0}),
        "/autoscaling/minReplicas': minimum: got 0, want 1",
    ),
    "an unknown value of the autoscaling": (
        minimal(autoscaling={"cooldown": 5}),
        "/autoscaling': additional properties 'cooldown' not allowed",
    ),
    "a login that nobody knows": (
        minimal(kafkaSasl={"mechanism": "GSSAPI"}),
        "/kafkaSasl/mechanism': value must be one of '', 'SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN'",
    ),
    "tokens by plain http": (
        minimal(kafkaSasl={"tokenEndpoint": "http://login.example.com"}),
        "/kafkaSasl/tokenEndpoint'",
    ),
    "a port that there is not": (
        minimal(networkPolicy={"kafkaPorts": [70000]}),
        "/networkPolicy/kafkaPorts/0': maximum: got 70,000, want 65,535",
    ),
    "an unknown value of the network": (
        minimal(networkPolicy={"egress": []}),
        "/networkPolicy': additional properties 'egress' not allowed",
    ),
    "a reason that no dead letter has": (
        minimal(replay={"reasons": ["no_consent"]}),
        "/replay/reasons/0': value must be one of",
    ),
    "a time in words": (minimal(replay={"since": "yesterday"}), "/replay/since'"),
    "a time ago in words": (minimal(replay={"since": "2 hours"}), "/replay/since'"),
    "a time ago in a unit that there is not": (minimal(replay={"until": "2y"}), "/replay/until'"),
    "an end that moves on, without a group": (minimal(replay={"until": "2h"}), "/replay/group'"),
    "a number of letters as text": (minimal(replay={"limit": "10"}), "/replay/limit'"),
    "an alert's severity of one's own": (
        minimal(prometheusRule={"alertLabels": {"severity": "page"}}),
        "/prometheusRule/alertLabels/severity': false schema",
    ),
    "a label that is a number": (
        minimal(podMonitor={"labels": {"release": 1}}),
        "/podMonitor/labels/release'",
    ),
    "a label that tells a replay from what runs": (
        minimal(podLabels={"app.kubernetes.io/component": "other"}),
        "/podLabels/app.kubernetes.io~1component': false schema",
    ),
    "a token with a line end": (minimal(accessToken={"value": "x\n"}), "/accessToken/value'"),
}

REFUSED_BY_A_TEMPLATE = {
    "no token": (
        minimal(accessToken={}),
        "accessToken: name the Secret that holds the token in accessToken.existingSecret, "
        "or give accessToken.value",
    ),
    "two tokens": (
        minimal(accessToken={**TOKEN, "value": "x"}),
        "accessToken: existingSecret and value are both given; keep one of them",
    ),
    "two places of Kafka's secrets": (
        minimal(kafkaSecret={"existingSecret": "login", "properties": {"sasl.password": "x"}}),
        "kafkaSecret: existingSecret and properties are both given; keep one of them",
    ),
    "a grace shorter than the drain": (
        minimal(terminationGracePeriodSeconds=39),
        "terminationGracePeriodSeconds: 39 is too short for settings.drain_timeout_s; "
        "at least 40, or leave it empty",
    ),
    "one name for all pods": (
        minimal(settings={"group_instance_id": "a"}, rollout={"maxSurge": 0, "maxUnavailable": 1}),
        "settings.group_instance_id: all pods would have the same name, and throw each other out; "
        "only with replicas 1 and rollout.maxSurge 0, or say staticMembership",
    ),
    "one name for a pod and the one that replaces it": (
        minimal(settings={"group_instance_id": "a"}, replicas=1),
        "settings.group_instance_id: all pods would have the same name",
    ),
    "a rollout that cannot begin": (
        minimal(rollout={"maxSurge": "0%"}),
        "rollout: maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced",
    ),
    "a password in the ConfigMap": (
        minimal(settings={"kafka_properties": {"sasl.password": "x"}}),
        "settings.kafka_properties: sasl.password would stand in a ConfigMap for all to read;"
        " it belongs in kafkaSecret",
    ),
    "a private key in the ConfigMap": (
        minimal(settings={"kafka_properties": {"ssl.key.pem": "x"}}),
        "settings.kafka_properties: ssl.key.pem would stand in a ConfigMap",
    ),
    "certificates for a connection without TLS": (
        minimal(
            kafkaTls={"existingSecret": "c"},
            settings={"kafka_properties": {"security.protocol": "SASL_PLAINTEXT"}},
        ),
        "kafkaTls: certificates are given, and security.protocol sasl_plaintext"
        " in settings.kafka_properties uses none",
    ),
    "TLS for a connection without it": (
        minimal(
            kafkaTls={"enabled": True}, settings={"kafka_properties": {"security.protocol": "plaintext"}}
        ),
        "kafkaTls: certificates are given, and security.protocol plaintext"
        " in settings.kafka_properties uses none",
    ),
    "a certificate of no Secret": (
        minimal(kafkaTls={"enabled": True, "certificate": "tls.crt", "privateKey": "tls.key"}),
        "kafkaTls: certificate is a key of a Secret, and existingSecret names none",
    ),
    "a login by two passwords": (
        minimal(kafkaSasl={"mechanism": "SCRAM-SHA-512", "existingSecret": "a", "password": "x"}),
        "kafkaSasl: existingSecret and password are both given; keep one of them",
    ),
    "a login without a mechanism": (
        minimal(kafkaSasl={"existingSecret": "kafka-user"}),
        "kafkaSasl: say the mechanism",
    ),
    "a mechanism without a login": (
        minimal(kafkaSasl={"mechanism": "SCRAM-SHA-512"}),
        "kafkaSasl: name the Secret with name and password in kafkaSasl.existingSecret, "
        "or give username and password",
    ),
    "a password of nobody": (
        minimal(kafkaSasl={"mechanism": "SCRAM-SHA-512", "password": "x"}),
        "kafkaSasl: there is a password and no username",
    ),
    "a password in clear": (
        minimal(kafkaSasl={"mechanism": "PLAIN", "existingSecret": "kafka-user"}),
        "kafkaSasl: PLAIN without TLS shows what is secret to the network; kafkaTls.enabled turns TLS on",
    ),
    "a password in the values and properties in a Secret": (
        minimal(
            kafkaSasl={"mechanism": "SCRAM-SHA-512", "username": "u", "password": "x"},
            kafkaSecret={"existingSecret": "more"},
        ),
        "kafkaSasl: the password would need a second Secret beside kafkaSecret.existingSecret",
    ),
    "tokens from nowhere": (
        minimal(
            kafkaSasl={"mechanism": "OAUTHBEARER", "existingSecret": "client"}, kafkaTls={"enabled": True}
        ),
        "kafkaSasl: tokenEndpoint goes with the mechanism OAUTHBEARER, and only with it",
    ),
    "a client's secret in the ConfigMap": (
        minimal(settings={"kafka_properties": {"sasl.oauthbearer.client.secret": "x"}}),
        "settings.kafka_properties: sasl.oauthbearer.client.secret would stand in a ConfigMap",
    ),
    "a name for all members, and one for each": (
        minimal(staticMembership=True, settings={"group_instance_id": "a"}),
        "settings.group_instance_id: staticMembership gives each pod a name of its own",
    ),
    "one name for as many pods as the lag wants": (
        minimal(
            settings={"group_instance_id": "a"},
            replicas=1,
            rollout={"maxSurge": 0, "maxUnavailable": 1},
            autoscaling={"enabled": True, "partitions": 6},
        ),
        "settings.group_instance_id: all pods would have the same name",
    ),
    "as many pods as somebody will see": (
        minimal(autoscaling={"enabled": True}),
        "autoscaling: say how many partitions the events topics have together; a pod more than those is idle",
    ),
    "more pods than partitions": (
        minimal(autoscaling={"enabled": True, "partitions": 6, "maxReplicas": 7}),
        "autoscaling: maxReplicas 7 is more than the 6 partitions; the pods above would be idle",
    ),
    "more pods at least than at most": (
        minimal(autoscaling={"enabled": True, "partitions": 6, "minReplicas": 4, "maxReplicas": 3}),
        "autoscaling: minReplicas 4 is more than maxReplicas 3",
    ),
    "more pods at least than partitions": (
        minimal(autoscaling={"enabled": True, "partitions": 6, "minReplicas": 7}),
        "autoscaling: minReplicas 7 is more than maxReplicas 6",
    ),
    "more partitions than are made": (
        minimal(
            autoscaling={"enabled": True, "partitions": 12}, createTopics={"enabled": True, "partitions": 6}
        ),
        "autoscaling: 12 partitions are said, and createTopics would make 6 of each topic",
    ),
    "a login that KEDA cannot read": (
        minimal(
            autoscaling={"enabled": True, "partitions": 6},
            settings={"kafka_properties": {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "connector"}},
            kafkaSecret={"existingSecret": "kafka-login"},
        ),
        "autoscaling: KEDA cannot log in with settings.kafka_properties or kafkaSecret; say it in kafkaSasl, "
        "or name a TriggerAuthentication in autoscaling.triggerAuthentication",
    ),
    "too little memory to run at all": (
        minimal(resources={"limits": {"memory": "255Mi"}}),
        "resources.limits.memory: 255Mi is too little for the program itself; at least 256Mi",
    ),
    "more bytes in flight than there is memory for": (
        minimal(settings={"bytes_in_flight_max": 134217728}, resources={"limits": {"memory": "512Mi"}}),
        "settings.bytes_in_flight_max: 134217728 is too much for resources.limits.memory 512Mi; "
        "at most 82021944 (leave it out to get that), or memory of 736Mi",
    ),
    "an alert that there is not": (
        minimal(prometheusRule={"leaveOut": ["CapiConsumerLate"]}),
        "prometheusRule.leaveOut: there is no alert CapiConsumerLate",
    ),
    "a certificate without its key": (
        minimal(kafkaTls={"existingSecret": "c", "certificate": "tls.crt"}),
        "kafkaTls: certificate and privateKey go together; one of them is missing",
    ),
}


@pytest.mark.parametrize(
    ("values", "message"), REFUSED_BY_THE_SCHEMA.values(), ids=REFUSED_BY_THE_SCHEMA.keys()
)
def test_the_schema_refuses(values: Any, message: Any) -> None:
    with pytest.raises(helm().HelmValuesError) as refused:
        rendered(values)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("values", "message"), REFUSED_BY_A_TEMPLATE.values(), ids=REFUSED_BY_A_TEMPLATE.keys()
)
def test_a_template_refuses(values: Any, message: Any) -> None:
    with pytest.raises(helm().HelmRenderError) as refused:
        rendered(values)
    assert message in str(refused.value)


def test_the_memory_that_a_refusal_asks_for_is_enough() -> None:
    values = minimal(settings={"bytes_in_flight_max": 134217728}, resources={"limits": {"memory": "736Mi"}})
    assert rendered(values)


def test_without_a_limit_any_number_of_bytes_is_taken() -> None:
    assert rendered(minimal(settings={"bytes_in_flight_max": 2**32}, resources={"limits": None}))


def test_every_section_takes_its_own_values_only() -> None:
    """All others stand here, as Kubernetes writes them."""

    def open_sections(schema: Any, path: str = "") -> Iterator[Any]:
        if "$ref" in schema:
            schema = whole["definitions"][schema["$ref"].rpartition("/")[2]]
        if "object" in str(schema.get("type")) and schema.get("additionalProperties") in (None, True):
            yield path
        for name, inner in schema.get("properties", {}).items():
            if isinstance(inner, dict):
                yield from open_sections(inner, f"{path}/{name}".strip("/"))
        if "items" in schema:
            yield from open_sections(schema["items"], path)

    with helm().Chart.load(CHART) as chart:
        whole = chart.schema
    found = set(open_sections(whole))
    assert found == {
        "affinity",
        "extraEnv/valueFrom",
        "extraVolumeMounts",
        "extraVolumes",
        "global",
        "networkPolicy/extraEgress",
        "resources/claims",
        "tolerations",
        "topologySpreadConstraints",
    }


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(helm().HelmRenderError) as refused:
        rendered(
            minimal(
                accessToken={},
                terminationGracePeriodSeconds=10,
                settings={"kafka_properties": {"ssl.key.password": "x"}},
            )
        )
    assert str(refused.value).count("\n") == 3
    for name in ("accessToken:", "terminationGracePeriodSeconds:", "settings.kafka_properties:"):
        assert name in str(refused.value)


def test_a_refusal_shows_no_secret() -> None:
    with pytest.raises(helm().HelmRenderError) as refused:
        rendered(
            minimal(
                accessToken={**TOKEN, "value": "canary"},
                settings={"kafka_properties": {"sasl.password": "canary"}},
            )
        )
    assert "canary" not in str(refused.value)


def test_a_setting_with_an_old_name_is_rejected_with_the_new_one() -> None:
    with pytest.raises(helm().HelmRenderError) as refused:
        rendered(minimal(settings={"hold_s": 5, "group": "shop"}))
    assert "settings.hold_s: this setting is called send_delay_s now" in str(refused.value)
    assert "settings.group: this setting is called group_id now" in str(refused.value)
