"""Mended letters go back with their origin; what would be a dead letter again stays where it is."""

from __future__ import annotations

import json

import pytest
from letters import event, letter, record, settings_on, write
from mock_kafka import MockKafka

from consumer.core.decision import Reason
from consumer.core.record import Partition, Record
from consumer.dead_letter_files import as_line
from consumer.file_lines import numbered_lines
from consumer.producing import open_publisher
from consumer.publish_letters import LetterLines, publish_letters
from consumer.replay import way_back
from consumer.replaying import Sending

NOW_MS = 1_767_225_700_000
USER = {"email": "u1@example.com", "country": "FR", "city": "Paris", "zipcode": "75001"}


@pytest.fixture(scope="module")
def brokers():
    return MockKafka()


@pytest.fixture
def settings(brokers):
    settings = settings_on(brokers)
    write(settings.bootstrap_servers, settings.topics[0], [record(settings.topics[0], 0, b"{}", b"first")])
    return settings


def purchase(settings, offset, **fields):
    failed = record(settings.topics[0], offset, event("purchase", amount=12.5, user=USER, **fields))
    return letter(failed, attempts=1)


def mended(exported, **fields):
    line = json.loads(as_line(exported))
    line["event"] |= fields
    return json.dumps(line).encode() + b"\n"


def publish(settings, content, *, is_checked=True):
    """How many were published, and what was said: (line, text, is left out)."""
    said = []

    def say(line, text, is_left_out):
        said.append((line, text, is_left_out))

    with way_back(settings, None) as way:
        lines = LetterLines(way, settings.rules, lambda: NOW_MS, is_checked=is_checked)
        letters = lines.ready(numbered_lines(iter([content])), say)
        sending = Sending(lambda on_failure: open_publisher(settings, on_failure))
        return publish_letters(letters, sending, say), said


def arrived(brokers, settings):
    return [found for found in brokers.records(settings.topics[0]) if found.key() != b"first"]


def test_a_mended_letter_goes_back_with_its_origin_and_its_count_raised(brokers, settings):
    exported = purchase(settings, 7)

    assert publish(settings, mended(exported, currency="EUR")) == (1, [])

    (back,) = arrived(brokers, settings)
    assert json.loads(back.value())["currency"] == "EUR"
    assert (back.key(), back.timestamp()[1]) == (b"u1", exported.timestamp_ms)
    headers = dict(back.headers())
    assert (headers["dlq.origin-offset"], headers["dlq.replay-count"]) == (b"7", b"1")
    assert "dlq.reason" not in headers


def test_letters_that_nobody_mended_are_left_out_and_said(brokers, settings):
    content = as_line(purchase(settings, 1)) + b"\n" + mended(purchase(settings, 2), currency="EUR")

    published, said = publish(settings, content)

    assert (published, said) == (1, [(1, "it would be a dead letter again: purchase_without_currency", True)])


def test_unchecked_letters_go_as_they_are(brokers, settings):
    assert publish(settings, as_line(purchase(settings, 1)), is_checked=False) == (1, [])


def test_a_letter_that_will_be_filtered_goes_and_is_said(settings):
    old = mended(purchase(settings, 1), currency="EUR", event_timestamp=NOW_MS // 1000 - 30 * 86_400)
    assert publish(settings, old) == (1, [(1, "it will be filtered: event_too_old", False)])


def test_what_is_no_letter_is_said_with_its_line(settings):
    foreign = as_line(letter(record("foreign", 1, event("page_view"))))
    nobodys = as_line(Record(Partition("letters", 0), 1, 1, event("page_view")))
    tombstone = as_line(letter(record(settings.topics[0], 1, None)))
    content = b"\n".join([b"{broken", b"[]"]) + b"\n\n" + foreign + nobodys + tombstone

    published, said = publish(settings, content)

    assert published == 0
    assert [(line, text.partition(",")[0], is_left_out) for line, text, is_left_out in said] == [
        (1, "not JSON", True),
        (2, "no exported dead letter: an object with `headers` is expected", True),
        (4, "it comes from foreign", True),
        (5, "it has no origin headers", True),
        (6, "it has no value", True),
    ]


def test_what_the_broker_does_not_take_is_said_with_its_line(settings):
    class Refusing:
        def send(self, backs):
            return {1: "MSG_SIZE_TOO_LARGE"}

    with way_back(settings, None) as way:
        lines = LetterLines(way, settings.rules, lambda: NOW_MS, is_checked=False)
        content = as_line(purchase(settings, 1)) + b"\n" + as_line(purchase(settings, 2))
        said = []
        letters = lines.ready(numbered_lines(iter([content])), lambda *words: said.append(words))
        assert publish_letters(letters, Refusing(), lambda *words: said.append(words)) == 1

    assert said == [(3, f"{settings.topics[0]} did not take it (MSG_SIZE_TOO_LARGE)", True)]


def test_a_letter_that_was_not_json_can_be_mended_as_text(brokers, settings):
    broken = letter(record(settings.topics[0], 3, b'{"event_name":"page_view"'), Reason.NOT_JSON)
    line = json.loads(as_line(broken))
    line["value"] += "}"

    assert publish(settings, json.dumps(line).encode(), is_checked=False) == (1, [])

    (back,) = arrived(brokers, settings)
    assert back.value() == b'{"event_name":"page_view"}'
