"""The pages that `make docs` writes are as the code says, and say something about all of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.doc_pages import ROOT, Page

from consumer import messages
from consumer.config.loading import known_names, load_settings
from consumer.domain.decision import FILTERED_REASONS, Reason, WarningCode
from consumer.domain.state import State
from consumer.mapping import event, event_fields
from consumer.meta import error_codes
from consumer.meta.response import ResponseOutcome
from consumer.observability import metrics

METRICS, REASONS, SETTINGS = (Page(f"docs/{name}.md") for name in ("metrics", "reasons", "settings"))
ALERTS = yaml.safe_load((ROOT / "helm/capi-consumer/files/alerts.yaml").read_text(encoding="utf-8"))
DAY_S = 86_400


def rows(page: Any, section: Any) -> list[Any]:
    """The cells of the table below a heading."""
    below = page.text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def words(page: Any, section: Any) -> list[Any]:
    return [row[0].strip("`") for row in rows(page, section)]


def test_they_are_as_they_would_be_written() -> None:
    checked = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr


def test_each_metric_has_one_row() -> None:
    named = [line.split("`")[1] for line in METRICS.text.splitlines() if line.startswith("| `")]
    assert sorted(named) == sorted(metric.name for metric in metrics.REGISTER)


def test_each_alert_stands_beside_a_metric_of_its_expression() -> None:
    for rule in (rule for group in ALERTS["groups"] for rule in group["rules"]):
        link = f"[{rule['alert'].removeprefix('CapiConsumer')}]({rule['annotations']['runbook'][5:]})"
        beside = [line.split("`")[3] for line in METRICS.text.splitlines() if link in line]
        of_ours = set(re.findall(r"\b(?:capi|messaging)_[a-z_]+", rule["expr"]))
        assert set(beside) == of_ours, rule["alert"]


def test_each_reason_stands_once_where_it_ends() -> None:
    assert words(REASONS, "Filtered") == [word for word in Reason if word in FILTERED_REASONS]
    assert words(REASONS, "Dead letters") == [word for word in Reason if word not in FILTERED_REASONS]


def test_each_note_state_and_verdict_stands_once() -> None:
    assert words(REASONS, "Notes") == list(WarningCode)
    assert words(REASONS, "States") == list(State)
    assert words(REASONS, "What an answer of Meta means") == list(ResponseOutcome)


def test_each_code_with_a_sentence_has_something_to_do() -> None:
    assert set(messages.CODES) == set(error_codes.SENTENCES)
    shown = words(REASONS, "Meta's codes")
    assert len(shown) == len(set(shown)) == len(error_codes.SENTENCES) + len(error_codes.CODE_RANGES)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("190", "misconfigured"),
        ("100/33", "misconfigured"),
        ("100", "rejected"),
        ("100/2804009", "rejected"),
        ("80000-80014", "throttled"),
        ("368", "blocked"),
        ("2", "transient"),
    ],
)
def test_a_code_has_the_verdict_that_run_gives_it(code: str, verdict: str) -> None:
    (row,) = [row for row in rows(REASONS, "Meta's codes") if row[0] == code]
    assert row[1] == f"`{verdict}`"


@pytest.mark.parametrize(
    "advice_",
    [
        *messages.REASONS.values(),
        *messages.WARNINGS.values(),
        *messages.STATES.values(),
        *messages.VERDICTS.values(),
    ],
)
def test_advice_is_whole_sentences(advice_: Any) -> None:
    for text in advice_:
        assert re.search(r"[.?]$", text), text


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        ("Older than {} days,", event_fields.AGE_S_MAX / DAY_S),
        ("days, {} for `physical_store`", event_fields.AGE_IN_STORE_S_MAX / DAY_S),
        ("Nested more than {} levels deep", event.DEPTH_MAX),
    ],
)
def test_numbers_in_advice_are_those_of_the_code(sentence: str, number: Any) -> None:
    assert REASONS.text.count(sentence.format(int(number))) == 1


@pytest.mark.parametrize("name", sorted({*REASONS.settings, *METRICS.settings}))
def test_each_setting_that_is_named_exists(name: Any) -> None:
    assert name in known_names()


def test_each_setting_has_one_row() -> None:
    named = re.findall(r"^\| `(CAPI_[A-Z_]+)` \|", SETTINGS.text, re.MULTILINE)
    assert sorted(named) == sorted(known_names())


def test_the_settings_file_that_is_shown_is_taken(tmp_path: Path) -> None:
    (shown,) = SETTINGS.blocks("toml")
    file = tmp_path / "settings.toml"
    file.write_text(shown, encoding="utf-8")
    taken = load_settings(file=file)
    assert (taken.pixel_id, taken.default_country) == ("1234567890", "fr")
    assert taken.event_names == {"sign_up": "CompleteRegistration"}
    assert taken.kafka_properties == {"client.rack": "eu-west-1a"}
