"""
What the user may set: names, types, limits, defaults.

A setting comes from the environment (`CAPI_` and its name in capitals), else
from the TOML file that `CAPI_SETTINGS_FILE` or `--settings` names, else it has
its default. Every mistake is reported at once, by the setting's name and never
by its value: a value may be a token.

The groups below are the table of contents; the docs and the Helm chart list
the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from consumer.config import kafka_constraints
from consumer.config.kafka_constraints import GroupProtocol
from consumer.config.parsers import (
    ActionSource,
    Address,
    Brokers,
    Category,
    Country,
    Digits,
    EventNames,
    GraphUrl,
    GraphVersion,
    GroupInstance,
    KafkaProperties,
    MaybeAddress,
    MaybeOrder,
    MaybePath,
    MaybeTextList,
    PartnerAgent,
    Paths,
    ProcessingCountry,
    ProcessingState,
    Proxy,
    TextList,
    TopicName,
    TopicNames,
    UserDataKeys,
    is_loopback,
)
from consumer.mapping.rules import (
    EVENT_BYTES_MAX,
    ContentId,
    DataProcessing,
    MappingOptions,
    MatchRule,
    parse_path,
)

PREFIX = "CAPI_"


class StartOffset(StrEnum):
    """Where a partition without a committed offset begins."""

    EARLIEST = "earliest"
    LATEST = "latest"


class OffsetOutOfRange(StrEnum):
    """What to do when a committed offset is no longer in the log."""

    PAUSE = "pause"
    EARLIEST = "earliest"
    LATEST = "latest"


class Concurrency(StrEnum):
    """Whether the number of requests at once follows from how Meta answers."""

    ADAPTIVE = "adaptive"
    FIXED = "fixed"


class LogFormat(StrEnum):
    """`auto` is `console` on a terminal and `json` elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """`debug` adds one line per record that is not sent."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """Everything a command may need. `pixel_id` and a token are demanded by the commands that send."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file that `toml_file` names."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    # Meta
    pixel_id: Digits = ""
    """The pixel (dataset) that gets the events."""
    access_token: SecretStr = SecretStr("")
    """The Conversions API token. Better in a file."""
    access_token_file: MaybePath = None
    """A file that holds the token; read again when Meta refuses the token."""
    graph_url: GraphUrl = "https://graph.facebook.com"
    """Where Meta's Graph API is."""
    graph_version: GraphVersion = "v26.0"
    """Version of the Graph API."""
    allow_plain_http: bool = False
    """Allows an http:// graph URL that is not on this machine."""
    test_event_code: str = ""
    """Shows the events under Test Events; Meta counts them as live all the same."""
    partner_agent: PartnerAgent = "capi-consumer"
    """Names the sender to Meta."""
    request_timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    """How long one request may take. A timeout may have been processed."""
    backoff_max_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """The longest wait between two attempts at the same batch while Meta or the network fails."""
    auth_retry_max_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """The longest wait between two attempts while Meta refuses token, pixel or version."""
    poison_after_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """A batch that fails for so long while others are accepted is halved until the event is found."""
    gzip: bool = False
    """Compresses request bodies. Not known to be taken by Meta."""
    proxy: Proxy = ""
    """HTTP proxy for requests to Meta."""
    ca_file: MaybePath = None
    """Certificates to trust instead of the system's."""

    # Mapping
    user_consent_category: Category = ""
    """The consent category of advertising. Empty: every event passes."""
    match_rule: MatchRule = MatchRule.ALL
    """How the minimum of information is read."""
    purchase_personal_information: UserDataKeys = ("em", "ph")
    """A Purchase needs one of these keys."""
    default_country: Country = ""
    """Country of national phone numbers, states and postal codes in events that name none."""
    birthdate_order: MaybeOrder = None
    """How 02/03/1997 is read. Unset: it is not."""
    action_source: ActionSource = "website"
    """Where conversions happen."""
    content_type: str = "product"
    """`content_type` of every event; empty: none."""
    content_id: ContentId = ContentId.PRODUCT
    """Which id of an item is sent first."""
    event_names: EventNames = Field(default_factory=dict)
    """More event names: Commanders Act name to Meta name."""
    custom_data_paths: Paths = Field(default_factory=dict)
    """More sources of custom_data: Meta key to dotted path or paths."""
    custom_data_unredacted_keys: TextList = ()
    """Keys of custom_data that are never cleaned of personal data."""
    data_processing_options: MaybeTextList = None
    """Data processing options of events that bring none."""
    data_processing_options_country: ProcessingCountry = None
    """The country of those options: 1 is the United States, 0 lets Meta find out."""
    data_processing_options_state: ProcessingState = None
    """The state of those options: 1000 (California) to 1013, 0 lets Meta find out."""
    event_bytes_max: Annotated[int, Field(ge=1024, le=4 * 1024 * 1024)] = EVENT_BYTES_MAX
    """A larger event is a dead letter."""

    # Kafka
    bootstrap_servers: Brokers = "localhost:9092"
    """Brokers, host:port, comma between."""
    group_id: Annotated[str, Field(min_length=1)] = "capi-consumer"
    """Consumer group."""
    topics: TopicNames = ("capi.events",)
    """Topics to read."""
    dead_letter_topic: TopicName = "capi.dead-letters"
    """Where events go that cannot be sent."""
    parking_topic: TopicName = "capi.parked"
    """Where `replay` puts dead letters that have come back too often. Needed only then."""
    group_protocol: GroupProtocol = GroupProtocol.COOPERATIVE
    """How the members of a group share its partitions; `consumer` is KIP-848, of Kafka 4.0 on."""
    group_instance_id: GroupInstance = ""
    """Static membership: a name that this member alone has and keeps through restarts. Empty: none."""
    start_offset: StartOffset = StartOffset.EARLIEST
    """Where a partition without a committed offset begins."""
    offset_out_of_range: OffsetOutOfRange = OffsetOutOfRange.PAUSE
    """What to do when a committed offset is gone."""
    kafka_properties: KafkaProperties = Field(default_factory=dict, repr=False)
    """Further librdkafka properties, as JSON."""
    kafka_properties_file: MaybePath = None
    """The same in a file of JSON, for secrets."""

    # Limits
    poll_records_max: Annotated[int, Field(ge=1, le=10000)] = 500
    """Records taken from Kafka at once."""
    batch_events_max: Annotated[int, Field(ge=1, le=1000)] = 1_000
    """Events in one request; Meta takes 1,000."""
    request_bytes_max: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    """Bytes of one request."""
    linger_ms: Annotated[int, Field(ge=0, le=600000)] = 1_000
    """How long a batch waits for more events."""
    send_delay_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0
    """An event is sent no earlier than its time plus this, so that the browser's copy comes first."""
    requests_in_flight_max: Annotated[int, Field(ge=1, le=256)] = 8
    """Requests at once, at most."""
    concurrency: Concurrency = Concurrency.ADAPTIVE
    """`adaptive`: as many at once as Meta takes well, from 1 to that most; `fixed`: always that most."""
    events_in_flight_max: Annotated[int, Field(ge=1)] = 20_000
    """Records taken and not yet ended; above it the partitions pause."""
    bytes_in_flight_max: Annotated[int, Field(ge=1024)] = 128 * 1024 * 1024
    """Bytes of those records."""
    commit_interval_ms: Annotated[int, Field(ge=10, le=3600000)] = 1_000
    """Time between commits."""
    drain_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 25.0
    """How long SIGTERM waits for what is in flight."""
    revoke_timeout_s: Annotated[float, Field(gt=0, le=240)] = 20.0
    """How long a partition that is taken away is drained."""

    # Operation
    dlq_breaker: bool = True
    """Pauses when half of the last 1,000 records would be dead letters."""
    health_address: Address = "0.0.0.0:9090"
    """Health and metrics."""
    status_page_address: MaybeAddress = "127.0.0.1:8080"
    """The live page of this process; empty: none. A port that nobody chose and that is taken gives way."""
    log_format: LogFormat = LogFormat.AUTO
    """How log lines look."""
    log_level: LogLevel = LogLevel.INFO
    """Which log lines are written."""

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if clashes := self.conflicts():
            raise ValueError("\n".join(clashes))
        return self

    def conflicts(self) -> list[str]:
        """Mistakes across settings that are each well formed."""
        url = urlsplit(self.graph_url)
        is_shown = url.scheme == "http" and not is_loopback(url.hostname or "")
        found = {
            "CAPI_DEAD_LETTER_TOPIC is one of CAPI_TOPICS: dead letters would be read as events": (
                self.dead_letter_topic in self.topics
            ),
            "CAPI_PARKING_TOPIC is one of CAPI_TOPICS: parked letters would be read as events": (
                self.parking_topic in self.topics
            ),
            "CAPI_PARKING_TOPIC is CAPI_DEAD_LETTER_TOPIC: a parked letter would be a dead letter again": (
                self.parking_topic == self.dead_letter_topic
            ),
            "CAPI_GRAPH_URL is plain http, which shows the token; CAPI_ALLOW_PLAIN_HTTP=true allows it": (
                is_shown and not self.allow_plain_http
            ),
            "CAPI_REQUEST_BYTES_MAX leaves no room for one event of CAPI_EVENT_BYTES_MAX": (
                self.request_bytes_max < self.event_bytes_max + 1024
            ),
        }
        here = [mistake for mistake, is_so in found.items() if is_so]
        return here + self.kafka_conflicts(self.kafka_properties, "CAPI_KAFKA_PROPERTIES")

    def kafka_conflicts(self, own: Mapping[str, Any], given_by: str) -> list[str]:
        """Mistakes of librdkafka properties beside the settings; `given_by` names where they stand."""
        found = [
            *kafka_constraints.group_protocol_conflicts(self.group_protocol, own),
            *kafka_constraints.poll_interval_conflicts(self.revoke_timeout_s, own),
        ]
        return [f"{given_by}: {mistake}" for mistake in found]

    @cached_property
    def mapping_options(self) -> MappingOptions:
        """The part of the settings that the mapping reads."""
        return MappingOptions(
            user_consent_category=self.user_consent_category or None,
            match_rule=self.match_rule,
            purchase_personal_information=self.purchase_personal_information,
            default_country=self.default_country or None,
            birthdate_order=self.birthdate_order,
            action_source=self.action_source,
            content_type=self.content_type,
            content_id=self.content_id,
            event_names=self.event_names,
            custom_data_paths={key: _paths(value) for key, value in self.custom_data_paths.items()},
            unredacted_keys=frozenset(self.custom_data_unredacted_keys),
            data_processing=self._data_processing(),
            event_bytes_max=self.event_bytes_max,
        )

    @property
    def requests_in_flight_min(self) -> int:
        """How few requests at once there may be at the worst."""
        return self.requests_in_flight_max if self.concurrency is Concurrency.FIXED else 1

    def _data_processing(self) -> DataProcessing | None:
        if self.data_processing_options is None:
            return None
        return DataProcessing(
            self.data_processing_options,
            self.data_processing_options_country,
            self.data_processing_options_state,
        )


def _paths(value: str | list[str]) -> tuple[tuple[str | int, ...], ...]:
    return tuple(parse_path(path) for path in ([value] if isinstance(value, str) else value))
