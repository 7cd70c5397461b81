"""
F27: what is personal is nowhere but where it belongs.

Every personal field of some events holds a canary, a word that nothing else
holds. The events are accepted, refused with an echo of what was sent, filtered,
dead-lettered and answered with faults; then everything that the program wrote
is searched, in clear and in digests.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
import uuid
from dataclasses import replace
from typing import Any

from faults.measures import Measures, Size
from faults.page_stream import PageStream
from faults.tap import Tap
from faults.world import Stage, World
from support.events import ADVERTISING, End, Event
from support.otlp_receiver import OtlpReceiver
from support.ports import free_ports
from support.processes import Running
from support.waiting import eventually

TOKEN = "canarytokenq7"
MAIL = "canarymailq7@example.com"
# In requests only as digests. What Meta wants in clear (address, browser, cookies) is below.
HASHED = {
    "email": MAIL,
    "phone": "+33639987531",
    "firstname": "Canaryfirstq",
    "lastname": "Canarylastq",
    "birthdate": "1987-03-09",
    "city": "Canarycityq",
    "state": "Canarystateq",
    "zipcode": "canaryzip7",
    "id": "canaryidq7",
}
IN_CLEAR = {
    "ip": "203.0.113.77",
    "user_agent": "Canaryagentq/7.0",
    "fbp": "fb.1.1700000000000.7474747474",
    "fbc": f"fb.1.{int(time.time())}000.canaryclickq7",  # an old one would be left out
    "order": "canaryorderq7",
    "word": "canarywordq7",
}
# Who it is, by numbers and names of others: Meta wants these in clear too.
GIVEN = {
    "subscription_id": "canarysubscriptionq7",
    "fb_login_id": "7474740001",
    "lead_id": "7474740002",
    "anon_id": "canaryanonymousq7",
    "madid": "74747474-0003-4747-8747-747474747474",
    "page_id": "7474740004",
    "page_scoped_user_id": "7474740005",
    "ctwa_clid": "canaryclickoutq7",
    "ig_account_id": "7474740006",
    "ig_sid": "7474740007",
}
CANARIES = ["canary", *HASHED.values(), *IN_CLEAR.values(), *GIVEN.values(), "639987531", "19870309"]
NAMED_PERSONAL_DATA = {
    "first_name": "Canarycustomq",
    "email": f"custom.{MAIL}",
    "phone_number": HASHED["phone"],
}


def _event(number: int, **changes: Any) -> dict[str, Any]:
    facebook = {
        "event_id": f"canaryid-{number}-{uuid.uuid4().hex}",
        "fbp": IN_CLEAR["fbp"],
        "fbc": IN_CLEAR["fbc"],
        "user_data": GIVEN,
        "custom_data": {**NAMED_PERSONAL_DATA, "remark": f"write to remark.{MAIL}", "word": IN_CLEAR["word"]},
    }
    return {
        "event_name": "purchase",
        "context": {
            "event_timestamp": int(time.time()) - 60,
            "page": {
                "url": f"https://shop.example.com/canarypath?email={MAIL}&q=canaryquery",
                "referrer": f"https://other.example.com/?mail={MAIL}",
            },
        },
        "user": {**HASHED, "consent_categories": [ADVERTISING]},
        "browser": {"ip": IN_CLEAR["ip"], "user_agent": IN_CLEAR["user_agent"]},
        "items": [{"id": "canaryitemq7", "quantity": 1, "product": {"id": "canaryskuq7", "price": 9.5}}],
        "amount": 9.5,
        "currency": "EUR",
        "id": IN_CLEAR["order"],
        "integrations": {"facebook": facebook},
        **changes,
    }


def _events() -> list[Event]:
    """One for each way that an event can go."""
    refused = _event(1)
    refused["integrations"]["facebook"]["custom_data"]["sandbox_refuse"] = "100/2804016"
    malformed = _event(2)
    malformed["user"] |= {
        "email": "canarybroken@",
        "phone": "canaryphone",
        "birthdate": "canaryday",
        "country": "canaryland",
    }
    no_amount = _event(3)
    del no_amount["amount"]
    without_consent = _event(4)
    without_consent["user"]["consent_categories"] = ["canarycategory"]
    stuck = _event(5)
    stuck["integrations"]["facebook"]["custom_data"]["sandbox_status"] = "500"
    named = _event(6, event_name="canaryname")
    named_with_an_address = _event(8, event_name=f"canaryname {MAIL}")
    cut = json.dumps(_event(7)).encode()[:-9]
    return [
        *(_traced(_as_event(f"good {number}", _event(number))) for number in range(10, 40)),
        _as_event("rejected", refused, End.DEAD_LETTER, "rejected"),
        _as_event("malformed fields", malformed, End.FILTERED, "purchase_without_personal_information"),
        _as_event("no amount", no_amount, End.DEAD_LETTER, "purchase_without_value"),
        _as_event("no consent", without_consent, End.FILTERED, "no_consent"),
        _as_event("stuck", stuck, End.DEAD_LETTER, "poison_event"),
        _as_event("a name of its own", named),
        _as_event("an address in the name", named_with_an_address, End.DEAD_LETTER, "no_event_name"),
        Event("not JSON", None, MAIL.encode(), cut, End.DEAD_LETTER, "not_json"),
    ]


def _as_event(name: str, event: dict[str, Any], end: End = End.ACCEPTED, reason: str = "") -> Event:
    identity = event["integrations"]["facebook"]["event_id"]
    return Event(name, identity, MAIL.encode(), json.dumps(event).encode(), end, reason)


def _traced(event: Event) -> Event:
    """With the headers of a producer that traces: a link is made of the first, and of the others nothing."""
    parent = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01".encode()
    state, baggage = f"canary={HASHED['id']}".encode(), f"mail={MAIL}".encode()
    return replace(event, headers=(("traceparent", parent), ("tracestate", state), ("baggage", baggage)))


LETTERS = 5  # of the events above

ECHO = json.dumps(
    {
        "error": {
            "message": f"(#1) {MAIL} Canarylastq",
            "type": "Canarylastq",
            "code": 1,
            "error_user_title": f'About "{MAIL}"',
            "error_user_msg": f"{HASHED}",
            "error_data": {"blame": list(HASHED.values())},
            "fbtrace_id": f"{MAIL} Canarylastq",
        }
    }
)
FAULTS = [
    {"kind": "html", "status": 500, "body": f"<h1>{MAIL}</h1>"},
    {"kind": "error", "status": 400, "body": ECHO},
    {"kind": "not_json", "body": MAIL},
    {"kind": "drop"},
    {"kind": "cut"},
    {"kind": "error", "status": 400, "code": 4, "retry_after": 1, "headers": {"X-App-Usage": MAIL}},
    {"kind": "error", "status": 400, "code": 190, "body": ECHO.replace('"code": 1', '"code": 190')},
]
WRONG_SETTINGS = [
    {"CAPI_PIXEL_ID": MAIL},
    {"CAPI_GRAPH_URL": f"ftp://{TOKEN}@canaryhost"},
    {"CAPI_KAFKA_PROPERTIES": json.dumps({"no.such.property": TOKEN})},
    {"CAPI_KAFKA_PROPERTIES": json.dumps({"sasl.mechanism": TOKEN, "sasl.password": TOKEN})},
    {"CAPI_KAFKA_PROPERTIES": f"{{{TOKEN}"},
    {"CAPI_PROXY": f"canary://user:{TOKEN}@host"},
    {"CAPI_ACCESS_TOKEN_FILE": "/nowhere", "CAPI_LINGER_MS": TOKEN},
    {"CAPI_ACCESS_TOKEN": f"{TOKEN}\n{TOKEN}"},
    {"CAPI_NO_SUCH_SETTING": TOKEN},
]
DIGEST = re.compile(rb"[0-9a-f]{64}")


def canaries(world: World, size: Size) -> Measures:
    """F27."""
    with (
        world.stage(access_token=TOKEN, faults=FAULTS) as stage,
        Tap(stage.scene.graph_url) as tap,
        OtlpReceiver() as otlp,
    ):
        scene = stage.scene
        own = {
            "CAPI_ACCESS_TOKEN": TOKEN,
            "CAPI_GRAPH_URL": tap.url,
            "CAPI_BACKOFF_MAX_S": "1",
            "CAPI_POISON_AFTER_S": "1",
            "CAPI_AUTH_RETRY_MAX_S": "1",
            "CAPI_BATCH_EVENTS_MAX": "10",
            "CAPI_STATUS_PAGE_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url,
        }
        consumer = scene.consumer(**own)
        with PageStream(own["CAPI_STATUS_PAGE_ADDRESS"]) as page:
            for _ in range(size(1, 20)):
                scene.produce(_events())
            with stage.load(events_per_s=20):  # others go on, or nobody would be stuck
                buried = LETTERS * size(1, 20)
                eventually(
                    lambda: stage.letters() >= buried,
                    120,
                    "each that nobody takes is a dead letter",
                    poll_s=0.2,
                )
            stage.await_done()
            written = {place: text(stage, consumer) for place, text in WHILE_IT_RUNS.items()}
            written["the page's files"] = page.files()
            page.await_two_more()  # the first may have been on its way
            consumer.stop(30)
        written["the page's stream"] = page.said
        _must_have_shown_all(stage, page)
        report = stage.must_hold()
        written |= {place: text(stage, consumer) for place, text in WHEN_IT_HAS_ENDED.items()}
        spans = otlp.spans()
        written["spans"] = "\n".join(map(str, spans))
        written["metrics by OTLP"] = "\n".join(map(str, otlp.metrics().values()))
        linked = sum(len(span.links) for span in spans)
        stage.must("spans are linked to the producers, ≥ 30", linked, linked >= 30)
        for command in (("check",), ("dead-letters", "list"), ("replay", "--dry-run")):
            said = scene.processes.run(*command, settings=scene.settings(**own))
            written[" ".join(command)] = said.stdout + said.stderr
        written["wrong settings"] = "\n".join(
            _said_of(scene, own | wrong) for wrong in size(WRONG_SETTINGS[::3], WRONG_SETTINGS)
        )
        digests = {digest.decode() for body in tap.seen for digest in DIGEST.findall(body)}
        for place, text in written.items():
            lower = text.lower()
            found = sorted(word for word in {*CANARIES, *digests} if word.lower() in lower)
            stage.must(f"canaries and digests in {place} ({len(text):,} characters) 0", found or 0, not found)
        _must_be_hashed(stage, tap.seen, digests)
        return stage.measures(report)


def _metrics(stage: Stage, running: Running) -> str:
    with urllib.request.urlopen(f"http://{running.health}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def _letter_headers(stage: Stage, running: Running) -> str:
    return "\n".join(f"{letter.headers}" for letter in stage.scene.evidence().letters)


def _log(stage: Stage, running: Running) -> str:
    return running.output


# Every place that the program writes to has a line in one of these, its name and its whole text; what its
# page says as long as it runs is added, and what it sends by OTLP.
WHILE_IT_RUNS = {"metrics": _metrics}
WHEN_IT_HAS_ENDED = {"dead-letter headers": _letter_headers, "log": _log}


def _must_have_shown_all(stage: Stage, page: PageStream) -> None:
    """What is searched for canaries has the events in it: the last message knows each way they ended."""
    last = page.messages[-1]
    ends = {word for part in ("filtered", "dead_letters") for word, _ in last["funnel"][part]}
    wanted = {event.reason for event in _events() if event.reason}
    stage.must("the page shows each reason; missing", sorted(wanted - ends) or 0, wanted <= ends)
    codes = {refusal["code"] for refusal in last["refusals"]}
    stage.must("and the refusals 1, 100, 190; codes", len(codes), {1, 100, 190} <= codes)


def _said_of(scene: Any, settings: dict[str, str]) -> str:
    said = scene.processes.run("check", settings=scene.settings(**settings))
    return f"{said.stdout}{said.stderr}"


def _must_be_hashed(stage: Stage, bodies: list[bytes], digests: set[str]) -> None:
    text = b"\n".join(bodies).decode().lower()
    clear = [*HASHED.values(), *NAMED_PERSONAL_DATA.values(), "639987531", "19870309", f"remark.{MAIL}"]
    found = sorted({word for word in clear if word.lower() in text})
    bar = f"in {len(bodies)} requests: hashed fields, e-mail addresses, named personal data in clear 0"
    stage.must(bar, found or 0, not found)
    stage.must("they are there as digests, ≥ 8", len(digests), len(digests) >= 8)
    missing = sorted(word for word in (*IN_CLEAR.values(), *GIVEN.values()) if word.lower() not in text)
    stage.must("of what Meta wants in clear missing 0", missing or 0, not missing)
    stage.must("the token in a request's path or body 0", text.count(TOKEN), TOKEN not in text)
