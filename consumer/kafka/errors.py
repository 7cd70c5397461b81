"""
What is wrong between us and the brokers, in words for a person.

    librdkafka's error (a name, a text) -> one of FAULTS -> what is so, and what to do

librdkafka's text is searched for the words that tell faults apart and is never
shown: it may hold a value, and changes from version to version. What it tells
of a connection comes by `error_cb`, to `ErrorCollector` where somebody waits for an
answer, to `ErrorLogger` where the process goes on and tries again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError

log = structlog.get_logger()

# How often the same fault is said while it lasts.
SAY_EVERY_S = 60.0


class Fault(NamedTuple):
    """What is so, what to do, and whether it passes only when somebody mends it."""

    says: str
    do: str
    needs_somebody: bool = True


REFUSED = "rejected"
NO_TOKEN = "no_token"  # noqa: S105 - a word for a fault
TOKEN_REFUSED = "token_refused"  # noqa: S105 - a word for a fault
NO_SUCH_LOGIN = "no_such_login"
NO_LOGIN = "no_login"
CERTIFICATE_REFUSED = "certificate_refused"
NO_TLS = "no_tls"

ADDRESS = "CAPI_BOOTSTRAP_SERVERS"
RIGHTS = "give the user of CAPI_KAFKA_PROPERTIES its rights on it"

# By librdkafka's name of the error, or by a word of ours. Of several, the
# first here counts: who heard of a certificate had found the name and made the
# connection.
FAULTS = {
    NO_TOKEN: Fault(
        "no token from the issuer",
        "check sasl.oauthbearer.token.endpoint.url, sasl.oauthbearer.client.id, "
        "sasl.oauthbearer.client.secret, and https.ca.location",
    ),
    TOKEN_REFUSED: Fault(
        "the brokers refuse the token",
        "check sasl.oauthbearer.scope, and which issuer and audience the brokers expect",
    ),
    NO_SUCH_LOGIN: Fault(
        "the brokers do not take this kind of login",
        f"check sasl.mechanism, and the port in {ADDRESS}",
    ),
    NO_LOGIN: Fault(
        "the brokers take no login there: the port is probably one without SASL",
        f"check the port in {ADDRESS}, and security.protocol",
    ),
    "_AUTHENTICATION": Fault("the login is refused", "check sasl.username, sasl.password and sasl.mechanism"),
    "SASL_AUTHENTICATION_FAILED": Fault(
        "the login is refused", "check sasl.username, sasl.password and sasl.mechanism"
    ),
    CERTIFICATE_REFUSED: Fault(
        "the brokers want a certificate of ours, or refuse it",
        "check ssl.certificate.location and ssl.key.location (or ssl.keystore.location), who signed the "
        "certificate, and when it ends",
    ),
    NO_TLS: Fault("the brokers speak no TLS there", f"check the port in {ADDRESS}, and security.protocol"),
    "_SSL": Fault(
        "no TLS connection", "check ssl.ca.location, and that the brokers' certificates name their hosts"
    ),
    "TOPIC_AUTHORIZATION_FAILED": Fault("the brokers refuse a topic", RIGHTS),
    "GROUP_AUTHORIZATION_FAILED": Fault("the brokers refuse the group", RIGHTS),
    REFUSED: Fault("connection refused", f"check the port in {ADDRESS}, and that Kafka runs", False),
    "_RESOLVE": Fault("no such host", f"check the host names in {ADDRESS}", False),
}

# What a text says: the words that it must hold, and the fault that they mean.
# A certificate of ours that is missing or bad is told by the broker, in the
# words of OpenSSL for an alert of TLS (RFC 8446, 6.2).
WORDS = (
    (re.compile(r"Failed to acquire SASL OAUTHBEARER token"), NO_TOKEN),
    (re.compile(r"\binvalid_token\b"), TOKEN_REFUSED),
    (re.compile(r"Unsupported SASL mechanism"), NO_SUCH_LOGIN),
    (re.compile(r"not valid in current SASL state|SASL Handshake not supported"), NO_LOGIN),
    (re.compile(r"\balert (?:\w+ )?certificate\b|\balert unknown ca\b"), CERTIFICATE_REFUSED),
    (re.compile(r"certificate verify failed"), "_SSL"),
    (re.compile(r"connecting to a PLAINTEXT broker listener"), NO_TLS),
    (re.compile(r"Connection refused"), REFUSED),
)


def classify(error: KafkaError) -> str | None:
    """Which of FAULTS this is; None for one that a person can do nothing about."""
    text = error.str()
    found = next((fault for words, fault in WORDS if words.search(text)), None)
    if found is None and error.name() in FAULTS:
        return error.name()
    return found


class ErrorCollector:
    """Which faults the connections of one client ended with: its `error_cb`."""

    def __init__(self) -> None:
        self.faults: set[str] = set()

    def __call__(self, error: KafkaError) -> None:
        """One error of a connection."""
        if fault := classify(error):
            self.faults.add(fault)


class ErrorLogger:
    """
    Says in the log what is wrong while we go on trying: the `error_cb` of one client.

    A fault is said once, and again for as long as it lasts. `client` names who
    has the connection.
    """

    def __init__(self, client: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._now_s = now_s
        self._say_at_s: dict[str, float] = {}

    def __call__(self, error: KafkaError) -> None:
        """One error of a connection, or of a poll."""
        word = classify(error)
        if word is None or self._now_s() < self._say_at_s.get(word, float("-inf")):
            return
        self._say_at_s[word] = self._now_s() + SAY_EVERY_S
        fault = FAULTS[word]
        if fault.needs_somebody:
            say, what = log.error, "Kafka does not let us in, trying again"
        else:
            say, what = log.warning, "Kafka does not answer, trying again"
        say(what, client=self._client, cause=fault.says, do=fault.do)
