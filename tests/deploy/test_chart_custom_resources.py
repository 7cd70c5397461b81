"""The custom resources of KEDA and of the Prometheus operator: what their operators take."""

from __future__ import annotations

from typing import Any

import pytest
from support.chart import VALUE_FILES, minimal, only, rendered, values_of
from support.custom_resources import MODELS, is_custom, validate

pytestmark = pytest.mark.chart

each_value_file = pytest.mark.parametrize("file", VALUE_FILES, ids=lambda file: file.stem)


def custom(file: Any) -> list[Any]:
    return [manifest for manifest in rendered(values_of(file)) if is_custom(manifest)]


def test_the_value_files_have_each_kind() -> None:
    assert {manifest["kind"] for file in VALUE_FILES for manifest in custom(file)} == {
        "ScaledObject",
        "TriggerAuthentication",
        "PodMonitor",
        "PrometheusRule",
    }


@each_value_file
def test_the_operators_take_what_the_chart_makes(file: Any) -> None:
    for manifest in custom(file):
        validate(manifest)


def scaled(**changed: Any) -> dict[str, Any]:
    return only(rendered(minimal(autoscaling={"enabled": True, "partitions": 6, **changed})), "ScaledObject")


def test_a_field_that_the_operator_does_not_know_would_be_found() -> None:
    manifest = scaled()
    manifest["spec"]["minReplicas"] = 1
    with pytest.raises(AssertionError):
        validate(manifest)


def test_a_value_that_the_operator_does_not_take_would_be_found() -> None:
    manifest = scaled()
    manifest["spec"]["triggers"][0]["metadata"]["lagThreshold"] = 5000
    with pytest.raises(ValueError, match="lagThreshold"):
        validate(manifest)


def test_only_these_kinds_need_an_operator() -> None:
    versions = {manifest["apiVersion"] for manifest in rendered(minimal())}
    assert versions.isdisjoint(MODELS)
