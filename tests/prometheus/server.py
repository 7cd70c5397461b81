"""
A real Prometheus, set up as in docker-compose.yml but for addresses and its pace, and what it answers.

    with Prometheus.started(folder, {"capi-consumer": ["127.0.0.1:9090"]}) as prometheus:
        prometheus.sees("sum(capi_lag) == 0")
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prometheus.programs import program
from support import children
from support.compose import PROJECT
from support.ports import free_ports
from support.promql_queries import ALERTS
from support.waiting import eventually

CONFIG = PROJECT / "deploy" / "prometheus.yml"
EVERY_S = 1.0
READY_S_MAX = 30.0
SEEN_S_MAX = 30.0
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs, at `address`."""

    address: str
    child: subprocess.Popen[bytes]
    log: Path

    @classmethod
    @contextmanager
    def started(cls, folder: Path, targets: Mapping[str, Sequence[str]]) -> Iterator[Prometheus]:
        """Scrape these targets, by job, until the block ends."""
        binary = program("prometheus")
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config(targets)), encoding="utf-8")
        address = f"127.0.0.1:{free_ports(1)[0]}"
        options = [
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={address}",
            "--log.level=warn",
        ]
        log = folder / "prometheus.log"
        running = cls(address, children.start([binary, *options], {}, log, log, folder), log)
        try:
            eventually(running._is_ready, READY_S_MAX, "Prometheus is ready", LOOK_S)
            yield running
        finally:
            children.end(running.child)

    def query(self, query: str, at_s: float | None = None) -> list[dict[str, Any]]:
        """The series of an instant."""
        at = {} if at_s is None else {"time": at_s}
        return list(self.get("query", query=query, **at)["result"])

    def query_range(self, query: str, from_s: float, to_s: float, step_s: float) -> list[dict[str, Any]]:
        """The series of a span of time."""
        return list(self.get("query_range", query=query, start=from_s, end=to_s, step=step_s)["result"])

    def sees(self, query: str) -> list[dict[str, Any]]:
        """The first answer that is not empty."""
        return eventually(lambda: self.query(query), SEEN_S_MAX, f"Prometheus sees {query}", LOOK_S)

    def get(self, path: str, **parameters: str | float) -> Any:
        """The data of an answer; AssertionError with what Prometheus says where it refuses."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {json.load(error).get('error')}") from None

    def _is_ready(self) -> bool:
        assert self.child.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def config(targets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """That of docker-compose.yml, with these targets in place of those of its network, and quicker."""
    written: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    pace = {"scrape_interval": f"{EVERY_S:.0f}s", "evaluation_interval": f"{EVERY_S:.0f}s"}
    kept = [job for job in written["scrape_configs"] if job["job_name"] in targets]
    for job in kept:
        for key in [key for key in job if key.endswith("_sd_configs")]:
            del job[key]
        job["static_configs"] = [{"targets": list(targets[job["job_name"]])}]
    return written | {"global": pace, "rule_files": [str(ALERTS)], "scrape_configs": kept}
