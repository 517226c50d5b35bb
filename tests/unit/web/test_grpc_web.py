"""Calls of web pages: gRPC-Web over HTTP/1.1, and what pages of which origin may do."""

from __future__ import annotations

import asyncio
import socket
import struct
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import pytest
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam
from fakeviam.wire import app, auth, data, dataset

from .browser import METHODS, Browser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

PAGE = {"origin": "http://localhost:3000"}


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam(clock=Clock.frozen("2026-01-01T00:00:00Z")) as cloud:
        yield cloud


class Seen(NamedTuple):
    """What a page sees of an answer."""

    messages: list[bytes]
    trailers: dict[str, str]
    headers: Mapping[str, str]


def frame(message: bytes, flag: int = 0) -> bytes:
    return struct.pack(">BI", flag, len(message)) + message


def call(cloud: FakeViam, rpc: str, *requests: Message | bytes, **how: Any) -> Seen:
    """Call an RPC as a page does; `text` is the form in base64."""
    text, headers = how.pop("text", False), how.pop("headers", {})
    raw = [each if isinstance(each, bytes) else each.SerializeToString() for each in requests]
    body = b"".join(map(frame, raw))
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    if text:  # each frame by itself, as some clients do
        body = b"".join(b64encode(frame(each)) for each in raw)
    path = METHODS[rpc].path if rpc in METHODS else rpc
    told = {"content-type": kind, "x-grpc-web": "1", **PAGE, **headers}
    reply = Browser(cloud).request("POST", path, body, told)
    assert (reply.status, reply.headers["content-type"]) == (200, kind)
    answer = reply.body
    if text:
        answer = b"".join(b64decode(answer[at : at + 4]) for at in range(0, len(answer), 4))
    messages, trailers = [], {}
    while answer:
        flag, length = struct.unpack(">BI", answer[:5])
        content, answer = answer[5 : 5 + length], answer[5 + length :]
        if flag == 0x80:
            lines = content.decode().strip().split("\r\n")
            trailers = dict(line.split(": ", 1) for line in lines)
            assert not answer
        else:
            messages.append(content)
    return Seen(messages, trailers, reply.headers)


@pytest.mark.parametrize("text", [False, True])
def test_a_call_of_a_page(cloud: FakeViam, *, text: bool) -> None:
    """The reply, then the status in the body; it stands in the journal like any other (HT-7)."""
    seen = call(cloud, "ListOrganizations", b"", text=text)
    (organization,) = app.ListOrganizationsResponse.FromString(seen.messages[0]).organizations
    assert organization.name == "fake-org"
    assert seen.trailers == {"grpc-status": "0"}
    assert seen.headers["access-control-allow-origin"] == PAGE["origin"]
    assert "grpc-status" in seen.headers["access-control-expose-headers"]
    recorded = cloud.calls.one()
    assert (recorded.rpc, recorded.status) == ("ListOrganizations", "OK")
    assert recorded.peer.startswith("127.0.0.1:")


def test_refusals_and_faults(cloud: FakeViam) -> None:
    """The same status, text and clause as by gRPC (HT-7)."""
    seen = call(cloud, "GetRobot", app.GetRobotRequest(id="ü"))
    assert seen.messages == []
    assert seen.trailers == {
        "grpc-status": "5",
        "grpc-message": "no robot has the id '%C3%BC' (NotFound) [AP-4]",
        "fakeviam-clause": "AP-4",
    }
    assert call(cloud, "GetRobot", b"\xff").trailers["fakeviam-clause"] == "SV-3"
    assert call(cloud, "/a.B/C", b"").trailers["fakeviam-clause"] == "SV-6"
    cloud.faults.on("ListRobots").status("UNAVAILABLE", "gone")
    told = call(cloud, "ListRobots", app.ListRobotsRequest(location_id="x")).trailers
    assert (told["grpc-status"], told["grpc-message"]) == ("14", "gone")
    late = call(cloud, "ListOrganizations", b"", headers={"grpc-timeout": "1n"})
    assert late.trailers["grpc-status"] == "4"
    assert cloud.calls.last().status == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("fault", ["reset_stream", "goaway", "reset_connection"])
def test_connections_that_break(cloud: FakeViam, fault: str) -> None:
    """A fault of the network is one for pages too; the next call is served (HT-7, FT-6)."""
    getattr(cloud.faults.on("ListOrganizations").once(), fault)()
    with pytest.raises(OSError):  # noqa: PT011 - however the system calls it
        call(cloud, "ListOrganizations", b"")
    assert cloud.calls.one().status == "CANCELLED"
    assert call(cloud, "ListOrganizations", b"").messages


def test_what_is_no_base64(cloud: FakeViam) -> None:
    """INVALID_ARGUMENT, and nothing is done (SV-3)."""
    told = {"content-type": "application/grpc-web-text"}
    reply = Browser(cloud).request("POST", METHODS["ListOrganizations"].path, b"****", told)
    assert b"grpc-status: 3" in b64decode(reply.body)


def test_login_and_sessions() -> None:
    """A page logs in as any client, and reaches its session (HT-7, AU-4, SS-1)."""
    with FakeViam(auth="keys") as cloud, cloud.session("one") as session:
        assert call(cloud, "ListOrganizations", b"").trailers["grpc-status"] == "16"
        credentials = auth.Credentials(type="api-key", payload=session.api_key)
        login = auth.AuthenticateRequest(entity=session.api_key_id, credentials=credentials)
        reply = auth.AuthenticateResponse.FromString(call(cloud, "Authenticate", login).messages[0])
        bearer = {"authorization": f"Bearer {reply.access_token}"}
        assert call(cloud, "ListOrganizations", b"", headers=bearer).messages
        assert len(cloud.calls) == 1
        assert [each.rpc for each in session.calls] == ["ListOrganizations"]
        assert session.calls.where("Authenticate").one().status == "OK"


def test_a_page_that_goes_away(cloud: FakeViam) -> None:
    """Its call is cancelled (HT-7)."""
    cloud.faults.on("ListOrganizations").stall()
    with socket.create_connection((cloud.host, cloud.port)) as page:
        page.sendall(
            b"POST /viam.app.v1.AppService/ListOrganizations HTTP/1.1\r\nhost: x\r\n"
            b"content-type: application/grpc-web\r\ncontent-length: 5\r\n\r\n" + frame(b"")
        )
    assert cloud.calls.wait_for("ListOrganizations").status == "CANCELLED"


# The same as by gRPC ---------------------------------------------------------------------

NAMES = st.sampled_from(["cats", "dogs", "", "ü"])
OWNER = FakeViam.default_part.organization_id
REQUESTS = st.one_of(
    st.builds(
        dataset.CreateDatasetRequest, name=NAMES, organization_id=st.sampled_from([OWNER, "", "x"])
    ),
    st.builds(dataset.ListDatasetsByOrganizationIDRequest, organization_id=st.just(OWNER)),
    st.builds(data.TagsByFilterRequest),
    st.builds(data.BinaryDataByFilterRequest, count_only=st.booleans()),
    st.builds(app.GetRobotRequest, id=NAMES),
    NAMES.map(lambda name: METHODS["GetFragment"].request(id=name)),
)


async def by_grpc(cloud: FakeViam, rpc: str, request: Message) -> tuple[list[bytes], Any]:
    """The messages and the trailers of the same call by HTTP/2."""
    method = METHODS[rpc]
    channel = Channel(cloud.host, cloud.port)
    opened: Any = UnaryUnaryMethod(channel, method.path, method.request, method.response).open()
    messages = []
    told = {"grpc-status": "0"}
    try:
        async with opened as stream:
            await stream.send_message(request, end=True)
            messages.append((await stream.recv_message()).SerializeToString())
            await stream.recv_trailing_metadata()
    except GRPCError as error:
        text = quote(error.message or "", safe=" !\"#$&'()*+,/:;<=>?@[\\]^`{|}~")
        told = {"grpc-status": str(error.status.value), "grpc-message": text}
    finally:
        channel.close()
    ours = {
        name: value
        for name, value in (opened.trailing_metadata or {}).items()
        if name.startswith("fakeviam-")
    }
    return messages, {**told, **ours}


def journal(cloud: FakeViam) -> list[Any]:
    entries = [each.to_json() for each in cloud.calls]
    for entry in entries:
        for name in ("peer", "duration", "metadata"):
            del entry[name]
    return entries


@settings(max_examples=15, deadline=None)
@given(st.lists(REQUESTS, min_size=1, max_size=5), st.booleans())
def test_a_page_gets_what_others_get(requests: list[Message], text: bool) -> None:  # noqa: FBT001
    """The same calls by gRPC and by gRPC-Web: equal replies, refusals and journals (HT-7)."""
    clouds = [FakeViam(seed=1, clock=Clock.frozen("2026-01-01T00:00:00Z")) for _ in range(2)]
    with clouds[0] as one, clouds[1] as other:
        for each in clouds:
            each.faults.on("TagsByFilter").call(2).status("UNAVAILABLE", "ü gone")
        for request in requests:
            rpc = type(request).DESCRIPTOR.name.removesuffix("Request")
            seen = call(other, rpc, request, text=text)
            assert (seen.messages, seen.trailers) == asyncio.run(by_grpc(one, rpc, request))
        assert journal(one) == journal(other)
        for each in clouds:
            each.faults.clear()


# Pages of other origins ------------------------------------------------------------------


def preflight(cloud: FakeViam, path: str, origin: str) -> Any:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,viam_client",
    }
    return Browser(cloud).request("OPTIONS", path, None, asked)


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"]
)
def test_pages_of_this_machine(cloud: FakeViam, origin: str) -> None:
    """May call and load files, with the headers they name (HT-8)."""
    for path in (METHODS["GetRobot"].path, "/files/a/b/c"):
        reply = preflight(cloud, path, origin)
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["access-control-allow-origin"] == origin
        allowed = reply.headers["access-control-allow-headers"]
        assert allowed == "authorization,content-type,viam_client"
        assert "POST" in reply.headers["access-control-allow-methods"]
    reply = Browser(cloud).request("GET", "/files/a/b/c", None, {"origin": origin})
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (404, origin)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_pages_from_elsewhere(cloud: FakeViam, origin: str) -> None:
    """Are told no, and get no leave to read anything (HT-8)."""
    reply = preflight(cloud, METHODS["GetRobot"].path, origin)
    assert reply.status == 403
    assert repr(origin) in reply.error["what"]
    told = call(cloud, "ListOrganizations", b"", headers={"origin": origin}).headers
    assert "access-control-allow-origin" not in told


def test_the_control_api_is_for_no_page(cloud: FakeViam) -> None:
    """Wherever it is from (HT-3, HT-8)."""
    reply = preflight(cloud, "/control/v1", PAGE["origin"])
    assert reply.status == 403
    assert "access-control-allow-origin" not in reply.headers
