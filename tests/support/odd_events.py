"""Events with odd values in every place that the mapping reads: by tables, and as hypothesis draws them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from support.json_values import JSON
from support.mapping import ordinary

from consumer.mapping import tables
from consumer.mapping.lookup import Source
from consumer.mapping.rules import DataProcessing, MappingOptions, MatchRule, parse_path
from consumer.mapping.tables import PLACES


def sources_in(table: Any) -> Iterator[Any]:
    """Every source that a table of the mapping holds."""
    if isinstance(table, Source):
        yield table
    elif isinstance(table, tuple | dict):
        for row in table.values() if isinstance(table, dict) else table:
            yield from sources_in(row)


PATHS = sorted(
    {
        *(source.path for table in vars(tables).values() for source in sources_in(table)),
        *(place for place in PLACES if place),
        "event_name", "type", "items", "consent_categories", "user.consent_categories", "integrations",
        "integrations.facebook.opt_out", "integrations.facebook.data_processing_options",
        "integrations.facebook.data_processing_options_country",
        "integrations.facebook.data_processing_options_state",
        "integrations.facebook.user_data.mine", "integrations.facebook.custom_data.mine",
        "integrations.facebook.custom_data.email", "integrations.facebook.mine", "mine",
    }
)  # fmt: skip
ODD_TEXTS = [
    "", " ", "null", "***", "ann@example.com", "a%40b.fr", "https://a@b.fr/c@d.fr?e=f@g.h#i@j.k",
    "1.234", "12,50 €",
    "٣", "２", "ﬁ", "İ", "\u0000", "\x1c", "fb.1.1763900000000.x", "2025-02-30", "1e5", "-0", "9" * 400,
    "8.8.8.8,",
    "::ffff:10.0.0.1", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "a" * 64,
    "A" * 64 + ".AQ",
    "purchase", "Purchase", "search", "app", "physical_store", "EUR", "TND", "FR", "US", "06 12 34 56 78",
]  # fmt: skip
ODD = st.sampled_from(ODD_TEXTS)
KINDS: list[Any] = [
    None, True, False, 0, -1, 7, 0.5, -0.0, 1e300, 2**63, 2**64 - 1, -(2**63), [], {}, [[]], [{}], [None],
    {"": None}, {"mine": "ann@example.com"}, ["ann@example.com", 1],
    [{"product": {"id": "a", "price": "1,5"}}],
]  # fmt: skip
LINE = st.dictionaries(
    st.sampled_from(["id", "quantity", "price", "item_price", "product", "title"]), JSON | ODD
)
VALUE = JSON | ODD | st.lists(LINE | ODD, max_size=3)
RULES = st.builds(
    MappingOptions,
    user_consent_category=st.none() | st.just("3"),
    match_rule=st.sampled_from(MatchRule),
    default_country=st.none() | st.just("fr"),
    action_source=st.sampled_from(["website", "app", "physical_store"]),
    content_type=st.sampled_from(["product", "", " product "]),
    custom_data_paths=st.sampled_from([{}, {"value": (parse_path("id"),), "mine": (parse_path("items.0"),)}]),
    data_processing=st.sampled_from([None, DataProcessing(()), DataProcessing(("LDU",), 0, 0)]),
)


def set_at(root: Any, path: Any, value: Any) -> None:
    """Puts a value at a path, through whatever stands there; not at all where something else stands."""
    *places, key = path.split(".")
    place = root
    for step in places:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            return
    place[key] = value


@st.composite
def events(draw: Any) -> dict[str, Any]:
    made = ordinary() | {"currency": "EUR", "amount": 1}
    for path, value in draw(st.dictionaries(st.sampled_from(PATHS), VALUE, max_size=8)).items():
        set_at(made, path, value)
    return made
