"""
axe-core, the rules of accessibility, fetched by npm once and kept in `build/axe/`.

The version is pinned with the digest of its archive, as a lock file has it.
What npm brings is compared with that before anything of it is run.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
BUILD = Path(__file__).parents[2] / "build" / "axe"
FETCH_S_MAX = 90.0


class NotAvailable(Exception):
    """axe-core cannot be had on this machine; the message says why."""


def source(build: Path = BUILD, integrity: str = INTEGRITY) -> str:
    """The script, for a browser. Raises NotAvailable."""
    # Another version, or another digest, is another file.
    kept = build / f"axe-{VERSION}-{hashlib.sha256(integrity.encode()).hexdigest()[:12]}.js"
    if not kept.is_file():
        build.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=build) as folder:
            whole = Path(folder) / "axe.js"
            whole.write_bytes(_fetched(Path(folder), integrity))
            whole.replace(kept)
    return kept.read_text(encoding="utf-8")


def _fetched(folder: Path, integrity: str) -> bytes:
    npm = shutil.which("npm")
    if not npm:
        raise NotAvailable("no npm, which fetches axe-core")
    command = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=FETCH_S_MAX)
    except subprocess.TimeoutExpired:
        raise NotAvailable("npm does not bring axe-core in time") from None
    if done.returncode:
        raise NotAvailable("npm does not bring axe-core")
    archive = folder / f"axe-core-{VERSION}.tgz"
    return unpacked(archive.read_bytes(), archive, integrity)


def unpacked(packed: bytes, archive: Path, integrity: str) -> bytes:
    """The script in the archive. Raises AssertionError where it is not the one that is pinned."""
    digest = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    assert f"sha512-{digest}" == integrity, "npm brought another axe-core than the one that is pinned"
    with tarfile.open(archive) as files:
        script = files.extractfile("package/axe.min.js")
        assert script is not None
        return script.read()
