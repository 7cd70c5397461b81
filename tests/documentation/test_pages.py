"""Every page: its links, commands, settings and metrics exist, its words are about this project."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.chart import minimal, rendered
from support.chart_commands import merged
from support.command_families import FAMILIES, unknown_in
from support.doc_pages import PAGES, ROOT, Page, anchors
from support.make_commands import IN_CI, PROGRAMS, TARGETS
from support.processes import COMMAND
from support.shell_blocks import commands

from consumer.config.loading import known_names
from consumer.observability import metrics

INDEX = "docs/README.md"
ALL = {path: Page(path) for path in PAGES}
# Inside the wheel, not in the repository.
ELSEWHERE = ("consumer/schemas",)
LINKS = [(path, link) for path, page in ALL.items() for link in page.links]
COMMANDS = [(path, words) for path, page in ALL.items() for words in page.commands]
FOLDERS = "benchmarks|consumer|docs|helm|requirements|schemas|tests"
NAMED = re.compile(rf"`((?:{FOLDERS})/(?:[\w.-]+/)*(?:[\w.-]+(?:::test_\w+)?)?)`")
FILES = [
    (path, file)
    for path, page in ALL.items()
    for file in sorted(set(NAMED.findall(page.prose)))
    if file not in ELSEWHERE
]
METRICS = [(path, name) for path, page in ALL.items() for name in page.metrics]
SETTINGS = [(path, name) for path, page in ALL.items() for name in page.settings]
# Marketing engineer and operator read these at once; the others are tables, or for who changes the code.
SHORT = (
    *("browser-pixel", "consent", "dead-letters", "delivery", "first-event", "glossary", "hashing"),
    *("kafka-security", "own-rules", "reasons", "settings"),
)
LINES_MAX = 250


def test_there_are_pages_with_links_commands_and_metrics() -> None:
    assert len(PAGES) >= 18
    assert len(LINKS) >= 150
    assert len(COMMANDS) >= 90
    assert len(METRICS) >= 30


@pytest.mark.parametrize(("path", "link"), [pair for pair in LINKS if "://" not in pair[1]])
def test_each_link_leads_somewhere(path: Any, link: Any) -> None:
    assert ALL[path].leads_somewhere(link)


@pytest.mark.parametrize("path", PAGES)
def test_no_heading_of_a_page_stands_there_twice(path: Any) -> None:
    twice = {anchor for anchor, times in Counter(anchors(ALL[path].text)).items() if times > 1}
    assert twice == set()


@pytest.mark.parametrize("path", [path for path in PAGES if path.startswith("docs/") and path != INDEX])
def test_the_index_leads_to_each_page(path: Any) -> None:
    assert path.removeprefix("docs/") in ALL[INDEX].links


@pytest.mark.parametrize(
    ("path", "words"), COMMANDS, ids=lambda part: part if isinstance(part, str) else " ".join(part)
)
def test_each_command_exists_with_its_options(path: Any, words: Any) -> None:
    assert unknown_in(words) == []


RUN = sorted({test for family in FAMILIES.values() for test in family.tests})


@pytest.mark.parametrize("test", RUN)
def test_what_runs_a_command_is_there(test: Any) -> None:
    file, _, name = test.partition("::")
    assert (ROOT / file).exists()
    assert not name or f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_these_are_read_and_not_run() -> None:
    programs = {program for program, family in FAMILIES.items() if not family.tests}
    assert programs == {"asyncapi", "kafka-consumer-groups.sh", "kubectl"}
    targets = {target for target, tests in TARGETS.items() if not tests}
    assert targets == {"bench-plot", "lock", "mutants", "page"}
    assert {name for name, tests in PROGRAMS.items() if not tests} == {
        "benchmarks.fields",
        "benchmarks/memory.py",
    }


def test_continuous_integration_makes_what_contributors_make() -> None:
    assert re.search(r"^exec .* make check$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"^check: ([^#\n]*)#.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found is not None
    (needs, recipe) = found.groups()
    assert {"check", *needs.split(), *re.findall(r"\$\(MAKE\).* (\w+)$", recipe, re.MULTILINE)} == set(IN_CI)


def test_the_schema_takes_an_event_as_shown(tmp_path: Path) -> None:
    (call, _) = commands(Page("schemas/README.md").blocks("sh")[0])
    golden = ROOT / "tests" / "mapping" / "golden" / "purchase.event.json"
    (tmp_path / "event.json").write_bytes(golden.read_bytes())
    words = [str(tmp_path / word) if word == "event.json" else word for word in call]
    done = subprocess.run(
        [COMMAND.parent / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n"), done.stderr


@pytest.mark.chart
@pytest.mark.parametrize("path", ["docs/operations.md", "helm/capi-consumer/README.md"])
def test_the_chart_takes_the_values_of_the_page(path: str) -> None:
    for shown in ALL[path].blocks("yaml"):
        assert rendered(merged(minimal(), yaml.safe_load(shown)))


@pytest.mark.parametrize(("path", "file"), FILES)
def test_each_file_that_is_named_is_there_with_its_test(path: Any, file: Any) -> None:
    name, _, test = file.partition("::")
    assert (ROOT / name).exists()
    assert not test or f"def {test}(" in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "name"), SETTINGS)
def test_each_setting_exists(path: Any, name: Any) -> None:
    assert name in known_names()


@pytest.mark.parametrize(("path", "name"), METRICS)
def test_each_metric_exists(path: Any, name: Any) -> None:
    assert name in {metric.prometheus_name for metric in metrics.REGISTER}


@pytest.mark.parametrize("name", SHORT)
def test_a_page_that_is_read_at_once_is_short(name: Any) -> None:
    assert len(ALL[f"docs/{name}.md"].text.splitlines()) <= LINES_MAX


@pytest.mark.parametrize("path", PAGES)
def test_a_command_stands_in_no_block_that_is_not_looked_at(path: Any) -> None:
    others = "\n".join(body for info, body in ALL[path].all_blocks if not info.startswith("sh"))
    assert re.findall(r"^(?:\$ *)?(?:capi-consumer|make|kubectl|helm|docker) .*", others, re.MULTILINE) == []


# How commands are read


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ("capi-consumer run  # until stopped\n", [("capi-consumer", "run")]),
        ("a | b --x && c; d\n", [("a",), ("b", "--x"), ("c",), ("d",)]),
        ("a --x \\\n  --y\n", [("a", "--x", "--y")]),
        ("a < in > out\n", [("a",)]),
        ("cat > f <<END\n{not: a, command}\nEND\nb\n", [("cat",), ("b",)]),
        (
            "for p in $(kubectl get pods); do kubectl exec $p; done\n",
            [("for", "p", "in", "$"), ("kubectl", "get", "pods"), ("kubectl", "exec", "$p"), ("done",)],
        ),
        ("a 'b c | d'\n", [("a", "b c | d")]),
    ],
)
def test_a_block_is_its_simple_commands(block: str, found: Any) -> None:
    assert commands(block) == found


@pytest.mark.parametrize(
    "line",
    [
        "capi-consumer runn",
        "capi-consumer run --releasebrake",
        "capi-consumer replay --rate fast",
        "capi-consumer dead-letters lists",
        "capi-consumer check now",
        "CAPI_MATCHRULE=any capi-consumer run",
        "export CAPI_PIXELID=1",
        "env -u CAPI_NOTHING capi-consumer check",
        "kubectl exec deploy/shop-capi-consumer -- capi-consumer cheque",
        "kubectl exec deploy/shop -- capi-consumer check",
        "kubectl logs job/shop-capi-consumer-reply-1f3a9c02 -f",
        "kubectl logs deploy/shop-capi-consumer --tial 50",
        "kubectl get pods -l app.kubernetes.io/instance=shop,app.kubernetes.io/component=ran",
        "kubectl port-forward deploy/shop-capi-consumer 9091",
        "kubectl create secret generic meta --from-file=token=./token.txt",
        "kubectl run rewind --image=apache/kafka:1.0.0 -- kafka-consumer-groups.sh --describe",
        "kubectl destroy deploy/shop-capi-consumer",
        "make everything",
        "make faults ONLY=F99",
        "make bench ONLY=engine",
        "make bench HALF=1",
        "helm install shop ./helm/other",
        "helm upgrade shop ./helm/capi-consumer --set replay.nothing=1",
        "helm upgrade shop ./helm/capi-consumer --reuse",
        "helm install shop ./helm/capi-consumer --set replay.dryRun=perhaps",
        "helm uninstal shop",
        "docker brew .",
        "docker build -t capi-consumer:0.0.1 .",
        "docker compose up --scale consumers=3",
        "docker compose down",
        "kafka-consumer-groups.sh --rewind",
        ".venv/bin/python -m pytest tests/test_nothing.py",
        "python -m benchmarks.nothing",
        "python benchmarks/nothing.py",
        ".venv/bin/nothing",
        "pip install capi-consumer",
        "sh -c 'capi-consumer runn'",
        "something else",
    ],
)
def test_what_does_not_exist_is_found(line: str) -> None:
    assert [what for words in commands(line) for what in unknown_in(words)] != []
