"""
Is Kafka ready for us? What is looked at before the first record is read.

    brokers      answer
    topics       exist: nothing is created by reading or writing
    rights       to read the events as the group, to write dead letters
    size         the dead-letter topic takes what the events topics take

Each is a finding: what is so, and for one that is not well, what to do. A
broker that knows no such question says nothing of rights, and one that may not
be asked says nothing of sizes: what is not known is no reason to refuse.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from consumer.config.settings import Settings
from consumer.console import pluralize
from consumer.errors import CommandError
from consumer.kafka.admin import (
    CLEANUP_POLICY,
    MAX_MESSAGE_BYTES,
    Allowed,
    Cluster,
    Configs,
    Group,
    QueryFailed,
    describe_group,
    list_cluster,
    topic_configs,
    topic_rights,
)
from consumer.kafka.clients import KafkaAdminClient

ALL = "ALL"


class CheckResult(NamedTuple):
    """
    One thing looked at: its name, whether it is well, what is so, and what to do if not.

    `ok` None: not known; with something to do, a warning.
    """

    name: str
    ok: bool | None
    message: str
    remedy: str = ""


def preflight(settings: Settings, admin: KafkaAdminClient) -> list[CheckResult]:
    """What Kafka looks like to `run`. Where no broker answers, that is the only finding."""
    try:
        cluster = list_cluster(admin, settings)
    except CommandError as reason:
        return [CheckResult("brokers", False, reason.says, reason.do)]
    findings = [CheckResult("brokers", True, f"{cluster.brokers} at {settings.bootstrap_servers}")]
    findings += [*topic_findings(settings, cluster), parking_finding(settings, cluster)]
    group = describe_group(admin, settings.group_id)
    findings.append(group_right(settings.group_id, group))
    # Brokers that know no such request (the mock cluster) would let the next ones time out.
    if not (isinstance(group, QueryFailed) and group.is_unsupported):
        findings += _described_findings(settings, admin, cluster)
    return findings


def refuse_unless_ready(findings: Iterable[CheckResult]) -> None:
    """Raise CannotGoOn with one line for each finding that is not well."""
    failed = [
        f"{finding.name}: {finding.message}; {finding.remedy}" for finding in findings if finding.ok is False
    ]
    if failed:
        raise CommandError("\n".join(failed))


def topic_findings(settings: Settings, cluster: Cluster) -> list[CheckResult]:
    """One finding for each topic of the settings: does it exist?"""
    named = [("CAPI_TOPICS", topic) for topic in settings.topics]
    named.append(("CAPI_DEAD_LETTER_TOPIC", settings.dead_letter_topic))
    return [_topic(setting, topic, cluster) for setting, topic in named]


def parking_finding(settings: Settings, cluster: Cluster) -> CheckResult:
    """The parking topic, which nobody needs before a letter has come back too often."""
    finding = _topic("CAPI_PARKING_TOPIC", settings.parking_topic, cluster)
    if finding.ok:
        return finding
    return finding._replace(ok=None, message=f"{finding.message}: `replay` will need it to park letters")


def _topic(setting: str, name: str, cluster: Cluster) -> CheckResult:
    found = cluster.topics.get(name)
    if found is None:
        return CheckResult(
            f"topic {name}",
            False,
            "does not exist, or may not be seen",
            f"`capi-consumer topics create` makes it, or {setting} names another",
        )
    says = f"{pluralize(found.partitions, 'partition')}, {pluralize(found.replicas, 'replica')}"
    return CheckResult(f"topic {name}", True, says)


def _described_findings(settings: Settings, admin: KafkaAdminClient, cluster: Cluster) -> list[CheckResult]:
    there = [name for name in (*settings.topics, settings.dead_letter_topic) if name in cluster.topics]
    rights = topic_rights(admin, there)
    findings = [_right(f"topic {name}", "READ", rights[name]) for name in settings.topics if name in rights]
    if settings.dead_letter_topic in rights:
        name = settings.dead_letter_topic
        findings.append(_right(f"topic {name}", "WRITE", rights[name]))
    configs = topic_configs(admin, there)
    return findings + size_findings(settings, configs) + compaction_findings(settings, configs)


def _right(resource: str, operation: str, allowed: Allowed | QueryFailed) -> CheckResult:
    """Whether an operation is allowed; where the brokers do not say, it is taken for allowed."""
    name = f"right to {operation.lower()} {resource}"
    if isinstance(allowed, QueryFailed) and not allowed.is_refusal:
        return CheckResult(name, None, allowed.message)
    if isinstance(allowed, QueryFailed) or (allowed and operation not in allowed and ALL not in allowed):
        do = f"give the user of CAPI_KAFKA_PROPERTIES the right {operation} on {resource}"
        return CheckResult(name, False, "the brokers refuse it", do)
    return CheckResult(name, True, "given" if allowed else "given (the brokers check no rights)")


def group_right(name: str, group: Group | QueryFailed) -> CheckResult:
    """Whether we may read as the group. A group that does not exist yet says nothing."""
    return _right(f"group {name}", "READ", group if isinstance(group, QueryFailed) else group.allowed)


def size_findings(settings: Settings, configs: dict[str, Configs | QueryFailed]) -> list[CheckResult]:
    """Whether the dead-letter topic takes every record that the events topics take."""
    sizes = {name: _bytes_max(config) for name, config in configs.items()}
    letters = sizes.get(settings.dead_letter_topic)
    events = max((sizes[topic] or 0 for topic in settings.topics if topic in sizes), default=0)
    name = "size of dead letters"
    if not letters or not events:
        return [
            CheckResult(name, None, "not known (no right to read the topics' configuration, or no topic)")
        ]
    if letters < events:
        do = f"raise {MAX_MESSAGE_BYTES} of {settings.dead_letter_topic} to {events} or more"
        return [CheckResult(name, False, f"at most {letters} bytes, while events have up to {events}", do)]
    return [CheckResult(name, True, f"up to {letters} bytes; events have up to {events}")]


def compaction_findings(settings: Settings, configs: dict[str, Configs | QueryFailed]) -> list[CheckResult]:
    """A compacted topic takes no letter without a key, and keeps one of those that share theirs."""
    config = configs.get(settings.dead_letter_topic)
    if config is None or isinstance(config, QueryFailed) or "compact" not in config.get(CLEANUP_POLICY, ""):
        return []
    do = f"set {CLEANUP_POLICY} of {settings.dead_letter_topic} to delete"
    return [CheckResult("dead letters are kept", False, "the dead-letter topic is compacted", do)]


def _bytes_max(config: Configs | QueryFailed) -> int | None:
    if isinstance(config, QueryFailed):
        return None
    written = config.get(MAX_MESSAGE_BYTES, "")
    return int(written) if written.isascii() and written.isdigit() else None
