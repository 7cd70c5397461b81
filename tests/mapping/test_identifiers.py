"""What identifies a browser or a click, sent as it is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.mapping.user_data import client_ip_address, client_user_agent, fbc, fbc_from_click, fbp
from consumer.mapping.values import EMPTY, EXPIRED, MALFORMED, PLACEHOLDER, WRONG_TYPE

EVENT_TIME_MS = 1700000000000
DAYS_90_MS = 7_776_000_000
MINUTES_5_MS = 300_000

APPENDICES = ["AQ", "Ag", "Aw", "BA", "BQ", "Bg", "AQECAQIA", "a_c-E123"]
NO_APPENDICES = ["", "aq", "AX", "1234567", "123456789", "AQ.AQ"]


NOBODYS = [
    ip_network(net)
    for net in (
        *("0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/4", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
]
# Every beginning that an address of nobody's has, and its neighbours.
IPV4 = st.builds(
    "{}.{}.{}.{}".format,
    st.sampled_from(
        [0, 1, 9, 10, 11, 99, 100, 101, 126, 127, 128, 168, 169, 170, 171, 172, 173, 191, 192, 223, 224, 239]
    ),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
)
IPV6 = st.ip_addresses(v=6) | st.ip_addresses(network="2000::/3")


@pytest.mark.parametrize("value", [None, 1, 1.0, True, ["x"], {}])
def test_identifiers_are_text(value: Any) -> None:
    assert client_ip_address(value) is WRONG_TYPE
    assert client_user_agent(value) is WRONG_TYPE
    assert fbc(value, EVENT_TIME_MS) is WRONG_TYPE
    assert fbp(value) is WRONG_TYPE


@pytest.mark.parametrize("text", ["", " ", ",", " ,8.8.8.8"])
def test_no_address_is_empty(text: str) -> None:
    assert client_ip_address(text) is EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        "8.8.8",
        "8.8.8.8.8",
        "8.8.8.256",
        "08.8.8.8",
        "8.8.8.8:443",
        "8.8.8.8/32",
        "[2001:db8::1]",
        "2001:db8::1::2",
        "2001:db8::g",
        "2001:db8::1%eth0",
        "fe80::1%1",
        "1.2.3.AQ",
        "12345678",
        "AQ",
    ],
)
def test_what_is_no_address_is_malformed(text: str) -> None:
    assert client_ip_address(text) is MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "224.0.0.1",
        "239.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:7f00:1",
        "10.0.0.1.AQ",
        "fe80::1.AQECAQIA",
        "10.0.0.1, 8.8.8.8",
    ],
)
def test_an_address_that_is_nobodys_on_the_internet_is_malformed(text: str) -> None:
    assert client_ip_address(text) is MALFORMED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.8", "8.8.8.8"),
        (" 8.8.8.8\n", "8.8.8.8"),
        ("8.8.8.8, 10.0.0.1", "8.8.8.8"),
        ("8.8.8.8,not an address", "8.8.8.8"),
        ("9.255.255.255", "9.255.255.255"),
        ("100.63.0.1", "100.63.0.1"),
        ("100.128.0.1", "100.128.0.1"),
        ("172.15.0.1", "172.15.0.1"),
        ("172.32.0.1", "172.32.0.1"),
        ("192.169.0.1", "192.169.0.1"),
        ("223.255.255.255", "223.255.255.255"),
        ("0.0.0.1", "0.0.0.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:DB8:0:0:0:0:0:1"),
        ("::ffff:8.8.8.8", "::ffff:8.8.8.8"),
        ("fec0::1", "fec0::1"),
    ],
)
def test_the_first_public_address_is_sent_as_it_is_written(text: str, expected: str) -> None:
    assert client_ip_address(text) == expected


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"])
def test_an_address_keeps_its_appendix(address: str) -> None:
    assert [client_ip_address(f"{address}.{tail}") for tail in APPENDICES] == [
        f"{address}.{a}" for a in APPENDICES
    ]
    assert {client_ip_address(f"{address}.{tail}") for tail in NO_APPENDICES} == {MALFORMED}


@pytest.mark.parametrize(
    ("text", "expected"), [("", EMPTY), (" \t", EMPTY), ("undefined", PLACEHOLDER), (" - ", PLACEHOLDER)]
)
def test_a_user_agent_that_says_nothing_is_unusable(text: str, expected: Any) -> None:
    assert client_user_agent(text) is expected


def test_a_user_agent_is_trimmed_and_keeps_its_case() -> None:
    assert client_user_agent(" Mozilla/5.0 (X11) \n") == "Mozilla/5.0 (X11)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "undefined",
        "IwAR0abc",
        "fb.1.1700000000000",
        "fb.1.1700000000000.",
        "fb.1..abc",
        "fb.10.1700000000000.abc",
        "fb.x.1700000000000.abc",
        "FB.1.1700000000000.abc",
        "fb.1.17000000000000.abc",
        "fb.1.1700000000000.a b",
        "fb.1.1700000000000.a+b",
        "fb.1.1700000000000.abc.def",
        "fb.1.1700000000000.abc\n",
        " fb.1.1700000000000.abc",
        "fb.1.١٧٠٠٠٠٠٠٠٠٠٠٠.abc",
        "fb.1.1700000000000.é",
    ],
)
def test_an_fbc_out_of_its_form_is_malformed(text: str) -> None:
    assert fbc(text, EVENT_TIME_MS) is MALFORMED


def test_an_fbc_is_at_most_90_days_older_than_the_event() -> None:
    edge = EVENT_TIME_MS - DAYS_90_MS
    assert fbc(f"fb.1.{edge - 1}.abc", EVENT_TIME_MS) is EXPIRED
    assert fbc("fb.1.1700000000.abc", EVENT_TIME_MS) is EXPIRED
    assert fbc(f"fb.1.{edge}.abc", EVENT_TIME_MS) == "fb.1.1692224000000.abc"


def test_an_fbc_is_at_most_5_minutes_newer_than_the_event() -> None:
    edge = EVENT_TIME_MS + MINUTES_5_MS
    assert fbc(f"fb.1.{edge + 1}.abc", EVENT_TIME_MS) is MALFORMED
    assert fbc(f"fb.1.{edge}.abc", EVENT_TIME_MS) == "fb.1.1700000300000.abc"


@pytest.mark.parametrize(
    "text", ["fb.1.1700000000000.IwAR0_AbC-d", "fb.2.1699999999999.a", "fb.0.1700000000000." + "A" * 500]
)
def test_an_fbc_is_never_rewritten(text: str) -> None:
    assert fbc(text, EVENT_TIME_MS) == text
    assert [fbc(f"{text}.{tail}", EVENT_TIME_MS) for tail in APPENDICES] == [
        f"{text}.{tail}" for tail in APPENDICES
    ]
    assert {fbc(f"{text}.{tail}", EVENT_TIME_MS) for tail in NO_APPENDICES} == {MALFORMED}


@pytest.mark.parametrize("click_id", ["", "a b", "a.b", "a%20b", "é", "a+b", "abc\n"])
def test_a_click_id_with_other_signs_builds_nothing(click_id: str) -> None:
    assert fbc_from_click(click_id, EVENT_TIME_MS) is MALFORMED


def test_a_click_id_becomes_an_fbc_of_the_time_of_the_event() -> None:
    built = fbc_from_click("IwAR0_AbC-d", EVENT_TIME_MS)
    assert built == "fb.1.1700000000000.IwAR0_AbC-d"
    assert fbc(built, EVENT_TIME_MS) == built


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "fb.1.1700000000000",
        "fb.1.1700000000000.abc",
        "fb.1.1700000000000.12 3",
        "fb.12.1700000000000.123",
        "fb.1.17000000000000.123",
        "fb.1.1700000000000.123\n",
        " fb.1.1700000000000.123",
        "fb.1.1700000000000.١٢٣",
    ],
)
def test_an_fbp_out_of_its_form_is_malformed(text: str) -> None:
    assert fbp(text) is MALFORMED


def test_an_fbp_is_never_rewritten() -> None:
    text = "fb.1.1700000000000.1234567890"
    assert fbp(text) == text
    assert [fbp(f"{text}.{tail}") for tail in APPENDICES] == [f"{text}.{tail}" for tail in APPENDICES]
    assert {fbp(f"{text}.{tail}") for tail in NO_APPENDICES} == {MALFORMED}


@settings(max_examples=500)
@given(IPV4 | IPV6.map(str) | IPV6.map(lambda address: address.exploded))
def test_an_address_is_sent_unless_it_is_nobodys(text: Any) -> None:
    address = ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    is_nobodys = any(address in net for net in NOBODYS if net.version == address.version)
    assert client_ip_address(text) == (MALFORMED if is_nobodys else text)


@settings(max_examples=1000)
@given(
    st.lists(st.sampled_from(["2001", "3", "fff", "0", "1.2.3.4", ":", "::", ":"]), max_size=17).map("".join)
)
def test_what_is_sent_of_colons_and_digits_is_an_address(text: Any) -> None:
    if client_ip_address(text) == text:
        ip_address(text)  # raises for what is none


@pytest.mark.parametrize(
    ("text", "is_sent"),
    [
        ("2001:db8:1:2:3:4:5:6", True),
        ("2001:DB8::1", True),
        ("2001::", True),
        ("2001:1:2:3:4:5:6::", True),
        ("2001::1:2:3:4:5:6", True),
        ("2001::1:2:3:4:5:6:7", False),
        ("2001:1:2:3:4:5:6:7:8", False),
        ("2001:db8::1::2", False),
        ("2001:db8:::1", False),
        ("2001:db8::12345", False),
        ("2001:db8::1:", False),
    ],
)
def test_an_ipv6_address_may_be_short(text: str, is_sent: bool) -> None:
    assert client_ip_address(text) == (text if is_sent else MALFORMED)
