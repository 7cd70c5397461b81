"""docs/kafka-security.md: librdkafka takes what it shows, and it has every word that is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority

from consumer.config.settings import Settings
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.kafka.errors import FAULTS

PAGE = (Path(__file__).parents[2] / "docs" / "kafka-security.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
SECRETS = "/run/secrets/kafka"


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The files that the page names."""
    folder = tmp_path_factory.mktemp("secrets")
    authority = Authority.make(folder, "ca")
    client = authority.issue("client")
    client.chain.rename(folder / "client.crt")
    client.key.rename(folder / "client.key")
    return folder


def test_the_page_shows_each_way_in() -> None:
    ways = [(shown["security.protocol"], shown.get("sasl.mechanism")) for shown in map(json.loads, SHOWN)]
    assert ways == [
        ("SSL", None),
        ("SSL", None),
        ("SASL_SSL", "SCRAM-SHA-512"),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "OAUTHBEARER"),
    ]


@pytest.mark.parametrize("shown", SHOWN)
def test_librdkafka_takes_what_the_page_shows(
    shown: Any, secrets: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kafka.json"
    file.write_text(shown.replace(SECRETS, str(secrets)))
    given = Settings(bootstrap_servers="127.0.0.1:1", kafka_properties_file=file)
    clients.new_consumer(clients.consumer_properties(given)).close()
    clients.new_producer(clients.producer_properties(given))
    clients.admin_client(given)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("fault", [fault for word, fault in FAULTS.items() if "AUTHORIZATION" not in word])
def test_the_page_has_the_words_of_each_fault(fault: Any) -> None:
    assert f"`{fault.says}`" in PAGE


OF_THE_BROKER = {"ssl.client.auth"}
NAMED = set(re.findall(r"`((?:ssl|sasl|https|security)\.[a-z.]+[a-z])`", PAGE)) - OF_THE_BROKER


@pytest.mark.parametrize("name", sorted(NAMED))
def test_librdkafka_knows_each_property_that_the_page_names(name: Any) -> None:
    """Whatever it thinks of the value."""
    try:
        clients.admin_client(Settings(bootstrap_servers="127.0.0.1:1", kafka_properties={name: "x"}))
    except CommandError as refused:
        assert "knows no property" not in str(refused)


def test_a_property_that_does_not_exist_would_be_noticed() -> None:
    assert len(NAMED) > 10
    with pytest.raises(CommandError, match="knows no property"):
        clients.admin_client(Settings(bootstrap_servers="127.0.0.1:1", kafka_properties={"ssl.no.such": "x"}))
