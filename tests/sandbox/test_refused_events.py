"""Every row of the rules: one bad event among good ones, and the whole request is refused."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import orjson
import pytest
from support.sandbox_requests import DAY_S, EM, GONE, GOOD, NOW_S, PH, good, meta

from consumer.sandbox import meta_vocabulary, rules
from consumer.sandbox.checks import TYPES

EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
USER = GOOD["user_data"]


def purchase(**custom_data: Any) -> dict[str, Any]:
    return good(event_name="Purchase", custom_data={"value": 12.5, "currency": "EUR", **custom_data})


def user(**changes: Any) -> dict[str, Any]:
    return good(user_data={key: value for key, value in {**USER, **changes}.items() if value is not GONE})


def custom(**custom_data: Any) -> dict[str, Any]:
    return good(custom_data=custom_data)


def nested(depth: Any) -> Any:
    value: Any = "user@example.com"
    for _ in range(depth):
        value = [value]
    return value


# rule, event, subcode, and a part of what is said
BAD: list[tuple[str, Any, Any, str]] = [
    ("not_an_object", "PageView", None, "$['data'][1] must be an object, got PageView"),
    ("not_an_object", None, None, "must be an object"),
    ("not_an_object", [], None, "must be an object"),
    (
        "key_missing",
        good(event_name=GONE),
        None,
        'Missing required key "event_name" on param "$[\'data\'][1]"',
    ),
    ("key_missing", good(event_time=GONE), None, '"event_time"'),
    ("key_missing", good(user_data=GONE), None, '"user_data"'),
    ("key_missing", good(action_source=GONE), None, '"action_source"'),
    ("key_missing", good(event_time=None), None, '"event_time"'),
    ("key_missing", {}, None, '"event_name"'),
    ("key_unexpected", good(colour="red"), None, 'Unexpected key "colour" on param "$[\'data\'][1]".'),
    (
        "key_unexpected",
        user(email=EM),
        None,
        "Unexpected key \"email\" on param \"$['data'][1]['user_data']\".",
    ),
    (
        "key_unexpected",
        custom(contents=[{"id": "a"}, {"id": "b", "name": "Shoe"}]),
        None,
        "Unexpected key \"name\" on param \"$['data'][1]['custom_data']['contents'][1]\".",
    ),
    ("type_wrong", good(event_name=" "), None, "['event_name']"),
    ("type_wrong", good(event_name=7), None, "['event_name']"),
    ("type_wrong", good(event_time=str(NOW_S)), None, str(NOW_S)),
    ("type_wrong", good(event_time=float(NOW_S)), None, "['event_time']"),
    ("type_wrong", good(event_time=True), None, "['event_time']"),
    ("type_wrong", good(event_id=12), None, "['event_id']"),
    ("type_wrong", good(event_id=""), None, "['event_id']"),
    ("type_wrong", good(user_data=[]), None, "['user_data']"),
    ("type_wrong", good(custom_data="x"), None, "['custom_data']"),
    ("type_wrong", good(custom_data=None), None, "['custom_data']"),
    ("type_wrong", good(action_source="shop"), None, "shop"),
    ("type_wrong", good(action_source=["website"]), None, "['action_source']"),
    ("type_wrong", good(event_source_url="/basket"), None, "/basket"),
    ("type_wrong", good(referrer_url="ftp://example.com"), None, "ftp"),
    ("type_wrong", good(opt_out="true"), None, "['opt_out']"),
    ("type_wrong", good(data_processing_options="LDU"), None, "LDU"),
    ("type_wrong", good(data_processing_options_country=2), None, "_country"),
    ("type_wrong", good(data_processing_options_state=999), None, "999"),
    ("type_wrong", good(app_data=[]), None, "['app_data']"),
    ("too_old", good(event_time=NOW_S - 7 * DAY_S - 1), 2804003, str(NOW_S - 7 * DAY_S - 1)),
    (
        "too_old",
        good(event_time=NOW_S - 62 * DAY_S - 1, action_source="physical_store"),
        2804003,
        "too long ago",
    ),
    ("in_the_future", good(event_time=NOW_S + 301), None, "in the future"),
    ("in_the_future", good(event_time=NOW_S * 1000), None, str(NOW_S * 1000)),
    ("fbc_malformed", user(fbc="fb.1.1795000000000."), 2804001, "fb.1.1795000000000."),
    ("fbc_malformed", user(fbc="IwAR2F4"), 2804001, "IwAR2F4"),
    ("fbc_malformed", user(fbc="fb.1.1795000000000.Iw AR"), 2804001, "Iw AR"),
    ("fbc_malformed", user(fbc="fb.1.1795000000000.IwAR\n"), 2804001, "fbc"),
    ("fbc_malformed", user(fbc=["fb.1.1795000000000.IwAR"]), 2804001, "fbc"),
    ("fbc_malformed", user(fbc=None), 2804001, "fbc"),
    ("not_hashed", user(em="user@example.com"), 2804016, "The em parameter isn't hashed with SHA-256: user@"),
    ("not_hashed", user(em=EM.upper()), 2804016, "em"),
    ("not_hashed", user(em=EM[:-1]), 2804016, "em"),
    ("not_hashed", user(em=f"{EM}\n"), 2804016, "em"),
    ("not_hashed", user(em=f"{EM}.XX"), 2804016, "em"),
    ("not_hashed", user(em=EMPTY_DIGEST), 2804016, "em"),
    ("not_hashed", user(em=f"{EMPTY_DIGEST}.AQ"), 2804016, "em"),
    ("not_hashed", user(em=[]), 2804016, "em"),
    ("not_hashed", user(em=[EM, "user@example.com"]), 2804016, "em"),
    ("not_hashed", user(em=None), 2804016, "em"),
    ("not_hashed", user(ph=33612345678), 2804016, "33612345678"),
    *(
        ("not_hashed", user(**{key: "paris"}), 2804016, f"The {key} parameter")
        for key in sorted(meta_vocabulary.HASHED)
    ),
    *(
        ("not_hashed", user(**{key: EMPTY_DIGEST}), 2804016, f"The {key} parameter")
        for key in sorted(meta_vocabulary.HASHED)
    ),
    ("too_little", good(user_data={}), 2804050, "[]"),
    ("too_little", good(user_data={"client_user_agent": "Mozilla/5.0"}), 2804050, "client_user_agent"),
    (
        "too_little",
        good(
            user_data={
                **dict.fromkeys(("ct", "country", "st", "zp", "ge"), EM),
                "client_user_agent": "Mozilla/5.0",
            }
        ),
        2804050,
        "zp",
    ),
    ("too_little", good(user_data={"db": EM, "client_user_agent": "Mozilla/5.0"}), 2804050, "db"),
    ("too_little", good(user_data={"fn": EM, "ge": EM}), 2804050, "fn"),
    ("too_little", good(user_data={"ln": EM, "ge": EM}), 2804050, "ln"),
    ("extinfo_missing", good(action_source="app"), 2804043, "extinfo"),
    ("extinfo_missing", good(action_source="app", app_data={"extinfo": ["i2"] * 15}), 2804043, "sixteen"),
    (
        "channel_missing",
        good(event_name="Purchase", action_source="business_messaging"),
        2804063,
        "messaging_channel",
    ),
    (
        "not_a_messaging_event",
        good(event_name="Lead", action_source="business_messaging", messaging_channel="whatsapp"),
        2804066,
        "Lead",
    ),
    ("purchase_without_value", good(event_name="Purchase", custom_data=GONE), 2804009, "None"),
    ("purchase_without_value", purchase(value="12,50"), 2804009, "12,50"),
    ("purchase_without_value", purchase(value=True), 2804009, "True"),
    ("purchase_without_value", purchase(value=-1), 2804009, "-1"),
    ("purchase_without_currency", good(event_name="Purchase", custom_data={"value": 1}), 2804010, "currency"),
    ("currency_malformed", purchase(currency="euro"), 2804010, "euro"),
    ("currency_malformed", purchase(currency=None), 2804010, "None"),
    ("currency_malformed", custom(currency="eur"), 2804010, "eur"),
    ("contents_malformed", custom(contents={"id": "a"}), 2804008, "list of JSON objects"),
    ("contents_malformed", custom(contents=["a"]), 2804008, "list of JSON objects"),
    (
        "content_without_id",
        custom(contents=[{"id": "a"}, {"quantity": 1}]),
        None,
        "Missing required key \"id\" on param \"$['data'][1]['custom_data']['contents'][1]\".",
    ),
    ("content_without_id", custom(contents=[{"id": " "}]), None, '"id"'),
    ("content_without_id", custom(contents=[{"id": 12}]), None, '"id"'),
    ("event_id_missing", good(event_id=GONE), None, '"event_id"'),
    ("fbp_malformed", user(fbp="fb.1.1795000000000.abc"), None, "fb.1.1795000000000.abc"),
    ("ip_address_malformed", user(client_ip_address="203.0.113.7, 10.0.0.1"), None, "203.0.113.7, 10.0.0.1"),
    ("ip_address_malformed", user(client_ip_address=None), None, "None"),
    ("email_in_clear", custom(note="ask user@example.com"), 2804016, "user@example.com"),
    ("email_in_clear", custom(notes=nested(200)), 2804016, "user@example.com"),
    ("email_in_clear", custom(**{"user@example.com": 1}), 2804016, "user@example.com"),
    ("email_in_clear", good(event_name="user@example.com"), 2804016, "user@example.com"),
    ("email_in_clear", good(event_id="user@example.com"), 2804016, "user@example.com"),
    ("email_in_clear", user(client_user_agent="app user@example.com"), 2804016, "user@example.com"),
    ("email_in_clear", user(lead_id="user@example.com"), 2804016, "user@example.com"),
    (
        "email_in_clear",
        good(event_source_url="https://example.com/?e=user@example.com"),
        2804016,
        "event_source_url",
    ),
    ("email_in_clear", good(event_source_url="https://example.com/?e=user%40example.com"), 2804016, "%40"),
    (
        "email_in_clear",
        good(referrer_url="https://example.com/user%2540example.com"),
        2804016,
        "referrer_url",
    ),
    ("email_in_clear", good(event_source_url="https://user:word@example.com/"), 2804016, "event_source_url"),
    ("named_personal_data", custom(phone="0612345678"), 2804016, "0612345678"),
    ("named_personal_data", custom(**{"E-Mail Address": "hidden"}), 2804016, "hidden"),
    ("named_personal_data", custom(form={"First_Name": ["Anne"]}), 2804016, "Anne"),
    ("named_personal_data", custom(contact=[{"mobile": {"home": 612345678}}]), 2804016, "612345678"),
    ("named_personal_data", good(attribution_data={"ssn": 12}), 2804016, "12"),
]


@pytest.mark.parametrize(("rule", "event", "subcode", "said"), BAD)
async def test_one_bad_event_refuses_its_whole_request(
    rule: Any, event: Any, subcode: Any, said: Any
) -> None:
    async with meta() as to:
        answer = await to.post(good(), event, good())
        assert (answer.status, *answer.code) == (400, 100, subcode)
        error = answer.json["error"]
        assert error["type"] == "OAuthException"
        assert error["fbtrace_id"]
        assert said in (error["message"] if subcode is None else error["error_user_msg"])
        assert ("error_user_title" in error) == (subcode is not None)
        assert to.sandbox.stats.events_accepted == 0
        assert (await to.post(good(), good())).json["events_received"] == 2


def test_every_rule_has_a_bad_event_here() -> None:
    tables = {row.finds.__name__: row.finds for row in (*rules.SHAPE, *rules.SENSE, *rules.PROMISES)}
    assert set(tables) == {name for name, *_ in BAD}
    for name, event, _, _ in BAD:
        assert tables[name](event, NOW_S) is not None


def test_every_key_of_an_event_has_a_type() -> None:
    assert set(TYPES) == meta_vocabulary.EVENT


FINE = [
    good(custom_data=GONE),
    good(event_source_url=GONE),
    good(event_time=NOW_S - 7 * DAY_S),
    good(event_time=NOW_S - 62 * DAY_S, action_source="physical_store"),
    good(event_time=NOW_S + 300),
    good(
        opt_out=False,
        data_processing_options=[],
        data_processing_options_country=0,
        data_processing_options_state=0,
    ),
    good(
        data_processing_options=["LDU"], data_processing_options_country=1, data_processing_options_state=1013
    ),
    good(action_source="app", app_data={"extinfo": ["i2"] * 16}),
    good(event_name="LeadSubmitted", action_source="business_messaging", messaging_channel="whatsapp"),
    good(
        original_event_data={"event_name": "Purchase"}, attribution_data={"x": 1}, customer_segmentation="new"
    ),
    purchase(value=0),
    purchase(
        contents=[
            {"id": "a", "quantity": 2, "item_price": 3.5, "title": "Shoe", "brand": "x", "category": "y"}
        ],
        order_id="7",
        anything={"deep": [1, None, True]},
    ),
    user(em=[EM, PH]),
    user(em=f"{EM}.AQ", ph=f"{PH}.aB3_-x9z"),
    user(external_id=EM, country=PH),
    user(fbc="fb.1.1795000000000.IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk"),
    user(fbc="fb.1.1795000000000.IwAR2F4.AQ", fbp="fb.1.1558571054389.1098115397"),
    user(client_ip_address="2001:db8::1"),
    user(client_ip_address="203.0.113.7.AQ"),
    user(lead_id=12, subscription_id="s"),
    good(user_data={"client_ip_address": "203.0.113.7"}),
    good(user_data={"db": EM, "fn": EM}),
    custom(email=True, phone=None, mobile=[False]),
    custom(text="at home @ 5.30 a@b @example.com x@y/z.com"),
    good(event_source_url="https://example.com/@user/x.html?at=@example.com"),
]


@pytest.mark.parametrize("event", FINE)
async def test_a_good_event_is_taken(event: Any) -> None:
    async with meta() as to:
        answer = await to.post(event)
        assert (answer.status, answer.json["events_received"]) == (200, 1)
        assert to.sandbox.accepted == [event]


async def test_lenient_takes_what_only_we_promise_and_still_refuses_what_meta_refuses() -> None:
    async with meta(strict=False) as to:
        assert (await to.post(custom(phone="0612345678"), good(event_id=GONE))).status == 200
        assert (await to.post(user(em="user@example.com"))).code == (100, 2804016)


async def test_an_event_as_deep_as_json_may_be_is_looked_through_to_its_end() -> None:
    deep = '["user@example.com"]'.join(("[" * 900, "]" * 900)).encode()
    event = orjson.dumps(custom(deep=None)).replace(b"null", deep)
    async with meta() as to:
        assert (await to.post(raw=b'{"data":[%b]}' % event)).code == (100, 2804016)
        clear = event.replace(b"user@", b"")
        assert (await to.post(raw=b'{"data":[%b]}' % clear)).status == 200


@pytest.mark.parametrize(
    "event",
    [
        custom(phone="deep"),
        custom(sandbox_refuse="deep"),
        good(event_name="deep"),
        good(user_data="deep"),
        good(user_data={"em": "deep"}),
        good(user_data={**USER, "lead_id": "deep"}, custom_data={"sandbox_refuse": "100"}),
        "deep",
    ],
)
async def test_a_value_too_deep_to_be_echoed_is_refused_all_the_same(event: Any) -> None:
    async with meta() as to:
        raw = orjson.dumps({"data": [good(), event]})
        answer = await to.post(raw=raw.replace(b'"deep"', b"[" * 950 + b"7" + b"]" * 950))
        assert (answer.status, answer.code[0]) == (400, 100)


async def test_the_first_bad_event_is_the_one_named() -> None:
    async with meta() as to:
        events = [good() for _ in range(1000)]
        events[3] = user(colour="red")
        events[700] = user(shape="round")
        message = (await to.post(*events)).json["error"]["message"]
        assert message == "(#100) Unexpected key \"colour\" on param \"$['data'][3]['user_data']\"."


@pytest.mark.parametrize(
    ("asked", "code", "subcode"),
    [
        ("100/2804007", 100, 2804007),
        ("100", 100, None),
        (4, 4, None),
        ("-1", -1, None),
        ("seven", 100, None),
    ],
)
async def test_an_event_may_ask_to_be_refused(asked: int | str, code: int, subcode: int | None) -> None:
    async with meta() as to:
        answer = await to.post(good(), custom(sandbox_refuse=asked))
        assert (answer.status, *answer.code) == (400, code, subcode)
        assert "data'][" not in answer.text
        assert to.sandbox.stats.events_accepted == 0


async def test_a_refusal_that_was_asked_for_echoes_values_wherever_meta_may_put_text() -> None:
    async with meta() as to:
        answer = await to.post(custom(sandbox_refuse="100/2804007"))
        error = answer.json["error"]
        for place in ("message", "error_user_msg", "error_data"):
            assert EM in error[place]
        assert error["error_user_title"] == 'Refused "event-1"'
        assert EM in answer.headers["WWW-Authenticate"]


async def test_an_echo_is_bounded_and_its_header_is_one_line() -> None:
    async with meta() as to:
        answer = await to.post(good(event_name=["é\r\nX-Injected: 1" * 5000]))
        assert answer.status == 400
        assert "X-Injected" not in answer.headers
        assert len(answer.text) < 1000


@pytest.mark.parametrize("asked", ["500", 503, "404"])
async def test_the_request_that_holds_an_event_may_be_asked_to_fail_always(asked: int | str) -> None:
    async with meta() as to:
        for _ in range(2):
            answer = await to.post(good(), custom(sandbox_status=asked))
            assert answer.status == int(asked)
            assert answer.text.startswith("<!DOCTYPE html>")
        assert (await to.post(good())).status == 200
        assert to.sandbox.stats.outcomes == {f"asked:{asked}": 2, "accepted": 1}


@pytest.mark.parametrize("asked", [[[[]]], "200", "99", "6000", "x", [], {}])
async def test_a_status_that_is_no_error_is_not_asked_for(asked: Any) -> None:
    async with meta() as to:
        assert (await to.post(custom(sandbox_status=asked))).status == 200


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.just(EM),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "contents", "phone", "extinfo", "value"]), inner, max_size=3)
    ),
    max_leaves=8,
)
EVENTISH = st.builds(
    lambda top, user_data, custom_data: {**GOOD, "user_data": user_data, "custom_data": custom_data, **top},
    st.dictionaries(st.sampled_from(sorted(meta_vocabulary.EVENT)), JSON, max_size=2),
    st.dictionaries(st.sampled_from(sorted(meta_vocabulary.USER_DATA)), JSON | st.just(EM), max_size=4),
    st.dictionaries(st.sampled_from(["value", "currency", "contents", "phone", "x"]), JSON, max_size=4),
)


@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
@hypothesis.given(st.lists(EVENTISH | JSON, max_size=3))
def test_no_json_whatever_makes_the_rules_raise(events: Any) -> None:
    for tables in (rules.STRICT, rules.LENIENT):
        refusal = rules.error_for(events, NOW_S, tables)
        assert refusal is None or refusal.status == 400
    rules.asked_status(events)
