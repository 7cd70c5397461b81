"""
A refusal in Meta's manner.

Meta answers with one error for the whole request. The HTTP status, the code
and the subcode say what it is; the free text may echo what was sent, and here
it does, so that a reader which logs or shows it is found out.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

BAD_REQUEST = 400
UNAUTHORIZED = 401
TOO_LARGE = 413

INVALID_PARAMETER = 100
INVALID_TOKEN = 190
NO_TOKEN = 104
UNKNOWN_PATH = 2500
DEAD_VERSION = 2635
UNKNOWN_OBJECT_SUBCODE = 33

ECHO_LENGTH_MAX = 200


class MetaError(NamedTuple):
    """
    Why the whole request is refused.

    `title` and `detail` are what Meta means for a person to read; answers that
    have them say `is_transient` too.
    """

    status: int
    code: int
    subcode: int | None
    message: str
    title: str | None = None
    detail: str | None = None
    data: str | None = None

    @property
    def label(self) -> str:
        """`100/2804003` or `190`: what the counters call it."""
        return f"{self.code}/{self.subcode}" if self.subcode is not None else str(self.code)

    def body(self, trace_id: str) -> bytes:
        """The JSON body, with the keys that Meta leaves out left out."""
        error = {
            "message": self.message,
            "type": "OAuthException",  # for everything, throttling too: it says nothing
            "code": self.code,
            "error_subcode": self.subcode,
            "is_transient": False if self.title else None,
            "error_user_title": self.title,
            "error_user_msg": self.detail,
            "error_data": self.data,
            "fbtrace_id": trace_id,
        }
        return orjson.dumps({"error": {key: value for key, value in error.items() if value is not None}})


def echo(value: object) -> str:
    """What was sent, as text for a message; JSON may be too deep to be shown."""
    try:
        return str(value)[:ECHO_LENGTH_MAX]
    except RecursionError:
        return "..."
