"""
Writes what the chart says about the settings and the values, so that nobody writes it twice.

    consumer/config/settings.py ──► values.schema.json   (`settings`, `kafkaProperties`, `deadLetterReason`)
                       └───► README.md            (table of the settings)
    consumer/config/loading.py ───► files/renamed-settings.json
    values.yaml ───────────► README.md            (table of the values)

Everything else in those files is written by hand. With `--check` nothing is
written, and what is stale is named with exit code 1.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from consumer.config.loading import RENAMED
from consumer.config.parsers import REFUSED_KAFKA_PROPERTIES
from consumer.config.settings import Settings
from consumer.domain.decision import INVALID_REASONS
from consumer.mapping.tables import ACTION_SOURCES

CHART = Path(__file__).parent / "capi-consumer"

# Where the chart mounts a secret or asks for health: not for values to say.
OF_THE_CHART = frozenset({"access_token", "access_token_file", "kafka_properties_file", "health_address"})

# What the program checks by a function, said again as JSON Schema. Go's regular
# expressions, which Helm uses, look neither ahead nor behind.
NARROWER: dict[str, dict[str, Any]] = {
    "pixel_id": {"pattern": "^[0-9]+$"},
    "graph_url": {"pattern": "^https?://[^@]+$"},
    "graph_version": {"pattern": "^v[0-9]{1,3}[.][0-9]{1,3}$"},
    "partner_agent": {"maxLength": 22},
    "proxy": {"pattern": "^[^@]*$"},
    "user_consent_category": {"pattern": "^[^,|]*$"},
    "purchase_personal_information": {"minItems": 1},
    "default_country": {"pattern": "^([A-Za-z]{2})?$"},
    "action_source": {"enum": list(ACTION_SOURCES)},
    "custom_data_paths": {
        "additionalProperties": {
            "anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]
        }
    },
    "data_processing_options_country": {"enum": [0, 1]},
    "data_processing_options_state": {"enum": [0, *range(1000, 1014)]},
    "bootstrap_servers": {"minLength": 1},
    "topics": {"minItems": 1},
    "group_instance_id": {"pattern": "^[A-Za-z0-9._-]{0,249}$"},
    "kafka_properties": {"$ref": "#/definitions/kafkaProperties"},
}


def settings_schema() -> dict[str, Any]:
    """JSON Schema of the value `settings`: every setting but those of the chart, with its type and limits."""
    model = Settings.model_json_schema()
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["pixel_id", "bootstrap_servers", "drain_timeout_s"],
        "properties": {
            name: _property(name, written, model["$defs"])
            for name, written in model["properties"].items()
            if name not in OF_THE_CHART
        }
        # Any value passes here, because templates/_refuse.tpl can name the new name and a schema can't.
        | {name: {} for name in sorted(RENAMED)},
    }


def _property(name: str, written: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    chosen = next((each for each in written.get("anyOf", ()) if each.get("type") != "null"), written)
    if "$ref" in chosen:
        chosen = {"enum": definitions[chosen["$ref"].rpartition("/")[2]]["enum"]}
    said = {key: value for key, value in chosen.items() if key not in ("default", "title", "format")}
    narrower = NARROWER.get(name, {})
    if "enum" in narrower or "$ref" in narrower:
        said = {}
    return {**said, **narrower, "description": _description(written, definitions)}


def _description(written: dict[str, Any], definitions: dict[str, Any]) -> str:
    """pydantic leaves out a setting's own words where its enumeration has the same."""
    named = definitions.get(written.get("$ref", "").rpartition("/")[2], {})
    return str(written.get("description") or named["description"])


def kafka_properties_schema() -> dict[str, Any]:
    """JSON Schema of librdkafka's properties, without those that the program refuses."""
    return {
        "type": "object",
        # `false` refuses by the property's own path; `propertyNames` would name no path.
        "properties": dict.fromkeys(sorted(REFUSED_KAFKA_PROPERTIES), False),
        "patternProperties": {"^test[.]mock[.]": False},
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    }


def values_schema(present: str) -> str:
    """values.schema.json with its generated parts made anew."""
    schema = json.loads(present)
    schema["properties"]["settings"] = settings_schema()
    schema["definitions"]["kafkaProperties"] = kafka_properties_schema()
    schema["definitions"]["deadLetterReason"] = {"enum": sorted(INVALID_REASONS)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def described_values(text: str) -> Iterator[tuple[str, str]]:
    """Each value that has a `# --` comment above it: its path, its comment."""
    path: list[str] = []
    comment = ""
    for line in text.splitlines():
        if found := re.fullmatch(r"\s*# -- (.+)", line):
            comment = found[1]
        elif found := re.match(r"( *)([A-Za-z_]+):", line):
            path[len(found[1]) // 2 :] = [found[2]]
            if comment:
                yield ".".join(path), comment
            comment = ""


def values_table(text: str) -> str:
    """The table of values.yaml: value, default, meaning."""
    defaults = yaml.safe_load(text)
    rows = [(f"`{path}`", _default(defaults, path), said) for path, said in described_values(text)]
    return _table(("value", "default", "what it says"), rows)


def _default(values: dict[str, Any], path: str) -> str:
    *sections, key = path.split(".")
    for section in sections:
        values = values[section]
    return _shown(values[key])


def settings_table() -> str:
    """The table of `settings`: key, the program's default, meaning."""
    model = Settings.model_json_schema()
    rows = [
        (f"`{name}`", _shown(written.get("default", {})), _description(written, model["$defs"]))
        for name, written in model["properties"].items()
        if name not in OF_THE_CHART
    ]
    return _table(("`settings.`", "the program's default", "what it says"), rows)


def _shown(value: object) -> str:
    return "" if value in ("", None) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def readme(present: str, values: str) -> str:
    """README.md with what stands between its markers made anew."""
    for name, table in (("values", values_table(values)), ("settings", settings_table())):
        before, start, rest = present.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->\n")
        present = f"{before}{start}\n{table}\n\n{end}{after}"
    return present


def main() -> int:
    """Write the files, or with `--check` name the stale ones."""
    schema, page = CHART / "values.schema.json", CHART / "README.md"
    made = {
        schema: values_schema(schema.read_text(encoding="utf-8")),
        page: readme(page.read_text(encoding="utf-8"), (CHART / "values.yaml").read_text(encoding="utf-8")),
    }
    made[CHART / "files" / "renamed-settings.json"] = json.dumps(RENAMED, indent=2) + "\n"
    stale = [path for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if "--check" in sys.argv[1:]:
            print(f"{path.name} is stale: python helm/generate.py writes it", file=sys.stderr)
        else:
            path.write_text(made[path], encoding="utf-8")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
