"""
`capi-consumer check`: is everything there that `run` needs?

    settings · Kafka (brokers, topics, rights, sizes, group) · Meta (token, pixel, clock)

One line for each, with what to do where it is not well:

    ✓ green: well      ! yellow: look at it      ✗ red: not well      ? not known

Nothing is written, no topic is made, and no event is sent, but for the one that
`--send-test-event` asks for. What hangs on something that is missing is
left out; everything else is looked at all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import typer

from consumer import errors
from consumer.config.loading import load_settings
from consumer.config.settings import Settings
from consumer.console import out
from consumer.diagnostics.meta_probe import probe
from consumer.diagnostics.preflight import CheckResult, preflight
from consumer.errors import CommandError, UsageError
from consumer.kafka import clients
from consumer.kafka.admin import Group, QueryFailed, describe_group

# By the word that JSON has: the sign, what stands for it where there is no UTF-8, and its colour.
SIGNS = {
    "ok": ("✓", "ok", "green"),
    "warning": ("!", "!", "yellow"),
    "failed": ("✗", "NOT OK", "red"),
    "unknown": ("?", "?", "yellow"),
}
NO_SUCH_GROUP = "GROUP_ID_NOT_FOUND"


def check(settings_file: Path | None, *, send_test_event: bool, test_event_code: str, as_json: bool) -> None:
    """Look, and show each finding as it is found. Exits with 1 where something is not well."""
    settings = load_settings(file=settings_file, sends=True)
    code = _code(settings, test_event_code, is_asked_for=send_test_event)
    findings = []
    for finding in look(settings, code):
        findings.append(finding)
        if not as_json:
            _print(finding)
    is_well = all(finding.ok is not False for finding in findings)
    if as_json:
        checks = [{**finding._asdict(), "state": _state(finding)} for finding in findings]
        out.print(orjson.dumps({"ok": is_well, "checks": checks}).decode(), markup=False)
    raise typer.Exit(errors.EXIT_OK if is_well else errors.EXIT_PARTIAL)


def _code(settings: Settings, given: str, *, is_asked_for: bool) -> str:
    """The test event code where a test event is asked for, else none."""
    if given and not is_asked_for:
        raise UsageError("--test-event-code sends nothing by itself", "say --send-test-event too")
    code = (given or settings.test_event_code).strip() if is_asked_for else ""
    if is_asked_for and not code:
        raise UsageError(
            "--send-test-event needs a test event code",
            "Events Manager shows it under Test events, for --test-event-code or CAPI_TEST_EVENT_CODE",
        )
    return code


def look(settings: Settings, test_event_code: str = "") -> Iterator[CheckResult]:
    """Everything there is to find, as it is found; with a code, what becomes of a test event."""
    yield CheckResult("settings", True, "well formed; they fit together")
    yield _consent(settings)
    yield from _kafka(settings)
    yield from asyncio.run(probe(settings, test_event_code))


def _consent(settings: Settings) -> CheckResult:
    """Not a fault: sites that send only what was consented to leave it empty."""
    if settings.user_consent_category:
        return CheckResult(
            "consent", True, f"events without category {settings.user_consent_category} are not sent"
        )
    return CheckResult(
        "consent",
        None,
        "no category is set: every event is sent, whatever its consent",
        "name yours in CAPI_USER_CONSENT_CATEGORY, unless you publish only events with consent",
    )


def _kafka(settings: Settings) -> Iterator[CheckResult]:
    try:
        admin = clients.admin_client(settings)
    except CommandError as reason:
        yield CheckResult("Kafka", False, reason.says, reason.do)
        return
    findings = preflight(settings, admin)
    yield from findings
    if findings[0].ok:
        group = describe_group(admin, settings.group_id)
        yield group_state(f"group {settings.group_id}", group)


def group_state(name: str, group: Group | QueryFailed) -> CheckResult:
    """Who is in the group. A group that is new or empty is as well as any."""
    if isinstance(group, QueryFailed) and group.error != NO_SUCH_GROUP:
        return CheckResult(name, None, group.message)
    if isinstance(group, QueryFailed):
        return CheckResult(name, True, "nobody has joined it yet")
    is_empty = not group.members
    return CheckResult(
        name, True, "nobody is in it now" if is_empty else f"{group.state}, members: {group.members}"
    )


def _print(finding: CheckResult) -> None:
    mark, style = _mark(finding)
    out.print(mark, style=style, end=" ")
    then = f"; {finding.remedy}" if finding.remedy else ""
    out.print(f"{finding.name}: {finding.message}{then}", markup=False)


def _mark(finding: CheckResult) -> tuple[str, str]:
    """The sign, and its colour on a terminal."""
    sign, plain, colour = SIGNS[_state(finding)]
    return sign if out.encoding.startswith("utf") else plain, colour


def _state(finding: CheckResult) -> str:
    """One of SIGNS."""
    if finding.ok is None:
        return "warning" if finding.remedy else "unknown"
    return "ok" if finding.ok else "failed"
