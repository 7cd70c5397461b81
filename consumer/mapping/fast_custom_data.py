"""
The fast mapping's `custom_data`: of an event whose values can be used as they stand.

    custom_data(root)  ->  what `custom_data.custom_data` would say, or None: ask there
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consumer.mapping import numbers, tables, text_values
from consumer.mapping.currencies import currency_code
from consumer.mapping.event import NOTHING
from consumer.mapping.lookup import Object
from consumer.mapping.rules import ContentId, MappingOptions
from consumer.mapping.values import InvalidValue

_OTHER_AMOUNTS = ("value", "revenue")
_CURRENCY = ("currency",)
_NAME = ("name",)


def custom_data(root: Object, name: str, rules: MappingOptions) -> dict[str, object] | None:
    """What happened, in the shop's terms; None where any of it cannot be used as it stands."""
    items = _items(root.get("items"))
    products = None if items is None else _products(items)
    currency = None if products is None else _currency(root, products)
    if items is None or products is None or isinstance(currency, InvalidValue):
        return None
    lines = _lines(items, products, currency, rules.content_id)
    amount = _amount(root, currency)
    if lines is None or isinstance(amount, InvalidValue):
        return None
    found: dict[str, object] = {}
    if amount is not None:
        found["value"] = amount
    if currency is not None:
        found["currency"] = currency
    if lines:
        found["contents"] = lines
    if not _add_texts(found, root, name, products, rules.content_type):
        return None
    if lines and name in tables.COUNTED:
        found["num_items"] = len(lines)
    return found


def _items(value: object) -> list[Object] | None:
    if value is None:
        return []
    if type(value) is dict:
        return [value]
    return value if type(value) is list else None


def _products(items: Iterable[object]) -> list[Object] | None:
    """The product of each item, which may be nothing; None where either is no object."""
    products: list[Object] = []
    for item in items:
        product = item.get("product", NOTHING) if type(item) is dict else None
        if type(product) is not dict:
            return None
        products.append(product)
    return products


def _currency(root: Object, products: Sequence[Object]) -> str | InvalidValue | None:
    given = root.get("currency")
    if given is None:
        given = first_property(products, _CURRENCY)
    return None if given is None else currency_code(given)


def _amount(root: Object, currency: str | None) -> int | float | InvalidValue | None:
    given = root.get("amount")
    if given is None:
        given = first_property((root,), _OTHER_AMOUNTS)
    return None if given is None else numbers.money(given, currency)


def first_property(objects: Iterable[Object], names: Sequence[str]) -> object:
    """The first property of these names that any of the objects has, object by object."""
    for one in objects:
        for name in names:
            value = one.get(name)
            if value is not None:
                return value
    return None


def _lines(
    items: Iterable[Object], products: Iterable[Object], currency: str | None, content_id: ContentId
) -> list[dict[str, object]] | None:
    """`contents`; None where a line would leave a note."""
    lines = []
    for item, product in zip(items, products, strict=True):
        first, second = (product, item) if content_id is ContentId.PRODUCT else (item, product)
        identifier = first.get("id")
        if identifier is None:
            identifier = second.get("id")
        identifier = text_values.content_id(identifier)
        count = item.get("quantity", 1)
        if type(count) is not int or count < 1:
            return None
        price = product.get("price")
        if price is None:
            price = item.get("price")
        if price is not None:
            price = numbers.money(price, currency)
        if isinstance(identifier, InvalidValue) or isinstance(price, InvalidValue):
            return None
        line: dict[str, object] = {"id": identifier, "quantity": count}
        if price is not None:
            line["item_price"] = price
        lines.append(line)
    return lines


def _add_texts(
    found: dict[str, object], root: Object, name: str, products: Sequence[Object], content_type: str
) -> bool:
    """Add what is sent as text. False where any of it is something else, or shows an address."""
    content_name, category = root.get("name"), root.get("category")
    texts = [
        ("content_name", first_property(products, _NAME) if content_name is None else content_name),
        (
            "content_category",
            first_property(products, tables.PRODUCT_CATEGORIES) if category is None else category,
        ),
        ("content_type", content_type or None),
        ("status", root.get("status")),
    ]
    if name in tables.ORDERS:
        order_id = root.get("id")
        texts.append(("order_id", str(order_id) if type(order_id) is int else order_id))
    elif name in tables.SEARCHES:
        texts.append(("search_string", root.get("search_term")))
    for key, value in texts:
        if value is None:
            continue
        if type(value) is not str or "@" in value:
            return False
        text = content_type if key == "content_type" else value.strip()
        if not text:
            return False
        found[key] = text
    return True
