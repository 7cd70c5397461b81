"""Meta's own SDK sends the same: same events, same digests."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import orjson
from support.requirements import require

from benchmarks.core import payload_of
from benchmarks.events import records
from consumer.mapping.tables import HASHED

# They fold letters with accents in another way, and Meta takes both: no benchmark's matter.
AS_WE_DO = {"em", "ph", "ge", "db", "zp", "country", "external_id"}


def test_the_sdk_makes_the_same_digests() -> None:
    if not find_spec("facebook_business"):
        require("bench", "Meta's SDK is among requirements/bench.txt, which make bench-install installs")
    from benchmarks.peer import prepared, sent_by_sdk

    made = records(200)
    ours = [orjson.loads(payload_of(record)) for record in made]
    theirs: list[Any] = sent_by_sdk([prepared(record) for record in made])
    for mine, other in zip(ours, theirs, strict=True):
        assert {key: [mine["user_data"][key]] for key in AS_WE_DO} == {
            key: other["user_data"][key] for key in AS_WE_DO
        }
        assert set(other["user_data"]) == set(mine["user_data"])
        assert set(other["user_data"]) >= {row.key for row in HASHED}
        assert other["custom_data"] == mine["custom_data"] | {"currency": "eur"}
        same = ("event_name", "event_time", "event_id", "event_source_url", "referrer_url", "action_source")
        assert [other[key] for key in same] == [mine[key] for key in same]
