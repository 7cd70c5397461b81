"""
The fast mapping, of an event in which nothing is out of the ordinary.

Nearly every event is made by the same tag: text where text is expected, numbers
where numbers are, and of `integrations.facebook` no more than ids. It is read
here straight through:

    map_event(root)  ->  what `full_mapping.map_event` would say, or None: ask there

None says nothing about an event: an override, a list, a value that leaves a note
(but for those of the hashed values, and for what a website lacks), an address of
a person where none belongs. It is then mapped in full, at two to three times the
cost, and never differently. Values go through the same readers as there; the
order of the sources is written out here a second time, and
`tests/mapping/test_fast_mapping.py` holds it to the tables.

The fast mapping's `custom_data`: of an event whose values can be used as they stand.

    custom_data(root)  ->  what `custom_data.custom_data` would say, or None: ask there
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consumer.domain.decision import MappingWarning, WarningCode
from consumer.domain.record import Record, coordinates
from consumer.mapping import event_fields, redaction, tables, values
from consumer.mapping import user_data as identifiers
from consumer.mapping.consent import data_processing_keys
from consumer.mapping.event import NOTHING, click_cookies
from consumer.mapping.event_fields import COMPLETE_ALONE, id_from_coordinates, missing_website_fields
from consumer.mapping.lookup import Object
from consumer.mapping.map_event import MappedEvent
from consumer.mapping.normalize.hashing import BatchHasher, compute
from consumer.mapping.redaction import clean_url, click_id
from consumer.mapping.rules import ContentId, MappingOptions
from consumer.mapping.values import InvalidValue, currency_code

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
    return None if given is None else values.money(given, currency)


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
        identifier = redaction.content_id(identifier)
        count = item.get("quantity", 1)
        if type(count) is not int or count < 1:
            return None
        price = product.get("price")
        if price is None:
            price = item.get("price")
        if price is not None:
            price = values.money(price, currency)
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


# Overrides that are each event's own, and common: the ids by which the browser's copy is known.
_IDS = frozenset({"event_id", "fbc", "fbp"})
_EVENT_ID = ("event_id",)
# Key of the server event -> the property of a page, or of the event itself, that it is read from.
_ADDRESSES = (("event_source_url", "url"), ("referrer_url", "referrer"))


def map_event(
    root: Object, record: Record, rules: MappingOptions, hasher: BatchHasher, now_ms: int
) -> MappedEvent | None:
    """What would be sent for an event, or None: it is not as ordinary as that."""
    user, browser = root.get("user", NOTHING), root.get("browser", NOTHING)
    context, integrations = root.get("context", NOTHING), root.get("integrations", NOTHING)
    if not type(user) is type(browser) is type(context) is type(integrations) is dict:
        return None
    page, device = context.get("page", NOTHING), context.get("device", NOTHING)
    facebook = integrations.get("facebook", NOTHING)
    if not type(page) is type(device) is type(facebook) is dict:
        return None
    if rules.custom_data_paths or not _IDS.issuperset(facebook):
        return None

    given_name, kind = root.get("event_name"), root.get("type", "")
    if type(given_name) is not str or type(kind) is not str or not (given_name := given_name.strip()):
        return None
    name = rules.event_names.get(given_name) or tables.EVENT_NAMES.get(given_name) or given_name
    happened_in = tables.ACTION_SOURCE_BY_TYPE.get(kind, rules.action_source)
    event_id = _event_id((facebook, root, context), record)
    time_ms = event_fields.unix_ms(_either(context, "event_timestamp", root, "event_timestamp"))
    if (
        "@" in name
        or happened_in not in COMPLETE_ALONE
        or event_id is None
        or isinstance(time_ms, InvalidValue)
    ):
        return None
    expires_at_s = event_fields.expiry_s(time_ms, happened_in)
    if event_fields.is_ahead(time_ms, now_ms) or event_fields.has_expired(expires_at_s, now_ms):
        return None

    server_event: dict[str, object] = {
        "event_name": name,
        "event_time": time_ms // 1000,
        "event_id": event_id,
        "action_source": happened_in,
    }
    notes: list[MappingWarning] = []
    user_data = _digests_of(user, hasher, rules, now_ms, notes)
    details = custom_data(root, name, rules)
    if (
        user_data is None
        or details is None
        or not _add_addresses(server_event, page, root)
        or not _add_browser(user_data, browser, device)
        or not _add_clicks(
            user_data, facebook, root, device.get("cookie"), server_event.get("event_source_url"), time_ms
        )
    ):
        return None
    if rules.data_processing is not None:
        server_event.update(data_processing_keys(rules.data_processing))
    notes.extend(
        MappingWarning(key, WarningCode.MISSING) for key in missing_website_fields(server_event, user_data)
    )
    time_s = time_ms // 1000
    return MappedEvent(given_name, name, time_s, expires_at_s, server_event, user_data, details, tuple(notes))


def _event_id(places: Iterable[Object], record: Record) -> str | None:
    given = first_property(places, _EVENT_ID)
    if given is None:
        return id_from_coordinates(coordinates(record))
    found = redaction.identifier(given)
    return None if isinstance(found, InvalidValue) else found


def _add_addresses(server_event: dict[str, object], page: Object, root: Object) -> bool:
    """Add the page that was seen and the one before it. False where personal data must be taken out."""
    for key, property_name in _ADDRESSES:
        url = _either(page, property_name, root, property_name)
        if url is not None:
            if clean_url(url) != (url, False):
                return False
            server_event[key] = url
    return True


def _either(first: Object, key: str, second: Object, other_key: str) -> object:
    found = first.get(key)
    return second.get(other_key) if found is None else found


def _digests_of(
    user: Object, hasher: BatchHasher, rules: MappingOptions, now_ms: int, notes: list[MappingWarning]
) -> dict[str, object] | None:
    """The digests of a person of whom everything is one text or whole number."""
    country = user.get("country")
    if type(country) is not str and country is not None:
        return None
    circumstances, columns = hasher.field_caches(country, rules, now_ms)
    found: dict[str, object] = {}
    for key, plain_property, digest_property, known, known_digests in columns:
        value = user.get(plain_property)
        digests_only = value is None
        if digests_only:
            value = user.get(digest_property)
            if value is None:
                continue
        remembered = known_digests if digests_only else known
        if type(value) is not str:
            if type(value) is not int or key == "zp":
                return None
            value = str(value)
        digest = remembered.get(value)
        if digest is None:
            digest = compute(remembered, key, value, circumstances, digests_only=digests_only)
        if isinstance(digest, str):
            found[key] = digest
        elif digests_only or user.get(digest_property) is None:
            notes.extend(MappingWarning(key, word) for word in digest.notes)
        else:
            return None  # the other property may have one
    return found


def _add_browser(found: dict[str, object], browser: Object, device: Object) -> bool:
    """Add address and user agent. False where one cannot be used."""
    address = _either(browser, "ip", device, "ip")
    if address is not None:
        address = found["client_ip_address"] = identifiers.client_ip_address(address)
    agent = _either(browser, "user_agent", device, "user_agent")
    if agent is not None:
        agent = found["client_user_agent"] = identifiers.client_user_agent(agent)
    return not (isinstance(address, InvalidValue) or isinstance(agent, InvalidValue))


def _add_clicks(
    found: dict[str, object], facebook: Object, root: Object, cookie: object, url: object, time_ms: int
) -> bool:
    """Add what Meta's own browser code knows a click and a visitor by. False where one cannot be used."""
    cookies = click_cookies(cookie)
    click = _either(facebook, "fbc", root, "fbc")
    if click is None:
        click = cookies.get("_fbc")
    if click is not None:
        click = found["fbc"] = identifiers.fbc(click, time_ms)
    elif type(url) is str and (clicked := click_id(url)) is not None:
        click = found["fbc"] = identifiers.fbc_from_click(clicked, time_ms)
    visitor = _either(facebook, "fbp", root, "fbp")
    if visitor is None:
        visitor = cookies.get("_fbp")
    if visitor is not None:
        visitor = found["fbp"] = identifiers.fbp(visitor)
    return not (isinstance(click, InvalidValue) or isinstance(visitor, InvalidValue))
