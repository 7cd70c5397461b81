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
from pydantic import (
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsConfigDict

from consumer.config import parsers as forms
from consumer.config.settings import PREFIX, Settings
from consumer.errors import SettingsError

SETTINGS_FILE = f"{PREFIX}SETTINGS_FILE"
# Settings of earlier versions and their names now.
RENAMED = {
    "brake": "dlq_breaker",
    "custom_data_allow": "custom_data_unredacted_keys",
    "group": "group_id",
    "hold_s": "send_delay_s",
    "kafka": "kafka_properties",
    "kafka_file": "kafka_properties_file",
    "out_of_range": "offset_out_of_range",
    "page_address": "status_page_address",
    "setup_retry_s": "auth_retry_max_s",
    "start": "start_offset",
    "stuck_after_s": "poison_after_s",
}
MADE_WHERE = "Events Manager makes the token under Settings, Conversions API"

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
    given_by = "--settings" if file else SETTINGS_FILE
    mistakes = unknown_names(os.environ)
    settings, found = _validated(path, given_by)
    mistakes += found
    if settings is not None:
        mistakes += unreadable_files(settings)
        if sends:
            mistakes += missing_for_sending(settings, {mistake.partition(":")[0] for mistake in found})
    if mistakes or settings is None:
        raise SettingsError(mistakes)
    return settings


def known_names() -> tuple[str, ...]:
    """Every variable that is read, as written in the environment."""
    return (*(PREFIX + name.upper() for name in Settings.model_fields), SETTINGS_FILE)


def unknown_names(environ: Iterable[str]) -> list[str]:
    """One mistake for each `CAPI_` variable that no setting reads, with the nearest that one does."""
    known = known_names()
    return [
        f"{name}: no such setting{_renamed(name) or _nearest(name, known)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and not KUBERNETES_SERVICE.search(name)
    ]


def _renamed(name: str) -> str:
    """The new name, written as the old one is: in the environment or in a file."""
    new = RENAMED.get(name.removeprefix(PREFIX).lower())
    if new is None:
        return ""
    return f"; it is called {PREFIX + new.upper() if name.startswith(PREFIX) else new} now"


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""


def _file_of(environ: Mapping[str, str]) -> Path | None:
    return Path(environ[SETTINGS_FILE]) if environ.get(SETTINGS_FILE) else None


class _WellFormed(Settings):
    """The settings without the malformed ones, for the mistakes that are looked for afterwards."""

    model_config = SettingsConfigDict(extra="ignore")

    @field_validator("*", mode="wrap")
    @classmethod
    def _default_when_malformed(
        cls, value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        try:
            return read(value)
        except ValueError:
            return cls.model_fields[info.field_name or ""].get_default(call_default_factory=True)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        return self


def _validated(path: Path | None, given_by: str) -> tuple[Settings | None, list[str]]:
    """The settings and their mistakes; malformed ones have their default. None for an unreadable file."""
    if path is not None:
        try:
            tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            return None, [f"{given_by}: {_unread(path, error)}", *_validated(None, given_by)[1]]
        except ValueError as error:
            return None, [f"{given_by}: {path} is not TOML{_where(error)}", *_validated(None, given_by)[1]]
    try:
        return _from(Settings, path)(), []
    except ValidationError as error:
        details = [detail for detail in _details(error) if detail["loc"]]
    settings = _from(_WellFormed, path)()
    return settings, [_mistake(detail, given_by) for detail in details] + settings.conflicts()


def _unread(path: Path, error: OSError) -> str:
    """Why a file could not be read, in the words of the system: `No such file or directory`."""
    return f"{path} cannot be read: {error.strerror}"


def _where(error: ValueError) -> str:
    """The place in a file of TOML, without tomllib's words: they may show a value."""
    found = re.search(r"\(at (line \d+, column \d+|end of document)\)$", str(error))
    return f" ({found[1]})" if found else ""


def _from(model: type[Settings], path: Path | None) -> type[Settings]:
    class FromFile(model):  # type: ignore[valid-type, misc]
        model_config = SettingsConfigDict(toml_file=path)

    return FromFile


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _mistake(detail: ErrorDetails, given_by: str) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        known = list(Settings.model_fields)
        return f"{given_by}: no setting {name!r}{_renamed(name) or _nearest(name, known)}"
    return f"{PREFIX}{name.upper()}: {message}"


def unreadable_files(settings: Settings) -> list[str]:
    """One mistake for each file that a setting names and that cannot be used."""
    mistakes = []
    if settings.ca_file is not None:
        try:
            settings.ca_file.open("rb").close()
        except OSError as error:
            mistakes.append(f"CAPI_CA_FILE: {_unread(settings.ca_file, error)}")
    if settings.kafka_properties_file is not None:
        try:
            own = forms.kafka_properties(read_properties(settings.kafka_properties_file))
            mistakes += settings.kafka_conflicts(own, "CAPI_KAFKA_PROPERTIES_FILE")
        except OSError as error:
            mistakes.append(f"CAPI_KAFKA_PROPERTIES_FILE: {_unread(settings.kafka_properties_file, error)}")
        except ValueError as error:
            mistakes.append(f"CAPI_KAFKA_PROPERTIES_FILE: {error}")
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
    path = settings.access_token_file
    name = "CAPI_ACCESS_TOKEN" if path is None else "CAPI_ACCESS_TOKEN_FILE"
    token = (settings.access_token.get_secret_value() if path is None else _text_of(path)).strip()
    if not token and path is None:
        raise ValueError(f"CAPI_ACCESS_TOKEN or CAPI_ACCESS_TOKEN_FILE: missing; {MADE_WHERE}")
    if not token:
        raise ValueError(f"{name}: {path} is empty; {MADE_WHERE}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"{name}: holds characters that no token has")
    return token


def _text_of(token_file: Path) -> str:
    try:
        return token_file.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"CAPI_ACCESS_TOKEN_FILE: {_unread(token_file, error)}") from None
    except UnicodeDecodeError:
        raise ValueError(f"CAPI_ACCESS_TOKEN_FILE: {token_file} is not text in UTF-8") from None
