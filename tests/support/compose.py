"""docker-compose.yml as Compose reads it, as far as this file goes: no variables, no extends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
FILE = PROJECT / "docker-compose.yml"

UNIT_S = {"s": 1.0, "m": 60.0, "ms": 0.001}


def project() -> dict[str, Any]:
    """The file with its anchors resolved."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def services() -> dict[str, dict[str, Any]]:
    """The services by name."""
    found: dict[str, dict[str, Any]] = project()["services"]
    return found


def environment(service: str) -> dict[str, str]:
    """The environment of a service."""
    return dict(services()[service]["environment"])


def mounts(service: str) -> dict[str, Path]:
    """The files and folders of this repository that a service sees: where it sees them -> where they are."""
    written = [volume.split(":") for volume in services()[service].get("volumes", [])]
    return {inside: PROJECT / outside for outside, inside, *_ in written if outside.startswith("./")}


def at(addresses: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """The same variables with addresses of the Compose network replaced."""
    replaced = dict(variables)
    for name, text in replaced.items():
        for old, new in addresses.items():
            text = text.replace(old, new)
        replaced[name] = text
    return replaced


def seconds(duration: str) -> float:
    """`1m30s` -> 90."""
    parts = re.findall(r"(\d+)(ms|s|m)", duration)
    assert "".join(number + unit for number, unit in parts) == duration
    return sum(int(number) * UNIT_S[unit] for number, unit in parts)
