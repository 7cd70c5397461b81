"""The tables: each row of the documentation's tables, by its literal words."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import decided, event, sent

from consumer.domain.decision import WarningScope
from consumer.mapping import tables
from consumer.mapping.rules import MappingOptions

# The pairs of the documentation, in its order.
EVENT_NAMES = [
    ("begin_checkout", "InitiateCheckout"),
    ("add_to_cart", "AddToCart"),
    ("view_item", "ViewContent"),
    ("view_item_list", "ViewContent"),
    ("search", "Search"),
    ("add_payment_info", "AddPaymentInfo"),
    ("add_to_wishlist", "AddToWishlist"),
    ("generate_lead", "Lead"),
    ("page_view", "PageView"),
    ("complete_registration", "CompleteRegistration"),
    ("contact", "Contact"),
    ("customize_product", "CustomizeProduct"),
    ("donate", "Donate"),
    ("find_location", "FindLocation"),
    ("schedule", "Schedule"),
    ("start_trial", "StartTrial"),
    ("submit_application", "SubmitApplication"),
    ("subscribe", "Subscribe"),
]


@pytest.mark.parametrize(("given", "metas"), EVENT_NAMES)
def test_a_commanders_act_event_goes_as_metas_standard_event(given: Any, metas: Any) -> None:
    assert sent(event(event_name=given))["event_name"] == metas
    assert decided(event(event_name=given)).event_label == metas


def test_a_purchase_goes_as_purchase() -> None:
    assert sent(event(event_name="purchase", amount=5, currency="EUR"))["event_name"] == "Purchase"


def test_there_are_no_other_rows() -> None:
    assert set(tables.EVENT_NAMES.items()) == {*EVENT_NAMES, ("purchase", "Purchase")}


def test_any_other_event_goes_under_its_own_name_and_the_label_custom() -> None:
    assert sent(event(event_name="newsletter_sign_up"))["event_name"] == "newsletter_sign_up"
    assert decided(event(event_name="newsletter_sign_up")).event_label == "custom"


def test_a_setting_adds_and_replaces_rows() -> None:
    rules = MappingOptions(event_names={"sign_up": "CompleteRegistration", "page_view": "my_view"})
    assert sent(event(event_name="sign_up"), rules)["event_name"] == "CompleteRegistration"
    assert sent(event(event_name="page_view"), rules)["event_name"] == "my_view"


# A value of user_data that is not hashed, from the path the documentation shows.
NOT_HASHED = [
    ("browser.ip", "client_ip_address", "8.8.4.4"),
    ("browser.user_agent", "client_user_agent", "Mozilla/5.0 (X11)"),
    ("integrations.facebook.fbc", "fbc", "fb.1.1763899999000.AbC-_9"),
    ("integrations.facebook.fbp", "fbp", "fb.1.1763899999000.1234567890"),
    ("fbc", "fbc", "fb.1.1763899999000.AbC-_9"),
    ("fbp", "fbp", "fb.1.1763899999000.1234567890"),
]


@pytest.mark.parametrize(("path", "key", "value"), NOT_HASHED)
def test_a_property_becomes_a_key_of_user_data(path: Any, key: Any, value: Any) -> None:
    assert sent(event({path: value}))["user_data"][key] == value


CUSTOM_DATA = [
    ("amount", 101, "value", 101),
    ("value", 101.5, "value", 101.5),
    ("revenue", 7, "value", 7),
    ("currency", "EUR", "currency", "EUR"),
    ("items", [{"product": {"id": "p"}}], "contents", [{"id": "p", "quantity": 1}]),
    ("name", "Shoes", "content_name", "Shoes"),
    ("category", "Clothes", "content_category", "Clothes"),
    ("status", "in_progress", "status", "in_progress"),
]


@pytest.mark.parametrize(("path", "value", "key", "expected"), CUSTOM_DATA)
def test_a_property_becomes_a_key_of_custom_data(path: Any, value: Any, key: Any, expected: Any) -> None:
    assert sent(event({path: value}))["custom_data"][key] == expected


def test_content_type_is_product() -> None:
    assert sent(event())["custom_data"] == {"content_type": "product"}


def test_a_path_is_read_for_one_key() -> None:
    assert tables.KEY_OF_PATH["user.email_sha256"] == "em"
    assert tables.KEY_OF_PATH["context.event_id"] == "event_id"
    assert tables.KEY_OF_PATH["integrations.facebook.opt_out"] == "opt_out"
    assert len(tables.KEY_OF_PATH) == sum(map(len, tables.SOURCES.values()))
    assert set(tables.SOURCES) == tables.NOTE_FIELDS - {"user_data", "custom_data", *WarningScope}


# Meta's reference of server event, customer information and custom data parameters.
METAS_EVENT_KEYS = """
    event_name event_time event_id action_source event_source_url referrer_url opt_out user_data custom_data
    data_processing_options data_processing_options_country data_processing_options_state
    original_event_data attribution_data app_data customer_segmentation messaging_channel
"""
METAS_USER_DATA_KEYS = """
    em ph ge db ln fn ct st zp country external_id client_ip_address client_user_agent fbc fbp
    subscription_id fb_login_id lead_id anon_id madid page_id page_scoped_user_id ctwa_clid
    ig_account_id ig_sid
"""
METAS_CONTENT_KEYS = "id quantity item_price title description brand category delivery_category"
METAS_ACTION_SOURCES = """
    email website app phone_call chat physical_store system_generated business_messaging other
"""


@pytest.mark.parametrize(
    ("ours", "metas"),
    [
        (tables.EVENT_KEYS, METAS_EVENT_KEYS),
        (tables.USER_DATA_KEYS, METAS_USER_DATA_KEYS),
        (tables.CONTENT_KEYS, METAS_CONTENT_KEYS),
        (tables.ACTION_SOURCES, METAS_ACTION_SOURCES),
    ],
)
def test_the_whitelists_are_metas(ours: Any, metas: Any) -> None:
    assert sorted(ours) == sorted(metas.split())
