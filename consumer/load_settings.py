"""
From environment and file to settings, or to the list of all mistakes.

pydantic reports every malformed value at once but knows nothing of three
things a person gets wrong: a name that does not exist (an unknown variable is
silently ignored), a mistake across two settings (checked only when each is
well formed), and a file that cannot be read. They are looked for here.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Self

import orjson
from pydantic import ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsConfigDict

from consumer import setting_forms as forms
from consumer.exits import BadSettings
from consumer.settings import PREFIX, Settings

SETTINGS_FILE = f"{PREFIX}SETTINGS_FILE"

# What Kubernetes puts into every pod for a Service whose name starts with
# "capi": CAPI_X_SERVICE_HOST, CAPI_X_PORT, CAPI_X_PORT_9090_TCP_ADDR, ...
KUBERNETES_SERVICE = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$")


def load_settings(*, file: Path | None = None, sends: bool = False) -> Settings:
    """
    The settings of this process.

    `sends`: a pixel and a token are needed too. Raises BadSettings with every
    mistake, by name and never by value.
    """
    path = file or _file_of(os.environ)
    mistakes = unknown_names(os.environ)
    settings, found = _validated(path)
    mistakes += found
    if settings is not None:
        mistakes += unreadable_files(settings)
        if sends:
            mistakes += missing_for_sending(settings, {mistake.partition(":")[0] for mistake in found})
    if mistakes or settings is None:
        raise BadSettings(mistakes)
    return settings


def known_names() -> tuple[str, ...]:
    """Every variable that is read, as written in the environment."""
    return (*(PREFIX + name.upper() for name in Settings.model_fields), SETTINGS_FILE)


def unknown_names(environ: Iterable[str]) -> list[str]:
    """One mistake for each `CAPI_` variable that no setting reads, with the nearest that one does."""
    known = known_names()
    return [
        f"{name}: no such setting{_nearest(name, known)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and not KUBERNETES_SERVICE.search(name)
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _file_of(environ: Mapping[str, str]) -> Path | None:
    return Path(environ[SETTINGS_FILE]) if environ.get(SETTINGS_FILE) else None


class _WellFormed(Settings):
    """The settings without the malformed ones, for the mistakes that are looked for afterwards."""

    model_config = SettingsConfigDict(extra="ignore")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return self


def _validated(path: Path | None) -> tuple[Settings | None, list[str]]:
    """The settings and their mistakes; malformed ones have their default. None for an unreadable file."""
    if path is not None:
        try:
            tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError:
            return None, [f"{SETTINGS_FILE}: the file cannot be read"]
        except ValueError:
            return None, [f"{SETTINGS_FILE}: the file is not TOML"]
    try:
        return _from(Settings, path)(), []
    except ValidationError as error:
        details = [detail for detail in _details(error) if detail["loc"]]
    fields = Settings.model_fields
    malformed = {str(detail["loc"][0]) for detail in details} & set(fields)
    defaults = {name: fields[name].get_default(call_default_factory=True) for name in malformed}
    settings = _from(_WellFormed, path)(**defaults)
    return settings, [_mistake(detail) for detail in details] + settings.clashes()


def _from(model: type[Settings], path: Path | None) -> type[Settings]:
    class FromFile(model):  # type: ignore[valid-type, misc]
        model_config = SettingsConfigDict(toml_file=path)

    return FromFile


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _mistake(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        known = list(Settings.model_fields)
        return f"{SETTINGS_FILE}: no setting {name!r}{_nearest(name, known)}"
    return f"{PREFIX}{name.upper()}: {message}"


def unreadable_files(settings: Settings) -> list[str]:
    """One mistake for each file that a setting names and that cannot be used."""
    mistakes = []
    if settings.ca_file is not None and not settings.ca_file.is_file():
        mistakes.append("CAPI_CA_FILE: the file cannot be read")
    if settings.kafka_file is not None:
        try:
            forms.kafka_properties(read_properties(settings.kafka_file))
        except OSError:
            mistakes.append("CAPI_KAFKA_FILE: the file cannot be read")
        except ValueError as error:
            mistakes.append(f"CAPI_KAFKA_FILE: {error}")
    return mistakes


def read_properties(path: Path) -> dict[str, str | int | float | bool]:
    """librdkafka properties: one JSON object. Raises OSError, or ValueError that shows no value."""
    try:
        properties = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        raise ValueError("the file is not JSON") from None
    if not isinstance(properties, dict):
        raise ValueError("the file holds no JSON object")
    return properties


def missing_for_sending(settings: Settings, malformed: Set[str] = frozenset()) -> list[str]:
    """One mistake for each thing without which nothing can be sent. What is `malformed` is not missing."""
    mistakes = []
    if not settings.pixel_id and "CAPI_PIXEL_ID" not in malformed:
        mistakes.append("CAPI_PIXEL_ID: missing; Events Manager shows it under the pixel's name")
    if settings.access_token_file is not None and settings.access_token.get_secret_value():
        mistakes.append("CAPI_ACCESS_TOKEN and CAPI_ACCESS_TOKEN_FILE: set one of them, not both")
    try:
        read_token(settings)
    except ValueError as error:
        if not {"CAPI_ACCESS_TOKEN", "CAPI_ACCESS_TOKEN_FILE"} & malformed:
            mistakes.append(str(error))
    return mistakes


def read_token(settings: Settings) -> str:
    """The access token as it stands now, read anew from its file. Raises ValueError that does not show it."""
    if settings.access_token_file is None:
        name, token = "CAPI_ACCESS_TOKEN", settings.access_token.get_secret_value()
    else:
        name = "CAPI_ACCESS_TOKEN_FILE"
        try:
            token = settings.access_token_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"{name}: the file cannot be read") from None
    token = token.strip()
    if not token:
        raise ValueError(f"{name}: missing; Events Manager makes it under Settings, Conversions API")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"{name}: holds characters that no token has")
    return token
