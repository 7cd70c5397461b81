"""All mistakes of environment and file at once, by name, with the nearest name, and never a value."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from consumer.config.loading import known_names, load_settings, read_token, unknown_names
from consumer.config.settings import Settings
from consumer.errors import EXIT_USAGE, SettingsError

CANARY = "canary-4711"
DIGITS = "digits only, as Events Manager shows it"
NO_PIXEL = "CAPI_PIXEL_ID: missing; Events Manager shows it under the pixel's name"
MADE_WHERE = "Events Manager makes the token under Settings, Conversions API"
NO_TOKEN = f"CAPI_ACCESS_TOKEN or CAPI_ACCESS_TOKEN_FILE: missing; {MADE_WHERE}"
ABSENT = "cannot be read: No such file or directory"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets variables, in an environment without any of ours."""
    for name in os.environ:
        if name.upper().startswith("CAPI_"):
            monkeypatch.delenv(name)

    def put(**variables: Any) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return put


def mistakes(**how: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings(**how)
    assert str(refused.value) == "\n".join(refused.value.problems)
    assert refused.value.exit_code == EXIT_USAGE
    return refused.value.problems


def written(path: Any, text: Any) -> Any:
    path.write_text(text, encoding="utf-8")
    return path


# Where a setting comes from


def test_without_anything_the_defaults_hold(environment: Any) -> None:
    assert load_settings().model_dump() == Settings().model_dump()


def test_the_environment_wins_over_the_file_which_wins_over_the_default(
    environment: Any, tmp_path: Path
) -> None:
    file = written(
        tmp_path / "s.toml",
        'group_id = "of the file"\nlinger_ms = 7\n[kafka_properties]\n"client.rack" = "a"\n',
    )
    environment(CAPI_GROUP_ID="of the environment", CAPI_SETTINGS_FILE=file)
    settings = load_settings()
    assert (settings.group_id, settings.linger_ms, settings.kafka_properties) == (
        "of the environment",
        7,
        {"client.rack": "a"},
    )
    assert settings.batch_events_max == 1000


def test_a_file_that_is_named_in_the_call_wins_over_the_variable(environment: Any, tmp_path: Path) -> None:
    environment(CAPI_SETTINGS_FILE=tmp_path / "absent.toml")
    assert load_settings(file=written(tmp_path / "s.toml", "linger_ms = 9")).linger_ms == 9


def test_an_empty_name_of_a_file_names_none(environment: Any) -> None:
    environment(CAPI_SETTINGS_FILE="")
    assert load_settings().model_dump() == Settings().model_dump()


def test_a_file_takes_toml_s_own_lists_and_tables(environment: Any, tmp_path: Path) -> None:
    text = 'topics = ["a", "b"]\ndata_processing_options = []\n[event_names]\nquote = "Lead"\n'
    settings = load_settings(file=written(tmp_path / "s.toml", text))
    assert settings.topics == ("a", "b")
    assert settings.data_processing_options == ()
    assert settings.event_names == {"quote": "Lead"}


# Mistakes


def test_every_mistake_is_reported_at_once(environment: Any, tmp_path: Path) -> None:
    file = written(tmp_path / "s.toml", f'match_rule = "{CANARY}"\npixel = "{CANARY}"\n')
    environment(
        CAPI_SETTINGS_FILE=file,
        CAPI_PIXL_ID=CANARY,
        CAPI_GRAPH_VERSION=CANARY,
        CAPI_LINGER_MS=CANARY,
        CAPI_DEAD_LETTER_TOPIC="capi.events",
        CAPI_GRAPH_URL=f"http://{CANARY}.example.com",
        CAPI_KAFKA_PROPERTIES_FILE=tmp_path / "kafka.json",
        CAPI_CA_FILE=tmp_path / "ca.pem",
    )
    found = mistakes(sends=True)
    assert sorted(found) == [
        NO_TOKEN,
        f"CAPI_CA_FILE: {tmp_path}/ca.pem {ABSENT}",
        "CAPI_DEAD_LETTER_TOPIC is one of CAPI_TOPICS: dead letters would be read as events",
        "CAPI_GRAPH_URL is plain http, which shows the token; CAPI_ALLOW_PLAIN_HTTP=true allows it",
        "CAPI_GRAPH_VERSION: a version such as v26.0",
        f"CAPI_KAFKA_PROPERTIES_FILE: {tmp_path}/kafka.json {ABSENT}",
        "CAPI_LINGER_MS: Input should be a valid integer, unable to parse string as an integer",
        "CAPI_MATCH_RULE: Input should be 'all', 'any_other' or 'any'",
        NO_PIXEL,
        "CAPI_PIXL_ID: no such setting; did you mean CAPI_PIXEL_ID?",
        "CAPI_SETTINGS_FILE: no setting 'pixel'; did you mean pixel_id?",
    ]
    assert CANARY not in "\n".join(found)


ONE_EACH = [
    ({"CAPI_PIXEL_ID": CANARY}, f"CAPI_PIXEL_ID: {DIGITS}"),
    ({"CAPI_EVENT_NAMES": f'{{"{CANARY}":1}}'}, "CAPI_EVENT_NAMES: Input should be a valid string"),
    (
        {"CAPI_KAFKA_PROPERTIES": f'{{"sasl.password":"{CANARY}"'},
        "CAPI_KAFKA_PROPERTIES: a JSON object is expected, and this is not JSON",
    ),
    (
        {"CAPI_KAFKA_PROPERTIES": '{"acks":0}'},
        "CAPI_KAFKA_PROPERTIES: acks cannot be set:"
        " a dead letter counts only when every in-sync replica has it",
    ),
    (
        {"CAPI_KAFKA_PROPERTIES": '{"test.mock.num.brokers":1}'},
        "CAPI_KAFKA_PROPERTIES: test.mock properties are not for use",
    ),
    ({"CAPI_GZIP": CANARY}, "CAPI_GZIP: Input should be a valid boolean, unable to interpret input"),
    (
        {"CAPI_PROXY": f"socks5://user:{CANARY}@host"},
        "CAPI_PROXY: an http(s) address such as http://proxy.example.com:3128",
    ),
    (
        {"CAPI_GRAPH_URL": f"https://{CANARY}℀x/"},
        "CAPI_GRAPH_URL: an http(s) address such as https://graph.facebook.com",
    ),
    ({"CAPI_LINGER_MS": "600001"}, "CAPI_LINGER_MS: Input should be less than or equal to 600000"),
]


@pytest.mark.parametrize(("variables", "says"), ONE_EACH)
def test_a_malformed_variable_is_one_line_without_its_value(
    environment: Any, variables: Any, says: Any
) -> None:
    environment(**variables)
    assert mistakes() == [says]


def test_an_unknown_name_in_the_file_does_not_hide_another_mistake(environment: Any, tmp_path: Path) -> None:
    file = written(tmp_path / "s.toml", 'lingerms = 1\ndead_letter_topic = "capi.events"')
    assert mistakes(file=file) == [
        "--settings: no setting 'lingerms'; did you mean linger_ms?",
        "CAPI_DEAD_LETTER_TOPIC is one of CAPI_TOPICS: dead letters would be read as events",
    ]


UNREADABLE = [
    (None, ABSENT),
    (f"linger_ms = 1\n{CANARY} = x\n".encode(), "is not TOML (line 2, column 15)"),
    (f"{CANARY} = 1\n{CANARY} = 2\n".encode(), "is not TOML (line 2, column 16)"),
    (f'{CANARY} = """'.encode(), "is not TOML (end of document)"),
    (b"\xff\xfe", "is not TOML"),
]


@pytest.mark.parametrize(("content", "says"), UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_line(
    environment: Any, tmp_path: Path, content: Any, says: Any
) -> None:
    file = tmp_path / "s.toml"
    if content is not None:
        file.write_bytes(content)
    assert mistakes(file=file) == [f"--settings: {file} {says}"]
    environment(CAPI_SETTINGS_FILE=file)
    assert mistakes() == [f"CAPI_SETTINGS_FILE: {file} {says}"]


DIRECTORY = "cannot be read: Is a directory"


def test_a_directory_is_no_file(environment: Any, tmp_path: Path) -> None:
    assert mistakes(file=tmp_path) == [f"--settings: {tmp_path} {DIRECTORY}"]
    environment(
        CAPI_PIXEL_ID="1",
        CAPI_KAFKA_PROPERTIES_FILE=tmp_path,
        CAPI_CA_FILE=tmp_path,
        CAPI_ACCESS_TOKEN_FILE=tmp_path,
    )
    assert mistakes(sends=True) == [
        f"{name}: {tmp_path} {DIRECTORY}"
        for name in ("CAPI_CA_FILE", "CAPI_KAFKA_PROPERTIES_FILE", "CAPI_ACCESS_TOKEN_FILE")
    ]


# Names


UNKNOWN = [
    ("CAPI_PIXELID", "CAPI_PIXELID: no such setting; did you mean CAPI_PIXEL_ID?"),
    ("CAPI_TOPIC", "CAPI_TOPIC: no such setting; did you mean CAPI_TOPICS?"),
    ("CAPI_SETTING_FILE", "CAPI_SETTING_FILE: no such setting; did you mean CAPI_SETTINGS_FILE?"),
    ("CAPI_ZZZZZZZZZZZZ", "CAPI_ZZZZZZZZZZZZ: no such setting"),
]


@pytest.mark.parametrize(("name", "says"), UNKNOWN)
def test_an_unknown_variable_is_a_mistake_with_the_nearest_that_exists(name: Any, says: Any) -> None:
    assert unknown_names([name]) == [says]


INJECTED = [
    "CAPI_SERVICE_HOST", "CAPI_SERVICE_PORT", "CAPI_SERVICE_PORT_HEALTH", "CAPI_PORT",
    "CAPI_PORT_9090_TCP", "CAPI_PORT_9090_TCP_PROTO", "CAPI_PORT_9090_TCP_PORT", "CAPI_PORT_9090_TCP_ADDR",
    "CAPI_CONSUMER_SERVICE_HOST", "CAPI_CONSUMER_SERVICE_PORT", "CAPI_CONSUMER_PORT",
    "CAPI_CONSUMER_PORT_9090_TCP_ADDR", "CAPI_X_SERVICE_PORT_HTTP_METRICS", "CAPI_X_PORT_53_UDP",
]  # fmt: skip


@pytest.mark.parametrize("name", INJECTED)
def test_what_kubernetes_injects_for_a_service_is_let_pass(name: Any) -> None:
    assert unknown_names([name]) == []


def test_variables_of_others_are_let_pass() -> None:
    assert unknown_names(["PATH", "CAPITAL", "capi_x", "KAFKA_CAPI_X"]) == []


def test_every_setting_has_a_variable_and_none_looks_injected() -> None:
    assert len(known_names()) == len(Settings.model_fields) + 1
    assert unknown_names(known_names()) == []
    assert not [name for name in known_names() if re.search(r"_(HOST|PORT)\b|_PORT_", name)]


# What sending needs


def test_sending_needs_a_pixel_and_a_token(environment: Any) -> None:
    assert mistakes(sends=True) == [NO_PIXEL, NO_TOKEN]
    environment(CAPI_PIXEL_ID="1", CAPI_ACCESS_TOKEN="token")
    assert load_settings(sends=True).pixel_id == "1"


def test_what_is_malformed_is_not_missing_too(environment: Any) -> None:
    environment(CAPI_PIXEL_ID="x", CAPI_ACCESS_TOKEN="token")
    assert mistakes(sends=True) == [f"CAPI_PIXEL_ID: {DIGITS}"]


def test_a_command_that_does_not_send_needs_neither(environment: Any) -> None:
    assert load_settings(sends=False).pixel_id == ""


def test_two_tokens_are_one_too_many(environment: Any, tmp_path: Path) -> None:
    environment(
        CAPI_PIXEL_ID="1",
        CAPI_ACCESS_TOKEN=CANARY,
        CAPI_ACCESS_TOKEN_FILE=written(tmp_path / "token", "another"),
    )
    assert mistakes(sends=True) == ["CAPI_ACCESS_TOKEN and CAPI_ACCESS_TOKEN_FILE: set one of them, not both"]


TOKENS = [
    (b"EAAB4711", "EAAB4711"),
    (b"  EAAB4711\r\n\n", "EAAB4711"),
]
NO_TOKENS = [
    (None, f"FILE {ABSENT}"),
    (b"\xff\xfe", "FILE is not text in UTF-8"),
    (b"", f"FILE is empty; {MADE_WHERE}"),
    (b" \n\t", f"FILE is empty; {MADE_WHERE}"),
    *(
        (content, "holds characters that no token has")
        for content in (
            b"canary 4711", b"canary\n4711", b"canary\x004711", "canary\u00e9".encode(),
            b"\xef\xbb\xbfcanary", b"canary\t4711", b"canary\r\nX-Header: 4711",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "token"), TOKENS)
def test_a_token_file_is_read_without_the_space_around(tmp_path: Path, content: Any, token: Any) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    assert read_token(Settings(access_token_file=file)) == token


@pytest.mark.parametrize(("content", "says"), NO_TOKENS)
def test_a_token_file_that_cannot_be_used_is_one_line_without_the_token(
    environment: Any, tmp_path: Path, content: Any, says: Any
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    environment(CAPI_PIXEL_ID="1", CAPI_ACCESS_TOKEN_FILE=file)
    assert mistakes(sends=True) == [f"CAPI_ACCESS_TOKEN_FILE: {says.replace('FILE', str(file))}"]


# Files that a setting names


PROPERTY_FILES = [
    (b'{"sasl.password": "canary"', "CAPI_KAFKA_PROPERTIES_FILE: the file is not JSON"),
    (b"\xff", "CAPI_KAFKA_PROPERTIES_FILE: the file is not JSON"),
    (b'["canary"]', "CAPI_KAFKA_PROPERTIES_FILE: the file holds no JSON object"),
    (
        b'{"sasl.password": ["canary"]}',
        "CAPI_KAFKA_PROPERTIES_FILE: each property takes text, a number or a boolean",
    ),
    (
        b'{"group.id": "canary"}',
        "CAPI_KAFKA_PROPERTIES_FILE: group.id cannot be set: CAPI_GROUP_ID names the group",
    ),
]


@pytest.mark.parametrize(("content", "says"), PROPERTY_FILES)
def test_a_file_of_properties_is_held_to_the_same_rules(
    environment: Any, tmp_path: Path, content: Any, says: Any
) -> None:
    file = tmp_path / CANARY
    file.write_bytes(content)
    environment(CAPI_KAFKA_PROPERTIES_FILE=file)
    assert mistakes() == [says]


def test_a_malformed_map_in_a_file_is_one_mistake_among_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'linger_ms = "x"\n[event_names]\na = 5\n[kafka_properties]\nacks = "1"\n[custom_data_paths]\na = 5\n'
    )
    with pytest.raises(SettingsError) as refused:
        load_settings(file=file)
    assert {mistake.split(":")[0] for mistake in refused.value.problems} == {
        "CAPI_LINGER_MS",
        "CAPI_EVENT_NAMES",
        "CAPI_KAFKA_PROPERTIES",
        "CAPI_CUSTOM_DATA_PATHS",
    }


def test_a_file_that_is_not_there_hides_no_other_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPI_LINGER_MS", "x")
    with pytest.raises(SettingsError) as refused:
        load_settings(file=tmp_path / "none.toml")
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("names", ['{"sign_up": "  "}', '{" ": "Lead"}', '{"sign_up": "a@example.com"}'])
def test_an_event_name_that_meta_would_not_get_is_refused(
    names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPI_EVENT_NAMES", names)
    with pytest.raises(SettingsError, match="neither blank nor an address"):
        load_settings()


@pytest.mark.parametrize("name", ["transactional.id", "delivery.report.only.error"])
def test_a_property_that_would_stop_dead_letters_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPI_KAFKA_PROPERTIES", f'{{"{name}": true}}')
    with pytest.raises(SettingsError, match=name):
        load_settings()


# variables, the content of CAPI_KAFKA_PROPERTIES_FILE, the mistakes
PROTOCOLS = [
    (
        {"CAPI_GROUP_PROTOCOL": "consumer", "CAPI_KAFKA_PROPERTIES": '{"session.timeout.ms": 6000}'},
        "{}",
        [
            "CAPI_KAFKA_PROPERTIES: session.timeout.ms cannot be set with CAPI_GROUP_PROTOCOL=consumer: "
            "the broker decides",
        ],
    ),
    (
        {"CAPI_KAFKA_PROPERTIES": '{"group.protocol": "consumer"}'},
        '{"partition.assignment.strategy": "range"}',
        [
            "CAPI_KAFKA_PROPERTIES: group.protocol contradicts CAPI_GROUP_PROTOCOL=cooperative",
            "CAPI_KAFKA_PROPERTIES_FILE: partition.assignment.strategy contradicts"
            " CAPI_GROUP_PROTOCOL=cooperative",
        ],
    ),
    (
        {"CAPI_REVOKE_TIMEOUT_S": "60"},
        '{"max.poll.interval.ms": 89999}',
        [
            "CAPI_KAFKA_PROPERTIES_FILE: max.poll.interval.ms is too short for CAPI_REVOKE_TIMEOUT_S:"
            " at least 90000"
        ],
    ),
    (
        {"CAPI_KAFKA_PROPERTIES": '{"group.instance.id": "a"}'},
        "{}",
        ["CAPI_KAFKA_PROPERTIES: group.instance.id cannot be set: CAPI_GROUP_INSTANCE_ID names the member"],
    ),
]


@pytest.mark.parametrize(("variables", "content", "says"), PROTOCOLS)
def test_properties_against_the_settings_are_mistakes_by_where_they_stand(
    environment: Any, tmp_path: Path, variables: Any, content: Any, says: Any
) -> None:
    file = tmp_path / "properties.json"
    file.write_text(content)
    environment(CAPI_KAFKA_PROPERTIES_FILE=file, **variables)
    assert mistakes() == says


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CAPI_HOLD_S", "CAPI_SEND_DELAY_S"),
        ("CAPI_STUCK_AFTER_S", "CAPI_POISON_AFTER_S"),
        ("CAPI_GROUP", "CAPI_GROUP_ID"),
        ("CAPI_KAFKA", "CAPI_KAFKA_PROPERTIES"),
        ("CAPI_START", "CAPI_START_OFFSET"),
    ],
)
def test_a_setting_with_an_old_name_is_rejected_with_the_new_one(old: str, new: str) -> None:
    assert unknown_names([old]) == [f"{old}: no such setting; it is called {new} now"]


def test_a_setting_with_an_old_name_in_a_file_is_rejected_with_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("hold_s = 5\n")
    with pytest.raises(SettingsError) as rejected:
        load_settings(file=file)
    assert rejected.value.problems == ["--settings: no setting 'hold_s'; it is called send_delay_s now"]
