"""
The chart as Helm renders it, and a pod of it as the kubelet would set it up.

    values ──Helm──► manifests ──► environment of the container
                              └──► files of its volumes, under a folder of the test,
                                   those that an init container puts together too
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, NamedTuple

import yaml
from support.requirements import require

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
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


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
        return dict(chart.render(values, name=release, namespace="marketing"))


def only(manifests: list[Manifest], kind: str) -> Manifest:
    """The manifest of this kind; there is exactly one."""
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The manifest of this kind and name."""
    return only([manifest for manifest in manifests if manifest["metadata"]["name"] == name], kind)


def settings(manifests: list[Manifest]) -> dict[str, str]:
    """The variables that the ConfigMap of the settings holds."""
    return next(m["data"] for m in manifests if m["metadata"]["name"].endswith("-settings"))


def workload(manifests: list[Manifest]) -> Manifest:
    """What owns the pods: a Deployment or a StatefulSet."""
    (found,) = (m for m in manifests if m["kind"] in ("Deployment", "StatefulSet"))
    return found


def pod(manifests: list[Manifest]) -> dict[str, Any]:
    """The specification of a pod that runs."""
    found: dict[str, Any] = workload(manifests)["spec"]["template"]["spec"]
    return found


def container(manifests: list[Manifest]) -> dict[str, Any]:
    """Its one container."""
    found: dict[str, Any]
    (found,) = pod(manifests)["containers"]
    return found


def pods(manifests: list[Manifest]) -> list[dict[str, Any]]:
    """The specifications of all pods: of those that run, of the check, and of a replay."""
    owners = [m for m in manifests if m["kind"] in ("Deployment", "StatefulSet", "Job")]
    return [m["spec"]["template"]["spec"] for m in owners] + [
        m["spec"] for m in manifests if m["kind"] == "Pod"
    ]


def containers(manifests: list[Manifest]) -> list[dict[str, Any]]:
    """All containers of all pods."""
    return [each for pod in pods(manifests) for each in (*pod.get("initContainers", ()), *pod["containers"])]


class Pod(NamedTuple):
    """What the program in the container sees; its files stand under `root`."""

    root: Path
    environment: Mapping[str, str]


def set_up(
    manifests: list[Manifest], given: Mapping[str, Mapping[str, str]], root: Path, name: str = "shop-0"
) -> Pod:
    """
    Write the files of the volumes, run what puts kafka.json together, and work out the environment.

    `given`: the Secrets that are there before the release, by name. `name`: the
    pod's. A mount path in the environment becomes its path under `root`.
    """
    secrets = {**given, **_made_secrets(manifests)}
    all_volumes = {volume["name"]: volume for volume in pod(manifests)["volumes"]}
    inits = [init for init in pod(manifests).get("initContainers", ()) if init["name"] == "kafka-file"]
    mounts = {
        mount["mountPath"]: all_volumes[mount["name"]]
        for each in (*inits, container(manifests))
        for mount in each["volumeMounts"]
        if mount["name"] != "tmp"
    }
    for path, volume in mounts.items():
        _under(root, path).mkdir(parents=True, exist_ok=True)
        if "secret" in volume:
            _write(root, path, volume["secret"], secrets[volume["secret"]["secretName"]])
    for init in inits:
        _run(init, root, mounts)
    environment = _environment(manifests, secrets, name)
    return Pod(root, {name: _here(text, root, mounts) for name, text in environment.items()})


def _here(text: str, root: Path, mounts: Mapping[str, Any]) -> str:
    for path in mounts:
        text = text.replace(f"{path}/", f"{_under(root, path)}/")
    return text


def _run(init: Mapping[str, Any], root: Path, mounts: Mapping[str, Any]) -> None:
    """The image's `python` is here the one that runs the tests."""
    words: list[str] = init["command"] + init["args"]
    assert words[0] == "python"
    command = [sys.executable, *(_here(word, root, mounts) for word in words[1:])]
    done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


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
    items = source.get("items") or [{"key": key, "path": key} for key in secret]
    for item in items:
        (folder / item["path"]).write_text(secret[item["key"]], encoding="utf-8")


def _under(root: Path, path: str) -> Path:
    return root / PurePosixPath(path).relative_to("/")


def _environment(
    manifests: list[Manifest], secrets: Mapping[str, Mapping[str, str]], name: str
) -> dict[str, str]:
    environment: dict[str, str] = {}
    for source in container(manifests)["envFrom"]:
        environment |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container(manifests).get("env", []):
        match variable:
            case {"value": text}:
                environment[variable["name"]] = text
            case {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}:
                environment[variable["name"]] = name
            case {"valueFrom": {"secretKeyRef": wanted}}:
                environment[variable["name"]] = secrets[wanted["name"]][wanted["key"]]
    return environment
