"""
The keys and words that Meta knows.

An unknown key on the event, in `user_data` or in a line of `contents` makes
Meta refuse the whole request. `custom_data` itself takes any key.
"""

from __future__ import annotations

REQUIRED = ("event_name", "event_time", "user_data", "action_source")

EVENT = frozenset(REQUIRED) | {
    "event_id",
    "event_source_url",
    "referrer_url",
    "custom_data",
    "opt_out",
    "data_processing_options",
    "data_processing_options_country",
    "data_processing_options_state",
    "original_event_data",
    "attribution_data",
    "app_data",
    "customer_segmentation",
    "messaging_channel",
}

# Personal data: taken as SHA-256 only.
HASHED = ("em", "ph", "ge", "db", "ln", "fn", "ct", "st", "zp", "country", "external_id")

USER_DATA = frozenset(HASHED) | {
    "client_ip_address",
    "client_user_agent",
    "fbc",
    "fbp",
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
}

CONTENT = frozenset(
    {"id", "quantity", "item_price", "delivery_category", "title", "description", "brand", "category"}
)

ACTION_SOURCES = frozenset(
    {
        "email",
        "website",
        "app",
        "phone_call",
        "chat",
        "physical_store",
        "system_generated",
        "business_messaging",
        "other",
    }
)

# What business messaging takes, as its users found out; anything else is 2804066.
MESSAGING_EVENTS = frozenset({"LeadSubmitted", "Purchase", "AddToCart", "InitiateCheckout", "ViewContent"})

# Keys that together tell nobody apart: an event that has only these is refused.
TOO_LITTLE = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)

# Names under which nothing in clear is to be sent, without case, dashes, underscores and spaces.
PERSONAL_NAMES = frozenset(
    {
        "email",
        "mail",
        "emailaddress",
        "phone",
        "phonenumber",
        "telephone",
        "mobile",
        "firstname",
        "lastname",
        "fullname",
        "address",
        "street",
        "birthdate",
        "birthday",
        "dob",
        "gender",
        "ssn",
    }
)
