"""
Which property becomes which Meta key: the documentation's tables, as tables.

Read it beside the connector's documentation. A row is a Meta key and its
sources, the first usable of which wins. `integrations.facebook` comes first
everywhere: it is how a marketing engineer overrides any of this.

The sets of keys are whitelists. Meta refuses an unknown key on the event, in
`user_data` and in `contents[]`, and with it the whole request.
"""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.decision import WarningScope
from consumer.mapping.lookup import Source

# Commanders Act event -> Meta's standard event. Any other event goes under its own name.
EVENT_NAMES = {
    "begin_checkout": "InitiateCheckout",
    "purchase": "Purchase",
    "add_to_cart": "AddToCart",
    "view_item": "ViewContent",
    "view_item_list": "ViewContent",
    "search": "Search",
    "add_payment_info": "AddPaymentInfo",
    "add_to_wishlist": "AddToWishlist",
    "generate_lead": "Lead",
    "page_view": "PageView",
    "complete_registration": "CompleteRegistration",
    "contact": "Contact",
    "customize_product": "CustomizeProduct",
    "donate": "Donate",
    "find_location": "FindLocation",
    "schedule": "Schedule",
    "start_trial": "StartTrial",
    "submit_application": "SubmitApplication",
    "subscribe": "Subscribe",
}
STANDARD_EVENTS = frozenset(EVENT_NAMES.values())
PURCHASE = "Purchase"

ACTION_SOURCES = (
    "email",
    "website",
    "app",
    "phone_call",
    "chat",
    "physical_store",
    "system_generated",
    "business_messaging",
    "other",
)
ACTION_SOURCE_BY_TYPE = {"offline": "physical_store", "call": "phone_call"}

# The places of an event that are read, in the order of `event.Event`.
PLACES = (
    "",
    "user",
    "browser",
    "context",
    "context.page",
    "context.device",
    "context.device.cookie",
    "integrations.facebook",
    "integrations.facebook.user_data",
    "integrations.facebook.custom_data",
)


def _sources(*paths: str) -> tuple[Source, ...]:
    split = ((path, *path.rpartition(".")) for path in paths)
    return tuple(Source(path, PLACES.index(place), key) for path, place, _, key in split)


def _overrides(*keys: str, of: str = "integrations.facebook") -> dict[str, tuple[Source, ...]]:
    return {key: _sources(f"{of}.{key}") for key in keys}


# The event itself. -----------------------------------------------------------------------------

EVENT = {
    "event_name": _sources("integrations.facebook.event_name"),  # else event_name, by the names above
    "event_time": _sources("context.event_timestamp", "event_timestamp"),  # else the record's
    "event_id": _sources("integrations.facebook.event_id", "event_id", "context.event_id"),  # else its place
    "action_source": _sources("integrations.facebook.action_source"),  # else by type, else the setting
    "event_source_url": _sources("integrations.facebook.event_source_url", "context.page.url", "url"),
    "referrer_url": _sources("integrations.facebook.referrer_url", "context.page.referrer", "referrer"),
}

# Overrides only, cleaned and sent as they are.
EVENT_OBJECTS = _overrides("original_event_data", "attribution_data", "app_data")
EVENT_TEXTS = _overrides("customer_segmentation", "messaging_channel")

# Overrides only: what a person wishes for their privacy.
WISHES = _overrides(
    "opt_out",
    "data_processing_options",
    "data_processing_options_country",
    "data_processing_options_state",
)

EVENT_KEYS = frozenset({*EVENT, *EVENT_OBJECTS, *EVENT_TEXTS, *WISHES, "user_data", "custom_data"})

# user_data. ------------------------------------------------------------------------------------


class HashedRow(NamedTuple):
    """A key that is sent as a digest: override, plain property, property that holds digests."""

    key: str
    override: Source
    plain: Source
    digest: Source


def _hashed(key: str, plain: str) -> HashedRow:
    return HashedRow(key, *_sources(f"integrations.facebook.user_data.{key}", plain, f"{plain}_sha256"))


HASHED = (
    _hashed("external_id", "user.id"),
    _hashed("em", "user.email"),
    _hashed("ph", "user.phone"),
    _hashed("ge", "user.gender"),
    _hashed("db", "user.birthdate"),
    _hashed("ln", "user.lastname"),
    _hashed("fn", "user.firstname"),
    _hashed("ct", "user.city"),
    _hashed("st", "user.state"),
    _hashed("zp", "user.zipcode"),
    _hashed("country", "user.country"),
)
AS_IT_IS = {
    "client_ip_address": _sources(
        "integrations.facebook.user_data.client_ip_address", "browser.ip", "context.device.ip"
    ),
    "client_user_agent": _sources(
        "integrations.facebook.user_data.client_user_agent",
        "browser.user_agent",
        "context.device.user_agent",
    ),
    "fbc": _sources(
        "integrations.facebook.user_data.fbc",
        "integrations.facebook.fbc",
        "fbc",
        "context.device.cookie._fbc",
    ),  # else the fbclid in event_source_url
    "fbp": _sources(
        "integrations.facebook.user_data.fbp",
        "integrations.facebook.fbp",
        "fbp",
        "context.device.cookie._fbp",
    ),
}

# Overrides only, not hashed.
GIVEN = _overrides(
    "subscription_id",
    "fb_login_id",
    "lead_id",
    "anon_id",
    "madid",
    "page_id",
    "page_scoped_user_id",
    "ctwa_clid",
    "ig_account_id",
    "ig_sid",
    of="integrations.facebook.user_data",
)

USER_DATA_KEYS = frozenset({*(row.key for row in HASHED), *AS_IT_IS, *GIVEN})

# custom_data. ----------------------------------------------------------------------------------


class Row(NamedTuple):
    """
    Where the value of a `custom_data` key comes from.

    An override is read in every event. The `sources`, which begin with the
    override, are read in the `events` that have these Meta names; in every
    event when that is None.
    """

    override: tuple[Source, ...]
    sources: tuple[Source, ...]
    events: frozenset[str] | None = None


def _row(key: str, *paths: str, events: frozenset[str] | None = None) -> Row:
    override = _sources(f"integrations.facebook.custom_data.{key}")
    return Row(override, override + _sources(*paths), events)


# The only events in which these keys are read: the number of an order, words searched for, how many lines.
ORDERS = frozenset({PURCHASE})
SEARCHES = frozenset({"Search"})
COUNTED = frozenset({"InitiateCheckout", PURCHASE})

CUSTOM_DATA = {
    "value": _row("value", "amount", "value", "revenue"),
    "currency": _row("currency", "currency"),  # else the first items[i].product.currency
    "contents": _row("contents"),  # else the items
    "content_name": _row("content_name", "name"),  # else the first items[i].product.name
    "content_category": _row("content_category", "category"),  # else the first items[i].product.category_N
    "content_type": _row("content_type"),  # else the setting
    "status": _row("status", "status"),
    "order_id": _row("order_id", "id", events=ORDERS),
    "search_string": _row("search_string", "search_term", events=SEARCHES),
    "num_items": _row("num_items", events=COUNTED),  # lines of contents
}

PRODUCT_CATEGORIES = ("category_1", "category_2", "category_3", "category_4", "category_5")

CONTENT_TEXTS = ("delivery_category", "title", "description", "brand", "category")
CONTENT_KEYS = frozenset({"id", "quantity", "item_price", *CONTENT_TEXTS})

# All of it. ------------------------------------------------------------------------------------

SOURCES = {
    **EVENT,
    **EVENT_OBJECTS,
    **EVENT_TEXTS,
    **WISHES,
    **{row.key: row[1:] for row in HASHED},
    **AS_IT_IS,
    **GIVEN,
    **{key: row.sources for key, row in CUSTOM_DATA.items()},
}
# The Meta key that each path of an event is read for.
KEY_OF_PATH = {source.path: key for key, sources in SOURCES.items() for source in sources}

NOTE_FIELDS = EVENT_KEYS | USER_DATA_KEYS | frozenset(CUSTOM_DATA) | frozenset(WarningScope)
