"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consumer.event_files.formats import Encoding

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="A TOML file of settings; the environment (CAPI_...) wins over it.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
CsvEncoding = Annotated[
    Encoding,
    typer.Option(
        "--encoding",
        help="How a CSV file is encoded: utf-8, windows-1252 (also called cp1252, latin1, iso-8859-1) "
        "or iso-8859-15.",
        metavar="NAME",
    ),
]
