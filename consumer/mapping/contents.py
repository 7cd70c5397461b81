"""
What was looked at or bought: `items` as Meta's `contents`.

Two shapes give lines. A line without an id is left out, as Meta refuses it.

    an item of the event     {product: {id, price}, id, quantity, price}
    a line of an override    {id, quantity, item_price, title, brand, category, ...}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from typing import TypeVar, TypeVarTuple

from consumer.domain.decision import WarningCode, WarningScope
from consumer.mapping import numbers, text_values
from consumer.mapping.event import NOTHING
from consumer.mapping.lookup import Object, read_or_warn
from consumer.mapping.rules import ContentId
from consumer.mapping.tables import CONTENT_KEYS, CONTENT_TEXTS
from consumer.mapping.trail import MappingTrace
from consumer.mapping.values import InvalidValue

Line = dict[str, object]
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def objects(value: object, field: str, trail: MappingTrace) -> list[Object]:
    """The objects of a list, or the one object that stands for a list of one; anything else leaves a note."""
    found: list[Object] = []
    for element in value if isinstance(value, list) else (value,):
        if isinstance(element, dict):
            found.append(element)
        elif element is not None:
            trail.record_warning(field, WarningCode.WRONG_TYPE)
    return found


def product(item: Object) -> Object:
    """The product of an item; nothing when there is none, or no object."""
    found = item.get("product")
    return found if isinstance(found, dict) else NOTHING


def lines_of_items(
    items: list[Object], currency: str | None, first: ContentId, trail: MappingTrace
) -> list[Line]:
    """`contents` of the event's items. `first` says whose id is tried first, the product's or the item's."""
    lines = []
    for item in items:
        its_product = product(item)
        if its_product is NOTHING and item.get("product") is not None:
            trail.record_warning(WarningScope.CONTENTS, WarningCode.WRONG_TYPE)
        places = (its_product, item) if first is ContentId.PRODUCT else (item, its_product)
        ids = (place.get("id") for place in places)
        prices = (its_product.get("price"), item.get("price"))
        line = _line(ids, item.get("quantity"), prices, currency, trail)
        if line is not None:
            lines.append(line)
    return lines


def lines_of_override(
    given: list[Object], currency: str | None, allow: Set[str], trail: MappingTrace
) -> list[Line]:
    """`contents` as an override writes them: Meta's own keys, each read like an item's."""
    lines = []
    for entry in given:
        line = _line((entry.get("id"),), entry.get("quantity"), (entry.get("item_price"),), currency, trail)
        if line is not None:
            line.update(_texts(entry, allow, trail))
            lines.append(line)
    return lines


def _line(
    ids: Iterable[object], count: object, prices: Iterable[object], currency: str | None, trail: MappingTrace
) -> Line | None:
    identifier = _first(ids, trail, text_values.content_id)
    if identifier is None:
        trail.record_warning(WarningScope.CONTENTS, WarningCode.MISSING)
        return None
    quantity = read_or_warn(WarningScope.CONTENTS, count, trail, numbers.quantity)
    line: Line = {"id": identifier, "quantity": 1 if quantity is None else quantity}
    price = _first(prices, trail, numbers.money, currency)
    if price is not None:
        line["item_price"] = price
    return line


def _first(
    values: Iterable[object],
    trail: MappingTrace,
    read: Callable[[object, *Ts], T | InvalidValue],
    *arguments: *Ts,
) -> T | None:
    for value in values:
        found = read_or_warn(WarningScope.CONTENTS, value, trail, read, *arguments)
        if found is not None:
            return found
    return None


def _texts(entry: Object, allow: Set[str], trail: MappingTrace) -> Iterator[tuple[str, str]]:
    for key, value in entry.items():
        if key in CONTENT_TEXTS:
            text = read_or_warn(
                WarningScope.CONTENTS,
                value,
                trail,
                text_values.trimmed_text if key in allow else text_values.clean_text,
            )
            if text is not None:
                yield key, text
        elif key not in CONTENT_KEYS and value is not None:
            trail.record_warning(WarningScope.CONTENTS, WarningCode.UNKNOWN_KEY)
