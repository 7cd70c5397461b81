"""
What librdkafka does not take of `CAPI_KAFKA_PROPERTIES`, in a line that shows no value.

Its text may hold a value, a password. So it is compared with sentences that
are librdkafka's own, and else only names that we gave are taken from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaException

from consumer.kafka.conversion import cause

# The mechanisms of confluent-kafka's wheels, which are built without Cyrus SASL.
MECHANISMS = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"

MANDATORY = re.compile(r"`((?:ssl|sasl)\.[a-z.]+)` is mandatory when `")
MECHANISM_NAMES = ("sasl.mechanism", "sasl.mechanisms")


def missing_properties(properties: Mapping[str, object]) -> str | None:
    """What librdkafka would take, only to wait for ever: nobody makes tokens for OAUTHBEARER but itself."""
    is_oauth = any(properties.get(name) == "OAUTHBEARER" for name in MECHANISM_NAMES)
    is_fed = str(properties.get("sasl.oauthbearer.method", "")).lower() == "oidc"
    is_unsecured = str(properties.get("enable.sasl.oauthbearer.unsecure.jwt", "")).lower() == "true"
    if is_oauth and not is_fed and not is_unsecured:
        return "sasl.mechanism OAUTHBEARER needs sasl.oauthbearer.method=oidc"
    return None


def explain_rejection(error: KafkaException, properties: Mapping[str, object]) -> str:
    """What librdkafka refuses."""
    text = cause(error).str()
    if "No provider for SASL mechanism" in text or "Unsupported SASL mechanism" in text:
        return f"librdkafka has no such sasl.mechanism: it takes {MECHANISMS}"
    if text.endswith("sasl.username and sasl.password must be set"):
        return "librdkafka wants sasl.username and sasl.password"
    if found := MANDATORY.search(text):
        return f"librdkafka wants {found[1]}"
    name = max((name for name in properties if name in text), key=len, default=None)
    if name is None:
        return f"librdkafka does not take the properties of CAPI_KAFKA_PROPERTIES ({cause(error).name()})"
    if text.startswith("No such configuration property"):
        return f"librdkafka knows no property {name}"
    return _unread(name, properties[name]) or f"librdkafka does not take the value of {name}"


def _unread(name: str, value: object) -> str | None:
    """The file that a property names and that cannot be read: the name of a file is no secret."""
    if not name.endswith(".location"):
        return None
    try:
        Path(str(value)).open("rb").close()
    except OSError as error:
        return f"librdkafka cannot read the file of {name}, {value} ({error.strerror})"
    except ValueError:  # no name that a file can have
        return None
    return f"librdkafka cannot use what is in the file of {name}, {value}"
