"""`items` as `contents`: ids, quantities, prices, and lines that are left out."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import event, facebook, noted, sent

from consumer.mapping.rules import ContentId, MappingOptions

ADDRESS = "ann@example.com"


def contents(items: Any, rules: Any = None, **more: Any) -> Any:
    return sent(event(items=items, **more), rules)["custom_data"].get("contents")


def given_contents(lines: Any, rules: Any = None) -> Any:
    return sent(facebook(custom_data={"contents": lines}), rules)["custom_data"].get("contents")


def test_an_item_becomes_a_line() -> None:
    item = {"id": "i", "quantity": 2, "price": 5, "product": {"id": "p", "price": "12,50", "name": "Hat"}}
    assert contents([item]) == [{"id": "p", "quantity": 2, "item_price": 12.5}]
    assert noted(event(items=[item])) == []


def test_lines_keep_their_order() -> None:
    assert [line["id"] for line in contents([{"id": "b"}, {"id": "a"}, {"id": "b"}])] == ["b", "a", "b"]


def test_one_object_is_a_list_of_one() -> None:
    assert contents({"product": {"id": "p"}}) == [{"id": "p", "quantity": 1}]


@pytest.mark.parametrize(
    ("item", "by_product", "by_item"),
    [
        ({"id": "i", "product": {"id": "p"}}, "p", "i"),
        ({"id": "i"}, "i", "i"),
        ({"product": {"id": "p"}}, "p", "p"),
        ({"id": "i", "product": {"id": None}}, "i", "i"),
        ({"id": "i", "product": {"id": ""}}, "i", "i"),
        ({"id": [], "product": {"id": "p"}}, "p", "p"),
        ({"id": "i", "product": "none"}, "i", "i"),
    ],
)
def test_which_id_comes_first_is_a_setting(item: dict[str, Any], by_product: str, by_item: str) -> None:
    assert contents([item])[0]["id"] == by_product
    assert contents([item], MappingOptions(content_id=ContentId.ITEM))[0]["id"] == by_item


@pytest.mark.parametrize(
    ("value", "expected"),
    [("SKU-1", "SKU-1"), (" SKU ", "SKU"), (5, "5"), (5.0, "5"), (0, "0"), ("null", "null")],
)
def test_an_id_is_sent_as_text(value: float | int | str, expected: str) -> None:
    assert contents([{"product": {"id": value}}])[0]["id"] == expected


@pytest.mark.parametrize("value", ["", " ", True, 5.5, [], {}, 1e300, f"sku of {ADDRESS}"])
def test_a_line_without_a_usable_id_is_left_out(value: Any) -> None:
    assert contents([{"product": {"id": value}}, {"id": "b"}]) == [{"id": "b", "quantity": 1}]
    assert noted(event(items=[{"product": {"id": value}}]))[-1] == ("contents[]", "missing")


def test_without_a_line_there_are_no_contents() -> None:
    assert contents([{"quantity": 2}]) is None
    assert contents([]) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(1, 1), (3, 3), (3.0, 3), ("3", 3), (" 2 ", 2), ("2.0", 2), (None, 1)]
)
def test_a_quantity_is_a_whole_number(value: Any, expected: int) -> None:
    assert contents([{"id": "a", "quantity": value}]) == [{"id": "a", "quantity": expected}]
    assert noted(event(items=[{"id": "a", "quantity": value}])) == []


@pytest.mark.parametrize("value", [0, -1, 1.5, "0", "-2", "1,5", "two", "", True, [], {}])
def test_any_other_quantity_is_one_with_a_note(value: Any) -> None:
    assert contents([{"id": "a", "quantity": value}]) == [{"id": "a", "quantity": 1}]
    assert [field for field, _ in noted(event(items=[{"id": "a", "quantity": value}]))] == ["contents[]"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"price": 5, "product": {"price": 6}}, 6),
        ({"price": 5, "product": {}}, 5),
        ({"price": 5, "product": {"price": "free"}}, 5),
        ({"price": 0}, 0),
        ({"price": "1.234,50 €"}, 1234.5),
        ({"price": "1.234"}, None),
        ({"price": -1}, None),
        ({}, None),
    ],
)
def test_a_price_is_the_products_or_the_items(item: dict[str, Any], expected: float | int | None) -> None:
    assert contents([{"id": "a", **item}])[0].get("item_price") == expected


def test_the_currency_says_what_a_price_means() -> None:
    assert contents([{"id": "a", "price": "1.234"}], currency="TND")[0]["item_price"] == 1.234


@pytest.mark.parametrize("items", ["text", 5, True, ["text"], [[{"id": "a"}]]])
def test_items_that_are_no_objects_are_noted(items: Any) -> None:
    assert contents(items) is None
    assert noted(event(items=items)) == [("items", "wrong_type")]


def test_a_product_that_is_no_object_is_noted() -> None:
    assert noted(event(items=[{"id": "a", "product": "p"}])) == [("contents[]", "wrong_type")]


def test_null_items_say_nothing() -> None:
    assert noted(event(items=[None])) == []


# Overrides


def test_an_override_is_read_line_by_line() -> None:
    lines = [
        {"id": 7, "quantity": "2", "item_price": "12,50", "title": " Hat ", "brand": "B", "category": "C"}
    ]
    assert given_contents(lines) == [
        {"id": "7", "quantity": 2, "item_price": 12.5, "title": "Hat", "brand": "B", "category": "C"}
    ]
    assert noted(facebook(custom_data={"contents": lines})) == []


def test_an_override_wins_over_the_items() -> None:
    given = event({"items": [{"id": "i"}], "integrations.facebook.custom_data.contents": {"id": "o"}})
    assert sent(given)["custom_data"]["contents"] == [{"id": "o", "quantity": 1}]


@pytest.mark.parametrize("override", [None, [], {}, "text", 5, [{"quantity": 1}], [None]])
def test_an_override_without_a_line_lets_the_items_through(override: Any) -> None:
    given = event({"items": [{"id": "i"}], "integrations.facebook.custom_data.contents": override})
    assert sent(given)["custom_data"]["contents"] == [{"id": "i", "quantity": 1}]
    assert bool(noted(given)) is (override is not None)


def test_keys_meta_does_not_know_are_dropped_from_a_line() -> None:
    lines = [
        {
            "id": "a",
            "delivery_category": "home_delivery",
            "description": "d",
            "color": "red",
            "price": 5,
            "x": None,
        }
    ]
    assert given_contents(lines) == [
        {"id": "a", "quantity": 1, "delivery_category": "home_delivery", "description": "d"}
    ]
    assert noted(facebook(custom_data={"contents": lines})) == [("contents[]", "unknown_key")] * 2


@pytest.mark.parametrize(("value", "word"), [(5, "wrong_type"), ("", "missing"), (ADDRESS, "personal_data")])
def test_an_unusable_text_of_a_line_is_dropped(value: Any, word: str) -> None:
    lines = [{"id": "a", "title": value}]
    assert given_contents(lines) == [{"id": "a", "quantity": 1}]
    assert noted(facebook(custom_data={"contents": lines})) == [("contents[]", word)]


def test_an_allowed_text_of_a_line_is_kept_whole() -> None:
    rules = MappingOptions(unredacted_keys=frozenset({"title"}))
    assert given_contents([{"id": "a", "title": ADDRESS}], rules)[0]["title"] == ADDRESS
