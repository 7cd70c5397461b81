"""
What the user's settings say about an event.

The settings that the mapping needs, read once and already checked: a category
holds no separator, a country is an ISO 3166 alpha-2 code in lower case, a path
is split. Nothing in `core` reads a setting from anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

EVENT_BYTES_MAX = 256 * 1024

Path = tuple[str | int, ...]


class MatchRule(StrEnum):
    """How "at least 1 identifier, at least 3 other fields" is read."""

    ALL = "all"
    ANY_OTHER = "any_other"
    ANY = "any"


class BirthdateOrder(StrEnum):
    """Which comes first in a birthdate that could be read both ways."""

    DMY = "dmy"
    MDY = "mdy"


class ContentId(StrEnum):
    """Where the id of a line of `contents` is looked for first."""

    PRODUCT = "product"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class DataProcessing:
    """Meta's data processing options: one group, taken or left as a whole."""

    options: tuple[str, ...]
    country: int | None = None
    state: int | None = None


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_paths() -> Mapping[str, tuple[Path, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MappingOptions:
    """The settings of the mapping. The defaults are those of a consumer without any setting."""

    user_consent_category: str | None = None
    match_rule: MatchRule = MatchRule.ALL
    purchase_personal_information: tuple[str, ...] = ("em", "ph")
    default_country: str | None = None
    birthdate_order: BirthdateOrder | None = None
    action_source: str = "website"
    content_type: str = "product"
    content_id: ContentId = ContentId.PRODUCT
    event_names: Mapping[str, str] = field(default_factory=_none)
    custom_data_paths: Mapping[str, tuple[Path, ...]] = field(default_factory=_no_paths)
    unredacted_keys: frozenset[str] = frozenset()
    data_processing: DataProcessing | None = None
    event_bytes_max: int = EVENT_BYTES_MAX


def parse_path(dotted: str) -> Path:
    """`items.0.product.id` -> `("items", 0, "product", "id")`. Raises ValueError for an empty step."""
    steps = dotted.strip().split(".")
    if not all(steps):
        raise ValueError("a path is words separated by single dots")
    return tuple(int(step) if step.isascii() and step.isdigit() else step for step in steps)
