"""The NetworkPolicy: whom it means, which ways lead out, and who may come in."""

from __future__ import annotations

from typing import Any

import pytest
from support.chart import CHART, minimal, only, rendered, values_of, workload

pytestmark = pytest.mark.chart


def policy(**changed: Any) -> Any:
    network = {"enabled": True, **changed.pop("networkPolicy", {})}
    return only(rendered(minimal(networkPolicy=network, **changed)), "NetworkPolicy")["spec"]


def tcp_ports(found: Any) -> list[Any]:
    """Of the ways out that lead anywhere, without DNS."""
    return [each["port"] for each in found["egress"][1]["ports"]]


def test_nothing_comes_in_unless_a_namespace_is_named() -> None:
    assert policy()["policyTypes"] == ["Ingress", "Egress"]
    assert policy()["ingress"] == []
    assert policy(networkPolicy={"ingressNamespaces": ["monitoring"]})["ingress"] == [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "ports": [{"port": "health", "protocol": "TCP"}],
        }
    ]


def test_it_means_every_pod_of_the_release() -> None:
    manifests = rendered(minimal(networkPolicy={"enabled": True}, replay={"enabled": True}))
    chosen = only(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items()
    jobs = [
        only(manifests, "Job")["spec"]["template"],
        only(manifests, "Pod"),
        workload(manifests)["spec"]["template"],
    ]
    for each in jobs:
        assert chosen <= each["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("changed", "ports"),
    [
        ({}, [443, 9092]),
        ({"settings": {"bootstrap_servers": "a:9093, b:9094"}}, [443, 9093, 9094]),
        ({"settings": {"bootstrap_servers": "kafka"}}, [443, 9092]),
        ({"settings": {"graph_url": "https://sandbox:8443/x"}}, [8443, 9092]),
        ({"settings": {"graph_url": "http://sandbox", "allow_plain_http": True}}, [80, 9092]),
        ({"settings": {"proxy": "http://proxy:3128"}}, [3128, 9092]),
        ({"telemetry": {"otlpEndpoint": "http://collector:4318"}}, [443, 4318, 9092]),
        (
            {"networkPolicy": {"kafkaPorts": [9095], "metaPorts": [8080], "otlpPorts": [4319]}},
            [4319, 8080, 9095],
        ),
    ],
)
def test_the_ways_out_follow_from_the_settings(changed: dict[str, Any], ports: list[int]) -> None:
    assert sorted(map(str, tcp_ports(policy(**changed)))) == sorted(map(str, ports))


def test_the_tokens_of_an_oauth_login_can_be_fetched() -> None:
    manifests = rendered(values_of(CHART / "ci" / "kafka-oauth-values.yaml"))
    assert 8443 in tcp_ports(only(manifests, "NetworkPolicy")["spec"])


def test_names_are_looked_up_over_both_protocols() -> None:
    dns = policy(networkPolicy={"dnsPorts": [5353]})["egress"][0]
    assert dns == {"ports": [{"port": 5353, "protocol": "UDP"}, {"port": 5353, "protocol": "TCP"}]}


def test_more_ways_out_are_taken_as_they_are_written() -> None:
    way = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    assert policy(networkPolicy={"extraEgress": [way]})["egress"][2:] == [way]
