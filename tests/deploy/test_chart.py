"""What the chart renders: valid for Kubernetes, hardened, and with nothing secret in the open."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate.utils import latest_version, validate
from support.chart import (
    CHART,
    VALUE_FILES,
    container,
    containers,
    helm,
    minimal,
    notes,
    pod,
    pods,
    rendered,
    settings,
    values_of,
    workload,
)
from support.custom_resources import is_custom
from support.processes import COMMAND

import consumer
from consumer.runtime.app import CLOSE_S

pytestmark = pytest.mark.chart


each_value_file = pytest.mark.parametrize("file", VALUE_FILES, ids=lambda file: file.stem)


def test_a_dozen_value_files_are_rendered_here() -> None:
    assert len(VALUE_FILES) >= 12


@each_value_file
def test_lint_has_nothing_to_say_but_that_there_is_no_icon(file: Any) -> None:
    report = helm().lint(CHART, values_of(file), strict=True)
    assert [message["error"] for message in report["messages"]] == ["icon is recommended"]
    assert report["errors"] == []


@each_value_file
@pytest.mark.parametrize("version", ["1.25", latest_version()])
def test_kubernetes_takes_every_manifest(file: Any, version: Any) -> None:
    for manifest in rendered(values_of(file)):
        if not is_custom(manifest):
            validate(manifest, version, strict=True)


def test_the_oldest_kubernetes_that_is_tested_is_the_oldest_that_the_chart_names() -> None:
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert metadata["kubeVersion"] == ">=1.25.0-0"


@each_value_file
def test_names_of_one_kind_differ_and_fit(file: Any) -> None:
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in rendered(values_of(file))]
    assert len(set(names)) == len(names)
    short = {"Service": 63, "Job": 63, "Pod": 63, "StatefulSet": 52}  # labels of their pods hold them
    assert [name for kind, name in names if len(name) > short.get(kind, 253)] == []


@each_value_file
def test_selectors_find_the_pods_that_run_and_no_others(file: Any) -> None:
    manifests = rendered(values_of(file))
    runs = workload(manifests)["spec"]["template"]["metadata"]["labels"].items()
    others = [m["metadata"]["labels"] for m in manifests if m["kind"] == "Pod"]
    others += [m["spec"]["template"]["metadata"]["labels"] for m in manifests if m["kind"] == "Job"]
    assert others
    for manifest in manifests:
        match manifest:
            case {"kind": "Service", "spec": {"selector": selector}}:
                pass
            case {"kind": "NetworkPolicy"} | {"kind": "Job"} | {"kind": "PrometheusRule"}:
                continue
            case {"spec": {"selector": {"matchLabels": selector}}}:
                pass
            case _:
                continue
        assert selector.items() <= runs
        assert not [labels for labels in others if selector.items() <= labels.items()]


def test_the_image_has_the_version_of_the_program() -> None:
    assert container(rendered(minimal()))["image"] == f"capi-consumer:{consumer.__version__}"


def test_a_digest_wins_over_the_tag() -> None:
    digest = "sha256:" + "0" * 64
    image = {"repository": "registry.example.com/capi-consumer", "tag": "1.0.0", "digest": digest}
    found = container(rendered(minimal(image=image)))["image"]
    assert found == f"registry.example.com/capi-consumer@{digest}"


@each_value_file
def test_no_pod_has_a_right_that_it_does_not_need(file: Any) -> None:
    manifests = rendered(values_of(file))
    for each in pods(manifests):
        assert each["automountServiceAccountToken"] is False
        assert each["enableServiceLinks"] is False
        assert each["securityContext"]["runAsNonRoot"] is True
        assert each["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for each in containers(manifests):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    for manifest in manifests:
        if manifest["kind"] == "ServiceAccount":
            assert manifest["automountServiceAccountToken"] is False


def test_user_and_groups_are_numbers_or_left_to_the_cluster() -> None:
    context = pod(rendered(minimal()))["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (10001, 10001, 10001)
    left = pod(rendered(values_of(CHART / "ci" / "openshift-values.yaml")))["securityContext"]
    assert set(left) == {"runAsNonRoot", "seccompProfile"}


def test_probes_ask_where_the_program_answers() -> None:
    found = container(rendered(minimal()))
    assert found["ports"] == [{"name": "health", "containerPort": 9090, "protocol": "TCP"}]
    assert {name: found[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")} == {
        "startupProbe": {"path": "/startupz", "port": "health"},
        "readinessProbe": {"path": "/readyz", "port": "health"},
        "livenessProbe": {"path": "/livez", "port": "health"},
    }


@pytest.mark.parametrize(("drain_timeout_s", "grace_s"), [(25, 40), (0.5, 16), (50.5, 66), (3600, 3615)])
def test_the_grace_follows_from_the_drain(drain_timeout_s: float, grace_s: int) -> None:
    manifests = rendered(minimal(settings={"drain_timeout_s": drain_timeout_s}))
    assert pod(manifests)["terminationGracePeriodSeconds"] == grace_s
    assert grace_s > drain_timeout_s + CLOSE_S


def test_a_longer_grace_is_taken() -> None:
    assert pod(rendered(minimal(terminationGracePeriodSeconds=41)))["terminationGracePeriodSeconds"] == 41


def test_a_change_of_the_settings_starts_the_pods_anew_and_a_new_token_does_not() -> None:
    def annotations(**changed: Any) -> Any:
        manifests = rendered(minimal(**changed))
        return workload(manifests)["spec"]["template"]["metadata"]["annotations"]

    assert annotations(settings={"linger_ms": 5}) != annotations()
    assert annotations(accessToken={"value": "one"}) == annotations(accessToken={"value": "another"})
    properties = {"sasl.password": "one"}
    assert annotations(kafkaSecret={"properties": properties}) != annotations(
        kafkaSecret={"properties": properties | {"sasl.password": "another"}}
    )


def test_the_token_is_mounted_as_a_folder_so_that_a_new_one_arrives() -> None:
    manifests = rendered(minimal())
    mounts = {mount["name"]: mount for mount in container(manifests)["volumeMounts"]}
    assert mounts["access-token"] == {
        "name": "access-token",
        "mountPath": "/etc/capi-consumer/access-token",
        "readOnly": True,
    }
    volumes = {volume["name"]: volume for volume in pod(manifests)["volumes"]}
    assert volumes["access-token"]["secret"] == {
        "secretName": "meta-access-token",
        "defaultMode": 0o440,
        "items": [{"key": "access-token", "path": "access-token"}],
    }


@each_value_file
def test_only_the_temporary_folder_can_be_written_and_a_file_in_memory(file: Any) -> None:
    manifests = rendered(values_of(file))
    written = {"kafka-file": [{"name": "kafka", "mountPath": "/etc/capi-consumer/kafka"}]}
    for each in containers(manifests):
        writable = [mount for mount in each["volumeMounts"] if not mount.get("readOnly")]
        assert writable == written.get(each["name"], [{"name": "tmp", "mountPath": "/tmp"}])
    for each in pods(manifests):
        empty = {volume["name"]: volume["emptyDir"] for volume in each["volumes"] if "emptyDir" in volume}
        assert empty.pop("tmp") == {}
        assert list(empty.values()) in ([], [{"medium": "Memory", "sizeLimit": "1Mi"}])


def test_a_secret_stands_in_secrets_only() -> None:
    manifests = rendered(
        minimal(
            accessToken={"value": "canary-token"},
            kafkaSecret={"properties": {"ssl.key.password": "canary-passphrase"}},
            kafkaSasl={"mechanism": "PLAIN", "username": "connector", "password": "canary-password"},
            kafkaTls={"enabled": True},
            autoscaling={"enabled": True, "partitions": 6},
            replay={"enabled": True},
        )
    )
    holding = {manifest["kind"] for manifest in manifests if "canary" in json.dumps(manifest)}
    assert holding == {"Secret"}
    assert "canary" not in notes(minimal(accessToken={"value": "canary-token"}))


def test_no_secret_is_made_of_one_that_is_there() -> None:
    kinds = [manifest["kind"] for manifest in rendered(minimal(kafkaSecret={"existingSecret": "login"}))]
    assert "Secret" not in kinds


def test_two_releases_are_two_groups_with_names_of_their_own() -> None:
    first, second = rendered(minimal(), "shop-fr"), rendered(minimal(), "shop-de")
    names = [{(m["kind"], m["metadata"]["name"]) for m in manifests} for manifests in (first, second)]
    assert names[0].isdisjoint(names[1])
    groups = [settings(manifests)["CAPI_GROUP_ID"] for manifests in (first, second)]
    assert groups == ["shop-fr-capi-consumer", "shop-de-capi-consumer"]


def test_a_release_named_after_the_chart_is_not_named_twice() -> None:
    assert workload(rendered(minimal(), "capi-consumer"))["metadata"]["name"] == "capi-consumer"


def test_topics_are_made_only_when_that_is_asked_for() -> None:
    assert "initContainers" not in pod(rendered(minimal()))
    manifests = rendered(values_of(CHART / "ci" / "topics-values.yaml"))
    (init,) = pod(manifests)["initContainers"]
    assert init["args"] == ["topics", "create", "--partitions=12", "--replication-factor=3"]
    shared = ("image", "envFrom", "volumeMounts", "securityContext", "resources")
    assert {key: init[key] for key in shared} == {key: container(manifests)[key] for key in shared}


@pytest.mark.parametrize("name", ["topics", "replay"])
def test_the_program_takes_the_arguments_of_the_containers(name: str) -> None:
    for each in containers(rendered(values_of(CHART / "ci" / f"{name}-values.yaml"))):
        if "command" not in each:
            done = subprocess.run([COMMAND, *each["args"], "--help"], capture_output=True, timeout=60)
            assert done.returncode == 0


def test_the_notes_name_group_secret_and_commands() -> None:
    said = notes(minimal())
    assert "shop-capi-consumer" in said
    assert "Secret meta-access-token, key access-token" in said
    assert "helm test -n marketing shop" in said
    assert "kubectl -n marketing rollout status deployment/shop-capi-consumer" in said


def test_a_package_of_the_chart_renders_the_same(tmp_path: Path) -> None:
    archive = helm().package(CHART, destination=tmp_path)
    with helm().Chart.load(archive) as packed, helm().Chart.load(CHART) as loose:
        assert packed.render(minimal(), name="shop") == loose.render(minimal(), name="shop")
        assert not [file["name"] for file in packed.files if file["name"].startswith("ci/")]


def test_schema_and_tables_say_what_the_settings_and_the_values_say() -> None:
    done = subprocess.run(
        [sys.executable, str(CHART.parent / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_value_is_in_the_table() -> None:
    def paths(values: Any, above: Any = ()) -> Iterator[Any]:
        for key, value in values.items():
            if isinstance(value, dict) and value and key not in ("resources", "labels"):
                yield from paths(value, (*above, key))
            else:
                yield ".".join((*above, key))

    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    table = (CHART / "README.md").read_text()
    assert [path for path in paths(defaults) if f"| `{path}` |" not in table] == []


def test_the_example_of_the_readme_is_the_minimal_file() -> None:
    assert (CHART / "ci" / "minimal-values.yaml").read_text() in (CHART / "README.md").read_text()


def test_no_template_names_latest() -> None:
    texts = [path.read_text() for path in Path(CHART).rglob("*.yaml")]
    assert not [text for text in texts if ":latest" in text]
