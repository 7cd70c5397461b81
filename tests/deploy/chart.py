"""
The chart as Helm renders it, and a pod of it as the kubelet would set it up.

    values ──Helm──► manifests ──► environment of the container
                              └──► files of its volumes, under a folder of the test
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, NamedTuple

import yaml
from required import require

CHART = Path(__file__).parents[2] / "helm" / "capi-consumer"
VALUE_FILES = sorted((CHART / "ci").glob("*-values.yaml"))

Manifest = dict[str, Any]
Values = dict[str, Any]


def helm() -> ModuleType:
    """Helm 4 as a library; without it the test is given up."""
    try:
        import helm_python
    except Exception as error:  # its native library may be missing for this machine
        require("chart", f"Helm does not load here ({type(error).__name__})")
    return helm_python


def values_of(file: Path) -> Values:
    """The values of a file."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def minimal(**changed: Any) -> Values:
    """The minimal values, with top-level values replaced; `settings` is added to."""
    values = values_of(CHART / "ci" / "minimal-values.yaml")
    settings = values["settings"] | changed.pop("settings", {})
    return values | changed | {"settings": settings}


def rendered(values: Values, release: str = "shop") -> list[Manifest]:
    """What `helm install` would hand to Kubernetes. Raises HelmError."""
    texts = _templates(values, release)
    documents = (text for name, text in texts.items() if name.endswith(".yaml"))
    return [manifest for text in documents for manifest in yaml.safe_load_all(text) if manifest]


def notes(values: Values, release: str = "shop") -> str:
    """What Helm prints after the installation."""
    return next(text for name, text in _templates(values, release).items() if name.endswith("NOTES.txt"))


def _templates(values: Values, release: str) -> dict[str, str]:
    with helm().Chart.load(CHART) as chart:
        return chart.render(values, name=release, namespace="marketing")


def only(manifests: list[Manifest], kind: str) -> Manifest:
    """The manifest of this kind; there is exactly one."""
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def pod(manifests: list[Manifest]) -> dict[str, Any]:
    """The pod's specification."""
    return only(manifests, "Deployment")["spec"]["template"]["spec"]


def container(manifests: list[Manifest]) -> dict[str, Any]:
    """The one container."""
    (found,) = pod(manifests)["containers"]
    return found


class Pod(NamedTuple):
    """What the program in the container sees; its files stand under `root`."""

    root: Path
    environment: Mapping[str, str]


def set_up(manifests: list[Manifest], given: Mapping[str, Mapping[str, str]], root: Path) -> Pod:
    """
    Write the files of the volumes and work out the environment.

    `given`: the Secrets that are there before the release, by name. A mount
    path in the environment becomes its path under `root`.
    """
    secrets = {**given, **_made_secrets(manifests)}
    volumes = {volume["name"]: volume for volume in pod(manifests)["volumes"]}
    mounts = [mount for mount in container(manifests)["volumeMounts"] if "secret" in volumes[mount["name"]]]
    for mount in mounts:
        source = volumes[mount["name"]]["secret"]
        _write(root, mount["mountPath"], source, secrets[source["secretName"]])
    environment = _environment(manifests, secrets)
    for mount in mounts:
        path = mount["mountPath"]
        environment = {
            name: text.replace(f"{path}/", f"{_under(root, path)}/") for name, text in environment.items()
        }
    return Pod(root, environment)


def _made_secrets(manifests: list[Manifest]) -> dict[str, dict[str, str]]:
    made = [manifest for manifest in manifests if manifest["kind"] == "Secret"]
    return {
        secret["metadata"]["name"]: {
            **secret.get("stringData", {}),
            **{key: base64.b64decode(text).decode() for key, text in secret.get("data", {}).items()},
        }
        for secret in made
    }


def _write(root: Path, path: str, source: Mapping[str, Any], secret: Mapping[str, str]) -> None:
    folder = _under(root, path)
    folder.mkdir(parents=True)
    items = source.get("items") or [{"key": key, "path": key} for key in secret]
    for item in items:
        (folder / item["path"]).write_text(secret[item["key"]], encoding="utf-8")


def _under(root: Path, path: str) -> Path:
    return root / PurePosixPath(path).relative_to("/")


def _environment(manifests: list[Manifest], secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    environment: dict[str, str] = {}
    for source in container(manifests)["envFrom"]:
        name = source["configMapRef"]["name"]
        (found,) = (m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"] == name)
        environment |= found["data"]
    for variable in container(manifests).get("env", []):
        if "value" in variable:
            environment[variable["name"]] = variable["value"]
        else:
            wanted = variable["valueFrom"]["secretKeyRef"]
            environment[variable["name"]] = secrets[wanted["name"]][wanted["key"]]
    return environment
