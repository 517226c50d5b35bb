"""What the control API makes of a request, before it does anything."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.validation.json_text import parse_json
from fakeviam.web import request_parsing
from fakeviam.web.routes.calls import shown
from fakeviam.web.table import ROOT, endpoints

from .browser import Browser, call

if TYPE_CHECKING:
    from fakeviam import FakeViam
    from fakeviam.web.endpoint import ControlRequest

JSON = {"content-type": "application/json"}


def state(cloud: FakeViam) -> Any:
    """What control requests can change."""
    return (
        list(cloud.fleet),
        cloud.policy,
        cloud.clock.is_frozen,
        len(cloud.faults),
        len(cloud.replies),
        list(cloud.sessions),
    )


REFUSED: list[tuple[str, str, Any, int, str | None, str | None]] = [
    ("GET", "/nothing", None, 404, "there is nothing at /control/v1/nothing", None),
    ("PUT", "/clock", None, 405, "/control/v1/clock does not allow PUT", "use GET, POST"),
    (
        "POST",
        "/clock",
        {"frieze": True},
        422,
        "there is no field 'frieze'",
        "did you mean freeze?",
    ),
    (
        "POST",
        "/clock",
        {"x": 1},
        422,
        "there is no field 'x'",
        "known fields: set, advance, freeze",
    ),
    ("POST", "/clock", {}, 422, "the request is empty: give set, advance or freeze", None),
    (
        "POST",
        "/clock",
        {"freeze": "yes"},
        422,
        "freeze must be true or false, got a string",
        None,
    ),
    (
        "POST",
        "/clock",
        {"advance": {"days": "2"}},
        422,
        "advance.days must be a number, got a string",
        None,
    ),
    (
        "POST",
        "/clock",
        {"set": "noon", "freeze": True},
        422,
        "set must be a time like 2026-01-31T12:00:00Z, got 'noon'",
        None,
    ),
    (
        "POST",
        "/clock",
        {"advance": {"days": 1e9}, "freeze": True},
        422,
        "the clock cannot leave the years 1 to 9999",
        None,
    ),
    (
        "POST",
        "/clock",
        {"set": "2026-01-01", "advance": {"days": 1}},
        422,
        "set and advance cannot be combined",
        None,
    ),
    ("POST", "/fleet/parts", {}, 422, "name is missing", None),
    ("POST", "/fleet/parts", {"name": ""}, 422, "name must not be empty", None),
    ("POST", "/fleet/parts", {"name": " "}, 422, "name must not be blank, got ' '", None),
    ("POST", "/fleet/parts", [], 422, "the body must be an object, got a list", None),
    (
        "POST",
        "/fleet/parts",
        {"name": "fake-robot-main"},
        422,
        "robot 'fake-robot' already has a part named 'fake-robot-main'",
        None,
    ),
    ("PATCH", "/fleet/parts/x", {"name": "y"}, 404, "no part has the id 'x'", None),
    (
        "PATCH",
        "/policy",
        {"count": "all"},
        422,
        "count must be page or total, got 'all'",
        None,
    ),
    (
        "PATCH",
        "/policy",
        {"count": "total", "max_page": {"size": 0}},
        422,
        "max_page.size must be at least 1, got 0",
        None,
    ),
    (
        "POST",
        "/faults",
        {"faults": [{"rpc": "FileUpload", "status": "ABORTED"}, {"rpc": "FielUpload"}]},
        422,
        "fault: no RPC is named 'FielUpload'; did you mean 'FileUpload'?",
        None,
    ),
    ("POST", "/faults", {}, 422, "the request is empty: give faults or refuse_connections", None),
    ("POST", "/faults", {"faults": []}, 422, "faults must not be empty", None),
    (
        "POST",
        "/replies",
        {"rpc": "FileUpload", "reply": {"no": 1}},
        422,
        None,
        None,
    ),
    ("POST", "/sessions", {"name": "a b"}, 422, None, None),
    ("GET", "/sessions/x", None, 404, "there is no session 'x'", None),
    ("DELETE", "/sessions/x", None, 404, "there is no session 'x'", None),
    (
        "POST",
        "/api-keys",
        {"organizations": ["x"]},
        422,
        "no organization has the id 'x'",
        None,
    ),
    ("GET", "/calls/7", None, 404, "there is no call 7", None),
    ("GET", "/calls?rpc=FielUpload", None, 422, None, None),
    ("GET", "/calls?limit=x", None, 422, "limit must be a whole number, got a string", None),
    ("GET", "/calls?limit=-1", None, 422, "limit must be at least 0, got -1", None),
    ("GET", "/calls?wait=61", None, 422, "wait must be at most 60, got 61", None),
    ("GET", "/calls?limit=1&limit=2", None, 422, "limit is repeated 2 times", None),
    ("GET", "/calls?lim=1", None, 422, "there is no field 'lim'", "did you mean limit?"),
    ("GET", "/calls?fields=x", None, 422, None, None),
    ("GET", "/calls?fields=%7B%22rpc%22:1%7D", None, 422, None, None),
    ("GET", "/calls?fields=%7B%22nothing%22:1%7D", None, 422, None, None),
    ("GET", "/clock?now=1", None, 422, "there is no field 'now'", "known fields: none"),
    ("DELETE", "/faults", {"all": True}, 422, "DELETE /control/v1/faults takes no body", None),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "what", "hint"),
    REFUSED,
    ids=lambda value: str(value)[:30] if isinstance(value, (str, dict)) else "",
)
def test_a_refusal_says_why_and_changes_nothing(
    web: Browser,
    method: str,
    path: str,
    body: Any,
    status: int,
    what: str | None,
    hint: str | None,
) -> None:
    """Which field, which value, and what to do instead (HT-4)."""
    before = state(web.cloud)
    reply = web.send(method, path, body)
    assert reply.status == status, reply.body
    assert set(reply.error) <= {"what", "field", "value", "hint"}
    assert what is None or reply.error["what"] == what
    if hint is not None:
        assert reply.error["hint"] == hint
    assert state(web.cloud) == before


def test_a_refusal_names_field_and_value(web: Browser) -> None:
    """As a path into the body (HT-4)."""
    reply = web.send("POST", "/clock", {"advance": {"hours": "many"}})
    assert reply.error == {
        "what": "advance.hours must be a number, got a string",
        "field": "advance.hours",
        "value": "many",
    }
    reply = web.send("POST", "/faults", {"faults": [{"status": "ABORTED"}, {"status": "ODD"}]})
    assert reply.error["field"] == "faults[1].status"
    assert reply.error["value"] == "ODD"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"{", "the body is not JSON: Expecting property name"),
        (b"\xff\xfe", "the body is not UTF-8"),
        (b'{"freeze": NaN}', "the body is not JSON: there is no NaN in JSON"),
        (b'{"freeze": true, "freeze": false}', "the body repeats the field 'freeze'"),
        (b"[" * 100_000, "the body is nested more than 100 levels deep"),
    ],
)
def test_what_is_no_json_is_refused(web: Browser, body: bytes, what: str) -> None:
    """With status 400 (HT-4)."""
    reply = web.request("POST", f"{ROOT}/clock", body, JSON)
    assert reply.status == 400
    assert reply.error["what"].startswith(what)
    assert not web.cloud.clock.is_frozen


def test_json_must_say_that_it_is(web: Browser) -> None:
    """A form of another site could not (HT-3, HT-4)."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        reply = web.request(
            "POST", f"{ROOT}/clock", '{"freeze": true}', {"content-type": kind} if kind else None
        )
        assert reply.status == 415
        assert reply.error["hint"] == "send `Content-Type: application/json`"
    told = {"content-type": "Application/JSON; charset=utf-8"}
    assert web.request("POST", f"{ROOT}/clock", '{"freeze": true}', told).status == 200


def test_a_body_has_a_limit(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """What says what to do is short (HT-4)."""
    monkeypatch.setattr(request_parsing, "LARGEST_BODY", 10)
    reply = web.send("POST", "/clock", {"freeze": True})
    assert reply.status == 413
    with socket.create_connection((web.cloud.host, web.cloud.port), timeout=30) as peer:
        told = "host: localhost\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n"
        peer.sendall(f"POST {ROOT}/clock HTTP/1.1\r\n{told}".encode())
        assert peer.recv(65536).startswith(b"HTTP/1.1 413 ")  # without waiting for it


@pytest.mark.parametrize("path", ["/clock", "/seed", "/archive", "/reset"])
def test_a_body_in_a_coding_is_refused(web: Browser, path: str) -> None:
    """With the reason, and what to do (HT-4)."""
    kind = "application/x-tar" if path == "/archive" else "application/json"
    told = {"content-type": kind, "content-encoding": "GZip"}
    reply = web.request("POST", f"{ROOT}{path}", gzip.compress(b"{}"), told)
    assert (reply.status, reply.headers["accept-encoding"]) == (415, "identity")
    assert reply.error == {
        "what": "the body has the content-encoding 'gzip', which only calls may have",
        "field": "content-encoding",
        "value": "gzip",
        "hint": "send it uncompressed, without Content-Encoding",
    }
    plain = {**JSON, "content-encoding": "identity"}
    assert web.request("POST", f"{ROOT}/clock", '{"freeze": true}', plain).status == 200


def test_a_byte_order_mark_is_read_over(web: Browser) -> None:
    """By the control API and by calls alike (HT-4, HT-10)."""
    assert web.request("POST", f"{ROOT}/clock", b'\xef\xbb\xbf{"freeze": true}', JSON).status == 200
    path = "/viam.app.v1.AppService/ListOrganizations"
    assert web.request("POST", path, b"\xef\xbb\xbf{}", JSON).status == 200


def test_json_of_very_many_values_is_refused(web: Browser) -> None:
    """Others would wait for seconds (HT-4)."""
    for path in ("/clock", "/seed"):
        body = b'{"freeze": [' + b"[]," * 1_000_000 + b"1]}"
        reply = web.request("POST", f"{ROOT}{path}", body, JSON)
        assert reply.status == 413
        assert reply.error["what"] == "the body holds more than 1000000 values"


def test_others_are_served_while_many_calls_are_shown(web: Browser) -> None:
    """A turn for each few; a journal holds thousands (SV-18)."""
    for _ in range(200):
        web.request("POST", "/viam.app.v1.AppService/ListOrganizations", b"{}", JSON)
    calls = list(web.cloud.calls)

    async def show() -> tuple[list[bytes], int]:
        showing, turns = asyncio.create_task(shown(calls)), 0
        while not showing.done():
            turns += 1
            await asyncio.sleep(0)
        return await showing, turns

    documents, turns = asyncio.run(show())
    assert turns >= 10
    told = [call.to_json() for call in calls]
    assert [json.loads(each) for each in documents] == web.get("/calls")["calls"] == told


@pytest.mark.parametrize("path", ["/clock", "/seed"])
def test_others_are_served_while_a_body_is_parsed(
    web: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """It is parsed beside the event loop (HT-4)."""
    parse = parse_json
    others: list[int] = []

    def parse_meanwhile(body: bytes) -> object:
        others.append(Browser(web.cloud).send("GET", "/clock").status)
        return parse(body)

    monkeypatch.setattr("fakeviam.web.request_parsing.parse_json", parse_meanwhile)
    reply = web.send("POST", path, {"freezes": "x" * 100_000})
    assert (reply.status, others) == (422, [200])


def test_large_values_are_told_in_short(web: Browser) -> None:
    """A refusal does not send everything back (HT-4)."""
    long = web.send("POST", "/clock", {"set": "x" * 100_000}).error
    assert len(long["value"]) < 3000
    listed = web.send("POST", "/clock", {"set": list(range(1000))}).error
    assert listed["value"] == "a list of 1000"


def test_a_session_that_is_not_open_is_not_found(web: Browser) -> None:
    """Wherever it is named (HT-5)."""
    for method, path, body in (("GET", "/clock", None), ("POST", "/clock", {"freeze": True})):
        reply = web.on("nowhere").send(method, path, body)
        assert reply.status == 404
        assert reply.error == {
            "what": "there is no session 'nowhere'",
            "field": "fakeviam-session",
            "value": "nowhere",
            "hint": "open it with `fakeviam sessions open`, or POST /control/v1/sessions",
        }
    assert not web.cloud.clock.is_frozen


def test_the_header_chooses_the_session(web: Browser) -> None:
    """Each has its own clock, fleet and journal (HT-5)."""
    web.send("POST", "/sessions", {"name": "one"})
    one = web.on("one")
    assert one.send("POST", "/clock", {"freeze": True}).status == 200
    assert one.send("POST", "/fleet/parts", {"name": "arm"}).status == 201
    assert not web.cloud.clock.is_frozen
    assert len(web.get("/fleet")["parts"]) == 1
    assert len(one.get("/fleet")["parts"]) == 2
    call(web.cloud, "TagsByFilter", {"fakeviam-session": "one"})
    assert [each["rpc"] for each in one.get("/calls")["calls"]] == ["TagsByFilter"]
    assert web.get("/calls")["calls"] == []
    assert one.get("")["session"] == "one"


def test_a_bug_is_told_and_logged(
    web: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not mistaken for an answer (HT-4)."""

    def broken(_request: ControlRequest) -> None:
        raise ZeroDivisionError("oops")

    (show,) = (each for each in endpoints() if (each.method, each.path) == ("GET", f"{ROOT}/clock"))
    monkeypatch.setattr(type(web.cloud.clock), "moment", broken)
    reply = web.send(show.method, "/clock")
    assert reply.status == 500
    assert reply.error["what"] == "fakeviam has a bug: ZeroDivisionError: oops"
    assert "fakeviam crashed in GET /control/v1/clock" in caplog.text


def test_answers_are_json_to_the_letter(web: Browser) -> None:
    """Names of other alphabets are readable, and the text ends with a line."""
    reply = web.send("POST", "/fleet/parts", {"name": "Größe 大"})
    assert "Größe 大" in reply.body.decode()
    assert reply.body.endswith(b"}\n")
    assert json.loads(reply.body)["name"] == "Größe 大"


def test_a_call_is_explained(web: Browser) -> None:
    """WY-1: as `cloud.explain` does, and refused for calls that select nothing."""
    call(web.cloud, "BinaryDataByFilter")
    told = web.send("GET", "/calls/1/explanation").json
    explained = web.cloud.explain(web.cloud.calls[0])
    assert told == {**explained.to_json(), "text": str(explained)}
    call(web.cloud, "ListDatasetsByIDs")
    reply = web.send("GET", "/calls/2/explanation")
    assert (reply.status, reply.json["error"]["field"]) == (422, "number")
