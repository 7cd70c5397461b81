"""What npm brings is run only where it is, to the byte, what is pinned."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from support import axe


def archive_of(script: Any, path: Any) -> Any:
    with tarfile.open(path, "w:gz") as files:
        entry = tarfile.TarInfo("package/axe.min.js")
        entry.size = len(script)
        files.addfile(entry, io.BytesIO(script))
    packed = path.read_bytes()
    return packed, "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()


def test_what_is_pinned_is_unpacked(tmp_path: Path) -> None:
    packed, integrity = archive_of(b"axe", tmp_path / "axe.tgz")
    assert axe.unpacked(packed, tmp_path / "axe.tgz", integrity) == b"axe"


def test_anything_else_is_refused(tmp_path: Path) -> None:
    packed, _ = archive_of(b"another", tmp_path / "axe.tgz")
    with pytest.raises(AssertionError, match="another axe-core than the one that is pinned"):
        axe.unpacked(packed, tmp_path / "axe.tgz", axe.INTEGRITY)


def test_without_npm_it_is_not_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(axe.NotAvailable, match="no npm"):
        axe.source(tmp_path)
