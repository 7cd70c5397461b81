"""Token and pixel are tried at the sandbox, which refuses as Meta refuses, without sending an event."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from consumer.config.settings import Settings
from consumer.diagnostics.meta_probe import finding, probe
from consumer.errors import SettingsError
from consumer.meta.response import no_tunnel
from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

PIXEL = "1234567890"
TOKEN = "EAAB-the-token"


def settings(url: str, **changes: Any) -> Settings:
    known = {"graph_url": url, "pixel_id": PIXEL, "access_token": TOKEN, "request_timeout_s": 5}
    return Settings(**{**known, **changes})


def sandbox() -> Sandbox:
    return Sandbox(SandboxSettings(pixel_id=PIXEL, access_token=TOKEN, bodies_kept_max=5))


async def test_a_token_and_a_pixel_that_are_taken_are_well_and_no_event_is_sent() -> None:
    async with sandbox() as meta:
        found, *_ = await probe(settings(meta.url, test_event_code="TEST1"))

        assert found == ("Meta", True, f"takes the token for pixel {PIXEL} (no event was sent)", "")
        assert meta.stats.events_accepted == 0
        assert list(meta.bodies) == [b'{"data":[],"partner_agent":"capi-consumer"}']


REFUSALS = [
    (
        {"access_token": "EAAB-revoked"},
        "the access token is refused",
        "(code 190, HTTP 401",
        "make a new token in",
    ),
    ({"pixel_id": "99"}, "the pixel does not exist", "(code 100/33, HTTP 400", "check CAPI_PIXEL_ID"),
    (
        {"graph_version": "v2.0"},
        "this version of the Graph API has ended",
        "(code 2635",
        "set CAPI_GRAPH_VERSION",
    ),
]


@pytest.mark.parametrize(("changes", "says", "numbers", "do"), REFUSALS)
async def test_what_meta_refuses_is_said_with_what_to_do(
    changes: Any, says: Any, numbers: Any, do: Any
) -> None:
    async with sandbox() as meta:
        found, *_ = await probe(settings(meta.url, **changes))
    assert (found.ok, found.message.startswith(says), numbers in found.message) == (False, True, True)
    assert found.remedy.startswith(do)


FAULTS = [
    (
        {"kind": "error", "code": 10},
        False,
        "check CAPI_PIXEL_ID, and that the token was made for this pixel; or ",
    ),
    ({"kind": "error", "code": 4, "retry_after": 7}, False, "try again in 7 seconds: whether"),
    ({"kind": "error", "code": 368}, False, "try again in some minutes: whether"),
    ({"kind": "error", "code": 1}, False, "try again in some minutes: nothing is wrong with your settings"),
    (
        {"kind": "html", "status": 502},
        False,
        "try again in some minutes: nothing is wrong with your settings",
    ),
    ({"kind": "html", "status": 404}, False, "check CAPI_GRAPH_URL and CAPI_PROXY"),
    (
        {"kind": "html", "status": 307, "headers": {"Location": "https://example.org/"}},
        False,
        "check CAPI_GRAPH_URL and",
    ),
    ({"kind": "drop"}, False, "check the network, CAPI_GRAPH_URL"),
    ({"kind": "not_json", "body": '{"events_received":0}'}, True, ""),
]


@pytest.mark.parametrize(("fault", "ok", "do"), FAULTS)
async def test_other_answers_are_told_apart(fault: Any, ok: Any, do: Any) -> None:
    async with sandbox() as meta:
        meta.behave(faults=[fault])
        found, *_ = await probe(settings(meta.url))
    assert (found.ok, found.remedy[: len(do)]) == (ok, do)
    assert bool(found.remedy) != ok


async def test_meta_during_an_outage_is_unavailable_and_no_setting_is_blamed() -> None:
    async with sandbox() as meta:
        meta.behave(faults=[{"kind": "html", "status": 503}])
        found, *_ = await probe(settings(meta.url))
    assert found.ok is False
    assert found.message.startswith("Meta is unavailable: ")
    assert "HTTP 503" in found.message
    assert "CAPI_" not in found.message + found.remedy


async def test_a_proxy_that_is_not_well_is_not_meta() -> None:
    verdict = no_tunnel(503)
    assert finding(verdict, PIXEL).message.startswith("the proxy opens no connection to Meta")
    assert finding(verdict, PIXEL).remedy.startswith("check the network")


async def test_nobody_listening_is_a_finding() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found, clock = await probe(settings(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert (found.ok, found.message) == (False, "the connection failed (ClientConnectorError)")
    assert clock == ("clock", None, "not known (no answer to compare it with)", "")


async def test_no_token_and_nothing_that_meta_echoes_is_said() -> None:
    async with sandbox() as meta:
        refused, *_ = await probe(settings(meta.url, access_token="EAAB-secret"))
        meta.behave(
            faults=[{"kind": "error", "code": 10, "body": '{"error":{"code":10,"message":"EAAB-secret"}}'}]
        )
        echoed, *_ = await probe(settings(meta.url, access_token="EAAB-secret"))
    assert not refused.ok
    assert not echoed.ok
    assert "secret" not in repr(refused) + repr(echoed)


async def test_a_file_without_certificates_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match="CAPI_CA_FILE"):
        await probe(settings("https://example.org", ca_file=tmp_path / "ca.pem"))
