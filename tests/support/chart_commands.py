"""
Commands of Helm and kubectl, held against the chart as Helm renders it.

No cluster is needed: `helm install` and `helm upgrade` are rendered, with the
values that the command sets. Of kubectl the options are looked up here, and what
a command names in the chart's own manifests: objects, labels, ports, keys of Secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from support.chart import CHART, Manifest, helm, minimal, rendered, values_of, workload
from support.compose import services

from consumer.config.settings import Settings

# The options that the pages use, as each program's own --help has them.
HELM = {
    "install": {"--values"},
    "upgrade": {"--reuse-values", "--set"},
    "test": {"--logs"},
}
KUBECTL = {
    "annotate": set(),
    "apply": {"-f"},
    "create": {"--from-file", "--dry-run", "-o"},
    "exec": {"-i"},
    "get": {"-l", "-o"},
    "logs": {"-f", "--tail"},
    "patch": {"-p"},
    "port-forward": set(),
    "rollout": set(),
    "run": {"--rm", "-it", "--restart", "--image"},
    "scale": {"--replicas"},
}
KINDS = {"deploy": "Deployment", "job": "Job", "scaledobject": "ScaledObject"}
# Which replay a Job is for: other choices have another one.
OF_A_CHOICE = re.compile(r"-[0-9a-f]{8}$")


def of_helm(arguments: Sequence[str]) -> list[str]:
    """What of `helm …` is not so."""
    verb, *rest = arguments
    if verb not in HELM:
        return [verb]
    wrong = _unknown_options(rest, HELM[verb])
    if verb == "test":
        return wrong if _hooks() else [*wrong, "the chart has no test"]
    charts = [word for word in rest if "/" in word]
    wrong += [chart for chart in charts if (CHART.parents[1] / chart).resolve() != CHART]
    return [*wrong, *_not_rendered([rest[place + 1] for place, word in enumerate(rest) if word == "--set"])]


def _not_rendered(given: Sequence[str]) -> list[str]:
    """Those of `--set` that the chart does not take."""
    return [expression for expression in given if not _is_rendered(expression)] if given else []


def _is_rendered(expression: str) -> bool:
    try:
        rendered(merged(minimal(), helm().parse_set_string(expression)))
    except helm().HelmError:
        return False
    return True


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """As Helm lays one set of values over another."""
    together = dict(values)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(together.get(key), dict)
        together[key] = merged(together[key], value) if both else value
    return together


def _hooks() -> list[Manifest]:
    manifests = rendered(minimal())
    return [m for m in manifests if "test" in m["metadata"].get("annotations", {}).get("helm.sh/hook", "")]


def of_kubectl(arguments: Sequence[str]) -> list[str]:
    """What of `kubectl …` is not so, before a `--`."""
    verb, *rest = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if verb not in KUBECTL:
        return [verb]
    return [*_unknown_options(rest, KUBECTL[verb]), *(LOOKED_AT[verb](rest) if verb in LOOKED_AT else ())] + [
        word for word in rest if re.match(r"\w+/\w", word) and not _is_object(word)
    ]


def _unknown_options(words: Sequence[str], known: set[str]) -> list[str]:
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return [option for option in options if option not in known]


def _everything() -> list[Manifest]:
    """A release named shop, with a Job that replays; and one with an autoscaler."""
    scaled = {"enabled": True, "partitions": 12}
    return [*rendered(minimal(replay={"enabled": True})), *rendered(minimal(autoscaling=scaled))]


def _is_object(word: str) -> bool:
    kind, _, name = word.partition("/")
    found = {(m["kind"], OF_A_CHOICE.sub("", m["metadata"]["name"])) for m in _everything()}
    return (KINDS.get(kind, kind), OF_A_CHOICE.sub("", name)) in found


def _unlike_any_pod(words: Sequence[str]) -> list[str]:
    """Selectors by which no pod is found."""
    labels = workload(rendered(minimal()))["spec"]["template"]["metadata"]["labels"]
    selectors = [words[place + 1] for place, word in enumerate(words) if word == "-l"]
    pairs = [(selector, pair.split("=")) for selector in selectors for pair in selector.split(",")]
    return [selector for selector, (key, value) in pairs if labels.get(key) != value]


def _unknown_keys(words: Sequence[str]) -> list[str]:
    """Keys of a Secret that the chart does not look for."""
    keys = [word.split("=")[1] for word in words if word.startswith("--from-file=")]
    return [key for key in keys if key != values_of(CHART / "values.yaml")["accessToken"]["key"]]


def _closed_ports(words: Sequence[str]) -> list[str]:
    """Ports that nothing in the pod listens on."""
    page = Settings.model_fields["status_page_address"].default
    open_ports = {str(port) for port in _container_ports()} | {str(page).rpartition(":")[2]}
    return [word for word in words if word.isdigit() and word not in open_ports]


def _container_ports() -> Iterator[int]:
    (container,) = workload(rendered(minimal()))["spec"]["template"]["spec"]["containers"]
    yield from (port["containerPort"] for port in container["ports"])


def _other_images(words: Sequence[str]) -> list[str]:
    """Images that the compose file does not have."""
    ours = {service["image"] for service in services().values()}
    return [
        word for word in words if word.startswith("--image=") and word.removeprefix("--image=") not in ours
    ]


LOOKED_AT: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "create": _unknown_keys,
    "get": _unlike_any_pod,
    "port-forward": _closed_ports,
    "run": _other_images,
}
