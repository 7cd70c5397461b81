"""Who the event is about: each row's source, override and fallback. Digests are literals."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import NOW_MS, NOW_S, event, noted, sent

from consumer.mapping.rules import BirthdateOrder, MappingOptions, MatchRule

A_DIGEST = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"  # of test@example.com
OTHER = "a" * 64


def user_data(changes: Any, rules: Any = None) -> Any:
    return sent(event(changes), rules)["user_data"]


# Hashed keys


HASHED = [
    ("external_id", "id", " User-123 ", "fcdec6df4d44dbc637c7c5b58efface52a7f8a88535423430255be0bb89bedd8"),
    ("em", "email", " Test@Example.com", "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"),
    (
        "ph",
        "phone",
        "+33 (0)6 12 34 56 78",
        "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661",
    ),
    ("ge", "gender", "Female", "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"),
    ("db", "birthdate", "2/16/1997", "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"),
    ("ln", "lastname", "O’Brien", "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba"),
    ("fn", "firstname", "Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    ("ct", "city", "Saint-Étienne", "bb35a91d6f2bd7ba807fdd240cc838bdd3b20fe1a6fdedba60d941fbe8d5c10f"),
    ("st", "state", "California", "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
    ("zp", "zipcode", "F-75001", "3f089dbdff98360a35193e7d401b76b21f5c0d5d6fb76a28660aaaed83a4c3e3"),
    ("country", "country", "FRA", "67ad8f41a7bb0a18c45f3efd8f6a32bdcd832bcf8f3f2eb44006c03d53076e18"),
]


@pytest.mark.parametrize(("key", "prop", "value", "digest"), HASHED)
def test_a_property_of_the_user_is_sent_as_its_digest(key: Any, prop: Any, value: Any, digest: Any) -> None:
    assert user_data({f"user.{prop}": value})[key] == digest


@pytest.mark.parametrize(("key", "prop", "value", "digest"), HASHED)
def test_an_override_wins_and_is_hashed_alike(key: Any, prop: Any, value: Any, digest: Any) -> None:
    changes = {f"user.{prop}": OTHER, f"integrations.facebook.user_data.{key}": value}
    assert user_data(changes)[key] == digest


@pytest.mark.parametrize(("key", "prop", "value", "digest"), HASHED)
def test_a_digest_stands_in_for_a_property_that_is_missing_or_unusable(
    key: Any, prop: Any, value: Any, digest: Any
) -> None:
    assert user_data({f"user.{prop}": None, f"user.{prop}_sha256": OTHER})[key] == OTHER
    assert user_data({f"user.{prop}": "n/a", f"user.{prop}_sha256": OTHER})[key] == OTHER
    assert user_data({f"user.{prop}": value, f"user.{prop}_sha256": OTHER})[key] == digest


@pytest.mark.parametrize(("key", "prop", "value", "digest"), HASHED)
def test_a_source_of_digests_takes_nothing_else(key: Any, prop: Any, value: Any, digest: Any) -> None:
    given = event({f"user.{prop}": None, f"user.{prop}_sha256": value, "fbp": "fb.1.1763899999000.1"})
    assert key not in sent(given, MappingOptions(match_rule=MatchRule.ANY))["user_data"]
    assert (key, "malformed") in noted(given)


@pytest.mark.parametrize("unusable", ["", "  ", "null", "***", True, {}, [], [None]])
def test_an_unusable_override_falls_back_with_a_note(unusable: Any) -> None:
    given = event({"user.email": "test@example.com", "integrations.facebook.user_data.em": unusable})
    assert sent(given)["user_data"]["em"] == A_DIGEST
    assert [field for field, _ in noted(given)] == ["em"]


def test_a_null_override_falls_back_without_a_note() -> None:
    given = event({"user.email": "test@example.com", "integrations.facebook.user_data.em": None})
    assert sent(given)["user_data"]["em"] == A_DIGEST
    assert noted(given) == []


def test_a_list_is_sent_as_a_list_of_digests() -> None:
    emails = ["test@example.com", "nobody", "bob@example.org", "TEST@example.com", None]
    given = event({"user.email": emails})
    assert sent(given)["user_data"]["em"] == [
        A_DIGEST,
        "686b5e4cf4f963adf8f51468a48028ef8d15bd02fa335f821279a3d1678c9615",
    ]
    assert set(noted(given)) == {("em", "malformed"), ("em", "wrong_type")}


def test_a_digest_is_not_hashed_again() -> None:
    assert user_data({"user.email": f" {A_DIGEST.upper()}.AQ "})["em"] == f"{A_DIGEST}.AQ"


# The country that other values are read by


@pytest.mark.parametrize(
    ("override", "of_user", "setting", "expected"),
    [
        (None, "FR", None, "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
        ("FR", "US", None, "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
        ("n/a", "FR", "us", "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
        (A_DIGEST, "FR", "us", "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
        (None, None, "fr", "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
        (None, None, None, None),
        (None, A_DIGEST, None, None),
    ],
)
def test_the_country_of_a_national_number(
    override: Any, of_user: Any, setting: str | None, expected: str | None
) -> None:
    changes = {
        "user.phone": "06 12 34 56 78",
        "user.country": of_user,
        "integrations.facebook.user_data.country": override,
    }
    rules = MappingOptions(default_country=setting)
    assert user_data(changes, rules).get("ph") == expected
    if expected is None:
        assert ("ph", "no_country") in noted(event(changes), rules)


@pytest.mark.parametrize(
    ("order", "digest"),
    [
        (BirthdateOrder.DMY, "f12806f67d69c71c7b627ae055406ddc2b0c38a13fcd3239a4d4fcce08a225a4"),
        (BirthdateOrder.MDY, "d55cbfb3bedf70aee8ee8a8bbe73903e7340b3baa0680233b69531c48061efff"),
        (None, None),
    ],
)
def test_the_order_of_a_birthdate_is_a_setting(order: Any, digest: str | None) -> None:
    assert (
        user_data({"user.birthdate": "02/03/1997"}, MappingOptions(birthdate_order=order)).get("db") == digest
    )


def test_a_birthdate_is_judged_by_the_day_it_is() -> None:
    assert "db" in user_data({"user.birthdate": "2025-11-23"})
    assert "db" not in user_data({"user.birthdate": "2025-11-24"})


# Not hashed


@pytest.mark.parametrize(
    ("key", "paths", "values"),
    [
        (
            "client_ip_address",
            ("integrations.facebook.user_data.client_ip_address", "browser.ip", "context.device.ip"),
            ("1.1.1.1", "8.8.4.4", "2001:4860:4860::8888"),
        ),
        (
            "client_user_agent",
            (
                "integrations.facebook.user_data.client_user_agent",
                "browser.user_agent",
                "context.device.user_agent",
            ),
            ("One/1", "Two/2", "Three/3"),
        ),
        (
            "fbp",
            ("integrations.facebook.user_data.fbp", "integrations.facebook.fbp", "fbp"),
            ("fb.1.1763899999000.1", "fb.1.1763899999000.2", "fb.1.1763899999000.3"),
        ),
        (
            "fbc",
            ("integrations.facebook.user_data.fbc", "integrations.facebook.fbc", "fbc"),
            ("fb.1.1763899999000.A", "fb.1.1763899999000.B", "fb.1.1763899999000.C"),
        ),
    ],
)
def test_sources_are_tried_in_order(key: str, paths: Any, values: Any) -> None:
    first, second, third = paths
    assert user_data(dict(zip(paths, values, strict=True)))[key] == values[0]
    assert user_data({first: None, second: values[1], third: values[2]})[key] == values[1]
    given = event({first: 5, second: "n/a", third: values[2]})
    assert sent(given)["user_data"][key] == values[2]
    assert [field for field, _ in noted(given)] == [key, key]


@pytest.mark.parametrize(
    "cookie",
    [
        "_fbp=fb.1.1763899999000.9; _fbc=fb.1.1763899999000.Z",
        "a=b; _fbc=fb.1.1763899999000.Z;_fbp=fb.1.1763899999000.9 ; x",
        "_fbp=fb.1.1763899999000.9; _fbc=fb.1.1763899999000.Z; _fbc=later; _fbp=later",
        {"_fbp": "fb.1.1763899999000.9", "_fbc": "fb.1.1763899999000.Z", "other": "x"},
    ],
)
def test_metas_cookies_are_the_last_given_source(cookie: dict[str, Any] | str) -> None:
    found = user_data({"context.device": {"cookie": cookie}})
    assert found["fbp"] == "fb.1.1763899999000.9"
    assert found["fbc"] == "fb.1.1763899999000.Z"
    assert user_data({"context.device": {"cookie": cookie}, "fbp": "fb.1.1763899999000.1"})["fbp"].endswith(
        ".1"
    )


@pytest.mark.parametrize("cookie", [None, "", ";;=;", "_fbp", "_fbp=x", 5, [], {"_fbp": 5}, True])
def test_odd_cookies_harm_nobody(cookie: Any) -> None:
    assert "fbp" not in user_data({"context.device": {"cookie": cookie}})


def test_a_click_in_the_address_makes_an_fbc() -> None:
    found = user_data({"url": "https://shop.example.com/?fbclid=IwAR0_-x", "event_timestamp": NOW_S - 5})
    assert found["fbc"] == f"fb.1.{NOW_MS - 5_000}.IwAR0_-x"


def test_a_click_is_as_old_as_its_event_to_the_millisecond() -> None:
    found = user_data({"url": "https://shop.example.com/?fbclid=x", "event_timestamp": NOW_MS - 1})
    assert found["fbc"] == f"fb.1.{NOW_MS - 1}.x"


def test_a_given_fbc_wins_over_a_click_and_an_unusable_one_does_not() -> None:
    url = "https://shop.example.com/?fbclid=new"
    assert user_data({"url": url, "fbc": "fb.1.1763899999000.old"})["fbc"] == "fb.1.1763899999000.old"
    given = event({"url": url, "fbc": "fb.1.x.old"})
    assert sent(given)["user_data"]["fbc"] == f"fb.1.{NOW_MS}.new"
    assert noted(given) == [("fbc", "malformed")]


def test_a_click_that_is_none_is_noted() -> None:
    given = event(url="https://shop.example.com/?fbclid=a%20b")
    assert "fbc" not in sent(given)["user_data"]
    assert noted(given) == [("fbc", "malformed")]


def test_an_old_fbc_is_noted_as_expired() -> None:
    old = f"fb.1.{NOW_MS - 91 * 86_400_000}.abc"
    assert noted(event(fbc=old)) == [("fbc", "expired")]


def test_a_user_agent_with_an_address_is_unusable() -> None:
    given = event({"browser.user_agent": "Bot (ann@example.com)", "context.device.user_agent": "Good/1"})
    assert sent(given)["user_data"]["client_user_agent"] == "Good/1"
    assert noted(given) == [("client_user_agent", "personal_data")]


# Override only


GIVEN = [
    "subscription_id", "fb_login_id", "lead_id", "anon_id", "madid", "page_id", "page_scoped_user_id",
    "ctwa_clid",
    "ig_account_id", "ig_sid",
]  # fmt: skip


@pytest.mark.parametrize("key", GIVEN)
@pytest.mark.parametrize(
    ("value", "expected"), [("Ab-1", "Ab-1"), (" kept ", " kept "), (5, 5), (5.0, 5), (0, 0)]
)
def test_some_ids_are_sent_as_given(key: Any, value: float | int | str, expected: int | str) -> None:
    assert user_data({f"integrations.facebook.user_data.{key}": value})[key] == expected


@pytest.mark.parametrize("key", GIVEN)
@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("", "missing"), (" ", "missing"), ("None", "placeholder"), ("---", "placeholder"), (True,
        "wrong_type"),
        (0.5, "wrong_type"), (["x"], "wrong_type"), ({}, "wrong_type"), ("ann@example.com", "personal_data"),
    ],
)  # fmt: skip
def test_unusable_ids_are_left_out(key: Any, value: Any, word: str) -> None:
    given = event({f"integrations.facebook.user_data.{key}": value})
    assert key not in sent(given)["user_data"]
    assert noted(given) == [(key, word)]


def test_keys_meta_does_not_know_are_dropped_with_a_note() -> None:
    given = event({"integrations.facebook.user_data": {"email": "x", "mine": 1, "nothing": None}})
    assert set(sent(given)["user_data"]) == {
        "external_id",
        "em",
        "ct",
        "client_ip_address",
        "client_user_agent",
    }
    assert noted(given) == [("user_data.*", "unknown_key")] * 2
