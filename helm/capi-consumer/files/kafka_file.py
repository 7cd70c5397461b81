"""
Puts librdkafka's properties together from the files of Secrets: `kafka_file.py TARGET SOURCE...`

A source is a file of JSON, or `property=file` for one value. Run by an init
container: a Secret with a user's name and password is no JSON, and what is
secret is no variable. What it writes lies in memory and is its user's alone.
"""

import json
import os
import pathlib
import sys

target, *sources = sys.argv[1:]
properties: dict[str, object] = {}
for source in sources:
    name, _, file = source.rpartition("=")
    text = pathlib.Path(file).read_text(encoding="utf-8")
    # A line's end comes from the editor or the shell, not from the password.
    properties |= {name: text.rstrip("\r\n")} if name else json.loads(text)
os.umask(0o077)
pathlib.Path(target).write_text(json.dumps(properties), encoding="utf-8")
