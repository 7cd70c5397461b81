"""
`capi-consumer check`: is everything there that `run` needs?

    settings · Kafka (brokers, topics, rights, sizes, group) · Meta (token, pixel)

One line for each, with what to do where it is not well. Nothing is written, no
topic is made, no event is sent. What hangs on something that is missing is
left out; everything else is looked at all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import orjson
import typer

from consumer import exits, kafka
from consumer.cluster import Group, Unknown, describe_group
from consumer.exits import CannotGoOn
from consumer.load_settings import load_settings
from consumer.preflight import Finding, preflight
from consumer.probe import probe
from consumer.settings import Settings
from consumer.terminal import AsJson, SettingsFile, out

NO_SUCH_GROUP = "GROUP_ID_NOT_FOUND"


def check(as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """
    Look whether settings, Kafka and Meta are ready: one line each. Sends nothing.

    Exit code 1 when something is not well, 2 for mistakes in the settings.
    """
    settings = load_settings(file=settings_file, sends=True)
    findings = []
    for finding in look(settings):
        findings.append(finding)
        if not as_json:
            _print(finding)
    is_well = all(finding.ok is not False for finding in findings)
    if as_json:
        checks = [finding._asdict() for finding in findings]
        out.print(orjson.dumps({"ok": is_well, "checks": checks}).decode(), markup=False)
    raise typer.Exit(exits.OK if is_well else exits.NOT_ALL)


def look(settings: Settings) -> Iterator[Finding]:
    """Everything there is to find, as it is found."""
    yield Finding("settings", True, "well formed; they fit together")
    yield _consent(settings)
    yield from _kafka(settings)
    yield asyncio.run(probe(settings))


def _consent(settings: Settings) -> Finding:
    """Not a fault: sites that send only what was consented to leave it empty."""
    if settings.user_consent_category:
        return Finding(
            "consent", True, f"events without category {settings.user_consent_category} are not sent"
        )
    return Finding(
        "consent",
        None,
        "no category is set: every event is sent, whatever its consent",
        "name yours in CAPI_USER_CONSENT_CATEGORY, unless you publish only events with consent",
    )


def _kafka(settings: Settings) -> Iterator[Finding]:
    try:
        admin = kafka.admin_client(settings)
    except CannotGoOn as reason:
        yield Finding("Kafka", False, reason.says, reason.do)
        return
    findings = preflight(settings, admin)
    yield from findings
    if findings[0].ok:
        group = describe_group(admin, settings.group)
        yield group_state(f"group {settings.group}", group)


def group_state(name: str, group: Group | Unknown) -> Finding:
    """Who is in the group. A group that is new or empty is as well as any."""
    if isinstance(group, Unknown) and group.error != NO_SUCH_GROUP:
        return Finding(name, None, f"not known ({group.error})")
    if isinstance(group, Unknown):
        return Finding(name, True, "nobody has joined it yet")
    is_empty = not group.members
    return Finding(
        name, True, "nobody is in it now" if is_empty else f"{group.state}, members: {group.members}"
    )


def _print(finding: Finding) -> None:
    mark, style = _mark(finding)
    out.print(mark, style=style, end=" ")
    then = f"; {finding.do}" if finding.do else ""
    out.print(f"{finding.name}: {finding.says}{then}", markup=False)


def _mark(finding: Finding) -> tuple[str, str]:
    if finding.ok is None:
        return "!" if finding.do else "?", "yellow"
    good, bad = ("✓", "✗") if out.encoding.startswith("utf") else ("ok", "NOT OK")
    return (good, "green") if finding.ok else (bad, "red")
