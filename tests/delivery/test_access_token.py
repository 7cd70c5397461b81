"""The token as it stands now: read again when asked, kept when the file cannot be used, shown nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from consumer.config.settings import Settings
from consumer.delivery.meta_client import AccessToken


@pytest.fixture
def file(tmp_path: Path) -> Any:
    path = tmp_path / "token"
    path.write_text("first-canary\n")
    return path


def test_a_token_of_the_environment_is_carried_and_never_changes() -> None:
    token = AccessToken(Settings(access_token=" canary "))
    assert token.authorization == "Bearer canary"
    assert token.reload() is False


def test_a_changed_file_is_another_token(file: Any) -> None:
    token = AccessToken(Settings(access_token_file=file))
    assert token.authorization == "Bearer first-canary"
    file.write_text("second-canary")
    assert token.authorization == "Bearer first-canary"
    assert token.reload() is True
    assert token.authorization == "Bearer second-canary"
    assert token.reload() is False


def test_the_same_token_written_otherwise_is_no_other(file: Any) -> None:
    token = AccessToken(Settings(access_token_file=file))
    file.write_text("  first-canary\r\n\n")
    assert token.reload() is False


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two words", b"\xff", "é".encode()])
def test_a_file_that_cannot_be_used_changes_nothing(file: Any, content: Any) -> None:
    token = AccessToken(Settings(access_token_file=file))
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert token.reload() is False
    assert token.authorization == "Bearer first-canary"
    file.write_text("second-canary")
    assert token.reload() is True


def test_a_file_that_is_replaced_as_kubernetes_does_is_read(tmp_path: Path) -> None:
    """The mounted name is a link to a link; the second one is turned over."""
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "token").write_text(f"token-{version}")
    (tmp_path / "data").symlink_to("1")
    (tmp_path / "token").symlink_to("data/token")
    token = AccessToken(Settings(access_token_file=tmp_path / "token"))
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").rename(tmp_path / "data")
    assert token.reload() is True
    assert token.authorization == "Bearer token-2"


def test_without_a_token_there_is_none_to_carry() -> None:
    with pytest.raises(ValueError, match="CAPI_ACCESS_TOKEN or CAPI_ACCESS_TOKEN_FILE: missing"):
        AccessToken(Settings())


def test_no_token_is_in_the_repr(file: Any) -> None:
    token = AccessToken(Settings(access_token_file=file))
    assert "canary" not in repr(token)
    assert "canary" not in f"{token}"
