"""
Kinds that Kubernetes itself does not know, held to their operators' own definitions.

The models of these packages are made from the operators' CustomResourceDefinitions:
types, patterns, choices and what is required. They pass over a field that the
definition does not have, so what comes out is compared with what went in.
"""

from __future__ import annotations

import importlib
from typing import Any

from support.requirements import require

MODELS = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}


def is_custom(manifest: dict[str, Any]) -> bool:
    """Whether an operator has to be there for it."""
    return manifest["apiVersion"] in MODELS


def validate(manifest: dict[str, Any]) -> None:
    """Raises ValueError for what the definition does not take, AssertionError for fields it does not have."""
    try:
        models = importlib.import_module(MODELS[manifest["apiVersion"]])
    except ImportError:
        require("chart", "cloudcoil's models of KEDA and the Prometheus operator are not installed")
    read = getattr(models, manifest["kind"]).model_validate(manifest)
    known = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert known == manifest
