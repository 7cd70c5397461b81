"""
Apache Kafka's jars, fetched by Maven once and kept in `build/kafka-jars/`.

The folder is named after the digest of the pom, so another version is another
folder. Maven writes into a folder of this process, which then gets its name in
one step: a folder that has the name is complete, and of two processes that ask
at the same time one waits for the other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
BUILD = Path(__file__).parents[2] / "build" / "kafka-jars"
JAVA_LEAST = 17  # what a broker of Apache Kafka 4 needs
FETCH_S_MAX = 480.0


class NotAvailable(Exception):
    """Kafka cannot be had on this machine; the message says why."""


def java() -> str:
    """Path of a Java that can run a broker. Raises NotAvailable."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(f"{home}/bin/java") if home else None
    found = found or shutil.which("java")
    if not found:
        raise NotAvailable(f"no java; Java {JAVA_LEAST} or newer runs the broker")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=60).stderr
    version = re.search(r'version "(\d+)', said)
    if not version or int(version[1]) < JAVA_LEAST:
        raise NotAvailable(f"java is older than {JAVA_LEAST}")
    return found


def jars(build: Path = BUILD, pom: Path = POM) -> Path:
    """The folder that holds the jars, fetched when it is not there yet. Raises NotAvailable."""
    folder = build / hashlib.sha256(pom.read_bytes()).hexdigest()[:16]
    if not folder.is_dir():
        build.mkdir(parents=True, exist_ok=True)
        with _alone(build / f"{folder.name}.lock"):
            if not folder.is_dir():
                _fetch(pom, folder)
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _fetch(pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise NotAvailable("no mvn to fetch the broker's jars with")
    with tempfile.TemporaryDirectory(dir=folder.parent) as fetched:
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}/jars"]
        try:
            done = subprocess.run(
                [maven, "-q", "-B", "-f", str(pom), *goal],
                capture_output=True,
                text=True,
                timeout=FETCH_S_MAX,
            )
        except subprocess.TimeoutExpired:
            raise NotAvailable(f"mvn did not fetch the broker's jars within {FETCH_S_MAX:.0f} s") from None
        if done.returncode != 0:
            raise NotAvailable(f"mvn could not fetch the broker's jars: {_first_error(done.stdout)}")
        Path(fetched, "jars").rename(folder)


def _first_error(output: str) -> str:
    errors = [line for line in output.splitlines() if "ERROR" in line]
    return (errors or ["it did not say why"])[0]
