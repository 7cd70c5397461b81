"""
What happened, in the shop's terms: value, currency, contents, and any key of the user's own.

Each key is looked for in this order:

    integrations.facebook.custom_data.<key>   read as its row says; a key without a row as it is
    the user's own paths (a setting)          likewise, in place of the row's sources
    the row's sources                         mapping.CUSTOM_DATA, then the items

Personal data is taken out at the end, whatever way it came in.

What was looked at or bought: `items` as Meta's `contents`.

Two shapes give lines. A line without an id is left out, as Meta refuses it.

    an item of the event     {product: {id, price}, id, quantity, price}
    a line of an override    {id, quantity, item_price, title, brand, category, ...}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from typing import NamedTuple, TypeVar, TypeVarTuple

from consumer.domain.decision import WarningCode, WarningScope
from consumer.mapping import redaction, tables
from consumer.mapping import values as numbers
from consumer.mapping.event import NOTHING, Event, is_too_deep
from consumer.mapping.lookup import MappingTrace, Object, at_path, first_valid, read_or_warn
from consumer.mapping.redaction import REDACTED, clean_entry, contains_email, is_personal_name, redact
from consumer.mapping.rules import ContentId, MappingOptions, Path
from consumer.mapping.tables import CONTENT_KEYS, CONTENT_TEXTS
from consumer.mapping.values import EMPTY, TOO_DEEP, InvalidValue, currency_code

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


def product_of(item: Object) -> Object:
    """The product of an item; nothing when there is none, or no object."""
    found = item.get("product")
    return found if isinstance(found, dict) else NOTHING


def lines_of_items(
    items: list[Object], currency: str | None, first: ContentId, trail: MappingTrace
) -> list[Line]:
    """`contents` of the event's items. `first` says whose id is tried first, the product's or the item's."""
    lines = []
    for item in items:
        its_product = product_of(item)
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
    identifier = _first(ids, trail, redaction.content_id)
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
                redaction.trimmed_text if key in allow else redaction.clean_text,
            )
            if text is not None:
                yield key, text
        elif key not in CONTENT_KEYS and value is not None:
            trail.record_warning(WarningScope.CONTENTS, WarningCode.UNKNOWN_KEY)


CustomData = dict[str, object]

PRODUCT_CURRENCY = ("currency",)
PRODUCT_NAME = ("name",)


def custom_data(event: Event, name: str, rules: MappingOptions, trail: MappingTrace) -> CustomData:
    """Meta's `custom_data` of an event that Meta gets as `name`."""
    rows = _Rows(event, name, rules, trail, _items(event, trail))
    currency = rows.first(
        "currency",
        currency_code,
        otherwise=lambda: rows.of_products("currency", currency_code, PRODUCT_CURRENCY),
    )
    lines = rows.contents(currency)
    found: CustomData = {
        "value": rows.first("value", numbers.money, currency),
        "currency": currency,
        "contents": lines or None,
        "content_name": rows.first(
            "content_name",
            redaction.trimmed_text,
            otherwise=lambda: rows.of_products("content_name", redaction.trimmed_text, PRODUCT_NAME),
        ),
        "content_category": rows.first(
            "content_category",
            redaction.trimmed_text,
            otherwise=lambda: rows.of_products(
                "content_category", redaction.trimmed_text, tables.PRODUCT_CATEGORIES
            ),
        ),
        "content_type": rows.first(
            "content_type", redaction.trimmed_text, otherwise=lambda: rules.content_type or None
        ),
        "status": rows.first("status", redaction.trimmed_text),
        "order_id": rows.first("order_id", redaction.text_or_integer),
        "search_string": rows.first("search_string", redaction.trimmed_text),
        "num_items": rows.first(
            "num_items", numbers.whole_number, 0, otherwise=lambda: rows.lines_counted(lines)
        ),
    }
    found.update(rows.without_row())
    return _cleaned(found, rules.unredacted_keys, trail)


def _items(event: Event, trail: MappingTrace) -> list[Object]:
    items = event.root.get("items")
    return [] if items is None else objects(items, WarningScope.ITEMS, trail)


def _nothing() -> None:
    """Stands in for a row that has nothing behind it."""


class _Rows(NamedTuple):
    """The rows of the table, read for one event."""

    event: Event
    name: str
    rules: MappingOptions
    trail: MappingTrace
    items: list[Object]

    def first(
        self,
        key: str,
        read: Callable[[object, *Ts], T | InvalidValue],
        *arguments: *Ts,
        at_paths: Callable[[object, *Ts], T | InvalidValue] | None = None,
        otherwise: Callable[[], T | None] = _nothing,
    ) -> T | None:
        """
        The override; else the row's sources, then `otherwise`, or in their place the user's own paths.

        `at_paths` reads there when something else is expected than in the row.
        """
        row = tables.CUSTOM_DATA[key]
        is_replaced = key in self.rules.custom_data_paths
        is_for_event = row.events is None or self.name in row.events
        sources = row.sources if is_for_event and not is_replaced else row.override
        found = first_valid(key, sources, self.event, self.trail, read, *arguments)
        if found is not None:
            return found
        if is_replaced:
            return self._at_paths(key, at_paths or read, *arguments)
        return otherwise() if is_for_event else None

    def _at_paths(
        self, key: str, read: Callable[[object, *Ts], T | InvalidValue], *arguments: *Ts
    ) -> T | None:
        is_row = key in tables.CUSTOM_DATA
        field = key if is_row else WarningScope.CUSTOM_DATA
        for path in self.rules.custom_data_paths[key]:
            written = ".".join(map(str, path))
            value = self._cleaned_at(key, path, field)
            found = read_or_warn(field, value, self.trail, read, *arguments, path=written)
            if found is not None:
                self.trail.record_source(key if is_row else f"custom_data.{key}", written)
                return found
        return None

    def _cleaned_at(self, key: str, path: Path, field: str) -> object:
        """What lies at a path. Under a name of personal data it is that under any other name too."""
        value, allow = at_path(self.event.root, path), self.rules.unredacted_keys
        if value is None or key in allow or not any(is_personal_name(str(step)) for step in path):
            return value
        if is_too_deep(value):
            return value  # its reader says so
        cleaned = redact(value, allow, is_personal=True)
        if cleaned is not value:
            self.trail.record_warning(field, WarningCode.PERSONAL_DATA, ".".join(map(str, path)))
        return None if cleaned is REDACTED else cleaned

    def of_products(
        self, key: str, read: Callable[[object], str | InvalidValue], names: Iterable[str]
    ) -> str | None:
        """The first usable property of the items' products."""
        for index, item in enumerate(self.items):
            product = product_of(item)
            for name in names:
                text = read_or_warn(key, product.get(name), self.trail, read)
                if text is not None:
                    self.trail.record_source(key, f"items[{index}].product.{name}")
                    return text
        return None

    def contents(self, currency: str | None) -> list[Line]:
        """The lines of an override, else of the items; an override without a usable line counts as absent."""
        found = self.first(
            "contents",
            self._given_lines,
            currency,
            at_paths=self._lines_at_path,
            otherwise=lambda: self._lines_of_items(currency),
        )
        return found or []

    def _given_lines(self, value: object, currency: str | None) -> list[Line] | InvalidValue:
        given = objects(value, WarningScope.CONTENTS, self.trail)
        allow = self.rules.unredacted_keys
        return lines_of_override(given, currency, allow, self.trail) or EMPTY

    def _lines_at_path(self, value: object, currency: str | None) -> list[Line] | InvalidValue:
        items = objects(value, WarningScope.CONTENTS, self.trail)
        return lines_of_items(items, currency, self.rules.content_id, self.trail) or EMPTY

    def _lines_of_items(self, currency: str | None) -> list[Line]:
        lines = lines_of_items(self.items, currency, self.rules.content_id, self.trail)
        if lines:
            self.trail.record_source("contents", "items")
        return lines

    def lines_counted(self, lines: list[Line]) -> int | None:
        """Lines of `contents`, where there are any."""
        if not lines:
            return None
        self.trail.record_source("num_items", "lines of contents")
        return len(lines)

    def without_row(self) -> Iterator[tuple[str, object]]:
        """Keys of the user's own: from paths, then overrides, which win."""
        overrides = self.event.facebook_custom_data
        for key in self.rules.custom_data_paths:
            if key not in tables.CUSTOM_DATA and overrides.get(key) is None:
                yield key, self._at_paths(key, _as_it_is)
        for key, value in overrides.items():
            if key not in tables.CUSTOM_DATA and value is not None:
                self.trail.record_source(f"custom_data.{key}", f"integrations.facebook.custom_data.{key}")
                yield key, value


def _as_it_is(value: object) -> object | InvalidValue:
    return TOO_DEEP if is_too_deep(value) else value


def _cleaned(found: CustomData, allow: Set[str], trail: MappingTrace) -> CustomData:
    """What is there, without personal data."""
    kept: CustomData = {}
    for key, value in found.items():
        if value is None:
            continue
        is_row = key in tables.CUSTOM_DATA
        # A row has no personal name, and a form; only its text may hold an address.
        cleaned = value if is_row and not _holds_address(value) else clean_entry(key, value, allow)
        if cleaned is not value:
            trail.record_warning(key if is_row else WarningScope.CUSTOM_DATA, WarningCode.PERSONAL_DATA)
        if cleaned is not REDACTED:
            kept[key] = cleaned
    return kept


def _holds_address(value: object) -> bool:
    return isinstance(value, str) and contains_email(value)
