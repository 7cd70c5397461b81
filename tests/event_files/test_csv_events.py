"""Events in CSV: columns are paths, cells are text, and a purchase may stand on several lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from consumer.errors import CommandError
from consumer.event_files.csv_assembly import DIFFERS, NAMELESS
from consumer.event_files.csv_events import csv_events
from consumer.event_files.formats import Encoding
from consumer.event_files.lines import FoundEvent, numbered_lines

FILES = Path(__file__).parent / "files"


def entries(data: str | bytes, **options: Any) -> list[Any]:
    raw = data.encode() if isinstance(data, str) else data
    return list(csv_events(numbered_lines(iter([raw])), **options))


def events(data: str | bytes, **options: Any) -> list[Any]:
    """The events, all of which can be read."""
    found = entries(data, **options)
    assert [entry for entry in found if not isinstance(entry, FoundEvent)] == []
    return [orjson.loads(entry.value) for entry in found]


def ends(data: str | bytes, **options: Any) -> list[Any]:
    """(line, last line, the event or what is wrong)."""
    return [
        (e.line, e.last_line, orjson.loads(e.value) if isinstance(e, FoundEvent) else e.says)
        for e in entries(data, **options)
    ]


ONE_EVENT = [
    ("text stays text", "event_name,amount\npurchase,10\n", {"event_name": "purchase", "amount": "10"}),
    ("no last line end", "event_name\nsearch", {"event_name": "search"}),
    ("an empty cell is absent", "event_name,id,name\nsearch,, \n", {"event_name": "search"}),
    ("a short line lacks its last cells", "event_name,id,name\nsearch\n", {"event_name": "search"}),
    (
        "spaces around values stay",
        "event_name,name\nsearch, a b \n",
        {"event_name": "search", "name": " a b "},
    ),
    ("dotted paths", "event_name,user.email\nx,a@b.fr\n", {"event_name": "x", "user": {"email": "a@b.fr"}}),
    ("spaces around names do not count", " event_name , id \nx,7\n", {"event_name": "x", "id": "7"}),
    (
        "deep paths",
        "event_name,integrations.facebook.custom_data.tag\nx,7\n",
        {"event_name": "x", "integrations": {"facebook": {"custom_data": {"tag": "7"}}}},
    ),
    (
        "places in a list",
        "event_name,items.1.product.id,items.0.product.id,items.0.quantity\nx,b,a,2\n",
        {"event_name": "x", "items": [{"product": {"id": "a"}, "quantity": "2"}, {"product": {"id": "b"}}]},
    ),
    (
        "a place with nothing in it is no element",
        "event_name,items.0.product.id,items.1.product.id\nx,,b\n",
        {"event_name": "x", "items": [{"product": {"id": "b"}}]},
    ),
    (
        "a new place for the line, after those with numbers",
        "event_name,items.*.product.id,items.0.product.id\nx,new,first\n",
        {"event_name": "x", "items": [{"product": {"id": "first"}}, {"product": {"id": "new"}}]},
    ),
    ("a list of texts", "event_name,tags.*\nx,a\n", {"event_name": "x", "tags": ["a"]}),
    (
        "consent categories are ids with a bar between",
        "event_name,consent_categories,user.consent_categories\nx, 1|3 ,4\n",
        {"event_name": "x", "consent_categories": ["1", "3"], "user": {"consent_categories": ["4"]}},
    ),
    ("semicolons", "event_name;amount\nx;12,50\n", {"event_name": "x", "amount": "12,50"}),
    ("tabs", "event_name\tamount\nx\t12,50\n", {"event_name": "x", "amount": "12,50"}),
    ("a first column without a name", "\tevent_name\n\tx\n", {"event_name": "x"}),
    ("a byte order mark", "\ufeffevent_name;id\r\nx;7\r\n", {"event_name": "x", "id": "7"}),
    ("a quoted header", '"event_name","id"\n"x","7"\n', {"event_name": "x", "id": "7"}),
    (
        "a line that names the separator",
        "sep=;\r\nevent_name;name\r\nx;a,b\r\n",
        {"event_name": "x", "name": "a,b"},
    ),
    ("blank lines", "\n\nevent_name;id\n\nx;7\n;\n  ;  \n", {"event_name": "x", "id": "7"}),
    (
        "quoted delimiters, quotes and line ends",
        'event_name,name\nx,"a, ""b""\r\nc"\n',
        {"event_name": "x", "name": 'a, "b"\r\nc'},
    ),
    ("empty cells past the header", "event_name,id\nx,7,,,\n", {"event_name": "x", "id": "7"}),
]


@pytest.mark.parametrize(("data", "event"), [row[1:] for row in ONE_EVENT], ids=[row[0] for row in ONE_EVENT])
def test_a_line_is_an_event(data: Any, event: Any) -> None:
    assert events(data) == [event]


HEAD = "event_name,id,amount,consent_categories,items.*.product.id\n"


def purchase(order: Any, amount: Any = None, consent: Any = None, items: Any = ()) -> dict[Any, Any]:
    event = {"event_name": "purchase", "id": order}
    event |= {} if amount is None else {"amount": amount}
    event |= {} if consent is None else {"consent_categories": consent}
    return event | ({"items": [{"product": {"id": item}} for item in items]} if items else {})


PURCHASES = [
    (
        "neighbours with one id are one purchase",
        "purchase,A,10,,a\npurchase,A,,,b\npurchase,B,20,,c\n",
        [purchase("A", "10", items="ab"), purchase("B", "20", items="c")],
    ),
    ("the name stands once", "purchase,A,10,,a\n,A,,,b\n", [purchase("A", "10", items="ab")]),
    ("a line without an item", "purchase,A,,,a\n,A,10,,\n", [purchase("A", "10", items="a")]),
    (
        "lines apart are two",
        "purchase,A,,,a\npurchase,B,,,b\npurchase,A,,,c\n",
        [purchase("A", items="a"), purchase("B", items="b"), purchase("A", items="c")],
    ),
    ("blank lines do not part", "purchase,A,,,a\n,,,,\n\n,A,,,b\n", [purchase("A", items="ab")]),
    (
        "no id: two",
        "purchase,,,,a\npurchase,,,,b\n",
        [
            {"event_name": "purchase", "items": [{"product": {"id": "a"}}]},
            {"event_name": "purchase", "items": [{"product": {"id": "b"}}]},
        ],
    ),
    (
        "another event with the same id is another event",
        "purchase,A,,,a\nrefund,A,,,b\n",
        [purchase("A", items="a"), {"event_name": "refund", "id": "A", "items": [{"product": {"id": "b"}}]}],
    ),
    (
        "only purchases are joined",
        "search,A,,,\nsearch,A,,,\n",
        [{"event_name": "search", "id": "A"}, {"event_name": "search", "id": "A"}],
    ),
    (
        "consent is what all agree on",
        "purchase,A,,1|3,\n,A,,3|4|1,\n,A,,3,\n",
        [purchase("A", consent=["3"])],
    ),
    ("commas part ids too", 'purchase,A,,"1,3",\n,A,,"3|4",\n', [purchase("A", consent=["3"])]),
    ("no agreement is no consent", "purchase,A,,1,\n,A,,3,\n", [purchase("A", consent=[])]),
    (
        "a line that says nothing takes no consent away",
        "purchase,A,,1|3,\n,A,,,\n",
        [purchase("A", consent=["1", "3"])],
    ),
]


@pytest.mark.parametrize(
    ("lines", "expected"), [row[1:] for row in PURCHASES], ids=[row[0] for row in PURCHASES]
)
def test_a_purchase_stands_on_neighbouring_lines(lines: Any, expected: Any) -> None:
    assert events(HEAD + lines) == expected


def test_the_names_of_purchases_are_an_argument() -> None:
    data = "event_name,id\norder,A\norder,A\n"
    assert len(events(data)) == 2
    assert events(data, purchases=frozenset({"order"})) == [{"event_name": "order", "id": "A"}]


def test_a_column_that_differs_within_a_purchase_is_remarked_on_and_the_first_counts() -> None:
    found = entries(HEAD + "purchase,A,10,,a\npurchase,A,20,,b\n")
    assert [(e.line, e.last_line, e.remarks) for e in found] == [(2, 3, (("amount", DIFFERS),))]
    assert orjson.loads(found[0].value)["amount"] == "10"


def test_a_cell_without_a_name_is_remarked_on() -> None:
    found = entries("event_name,,id\nx,secret,7\n")
    assert [e.remarks for e in found] == [(("column 2", NAMELESS),)]
    assert orjson.loads(found[0].value) == {"event_name": "x", "id": "7"}


OPEN = "a quote is opened and not closed"
BAD_LINES = [
    (
        "too many cells",
        "event_name,id\na,1\nb,2,3\nc,4\n",
        [
            (2, 2, {"event_name": "a", "id": "1"}),
            (3, 3, "more cells than the header has columns"),
            (4, 4, {"event_name": "c", "id": "4"}),
        ],
    ),
    (
        "a quote inside a quoted cell",
        'event_name,id\n"a"b,1\nc,4\n',
        [(2, 2, "a quote inside a quoted cell must be doubled"), (3, 3, {"event_name": "c", "id": "4"})],
    ),
    (
        "an open quote takes the rest with it, and says from where",
        'event_name,id\na,1\n"b,2\nc,3\n',
        [(2, 2, {"event_name": "a", "id": "1"}), (3, 4, OPEN)],
    ),
    (
        "an open quote in a long file is given up after a while",
        'event_name,id\n"a,1\n' + "b,2\n" * 40_000 + "c,3\n",
        None,
    ),
    (
        "lines after a cell of several lines",
        'event_name,name\na,"1\n2\n3"\nb,2,3\n',
        [(2, 4, {"event_name": "a", "name": "1\n2\n3"}), (5, 5, "more cells than the header has columns")],
    ),
]


@pytest.mark.parametrize(
    ("data", "expected"), [row[1:] for row in BAD_LINES], ids=[row[0] for row in BAD_LINES]
)
def test_a_bad_line_costs_its_own_event(data: Any, expected: Any) -> None:
    found = ends(data)
    if expected is None:
        assert found[0] == (2, found[0][1], f"a cell of more than 128 KiB, or {OPEN}")
        assert found[1:] == [
            (line, line, {"event_name": "b", "id": "2"}) for line in range(found[0][1] + 1, 40_003)
        ] + [(40_003, 40_003, {"event_name": "c", "id": "3"})]
    else:
        assert found == expected


def test_one_bad_line_costs_all_of_its_purchase_and_no_other() -> None:
    data = HEAD + "purchase,A,,,a\n,A,,,b,c\n,A,,,d\npurchase,B,,,e\n"
    assert ends(data) == [
        (2, 4, "line 3: more cells than the header has columns"),
        (5, 5, purchase("B", items="e")),
    ]


def test_a_hole_in_a_purchase_does_not_make_it_two() -> None:
    data = HEAD + 'purchase,A,,,a\n"x"y,A,,,b\n,A,,,c\npurchase,B,,,e\n"x"y\npage_view,,,,\n'
    assert ends(data) == [
        (2, 4, "line 3: a quote inside a quoted cell must be doubled"),
        (5, 5, purchase("B", items="e")),
        (6, 6, "a quote inside a quoted cell must be doubled"),
        (7, 7, {"event_name": "page_view"}),
    ]


def test_a_purchase_of_more_lines_than_any_order_has_is_refused_whole() -> None:
    data = HEAD + "purchase,A,,,a\n" + ",A,,,b\n" * 10_000 + "search,,,,\n"
    assert ends(data) == [
        (2, 10_002, "line 10002: more than 10,000 lines with one id"),
        (10_003, 10_003, {"event_name": "search"}),
    ]


LATIN = "event_name;user.city\nx;Besançon\ny;Lyon\n"


def test_another_encoding_is_an_error_of_its_lines_that_says_what_to_do() -> None:
    assert ends(LATIN.encode("windows-1252")) == [
        (2, 2, "not UTF-8; save the file as UTF-8, or say --encoding windows-1252 if it is that"),
        (3, 3, {"event_name": "y", "user": {"city": "Lyon"}}),
    ]


ENCODINGS = [
    ("windows-1252", b"\x80"),
    ("cp1252", b"\x80"),
    ("latin1", b"\x80"),
    ("iso-8859-1", b"\x80"),
    ("iso-8859-15", b"\xa4"),
]


@pytest.mark.parametrize(("encoding", "sign"), ENCODINGS)
def test_the_encoding_can_be_said(encoding: Any, sign: Any) -> None:
    data = LATIN.encode(encoding) + b"z;12 " + sign + b"\n"
    assert events(data, encoding=Encoding(encoding))[::2] == [
        {"event_name": "x", "user": {"city": "Besançon"}},
        {"event_name": "z", "user": {"city": "12 €"}},
    ]


BAD_HEADERS = [
    ("", "the file has no header"),
    ("jane@example.com,12\n", "line 1: no column event_name"),
    ("\n{}\n", "line 2: no column event_name"),
    ("event_name,id\rx,7\ry,8\r", "line 1: no header; if the line ends are of an old kind (CR alone)"),
    ("Event_Name,id\n", "no column event_name"),
    ("event_name,id,id\n", "two columns have the name id"),
    ("event_name,user..id\n", "column user..id: a name is words separated by single dots"),
    ("event_name,0.id\n", "column 0.id: a name begins with a word"),
    ("event_name,*.id\n", "column *.id: a name begins with a word"),
    ("event_name,items.*.tags.*\n", "column items.*.tags.*: one * is enough"),
    ("event_name,items.1000.id\n", "column items.1000.id: a place in a list is at most 999"),
    ("event_name,user,user.id\n", "column user: another column lies inside it"),
    ("event_name,items.0.id,items.0\n", "column items.0: another column lies inside it"),
    ("event_name,items.*,items.*.id\n", "column items.*: another column lies inside it"),
    ("event_name,items.0.id,items.name\n", "column items.name: another column makes a list an object"),
    ("event_name;pr\xe9nom\n".encode("latin-1"), "line 1: not UTF-8"),
]


@pytest.mark.parametrize(("data", "says"), BAD_HEADERS)
def test_a_header_that_cannot_be_used_ends_it_and_shows_no_value(data: Any, says: Any) -> None:
    with pytest.raises(CommandError) as refused:
        entries(data)
    assert says in str(refused.value)
    assert "jane" not in str(refused.value)


def test_a_french_spreadsheet_export_reads_as_it_was_meant() -> None:
    found = events((FILES / "french-spreadsheet.csv").read_bytes())

    assert [event["event_name"] for event in found] == ["purchase", "purchase", "page_view", "add_to_cart"]
    first, second, view, _ = found
    assert first["amount"] == "12,50"
    assert first["user"]["firstname"] == "Élodie"
    assert first["browser"]["user_agent"] == 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) "Gecko"'
    assert second["amount"] == "1\u202f234,56 €"
    assert second["consent_categories"] == ["3"]
    assert second["items"] == [
        {
            "product": {"id": "sku-2", "name": "Lampe; grande\nbleue", "price": "1\u202f199,56 €"},
            "quantity": "1",
        },
        {"product": {"id": "sku-3", "name": 'Abat-jour "Lune"', "price": "12,50"}, "quantity": "2"},
        {"product": {"id": "sku-4", "name": "Ampoule", "price": "10"}, "quantity": "1"},
    ]
    assert "items" not in view
