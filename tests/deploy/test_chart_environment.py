"""What a rendered pod hands to the program: names it knows, values it takes, files it finds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.chart import CHART, VALUE_FILES, helm, minimal, rendered, set_up, values_of
from support.chart import settings as in_the_config_map
from support.requirements import require

from consumer.config.loading import RENAMED, known_names
from consumer.config.settings import PREFIX, Settings

pytestmark = pytest.mark.chart

each_value_file = pytest.mark.parametrize("file", VALUE_FILES, ids=lambda file: file.stem)

# Loads the settings as `run` does, makes a Kafka client of them, and says what it read.
READ = """
import json
from consumer.kafka import clients
from consumer.config.loading import load_settings, read_token
settings = load_settings(sends=True)
clients.new_consumer(clients.consumer_properties(settings)).close()
print(json.dumps({
    "settings": settings.model_dump(mode="json", exclude={"access_token"}),
    "token": read_token(settings),
    "kafka": clients.client_properties(settings),
}))
"""

CERTIFICATE = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=kafka.example.com"]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """Secrets that stand before the release, with a real certificate and its key."""
    openssl = shutil.which("openssl") or require("chart", "no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [openssl, *CERTIFICATE, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")],
        check=True,
        capture_output=True,
        timeout=60,
    )
    certificate, key = (folder / "tls.crt").read_text(), (folder / "tls.key").read_text()
    return {
        "meta-access-token": {"access-token": "token-of-the-secret\n", "token": "token-of-another-key\n"},
        "kafka-login": {"properties.json": '{"sasl.password": "password-of-the-secret"}'},
        "kafka-user": {"username": "user-of-the-secret\n", "password": "password=of the secret\n"},
        "kafka-key": {"kafka.json": '{"ssl.key.password": "passphrase-of-the-secret"}'},
        "kafka-client": {"client-id": "client-of-the-secret", "client-secret": "secret-of-the-secret"},
        "strimzi-user": {"password": "password-of-strimzi", "sasl.jaas.config": "not for us"},
        "kafka-certificates": {"ca.crt": certificate, "tls.crt": certificate, "tls.key": key},
        "company-ca": {"ca.crt": certificate},
        "company-proxy": {"url": "http://user:password@proxy.example.com:3128"},
    }


# Its own variables, which consumer/observability/otlp.py and the SDK read.
OF_OPENTELEMETRY = frozenset({"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"})


def read_by_the_program(manifests: Any, given: Any, folder: Any) -> Any:
    pod = set_up(manifests, given, folder)
    done = subprocess.run(
        [sys.executable, "-c", READ], env=dict(pod.environment), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@each_value_file
def test_the_program_takes_the_environment_of_the_pod(
    file: Any, given: dict[Any, Any], tmp_path: Path
) -> None:
    values = values_of(file)
    read = read_by_the_program(rendered(values), given, tmp_path)
    assert read["settings"]["pixel_id"] == "1234567890123456"
    assert read["settings"]["bootstrap_servers"] == values["settings"]["bootstrap_servers"]
    assert read["settings"]["health_address"] == "0.0.0.0:9090"


@each_value_file
def test_the_program_knows_each_name_in_the_environment(file: Any) -> None:
    names = in_the_config_map(rendered(values_of(file)))
    assert [name for name in names if name not in {*known_names(), *OF_OPENTELEMETRY}] == []


def test_metrics_and_traces_go_where_the_values_say_and_else_nowhere() -> None:
    names = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"}
    assert names.isdisjoint(in_the_config_map(rendered(minimal())))
    environment = in_the_config_map(rendered(minimal(telemetry={"otlpEndpoint": "http://collector:4318"})))
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    assert environment["OTEL_SERVICE_NAME"] == environment["CAPI_GROUP_ID"]


def test_every_setting_can_be_said_in_the_values_or_is_set_by_the_chart() -> None:
    with helm().Chart.load(CHART) as chart:
        said = chart.schema["properties"]["settings"]["properties"]
    by_the_chart = {"access_token", "access_token_file", "kafka_properties_file", "health_address"}
    # Old names pass the schema, because a template rejects them with the new name.
    assert (set(said) - set(RENAMED)) | by_the_chart == set(Settings.model_fields)
    assert set(said).isdisjoint(by_the_chart - set(RENAMED))


def test_every_setting_arrives_as_it_was_written(given: dict[Any, Any], tmp_path: Path) -> None:
    whole = values_of(CHART / "ci" / "every-setting-values.yaml")
    values = whole["settings"]
    with helm().Chart.load(CHART) as chart:
        assert set(values) == set(chart.schema["properties"]["settings"]["properties"]) - set(RENAMED)
    read = read_by_the_program(rendered(whole), given, tmp_path)["settings"]
    read["ca_file"] = read["ca_file"].removeprefix(str(tmp_path))
    assert {name: read[name] for name in values} == values | {"default_country": "fr"}


def test_what_the_values_do_not_say_is_left_to_the_program() -> None:
    assert set(in_the_config_map(rendered(minimal()))) == {
        PREFIX + name
        for name in (
            "ACCESS_TOKEN_FILE",
            "BOOTSTRAP_SERVERS",
            "BYTES_IN_FLIGHT_MAX",
            "DRAIN_TIMEOUT_S",
            "GROUP_ID",
            "HEALTH_ADDRESS",
            "PIXEL_ID",
        )
    }


def test_the_drain_timeout_of_the_chart_is_the_program_s() -> None:
    environment = in_the_config_map(rendered(minimal()))
    assert float(environment["CAPI_DRAIN_TIMEOUT_S"]) == Settings.model_fields["drain_timeout_s"].default


def test_the_token_comes_from_the_named_key_of_the_named_secret(
    given: dict[Any, Any], tmp_path: Path
) -> None:
    for name, token in (("minimal", "token-of-the-secret"), ("kafka-tls", "token-of-another-key")):
        values = values_of(CHART / "ci" / f"{name}-values.yaml")
        assert read_by_the_program(rendered(values), given, tmp_path / name)["token"] == token


def test_the_token_in_the_values_arrives_by_a_made_secret(tmp_path: Path) -> None:
    manifests = rendered(minimal(accessToken={"value": "token-of-the-values"}))
    assert read_by_the_program(manifests, {}, tmp_path)["token"] == "token-of-the-values"


def test_secret_properties_arrive_by_file(given: dict[Any, Any], tmp_path: Path) -> None:
    for name, password in (("kafka-tls", "password-of-the-secret"), ("made-secrets", "example-password")):
        values = values_of(CHART / "ci" / f"{name}-values.yaml")
        read = read_by_the_program(rendered(values), given, tmp_path / name)
        assert read["kafka"]["sasl.password"] == password
        assert "sasl.password" not in read["settings"]["kafka_properties"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "kafka-scram",
            {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "user-of-the-secret",
                "sasl.password": "password=of the secret",
                "ssl.key.password": "passphrase-of-the-secret",
            },
        ),
        (
            "kafka-scram-password",
            {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": "SCRAM-SHA-256",
                "sasl.username": "connector",
                "sasl.password": "password-of-strimzi",
                "ssl.ca.location": "/etc/capi-consumer/kafka-tls/ca.crt",
            },
        ),
        (
            "kafka-made-login",
            {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": "PLAIN",
                "sasl.username": "connector",
                "sasl.password": "example-password",
                "ssl.key.password": "example-passphrase",
            },
        ),
        (
            "kafka-oauth",
            {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.client.id": "client-of-the-secret",
                "sasl.oauthbearer.client.secret": "secret-of-the-secret",
                "sasl.oauthbearer.scope": "kafka events",
                "sasl.oauthbearer.token.endpoint.url": (
                    "https://login.example.com:8443/realms/kafka/protocol/openid-connect/token"
                ),
                "ssl.ca.location": "/etc/capi-consumer/kafka-tls/ca.crt",
            },
        ),
    ],
)
def test_a_login_arrives_as_librdkafka_s_properties(
    name: str, expected: dict[str, Any], given: dict[Any, Any], tmp_path: Path
) -> None:
    manifests = rendered(values_of(CHART / "ci" / f"{name}-values.yaml"))
    read = read_by_the_program(manifests, given, tmp_path)["kafka"]
    found = {key: text for key, text in read.items() if key.startswith(("sasl.", "ssl.", "security."))}
    assert {key: str(text).removeprefix(str(tmp_path)) for key, text in found.items()} == expected


def test_what_is_put_together_can_be_read_by_its_user_only(given: dict[Any, Any], tmp_path: Path) -> None:
    set_up(rendered(values_of(CHART / "ci" / "kafka-scram-values.yaml")), given, tmp_path)
    file = tmp_path / "etc" / "capi-consumer" / "kafka" / "kafka.json"
    assert file.stat().st_mode & 0o777 == 0o600


def test_each_pod_of_a_stateful_set_is_a_member_of_its_own_name(
    given: dict[Any, Any], tmp_path: Path
) -> None:
    manifests = rendered(values_of(CHART / "ci" / "static-membership-values.yaml"))
    for name in ("shop-capi-consumer-0", "shop-capi-consumer-1"):
        pod = set_up(manifests, given, tmp_path / name, name)
        assert pod.environment["CAPI_GROUP_INSTANCE_ID"] == name


@pytest.mark.parametrize(
    ("memory", "bytes_max"),
    [
        ("256Mi", (256 - 160) * 2**20 * 2 // 9),
        ("512Mi", (512 - 160) * 2**20 * 2 // 9),
        ("0.5Gi", (512 - 160) * 2**20 * 2 // 9),
        ("768Mi", 141_674_268),
        ("1G", (10**9 - 160 * 2**20) * 2 // 9),
        (805306368, 141_674_268),
        ("16Gi", 512 * 2**20),
    ],
)
def test_the_bytes_in_flight_follow_from_the_memory(memory: int | str, bytes_max: Any) -> None:
    environment = in_the_config_map(rendered(minimal(resources={"limits": {"memory": memory}})))
    assert environment["CAPI_BYTES_IN_FLIGHT_MAX"] == str(bytes_max)


def test_without_a_limit_the_bytes_in_flight_are_the_program_s() -> None:
    environment = in_the_config_map(rendered(minimal(resources={"limits": None})))
    assert "CAPI_BYTES_IN_FLIGHT_MAX" not in environment


def test_a_pod_of_the_chart_s_memory_takes_what_the_program_takes_by_itself() -> None:
    derived = in_the_config_map(rendered(minimal()))["CAPI_BYTES_IN_FLIGHT_MAX"]
    assert int(derived) >= Settings.model_fields["bytes_in_flight_max"].default


@pytest.mark.parametrize(
    ("name", "protocol", "files"),
    [
        ("kafka-tls", "sasl_ssl", {"ssl.ca.location": "ca.crt"}),
        (
            "kafka-mutual-tls",
            "ssl",
            {
                "ssl.ca.location": "ca.crt",
                "ssl.certificate.location": "tls.crt",
                "ssl.key.location": "tls.key",
            },
        ),
    ],
)
def test_certificates_turn_tls_on(
    name: str, protocol: str, files: dict[str, Any], given: dict[Any, Any], tmp_path: Path
) -> None:
    manifests = rendered(values_of(CHART / "ci" / f"{name}-values.yaml"))
    properties = read_by_the_program(manifests, given, tmp_path)["kafka"]
    folder = tmp_path / "etc" / "capi-consumer" / "kafka-tls"
    assert properties["security.protocol"] == protocol
    found = {key: text for key, text in properties.items() if key.startswith("ssl.")}
    assert found == {key: str(folder / file) for key, file in files.items()}


def test_what_the_values_say_of_tls_wins(given: dict[Any, Any], tmp_path: Path) -> None:
    own = {"ssl.ca.location": "probe", "security.protocol": "SSL"}
    manifests = rendered(
        minimal(settings={"kafka_properties": own}, kafkaTls={"existingSecret": "kafka-certificates"})
    )
    assert read_by_the_program(manifests, given, tmp_path)["settings"]["kafka_properties"] == own


def test_a_proxy_with_a_password_comes_from_a_secret(given: dict[Any, Any], tmp_path: Path) -> None:
    manifests = rendered(values_of(CHART / "ci" / "meta-certificates-values.yaml"))
    assert "CAPI_PROXY" not in in_the_config_map(manifests)
    read = read_by_the_program(manifests, given, tmp_path)
    assert read["settings"]["proxy"] == "http://user:password@proxy.example.com:3128"


def test_a_group_of_one_s_own_is_taken() -> None:
    environment = in_the_config_map(rendered(minimal(settings={"group_id": "shop"})))
    assert environment["CAPI_GROUP_ID"] == "shop"
