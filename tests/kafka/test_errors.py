"""What a connection ends with is said in our words, never in those of librdkafka, which may show a value."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from consumer.kafka.errors import FAULTS, SAY_EVERY_S, ErrorCollector, ErrorLogger, classify

AT = "ssl://canary:9093/bootstrap: "
ALERT = "Receive failed: error:0A000412:SSL routines::"
LOGIN = "SASL authentication error: "

# As librdkafka 2.16 says them of Apache Kafka 4.4; the alerts besides in OpenSSL's words.
TEXTS = [
    ("_AUTHENTICATION", f"{LOGIN}Authentication failed during authentication due to invalid credentials "
     "with SASL mechanism SCRAM-SHA-512 (after 309ms in state AUTH_REQ)", "the login is refused"),
    ("_AUTHENTICATION", "SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: "
     "broker's supported mechanisms: SCRAM-SHA-512", "the brokers do not take this kind of login"),
    ("_AUTHENTICATION", "SASL SCRAM-SHA-512 mechanism handshake failed: Broker: Request not valid in current "
     "SASL state: broker's supported mechanisms:  (after 1ms in state AUTH_HANDSHAKE)",
     "the brokers take no login there: the port is probably one without SASL"),
    ("_AUTHENTICATION", "Failed to initialize SASL authentication: SASL Handshake not supported by broker "
     "(required by mechanism PLAIN)",
     "the brokers take no login there: the port is probably one without SASL"),
    ("_AUTHENTICATION", 'Failed to acquire SASL OAUTHBEARER token: {"error": "invalid_client"}',
     "no token from the issuer"),
    ("_AUTHENTICATION", f'{LOGIN}{{"status":"invalid_token"}}', "the brokers refuse the token"),
    ("_SSL", "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker "
     "certificate could not be verified", "no TLS connection"),
    ("_TRANSPORT", "error:0A000086:SSL routines::certificate verify failed", "no TLS connection"),
    ("_TRANSPORT", f"{ALERT}ssl/tls alert bad certificate: SSL alert number 42",
     "the brokers want a certificate of ours, or refuse it"),
    ("_TRANSPORT", f"{ALERT}tlsv13 alert certificate required: SSL alert number 116",
     "the brokers want a certificate of ours, or refuse it"),
    ("_SSL", f"{ALERT}ssl/tls alert certificate expired: SSL alert number 45",
     "the brokers want a certificate of ours, or refuse it"),
    ("_SSL", f"{ALERT}tlsv1 alert unknown ca: SSL alert number 48",
     "the brokers want a certificate of ours, or refuse it"),
    ("_TRANSPORT", "SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a "
     "PLAINTEXT broker listener?", "the brokers speak no TLS there"),
    ("_TRANSPORT", "Connect to ipv4#127.0.0.1:9 failed: Connection refused", "connection refused"),
    ("_RESOLVE", "Failed to resolve 'canary:9092': Name or service not known", "no such host"),
]  # fmt: skip
OF_NO_USE = [("_TRANSPORT", "Disconnected"), ("_ALL_BROKERS_DOWN", "1/1 brokers are down")]


def error(name: Any, text: Any) -> KafkaError:
    return KafkaError(getattr(KafkaError, name), AT + text)


@pytest.mark.parametrize(("name", "text", "says"), TEXTS)
def test_a_fault_is_known_by_what_librdkafka_says_of_it(name: Any, text: Any, says: Any) -> None:
    fault = classify(error(name, text))
    assert fault is not None
    assert FAULTS[fault].says == says


@pytest.mark.parametrize(("name", "text"), OF_NO_USE)
def test_what_nobody_can_mend_is_no_fault(name: Any, text: Any) -> None:
    assert classify(error(name, text)) is None
    heard = ErrorCollector()
    heard(error(name, text))
    assert heard.faults == set()


def test_a_fault_is_said_once_a_minute_and_each_by_itself() -> None:
    now_s = [100.0]
    teller = ErrorLogger("events", lambda: now_s[0])
    with capture_logs() as lines:
        for name, text, _ in [*TEXTS[:1], *TEXTS[:1], *TEXTS[-1:]]:
            teller(error(name, text))
        now_s[0] += SAY_EVERY_S - 1
        teller(error(*TEXTS[0][:2]))
        now_s[0] += 1
        teller(error(*TEXTS[0][:2]))
    assert [(line["log_level"], line["cause"]) for line in lines] == [
        ("error", "the login is refused"),
        ("warning", "no such host"),
        ("error", "the login is refused"),
    ]
    assert {line["client"] for line in lines} == {"events"}
    assert all(line["do"].startswith("check ") for line in lines)
    assert "canary" not in str(lines)
