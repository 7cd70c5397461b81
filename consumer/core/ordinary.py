"""
The short way of an ordinary event: nothing in it wants patience.

Nearly every event is made by the same tag: text where text is expected, numbers
where numbers are, and of `integrations.facebook` no more than ids. Such an event is read here
straight through, from the same tables and by the same readers as everywhere:

    mapped(root)  ->  what `patient.mapped` would say of it, or None: ask there

None says nothing about an event: an override, a list, a value that leaves a note
(but for those of the hashed values), an address of a person where none belongs.
So no event is ever mapped differently here; some only take five times as long.
`tests/core/test_ordinary.py` holds both ways against each other, and
`benchmarks/core.py` has the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consumer.core import event_time, identifiers, mapping, numbers, plain, times
from consumer.core.action_source import OF_THEIR_OWN, WEBSITE
from consumer.core.currencies import code
from consumer.core.decision import Note, NoteWord
from consumer.core.event import NOTHING, click_cookies
from consumer.core.event_level import id_of_place
from consumer.core.hashing import BatchHasher, learn
from consumer.core.mapped import Mapped
from consumer.core.privacy import keys_of
from consumer.core.record import Record, coordinates
from consumer.core.rules import ContentId, Rules
from consumer.core.sources import Object
from consumer.core.urls import clean_url, click_id
from consumer.core.values import Unusable

# Overrides that are each event's own, and common: the ids by which the browser's copy is known.
_IDS = frozenset({"event_id", "fbc", "fbp"})
_EVENT_ID = ("event_id",)
# Key of the server event -> the property of a page, or of the event itself, that it is read from.
_ADDRESSES = (("event_source_url", "url"), ("referrer_url", "referrer"))
_OTHER_AMOUNTS = ("value", "revenue")
_CURRENCY = ("currency",)
_NAME = ("name",)
_SEARCH = "Search"
_COUNTED = frozenset({"InitiateCheckout", mapping.PURCHASE})


def mapped(root: Object, record: Record, rules: Rules, hasher: BatchHasher, now_ms: int) -> Mapped | None:
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
    name = rules.event_names.get(given_name) or mapping.EVENT_NAMES.get(given_name) or given_name
    happened_in = mapping.ACTION_SOURCE_BY_TYPE.get(kind, rules.action_source)
    event_id = _event_id((facebook, root, context), record)
    time_ms = times.unix_ms(_either(context, "event_timestamp", root, "event_timestamp"))
    if "@" in name or happened_in not in OF_THEIR_OWN or event_id is None or isinstance(time_ms, Unusable):
        return None
    expires_at_s = event_time.expiry_s(time_ms, happened_in)
    if event_time.is_ahead(time_ms, now_ms) or now_ms > expires_at_s * 1000:
        return None

    event = {
        "event_name": name,
        "event_time": time_ms // 1000,
        "event_id": event_id,
        "action_source": happened_in,
    }
    notes: list[Note] = []
    person = _hashed(user, hasher, rules, now_ms, notes)
    details = _custom_data(root, name, rules)
    if (
        person is None
        or details is None
        or not _add_addresses(event, page, root, hasher.clean_addresses)
        or not _add_browser(person, browser, device)
        or not _add_clicks(
            person, facebook, root, device.get("cookie"), event.get("event_source_url"), time_ms
        )
    ):
        return None
    if rules.data_processing is not None:
        event.update(keys_of(rules.data_processing))
    if happened_in == WEBSITE:
        if "client_user_agent" not in person:
            notes.append(Note("client_user_agent", NoteWord.MISSING))
        if "event_source_url" not in event:
            notes.append(Note("event_source_url", NoteWord.MISSING))
    return Mapped(given_name, name, time_ms // 1000, expires_at_s, event, person, details, tuple(notes))


def _event_id(places: Iterable[Object], record: Record) -> str | None:
    given = _first(places, _EVENT_ID)
    if given is None:
        return id_of_place(coordinates(record))
    found = plain.identifier(given)
    return None if isinstance(found, Unusable) else found


def _add_addresses(keys: dict[str, object], page: Object, root: Object, clean: set[str]) -> bool:
    """Add the page that was seen and the one before it. False where personal data must be taken out."""
    for key, property_name in _ADDRESSES:
        url = page.get(property_name)
        if url is None:
            url = root.get(property_name)
            if url is None:
                continue
        if type(url) is not str:
            return False
        if url not in clean:
            if clean_url(url) != (url, False):
                return False
            clean.add(url)
        keys[key] = url
    return True


def _either(first: Object, key: str, second: Object, other_key: str) -> object:
    found = first.get(key)
    return second.get(other_key) if found is None else found


def _hashed(
    user: Object, hasher: BatchHasher, rules: Rules, now_ms: int, notes: list[Note]
) -> dict[str, object] | None:
    """The digests of a person of whom everything is one text or whole number."""
    country = user.get("country")
    if type(country) is not str and country is not None:
        return None
    around, columns = hasher.columns(country, rules, now_ms)
    found: dict[str, object] = {}
    for key, plain_key, digest_key, known, known_digests in columns:
        value = user.get(plain_key)
        digests_only = value is None
        if digests_only:
            value = user.get(digest_key)
            if value is None:
                continue
            known = known_digests
        if type(value) is not str:
            if type(value) is not int or key == "zp":
                return None
            value = str(value)
        digest = known.get(value)
        if digest is None:
            digest = learn(known, key, value, around, digests_only=digests_only)
        if isinstance(digest, str):
            found[key] = digest
        elif digests_only or user.get(digest_key) is None:
            notes.extend(Note(key, word) for word in digest.notes)
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
    return not (isinstance(address, Unusable) or isinstance(agent, Unusable))


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
    return not (isinstance(click, Unusable) or isinstance(visitor, Unusable))


def _custom_data(root: Object, name: str, rules: Rules) -> dict[str, object] | None:
    """What happened, in the shop's terms; None where any of it cannot be used as it stands."""
    items = _items(root.get("items"))
    products = None if items is None else _products(items)
    currency = None if products is None else _currency(root, products)
    if items is None or products is None or isinstance(currency, Unusable):
        return None
    lines = _lines(items, products, currency, rules.content_id)
    amount = _amount(root, currency)
    if lines is None or isinstance(amount, Unusable):
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
    if lines and name in _COUNTED:
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


def _currency(root: Object, products: Sequence[Object]) -> str | Unusable | None:
    given = root.get("currency")
    if given is None:
        given = _first(products, _CURRENCY)
    return None if given is None else code(given)


def _amount(root: Object, currency: str | None) -> int | float | Unusable | None:
    given = root.get("amount")
    if given is None:
        given = _first((root,), _OTHER_AMOUNTS)
    return None if given is None else numbers.money(given, currency)


def _first(objects: Iterable[Object], names: Sequence[str]) -> object:
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
        identifier = plain.content_id(identifier)
        count = item.get("quantity", 1)
        if type(count) is not int or count < 1:
            return None
        price = product.get("price")
        if price is None:
            price = item.get("price")
        if price is not None:
            price = numbers.money(price, currency)
        if isinstance(identifier, Unusable) or isinstance(price, Unusable):
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
        ("content_name", _first(products, _NAME) if content_name is None else content_name),
        ("content_category", _first(products, mapping.PRODUCT_CATEGORIES) if category is None else category),
        ("content_type", content_type or None),
        ("status", root.get("status")),
    ]
    if name == mapping.PURCHASE:
        order_id = root.get("id")
        texts.append(("order_id", str(order_id) if type(order_id) is int else order_id))
    elif name == _SEARCH:
        texts.append(("search_string", root.get("search_term")))
    for key, value in texts:
        if value is None:
            continue
        if type(value) is not str or "@" in value:
            return False
        text = value.strip()
        if not text:
            return False
        found[key] = text
    return True
