"""The pages of the mapping say what the program does: tables are compared, examples are decided."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.mapping import NOW_MS, NOW_TEXT, event
from typer.testing import CliRunner

from consumer.cli.main import app
from consumer.config.loading import load_settings
from consumer.event_files.lines import FoundEvent
from consumer.explain.decisions import explain_events
from consumer.explain.rows import Explained
from consumer.mapping import decide, event_fields, redaction, user_data, values
from consumer.mapping import tables as mapping
from consumer.mapping.rules import MatchRule
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("mapping", "hashing", "own-rules", "consent")
PAGE = "\n".join((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in PAGES)
HOUR_S = 1_763_899_200  # 2025-11-23T12:00:00Z, when the events of the page happen
ARROW = " → "


def cells(line: Any) -> list[Any]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def tables() -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    """Header -> rows of each table, in the order of the page."""
    for found in re.finditer(r"^(\|.*\|)\n\|[-|]+\|\n((?:\|.*\|\n)+)", PAGE, re.MULTILINE):
        yield tuple(cells(found[1])), [cells(line) for line in found[2].splitlines()]


def table(*header: Any) -> Any:
    """The rows of the one table with this header."""
    (rows,) = [rows for names, rows in tables() if names == header]
    return rows


def codes(cell: Any) -> list[Any]:
    return re.findall(r"`([^`]+)`", cell)


def value_in(cell: Any) -> Any:
    """The JSON value that a cell gives."""
    (code,) = codes(cell)
    return json.loads(code)


def decided(given: Any, **environment: Any) -> Explained:
    """What is decided about an event under these settings, and the texts that were hashed for it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        rules = load_settings().mapping_options
    (one,) = explain_events([FoundEvent(1, 1, orjson.dumps(given))], rules, NOW_MS)
    return one


def payload(one: Any) -> Any:
    return orjson.loads(one.decision.payload)


def notes(one: Any, field: Any) -> set[Any]:
    return {str(note.code) for note in one.decision.warnings if note.field == field}


# Tables of names


def test_the_events_are_those_of_the_mapping() -> None:
    rows = table("Commanders Act", "Meta")
    assert {codes(a)[0]: codes(b)[0] for a, b in rows} == mapping.EVENT_NAMES


def paths(sources: Any) -> list[Any]:
    return [source.path for source in sources]


@pytest.mark.parametrize("key", mapping.EVENT)
def test_the_sources_of_the_event_itself_stand_in_their_order(key: Any) -> None:
    sources = paths(mapping.EVENT[key])
    (row,) = [row for row in table("Meta key", "from, in this order") if codes(row[0]) == [key]]
    assert [codes(part)[0] for part in row[1].split(ARROW)[: len(sources)]] == sources


def test_every_key_of_the_event_has_its_row() -> None:
    rows = table("Meta key", "from, in this order")
    assert {key for row in rows for key in codes(row[0])} == mapping.EVENT_KEYS - {"user_data", "custom_data"}


def test_the_sources_of_user_data_stand_in_their_order() -> None:
    rows = {codes(row[0])[0]: row for row in table("Meta key", "from, in this order", "sent")}
    expected = {row.key: (paths(row[1:]), "hashed") for row in mapping.HASHED}
    expected |= {key: (paths(sources), "as it is") for key, sources in mapping.AS_IT_IS.items()}
    shown = {
        key: ([codes(part)[0] for part in cell.split(ARROW)], sent) for key, (_, cell, sent) in rows.items()
    }
    made = shown["fbc"][0].pop()
    assert made == "fbclid"
    given = shown.pop("subscription_id")
    assert shown == expected
    assert given == (["integrations.facebook.user_data.…"], "as it is")
    assert codes(rows["subscription_id"][0]) == list(mapping.GIVEN)


def test_the_sources_of_custom_data_stand_in_their_order() -> None:
    rows = table("Meta key", "from, in this order", "in which events")
    assert [codes(key)[0] for key, *_ in rows] == list(mapping.CUSTOM_DATA)
    for key, sources, events in rows:
        row = mapping.CUSTOM_DATA[codes(key)[0]]
        own = [code for code in codes(sources) if not re.search(r"items|contents|CAPI|^product$", code)]
        assert own == paths(row.sources[1:]), key
        assert row.events == (None if events == "all" else frozenset(codes(events))), key


def test_words_that_say_nothing_are_those_of_the_mapping() -> None:
    (listed,) = re.findall(r"\*\*Placeholders\*\*(.*?); for `external_id`", PAGE, re.DOTALL)
    assert set(codes(listed)) == values.PLACEHOLDERS | {"*", "-", "."}


def test_names_of_personal_data_are_those_of_the_cleaning() -> None:
    (listed,) = re.findall(r"_` and spaces:(.*?);", PAGE, re.DOTALL)
    assert set(codes(listed)) == redaction.PERSONAL_NAMES


def test_the_action_sources_are_those_of_the_mapping() -> None:
    (listed,) = re.findall(r"\*\*Action source\.\*\*(.*?)\. `app`", PAGE, re.DOTALL)
    assert tuple(codes(listed)) == mapping.ACTION_SOURCES


def test_identifiers_and_others_are_those_that_count() -> None:
    user_data, others = re.findall(r"(?:Identifiers|Others): (.*?)\.", PAGE, re.DOTALL)
    assert set(codes(user_data)) == decide.IDENTIFIERS
    assert set(codes(others)) == decide.OTHERS


def test_notes_are_counted_under_the_name_that_the_page_says() -> None:
    telemetry = Telemetry()
    telemetry.add(metrics.VALUES_DROPPED, 1, "em", "malformed")
    shown = telemetry.exposition()
    telemetry.close()
    assert b"\ncapi_values_dropped_total{" in shown


def test_each_example_of_a_setting_is_accepted() -> None:
    for setting, example, _ in table("setting", "example", "what it does"):
        decided(event(), **{codes(setting)[0]: codes(example)[0]})


DAY_S = 86_400
SENTENCES = [
    ("up to {} days older than the event", user_data.CLICK_AGE_MS_MAX / DAY_S / 1000),
    ("More than {} minutes ahead of now", event_fields.AHEAD_MS_MAX / 60_000),
    ("`app_data.extinfo` with its {} entries", event_fields.EXTINFO_LENGTH),
]


@pytest.mark.parametrize(("sentence", "number"), SENTENCES)
def test_numbers_in_sentences_are_those_of_the_code(sentence: Any, number: Any) -> None:
    assert " ".join(PAGE.split()).count(sentence.format(int(number))) == 1


def test_the_money_that_begins_with_x_is_that_of_the_code() -> None:
    (said,) = re.findall(r"in any case\. (.*) are money", PAGE)
    assert set(re.findall("[A-Z]{3}", said)) == values.SHARED_MONEY


def test_the_types_that_say_an_action_source_are_those_of_the_mapping() -> None:
    (row,) = [row for row in table("Meta key", "from, in this order") if codes(row[0]) == ["action_source"]]
    said = re.findall(r"`(\w+)`(?:, to the letter,)? is `(\w+)`", row[1])
    assert dict(said) == mapping.ACTION_SOURCE_BY_TYPE


# Tables of values

KEYS = {row.plain.path: row.key for row in mapping.HASHED}
NORMALISED = [
    pytest.param(header[0].strip("`"), *row, id=f"{header[0]} {row[0]}")
    for header, rows in tables()
    if header[1:] == ("with", "hashed")
    for row in rows
]


def given_with(path: Any, value: Any, with_: Any) -> tuple[dict[str, Any], dict[Any, Any]]:
    """The event, and the settings, of a row."""
    if with_.startswith("`CAPI_"):
        name, _, setting = with_.strip("`").partition("=")
        return event({path: value}), {name: setting}
    if with_:
        other, beside = re.findall(r"`([^`]+)`", with_)
        return event({path: value, other: json.loads(beside)}), {}
    return event({path: value}), {}


def test_every_hashed_key_has_its_table() -> None:
    shown = {param.values[0] for param in NORMALISED}
    assert shown | {"user.lastname"} == set(KEYS)  # a last name is read as a first name is


@pytest.mark.parametrize(("path", "value", "with_", "hashed"), NORMALISED)
def test_a_personal_value_is_hashed_as_the_page_says(path: Any, value: Any, with_: Any, hashed: Any) -> None:
    given, settings = given_with(path, value_in(value), with_)
    one = decided(given, **settings)
    if hashed.startswith("nothing, note "):
        assert notes(one, KEYS[path]) == {codes(hashed)[0]}
        assert KEYS[path] not in one.texts
    else:
        assert one.texts[KEYS[path]] == tuple(codes(hashed))


@pytest.mark.parametrize(("given", "expected"), table("`event_timestamp`", "`event_time`"))
def test_a_time_is_read_as_the_page_says(given: Any, expected: Any) -> None:
    one = decided(event(event_timestamp=value_in(given)))
    if expected.startswith("the time of the record"):
        assert payload(one)["event_time"] == NOW_MS // 1000
        assert notes(one, "event_time") == set(codes(expected))
    else:
        assert payload(one)["event_time"] == int(codes(expected)[0])
        assert notes(one, "event_time") == set()


@pytest.mark.parametrize(("path", "value", "expected"), table("property", "value", "sent as"))
def test_a_value_is_sent_as_it_is_as_the_page_says(path: Any, value: Any, expected: Any) -> None:
    one = decided(event({"event_timestamp": HOUR_S, codes(path)[0]: value_in(value)}), CAPI_MATCH_RULE="any")
    *key, last = codes(expected)
    if expected.startswith("nothing"):
        field = mapping_field(codes(path)[0])
        assert notes(one, field) == {last}
        assert field not in payload(one)["user_data"]
    else:
        assert payload(one)["user_data"][key[0]] == last


def mapping_field(path: Any) -> Any:
    return {"browser.ip": "client_ip_address"}.get(path, path)


@pytest.mark.parametrize(("amount", "currency", "expected"), table("`amount`", "`currency`", "`value`"))
def test_an_amount_is_read_as_the_page_says(amount: Any, currency: Any, expected: Any) -> None:
    one = decided(event(amount=value_in(amount), currency=codes(currency)[0]))
    if expected.startswith("nothing"):
        assert notes(one, "value") == {codes(expected)[0]}
        assert "value" not in payload(one)["custom_data"]
    else:
        assert payload(one)["custom_data"]["value"] == json.loads(codes(expected)[0])


@pytest.mark.parametrize(("url", "expected"), table("`url`", "`event_source_url`"))
def test_an_address_is_cleaned_as_the_page_says(url: Any, expected: Any) -> None:
    assert payload(decided(event(url=value_in(url))))["event_source_url"] == codes(expected)[0]


@pytest.mark.parametrize(
    ("categories", "setting", "is_sent"),
    table("`consent_categories`", "`CAPI_USER_CONSENT_CATEGORY`", "sent"),
)
def test_consent_is_read_as_the_page_says(categories: Any, setting: Any, is_sent: Any) -> None:
    one = decided(
        event(consent_categories=value_in(categories)),
        CAPI_USER_CONSENT_CATEGORY=codes(setting)[0] if setting else "",
    )
    ends = {"yes": None, "no": "no_consent"}
    assert getattr(one.decision, "reason", None) == ends[is_sent]


@pytest.mark.parametrize(
    ("keys", "by_all", "by_any_other", "by_any"), table("`user_data`", "`all`", "`any_other`", "`any`")
)
def test_the_rules_of_matching_decide_as_the_page_says(
    keys: Any, by_all: Any, by_any_other: Any, by_any: Any
) -> None:
    answers = {True: "yes", False: "no"}
    decided_so = [answers[decide.is_enough_to_match(codes(keys), rule)] for rule in MatchRule]
    assert decided_so == [by_all, by_any_other, by_any]


# Whole examples


def blocks(kind: Any) -> list[Any]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


EXAMPLES = list(
    zip(
        re.findall(r"^```(?:json|csv) event\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE),
        map(json.loads, blocks("json sent")),
        strict=True,
    )
)


@pytest.mark.parametrize(("given", "expected"), EXAMPLES, ids=["first", "csv", "overrides"])
def test_an_example_is_sent_as_the_page_says(tmp_path: Path, given: Any, expected: Any) -> None:
    file = tmp_path / ("events.json" if given.startswith("{") else "events.csv")
    file.write_text(given, encoding="utf-8")
    done = CliRunner().invoke(
        app, ["explain", "--json", "--now", NOW_TEXT, str(file)], env={"CAPI_DEFAULT_COUNTRY": "FR"}
    )
    answer = orjson.loads(done.stdout_bytes)
    assert answer["payload"] == expected


def test_explain_prints_what_the_page_shows(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(EXAMPLES[0][0], encoding="utf-8")
    done = CliRunner().invoke(
        app, ["explain", "--now", NOW_TEXT, str(file)], env={"CAPI_DEFAULT_COUNTRY": "FR"}
    )
    (shown,) = [block for block in blocks("text") if block.startswith("line 1")]
    assert done.stdout == shown
