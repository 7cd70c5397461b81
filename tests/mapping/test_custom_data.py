"""What happened: the rows' sources, overrides, the user's own paths, money, and cleaning."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import event, facebook, noted, sent

from consumer.mapping.rules import MappingOptions, parse_path

ADDRESS = "ann@example.com"


def custom_data(changes: Any, rules: Any = None) -> Any:
    return sent(event(changes), rules)["custom_data"]


def overridden(key: Any, value: Any, **changes: Any) -> dict[str, Any]:
    return event({**changes, f"integrations.facebook.custom_data.{key}": value})


def paths(**rows: Any) -> MappingOptions:
    """The setting `custom_data_paths`."""
    listed = {key: value if isinstance(value, list) else [value] for key, value in rows.items()}
    return MappingOptions(custom_data_paths={key: tuple(map(parse_path, row)) for key, row in listed.items()})


def deep(levels: Any) -> Any:
    """Lists nested this deep."""
    inner: Any = "bottom"
    for _ in range(levels):
        inner = [inner]
    return inner


# value and currency


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": 1, "value": 2, "revenue": 3}, 1),
        ({"value": 2, "revenue": 3}, 2),
        ({"amount": None, "value": "two", "revenue": 3}, 3),
        ({"amount": 0, "value": 2}, 0),
        ({"amount": -1, "value": 2}, 2),
        ({"amount": True, "value": 2}, 2),
        ({"amount": [5], "value": 2}, 2),
        ({"amount": "12,50"}, 12.5),
        ({"amount": "€ 1 234,56"}, 1234.56),
        ({"amount": "1,234.56 USD"}, 1234.56),
        ({"amount": 12.30}, 12.3),
    ],
)
def test_a_value_is_the_first_amount_that_can_be_read(changes: dict[str, Any], expected: float) -> None:
    assert custom_data(changes)["value"] == expected


@pytest.mark.parametrize(
    ("currency", "expected"), [("EUR", None), (None, None), ("TND", 1.234), ("kwd", 1.234)]
)
def test_money_is_never_invented(currency: str | None, expected: float | None) -> None:
    given = event(amount="1.234", currency=currency)
    assert sent(given)["custom_data"].get("value") == expected
    assert (("value", "ambiguous") in noted(given)) is (expected is None)


def test_an_override_of_the_currency_says_what_an_amount_means() -> None:
    assert (
        sent(overridden("currency", "TND", amount="1.234", currency="EUR"))["custom_data"]["value"] == 1.234
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"currency": " eur "}, "EUR"),
        ({"currency": "EURO", "items": [{"product": {"currency": "usd"}}]}, "USD"),
        ({"items": [{"product": {"currency": "?"}}, {}, 5, {"product": {"currency": "GBP"}}]}, "GBP"),
        ({"currency": "XAU"}, None),
        ({"currency": "XXX"}, None),
        ({"currency": "€"}, None),
        ({"currency": 978}, None),
        ({}, None),
    ],
)
def test_a_currency_is_an_iso_code_of_the_event_or_of_its_items(
    changes: dict[str, Any], expected: str | None
) -> None:
    assert custom_data(changes).get("currency") == expected


# names and categories


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": " Summer "}, "Summer"),
        ({"name": "Summer", "items": [{"product": {"name": "Hat"}}]}, "Summer"),
        ({"items": [{"product": {}}, {"product": {"name": " Hat "}}, {"product": {"name": "Shoe"}}]}, "Hat"),
        ({"name": "", "items": [{"product": {"name": 5}}, {"product": {"name": "Shoe"}}]}, "Shoe"),
        ({"name": 5}, None),
        ({"items": [{"name": "no product"}]}, None),
    ],
)
def test_a_content_name_is_the_events_or_the_first_products(
    changes: dict[str, Any], expected: str | None
) -> None:
    assert custom_data(changes).get("content_name") == expected


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"product": {"category_1": "A", "category_2": "B"}}], "A"),
        ([{"product": {"category_5": "E", "category_3": "C"}}], "C"),
        ([{"product": {"category_2": "B"}}, {"product": {"category_1": "A"}}], "B"),
        ([{"product": {"category_1": " ", "category_2": "B"}}], "B"),
        ([{"product": {"category_6": "F", "category": "X", "category_0": "Z"}}], None),
        ({"product": {"category_1": "A"}}, "A"),
    ],
)
def test_a_content_category_is_the_first_of_the_products(
    items: dict[str, Any] | list[dict[str, Any]], expected: str | None
) -> None:
    assert custom_data({"items": items}).get("content_category") == expected
    assert custom_data({"items": items, "category": "own"})["content_category"] == "own"


# rows that belong to some events


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("page_view", set()),
        ("purchase", {"order_id", "num_items"}),
        ("begin_checkout", {"num_items"}),
        ("search", {"search_string"}),
        ("add_to_cart", set()),
    ],
)
def test_some_rows_are_for_some_events(name: str, keys: Any) -> None:
    given = event(
        event_name=name,
        id="O-1",
        search_term="hats",
        items=[{"id": "a"}, {"id": "b"}],
        amount=1,
        currency="EUR",
    )
    found = sent(given)["custom_data"]
    assert set(found) - {"value", "currency", "contents", "content_type"} == keys
    assert found.get("num_items", 2) == 2
    assert found.get("order_id", "O-1") == "O-1"
    assert found.get("search_string", "hats") == "hats"


def test_rows_follow_the_name_meta_gets() -> None:
    renamed = event(
        {"event_name": "sale", "integrations.facebook.event_name": "Purchase", "id": 17.0, "amount": 1}
    )
    assert sent(renamed | {"currency": "EUR"})["custom_data"]["order_id"] == "17"


def test_only_lines_that_are_sent_are_counted() -> None:
    given = event(event_name="begin_checkout", items=[{"id": "a"}, {"no": "id"}])
    assert sent(given)["custom_data"]["num_items"] == 1
    assert "num_items" not in sent(event(event_name="begin_checkout", items=[{}]))["custom_data"]


@pytest.mark.parametrize(("setting", "expected"), [("product_group", "product_group"), ("", None)])
def test_the_content_type_is_a_setting(setting: str, expected: str | None) -> None:
    assert custom_data({}, MappingOptions(content_type=setting)).get("content_type") == expected


def test_without_anything_to_say_custom_data_is_an_empty_object() -> None:
    assert custom_data({}, MappingOptions(content_type="")) == {}


# overrides


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("value", "12,50", 12.5),
        ("value", 0, 0),
        ("currency", "usd", "USD"),
        ("content_name", " booking ", "booking"),
        ("content_category", "Travel", "Travel"),
        ("content_type", "hotel", "hotel"),
        ("status", "done", "done"),
        ("order_id", 17, "17"),
        ("search_string", "hats", "hats"),
        ("num_items", "3", 3),
        ("num_items", 0, 0),
    ],
)
def test_an_override_is_read_as_its_row_says_on_any_event(
    key: str, value: int | str, expected: float | int | str
) -> None:
    assert sent(overridden(key, value))["custom_data"][key] == expected


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("value", "free", "malformed"),
        ("value", "", "missing"),
        ("value", {}, "wrong_type"),
        ("currency", "EURO", "malformed"),
        ("content_name", " ", "missing"),
        ("content_name", 5, "wrong_type"),
        ("content_category", [], "wrong_type"),
        ("content_type", "", "missing"),
        ("status", True, "wrong_type"),
        ("order_id", 1.5, "wrong_type"),
        ("search_string", 5, "wrong_type"),
        ("num_items", -1, "malformed"),
    ],
)
def test_an_unusable_override_falls_back_with_a_note(key: str, value: Any, word: str) -> None:
    plain = {
        "event_name": "purchase", "amount": 1, "currency": "EUR", "name": "N", "category": "C",
        "status": "S", "id": "I",
        "items": [{"id": "a"}],
    }  # fmt: skip
    given = overridden(key, value, **plain)
    assert sent(given)["custom_data"] == sent(event(plain))["custom_data"]
    assert noted(given) == [(key, word)]


@pytest.mark.parametrize("value", ["", " ", 0, False, [], {}, 1.5, "text", [None], {"a": None}])
def test_a_key_without_a_row_is_sent_as_it_is(value: Any) -> None:
    given = facebook(custom_data={"your_field": value})
    assert sent(given)["custom_data"]["your_field"] == value
    assert noted(given) == []


def test_only_null_is_absent_for_a_key_without_a_row() -> None:
    assert "your_field" not in sent(facebook(custom_data={"your_field": None}))["custom_data"]


# the user's own paths


def test_a_path_adds_a_row() -> None:
    rules = paths(basket="cart.lines.1.size", shop=["store.missing", "store.name"])
    found = custom_data({"cart": {"lines": [0, {"size": 42}]}, "store": {"name": " North "}}, rules)
    assert (found["basket"], found["shop"]) == (42, " North ")


def test_a_path_replaces_a_row_and_is_read_as_the_row_says() -> None:
    rules = paths(
        value="order.total",
        currency="order.money",
        content_name="order.title",
        order_id="order.number",
        contents="order.lines",
        num_items="order.count",
        search_string="order.query",
        content_type="order.kind",
        content_category="order.none",
    )
    order = {
        "total": "12,50", "money": "usd", "title": " T ", "number": 5, "lines": {"product": {"id": 1,
        "price": "2,5"}},
        "count": "9", "query": "q", "kind": "hotel",
    }  # fmt: skip
    replaced = {
        "amount": 1, "currency": "EUR", "name": "N", "id": "I", "category": "C",
        "items": [{"product": {"id": "p", "name": "x", "category_1": "y", "currency": "GBP"}}],
    }  # fmt: skip
    assert custom_data({"order": order, **replaced}, rules) == {
        "value": 12.5, "currency": "USD", "content_name": "T", "order_id": "5", "num_items": 9,
        "search_string": "q",
        "content_type": "hotel", "contents": [{"id": "1", "quantity": 1, "item_price": 2.5}],
    }  # fmt: skip


def test_a_replaced_row_without_a_value_does_not_fall_back() -> None:
    replaced = {"amount": 1, "items": [{"id": "a", "product": {"name": "N"}}], "event_name": "begin_checkout"}
    rules = paths(value="x", contents="x", content_name="x", content_type="x", num_items="x")
    assert custom_data(replaced, rules) == {}


def test_an_override_wins_over_a_path() -> None:
    rules = paths(value="order.total", mine="order.mine")
    given = event(
        {"order": {"total": 1, "mine": 1}, "integrations.facebook.custom_data": {"value": 2, "mine": 0}}
    )
    assert sent(given, rules)["custom_data"] == {"value": 2, "content_type": "product", "mine": 0}


def test_a_path_is_not_walked_where_an_override_stands() -> None:
    rules = paths(mine="order.mine")
    given = event({"order.mine": deep(40), "integrations.facebook.custom_data": {"mine": 0}})
    assert sent(given, rules)["custom_data"]["mine"] == 0
    assert noted(given, rules) == []


def test_an_unusable_value_at_a_path_gives_way_to_the_next_path() -> None:
    rules = paths(value=["a", "b"])
    assert custom_data({"a": "free", "b": 3}, rules)["value"] == 3
    assert noted(event(a="free", b=3), rules) == [("value", "malformed")]


def test_what_nests_too_deep_at_a_path_is_noted() -> None:
    rules = paths(mine=["deep", "flat"])
    assert custom_data({"deep": deep(33), "flat": 1}, rules)["mine"] == 1
    assert custom_data({"deep": deep(32), "flat": 1}, rules)["mine"] == deep(32)
    assert noted(event(deep=deep(33)), rules) == [("custom_data.*", "too_deep")]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", 1),
        ("a.5", "five"),
        ("l.1", "y"),
        ("l.2", None),
        ("l.x", None),
        ("a.b.c", None),
        ("s.0", None),
        ("z", None),
    ],
)
def test_a_path_steps_through_objects_and_lists(path: str, expected: int | str | None) -> None:
    given = {"a": {"b": 1, "5": "five"}, "l": ["x", "y"], "s": "text"}
    assert custom_data(given, paths(mine=path)).get("mine") == expected


# cleaning


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("content_name", f"for {ADDRESS}"),
        ("content_category", ADDRESS),
        ("content_type", ADDRESS),
        ("status", ADDRESS),
        ("order_id", ADDRESS),
        ("search_string", ADDRESS),
    ],
)
def test_a_row_that_holds_an_address_is_dropped(key: str, value: Any) -> None:
    given = overridden(key, value, name="N", category="C", status="S")
    assert key not in sent(given)["custom_data"]
    assert noted(given) == [(key, "personal_data")]


def test_free_keys_are_cleaned_at_every_depth() -> None:
    free = {
        "email": "x", "Phone-Number": 612345678, "mobile": True, ADDRESS: 1, "note": ADDRESS,
        "deep": {"rows": [{"first name": "Ann", "size": 42}, ADDRESS, "ok"]},
    }  # fmt: skip
    given = facebook(custom_data=free)
    assert sent(given)["custom_data"] == {
        "content_type": "product",
        "mobile": True,
        "deep": {"rows": [{"size": 42}, "ok"]},
    }
    assert noted(given) == [("custom_data.*", "personal_data")] * 5


def test_what_comes_by_a_path_is_cleaned_too() -> None:
    rules = paths(who="user", phone="x")
    assert custom_data({"x": 5, "user.name": "n"}, rules)["who"] == {
        "id": "u-1",
        "city": "Paris",
        "name": "n",
    }
    assert "phone" not in custom_data({"x": 5}, rules)


def test_allowed_keys_are_sent_whole() -> None:
    rules = MappingOptions(unredacted_keys=frozenset({"address", "content_name"}))
    free = {
        "address": {"street": "1 rue X", "mail": ADDRESS},
        "content_name": ADDRESS,
        "deep": [{"address": ADDRESS}],
    }
    assert sent(facebook(custom_data=free), rules)["custom_data"] == {"content_type": "product", **free}


@pytest.mark.parametrize("value", [0, False, ""])
def test_what_says_nothing_at_a_path_of_the_users_own_is_sent_all_the_same(value: bool | int | str) -> None:
    rules = MappingOptions(custom_data_paths={"mine": (("a",),)})
    assert sent(event(a=value), rules)["custom_data"]["mine"] == value


def test_nought_at_a_path_of_a_row_is_its_value() -> None:
    rules = MappingOptions(custom_data_paths={"value": (("total",),)})
    assert sent(event(total=0, amount=5), rules)["custom_data"]["value"] == 0


def test_an_override_that_is_null_lets_the_users_own_path_through() -> None:
    given = event({"a": "from the path", "integrations.facebook": {"custom_data": {"mine": None}}})
    assert (
        sent(given, MappingOptions(custom_data_paths={"mine": (("a",),)}))["custom_data"]["mine"]
        == "from the path"
    )


def test_a_path_replaces_the_count_of_lines() -> None:
    given = event({"event_name": "begin_checkout", "items": [{"id": "a"}, {"id": "b"}]})
    assert sent(given)["custom_data"]["num_items"] == 2
    assert (
        "num_items"
        not in sent(given, MappingOptions(custom_data_paths={"num_items": (("count",),)}))["custom_data"]
    )


@pytest.mark.parametrize(
    ("path", "lies_there", "expected", "notes"),
    [
        (("user", "firstname"), "Ann", None, [("custom_data.*", "personal_data")]),
        (
            ("user", "address"),
            {"city": "Nantes", "is_billing": True},
            {"is_billing": True},
            [("custom_data.*", "personal_data")],
        ),
        (("user", "phone"), True, True, [("ph", "wrong_type")]),
        (("user", "tier"), "Gold", "Gold", []),
    ],
)
def test_a_path_under_a_name_of_personal_data_is_cleaned_by_that_name(
    path: Any, lies_there: bool | dict[str, Any] | str, expected: Any, notes: Any
) -> None:
    given = event({".".join(path): lies_there})
    rules = MappingOptions(custom_data_paths={"mine": (path,)})
    assert sent(given, rules)["custom_data"].get("mine") == expected
    assert noted(given, rules) == notes
    allowed = MappingOptions(custom_data_paths={"mine": (path,)}, unredacted_keys=frozenset({"mine"}))
    assert sent(given, allowed)["custom_data"]["mine"] == lies_there


def test_what_nests_too_deep_under_a_personal_name_is_left_out_as_such() -> None:
    rules = MappingOptions(custom_data_paths={"mine": (("user", "address"),)})
    given = event({"user.address": deep(33)})
    assert "mine" not in sent(given, rules)["custom_data"]
    assert noted(given, rules) == [("custom_data.*", "too_deep")]
