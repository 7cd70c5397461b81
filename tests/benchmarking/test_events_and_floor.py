"""The events are what they claim to be, and the floor does the hashing that the payload shows."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
import pytest

from benchmarks.core import given, payload_of
from benchmarks.events import PEOPLE, PRODUCTS, RULES, drawn, events, records
from benchmarks.figures import FIGURES
from consumer.mapping.tables import HASHED

COUNT = 400
MADE: list[Any] = list(events(COUNT))
RECORDS = records(COUNT)


def test_an_event_has_eleven_personal_fields_two_items_and_about_1_1_kb() -> None:
    assert {len(set(one["user"]) - {"consent_categories"}) for one in MADE} == {11}
    assert {len(one["items"]) for one in MADE} == {2}
    sizes = [len(record.value or b"") for record in RECORDS]
    assert 1_050 < sum(sizes) / COUNT < 1_200


def test_half_of_the_phone_numbers_are_national() -> None:
    national = sum(one["user"]["phone"].startswith("0") for one in MADE)
    assert 0.4 < national / COUNT < 0.6


@pytest.mark.parametrize(("column", "many"), [(0, PEOPLE), (1, PRODUCTS)])
def test_people_and_products_come_back_as_zipf_has_it(column: int, many: Any) -> None:
    numbers = [pair[column] for pair in drawn(100_000)]
    assert max(numbers) < many
    assert 1.7 < numbers.count(0) / numbers.count(1) < 2.3


def test_there_are_200_000_people_and_more_events_begin_with_the_same() -> None:
    assert PEOPLE == 200_000
    assert list(drawn(COUNT)) == list(drawn(2 * COUNT))[:COUNT]


def test_the_same_number_makes_the_same_bytes() -> None:
    assert [record.value for record in records(COUNT)] == [record.value for record in RECORDS]


def test_every_digest_of_the_payload_is_one_that_the_floor_makes_and_no_other() -> None:
    for record in RECORDS:
        floor = given(record)
        user_data = orjson.loads(payload_of(record))["user_data"]
        sent = {user_data[row.key] for row in HASHED if row.key in user_data}
        assert {sha256(text).hexdigest() for text in floor.texts} == sent
        assert len(floor.texts) == 11


def test_the_floor_serialises_the_very_payload() -> None:
    assert all(orjson.dumps(given(record).payload) == payload_of(record) for record in RECORDS)


def test_consent_and_country_are_asked_for() -> None:
    assert (RULES.default_country, RULES.user_consent_category) == ("fr", "1")


def test_every_figure_has_words() -> None:
    assert all(meaning.says and meaning.part for meaning in FIGURES.values())
