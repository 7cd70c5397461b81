"""docs/settings.md: every setting, by the groups of consumer/config/settings.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from consumer.config import settings
from consumer.config.parsers import REFUSED_KAFKA_PROPERTIES
from generating import tables
from generating.tables import code, table

HEAD = """\
# Settings

Written by `make docs` from `consumer/config/settings.py`. A setting comes from the environment, else from the
TOML file that `--settings FILE` or `CAPI_SETTINGS_FILE` names (names in lower case, without `CAPI_`),
else it has its default. In the chart each is a key of `settings` ([its
README](../helm/capi-consumer/README.md)).

In the environment a list is text with commas or JSON, a map is JSON; an empty variable says nothing.
Every mistake is reported at once, by the setting's name and never by its value, with exit code 2. An
unknown `CAPI_` name is refused with the nearest one that exists.
"""
FILE = """\
## As a file

```toml
pixel_id = "1234567890"
access_token_file = "/run/secrets/meta"
bootstrap_servers = "kafka-1:9092,kafka-2:9092"
user_consent_category = "3"
default_country = "FR"
purchase_personal_information = ["em", "ph", "external_id"]

[event_names]
sign_up = "CompleteRegistration"

[kafka_properties]
"client.rack" = "eu-west-1a"
```
"""
KAFKA = """\
## Properties of librdkafka that are refused

`CAPI_KAFKA_PROPERTIES` and `CAPI_KAFKA_PROPERTIES_FILE` take any other.
"""
OTHERS = """\
## What else is read

| variable | what it does |
|---|---|
| `CAPI_SETTINGS_FILE` | The TOML file, as `--settings`. |
| `OTEL_…` | OpenTelemetry's own: [where it goes](operations.md#metrics-traces-and-logs). |
| `NO_COLOR` | No colours at a terminal. |

What bounds what is told in [delivery](delivery.md#limits-and-the-settings-that-set-them), how to get
into a Kafka with TLS and a login in [Kafka security](kafka-security.md).
"""
SOURCE = Path(settings.__file__).read_text(encoding="utf-8")
# By no schema: the forms that a function reads.
FORMS = {
    "pixel_id": "digits",
    "access_token": "text",
    "graph_url": "an address, https",
    "graph_version": "`v` and two numbers",
    "partner_agent": "text of at most 22 characters",
    "proxy": "an address",
    "user_consent_category": "an id",
    "purchase_personal_information": "list of keys of `user_data`",
    "default_country": "two letters",
    "action_source": "a word of Meta's",
    "event_names": "map",
    "custom_data_paths": "map: key to path or paths",
    "custom_data_unredacted_keys": "list",
    "data_processing_options": "list",
    "data_processing_options_country": "`0` or `1`",
    "data_processing_options_state": "`0` or `1000` to `1013`",
    "topics": "list",
    "kafka_properties": "map",
    "health_address": "host:port",
    "status_page_address": "host:port, or empty",
    "bootstrap_servers": "list of host:port",
}
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}


def page() -> str:
    """The text of docs/settings.md."""
    model = settings.Settings.model_json_schema()
    groups = list(_groups())
    index = " · ".join(f"[{title}](#{title.lower()})" for title, _ in groups)
    lines = [HEAD, f"- {index}\n- [As a file](#as-a-file)\n"]
    for title, names in groups:
        rows = (_row(name, model["properties"][name], model["$defs"]) for name in names)
        lines += [f"## {title}\n", *table(("setting", "takes", "default", "what it does"), rows)]
    refused = ((code(name), why) for name, why in REFUSED_KAFKA_PROPERTIES.items())
    return tables.page([*lines, FILE, KAFKA, *table(("property", "why"), refused), OTHERS])


def _groups() -> Iterator[tuple[str, list[str]]]:
    """The comments between the settings are their headings."""
    body = SOURCE.partition("class Settings(")[2].partition("@model_validator")[0]
    for part in re.split(r"^    # (?=[A-Z]\w*$)", body, flags=re.MULTILINE)[1:]:
        title, _, rest = part.partition("\n")
        yield title, re.findall(r"^    (\w+): ", rest, re.MULTILINE)


def _row(name: str, said: dict[str, Any], definitions: dict[str, Any]) -> tuple[str, ...]:
    kind = next((each for each in said.get("anyOf", ()) if each.get("type") != "null"), said)
    if "$ref" in kind:
        kind = definitions[kind["$ref"].rpartition("/")[2]]
    means = said.get("description") or kind["description"]
    return code(settings.PREFIX + name.upper()), _takes(name, kind), _default(said), means


def _takes(name: str, kind: dict[str, Any]) -> str:
    if name in FORMS:
        return FORMS[name]
    if "enum" in kind:
        return " ".join(code(word) for word in kind["enum"])
    if kind.get("format") in ("path", "file-path"):
        return "a path"
    return TYPES[kind["type"]] + _bounds(kind)


def _bounds(kind: dict[str, Any]) -> str:
    least, more_than, most = (kind.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    if more_than is not None:
        return f", more than {more_than:,}, at most {most:,}"
    if most is not None:
        return f", {least:,} to {most:,}"
    return f", from {least:,}" if least is not None else ""


def _default(said: dict[str, Any]) -> str:
    value = said.get("default", {})
    if value in ("", None, {}, []):
        return ""
    if isinstance(value, list):
        return code(",".join(value))
    return code(value if isinstance(value, str) else json.dumps(value).removesuffix(".0"))
