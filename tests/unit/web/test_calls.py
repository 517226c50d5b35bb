"""Calls in plain HTTP, by gRPC-Web and Connect, are calls like those of gRPC."""

from __future__ import annotations

import json
import socket
from base64 import b64decode, b64encode, urlsafe_b64encode
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam
from fakeviam.model.errors import InvalidArgumentError
from fakeviam.web import dialects
from fakeviam.web.json_codec import JSON as JSON_CODEC
from fakeviam.web.protocol import Connection
from fakeviam.wire import app, auth, data, dataset, datasync
from fakeviam.wire import status as rpc_status

from .browser import METHODS, Browser
from .http2_client import Http2
from .ways import PACK, PAGE, WAYS, Way, by_grpc, frame, journal, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from .ways import Seen

WEB = Way(kind="application/grpc-web+proto")
WEB2 = Way(kind="application/grpc-web+proto", http=2)
JSON, PROTO = Way(kind="application/json"), Way(kind="application/proto", http=2)
every_way = pytest.mark.parametrize("way", WAYS, ids=str)
some_ways = pytest.mark.parametrize("way", [WEB, WAYS[3], JSON, PROTO], ids=str)
PART = FakeViam.default_part
OWNER = PART.organization_id


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam(clock=Clock.frozen("2026-01-01T00:00:00Z")) as cloud:
        yield cloud
        assert not cloud.crashes


@every_way
def test_a_call(cloud: FakeViam, way: Way) -> None:
    """The reply and the status; it stands in the journal like any other (HT-7, HT-9, HT-10)."""
    seen = way.call(cloud, "ListOrganizations", app.ListOrganizationsRequest())
    (organization,) = app.ListOrganizationsResponse.FromString(seen.messages[0]).organizations
    assert organization.name == "fake-org"
    assert seen.told == {"grpc-status": "0"}
    assert seen.headers["access-control-allow-origin"] == PAGE["origin"]
    exposed = seen.headers["access-control-expose-headers"]
    assert {"grpc-status", "trailer-fakeviam-clause"} <= set(exposed.split(", "))
    recorded = cloud.calls.one()
    assert (recorded.rpc, recorded.status) == ("ListOrganizations", "OK")
    assert recorded.peer.startswith("127.0.0.1:")


@every_way
def test_refusals_and_faults(cloud: FakeViam, way: Way) -> None:
    """The same status, text, details and clause as by gRPC (HT-7, HT-10)."""
    seen = way.call(cloud, "GetRobot", app.GetRobotRequest(id="ü"))
    assert seen.messages == []
    assert seen.told == {
        "grpc-status": "5",
        "grpc-message": "no robot has the id '%C3%BC' (NotFound) [AP-4]",
        "fakeviam-clause": "AP-4",
    }
    assert way.call(cloud, "GetRobot", b"\xff").told["fakeviam-clause"] == "SV-3"
    detail = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "CgN3aHk="}
    cloud.faults.on("ListRobots").status("UNAVAILABLE", "gone", details=[detail])
    told = way.call(cloud, "ListRobots", app.ListRobotsRequest(location_id="x")).told
    assert (told["grpc-status"], told["grpc-message"]) == ("14", "gone")
    assert told["details"] == str([(detail["@type"], b"\n\3why")])
    cloud.faults.clear()


@some_ways
def test_what_nobody_knows(cloud: FakeViam, way: Way) -> None:
    """UNIMPLEMENTED, as by gRPC (SV-1, SV-6)."""
    fragment = way.call(cloud, "GetFragment", METHODS["GetFragment"].request(id="x"))
    assert fragment.told["fakeviam-clause"] == "SV-1"
    if not way.is_connect:
        assert way.call(cloud, "/a.B/C", b"").told["fakeviam-clause"] == "SV-6"


@every_way
def test_deadlines(cloud: FakeViam, way: Way) -> None:
    """DEADLINE_EXCEEDED when it passes, INVALID_ARGUMENT when it is none (SV-8)."""
    name, bad = ("connect-timeout-ms", "1.5") if way.is_connect else ("grpc-timeout", "1d")
    late = "0" if way.is_connect else "1n"
    request = app.ListOrganizationsRequest()
    seen = way.call(cloud, "ListOrganizations", request, headers={name: late})
    assert seen.told["grpc-status"] == "4"
    assert cloud.calls.last().status == "DEADLINE_EXCEEDED"
    cloud.faults.on("ListOrganizations").once().stall()
    soon = "20" if way.is_connect else "20m"
    seen = way.call(cloud, "ListOrganizations", request, headers={name: soon})
    assert seen.told["grpc-status"] == "4"
    refused = way.call(cloud, "ListOrganizations", request, headers={name: bad})
    assert (refused.told["grpc-status"], refused.told["fakeviam-clause"]) == ("3", "SV-8")
    assert repr(bad) in text_of(refused)


@some_ways
def test_login_and_sessions(way: Way) -> None:
    """A page logs in as any client, and reaches its session (HT-7, AU-4, SS-1)."""
    request = app.ListOrganizationsRequest()
    with FakeViam(auth="keys") as cloud, cloud.session("one") as session:
        assert way.call(cloud, "ListOrganizations", request).told["grpc-status"] == "16"
        credentials = auth.Credentials(type="api-key", payload=session.api_key)
        login = auth.AuthenticateRequest(entity=session.api_key_id, credentials=credentials)
        (reply,) = way.call(cloud, "Authenticate", login).messages
        token = auth.AuthenticateResponse.FromString(reply).access_token
        bearer = {"authorization": f"Bearer {token}"}
        assert way.call(cloud, "ListOrganizations", request, headers=bearer).messages
        assert len(cloud.calls) == 1
        assert [each.rpc for each in session.calls] == ["ListOrganizations"]
        assert session.calls.where("Authenticate").one().status == "OK"


@every_way
def test_uploads_in_a_stream(cloud: FakeViam, way: Way) -> None:
    """Frames, or envelopes, as they come (HT-7, HT-10)."""
    seen = way.call(cloud, "FileUpload", *file_upload(b"12", b"3"))
    assert seen.told["grpc-status"] == "0"
    assert cloud.files.one().data == b"123"


@some_ways
@pytest.mark.parametrize("packing", PACK)
def test_compressed_requests(cloud: FakeViam, way: Way, packing: str) -> None:
    """Are unpacked; every answer says what is understood (SV-15)."""
    request = app.GetRobotRequest(id="x" * 1000)
    seen = way.call(cloud, "GetRobot", request, packed=packing)
    assert seen.told["fakeviam-clause"] == "AP-4"
    name = "grpc-accept-encoding"
    if way.is_connect:
        name = "accept-encoding"
    assert seen.headers[name] == "identity,deflate,gzip"


@pytest.mark.parametrize("kind", ["application/json", "application/grpc-web+json"])
def test_json_that_others_would_wait_for(cloud: FakeViam, kind: str) -> None:
    """Is refused for its length or its values, before it is parsed (SV-2)."""
    way = Way(kind=kind)
    long = b'{"filter": {"componentName": "' + b"x" * 2**24 + b'"}}'
    many = b'{"filter": {"partIds": [' + b'"",' * 1_000_000 + b'""]}}'
    texts = ["is larger than 16777216", f"message of {len(many)} bytes holds more than 1000000 va"]
    for body, text in zip((long, many), texts, strict=True):
        seen = way.call(cloud, "TagsByFilter", body)
        assert (seen.told["grpc-status"], seen.told["fakeviam-clause"]) == ("8", "SV-2")
        assert text in text_of(seen)


def test_a_body_that_is_too_large_is_refused_before_it_comes(cloud: FakeViam) -> None:
    """By its length (SV-2)."""
    with socket.create_connection((cloud.host, cloud.port), timeout=30) as peer:
        told = f"content-type: application/json\r\ncontent-length: {2**24 + 1}\r\n\r\n"
        path = "/viam.app.data.v1.DataService/TagsByFilter"
        peer.sendall(f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{told}".encode())
        assert b"fakeviam-clause: SV-2\r\n" in peer.recv(65536)


@pytest.mark.parametrize(
    "sent", [["***"], ["AAAAAAA"], ["AAAAAAA=***"], ["AAAAAAA=", "***"], ["AAAAAAU=", "***"]]
)
def test_text_that_is_not_base64_is_refused(cloud: FakeViam, sent: list[str]) -> None:
    """Wherever in the body, and it says so (SV-3, HT-7)."""
    with socket.create_connection((cloud.host, cloud.port), timeout=30) as peer:
        told = "content-type: application/grpc-web-text\r\ntransfer-encoding: chunked\r\n"
        path = "/viam.app.v1.AppService/ListOrganizations"
        lines = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{told}\r\n"
        chunks = "".join(f"{len(each):x}\r\n{each}\r\n" for each in [*sent, ""])
        peer.sendall(f"{lines}{chunks}".encode())
        received = b"".join(iter(lambda: peer.recv(65536), b""))
    (trailers,) = [b64decode(line) for line in received.split(b"\r\n") if line.startswith(b"gA")]
    assert b"grpc-message: the body is not base64" in trailers
    assert b"fakeviam-clause: SV-3" in trailers


@pytest.mark.parametrize("kind", ["application/grpc-web+proto", "application/json"])
def test_a_coding_of_the_whole_body_is_refused(cloud: FakeViam, kind: str) -> None:
    """Where each message has its own (SV-15)."""
    told = {"content-encoding": "gzip"}
    seen = Way(kind=kind).call(cloud, "FileUpload", *file_upload(b"1"), headers=told)
    assert (seen.told["grpc-status"], seen.told["fakeviam-clause"]) == ("12", "SV-15")
    assert "compress its messages, and say so in " in text_of(seen)


_GONE = -1


@pytest.fixture
def buffered(monkeypatch: pytest.MonkeyPatch) -> Queue[int]:
    """How much waits in a connection's buffer, whenever its client is too slow."""
    found: Queue[int] = Queue()
    pause = Connection.pause_writing

    def paused(self: Connection) -> None:
        found.put(self.transport.get_write_buffer_size())
        pause(self)

    monkeypatch.setattr(Connection, "pause_writing", paused)
    lose = Connection.connection_lost

    def lost(self: Connection, exc: Exception | None) -> None:
        found.put(_GONE)
        lose(self, exc)

    monkeypatch.setattr(Connection, "connection_lost", lost)
    return found


@pytest.mark.parametrize("kind", ["application/proto", "application/grpc-web", "late"])
def test_slow_readers_of_large_replies(cloud: FakeViam, buffered: Queue[int], kind: str) -> None:
    """Get them in pieces, so that others are answered, and memory stays free (SV-18, HT-7)."""
    Way(kind="application/proto").call(cloud, "FileUpload", *file_upload(bytes(2**24)))
    kind, late = ("application/grpc-web", "grpc-timeout: 1S\r\n") if kind == "late" else (kind, "")
    request = data.BinaryDataByFilterRequest(include_binary=True).SerializeToString()
    body = frame(request) if "web" in kind else request
    with socket.create_connection((cloud.host, cloud.port), timeout=30) as peer:
        path = "/viam.app.data.v1.DataService/BinaryDataByFilter"
        told = f"content-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{late}"
        lines = f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{told}\r\n"
        peer.sendall(lines.encode() + body)
        while (size := buffered.get(timeout=30)) == _GONE:
            pass  # that is the connection of the upload
        assert size < 2**20
        if late:
            assert buffered.get(timeout=30) == _GONE  # a status would be read as the reply's rest
            return
        received = b"".join(iter(lambda: peer.recv(2**20), b""))
    assert len(received) > 2**24
    assert (b"grpc-status: 0" in received[-200:]) is ("web" in kind)
    assert not cloud.crashes


def test_others_are_served_while_json_is_parsed(
    cloud: FakeViam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is parsed beside the event loop (SV-2)."""
    parse = json_format.Parse

    def parse_meanwhile(*arguments: Any, **options: Any) -> Any:
        PROTO.call(cloud, "ListOrganizations", b"")
        return parse(*arguments, **options)

    monkeypatch.setattr(json_format, "Parse", parse_meanwhile)
    request = data.TagsByFilterRequest(filter=data.Filter(component_name="x" * 100_000))
    assert JSON.call(cloud, "TagsByFilter", request).told == {"grpc-status": "0"}
    assert "ListOrganizations" in [each.rpc for each in cloud.calls]


def test_others_are_served_while_a_reply_becomes_json(
    cloud: FakeViam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written beside the event loop (SV-2)."""
    made = PROTO.call(
        cloud,
        "DataCaptureUpload",
        datasync.DataCaptureUploadRequest(
            metadata=datasync.UploadMetadata(
                part_id=PART.id, type=datasync.DATA_TYPE_BINARY_SENSOR
            ),
            sensor_contents=[datasync.SensorData(binary=bytes(100_000))],
        ),
    )
    name = datasync.DataCaptureUploadResponse.FromString(made.messages[0]).binary_data_id
    shown = json_format.MessageToDict

    def show_meanwhile(*arguments: Any, **options: Any) -> Any:
        assert PROTO.call(cloud, "ListOrganizations", b"").told == {"grpc-status": "0"}
        return shown(*arguments, **options)

    monkeypatch.setattr(json_format, "MessageToDict", show_meanwhile)
    request = data.BinaryDataByIDsRequest(binary_data_ids=[name], include_binary=True)
    assert JSON.call(cloud, "BinaryDataByIDs", request).told == {"grpc-status": "0"}


@pytest.mark.parametrize("http", [1, 2])
def test_content_types_that_cannot_be_sent_back(cloud: FakeViam, http: int) -> None:
    """Are answered by what is known of them (HT-7)."""
    told = {"content-type": "application/json; a=\x7f"}
    seen = Way(kind="application/json", http=http).call(cloud, "TagsByFilter", b"{}", headers=told)
    assert (seen.headers["content-type"], seen.told) == ("application/json", {"grpc-status": "0"})


@some_ways
def test_bombs_and_other_compressions(way: Way) -> None:
    """Are refused before they are unpacked (SV-15, SV-2)."""
    with FakeViam(max_message_bytes=100_000) as cloud:
        bomb = PACK["gzip"](bytes(1_000_000))
        encoding = "content-encoding" if way.is_connect else "grpc-encoding"
        body = bomb if way.is_connect else frame(bomb, 1)
        raw = Way(kind=way.kind, http=way.http)
        seen = raw.call(cloud, "GetRobot", bytes(1_000_000), packed="gzip")
        assert len(body) < 100_000
        assert (seen.told["grpc-status"], seen.told["fakeviam-clause"]) == ("8", "SV-2")
        assert "unpacked" in text_of(seen)
        whole = raw.call(cloud, "GetRobot", bytes(100_001))
        assert (whole.told["grpc-status"], whole.told["fakeviam-clause"]) == ("8", "SV-2")
        if way.is_connect:  # of one message: a coding of HTTP, whose names have no case
            shouted = raw.call(cloud, "GetRobot", PACK["gzip"](b""), headers={encoding: "GZIP"})
            assert "fakeviam-clause" in shouted.told
            assert shouted.told["fakeviam-clause"] != "SV-15"
        other = raw.call(cloud, "GetRobot", b"", headers={encoding: "br"})
        assert (other.told["grpc-status"], other.told["fakeviam-clause"]) == ("12", "SV-15")
        assert "gzip" in text_of(other)


@pytest.mark.parametrize("way", [WEB, WEB2, JSON, PROTO], ids=str)
@pytest.mark.parametrize("fault", ["reset_stream", "goaway", "reset_connection"])
def test_connections_that_break(cloud: FakeViam, way: Way, fault: str) -> None:
    """A fault of the network is one for pages too; the next call is served (HT-7, FT-6)."""
    getattr(cloud.faults.on("ListOrganizations").once(), fault)()
    with pytest.raises(OSError):  # noqa: PT011 - however the system calls it
        way.call(cloud, "ListOrganizations", app.ListOrganizationsRequest())
    assert cloud.calls.one().status == "CANCELLED"
    assert way.call(cloud, "ListOrganizations", app.ListOrganizationsRequest()).messages


def test_a_reset_costs_its_neighbours_nothing(cloud: FakeViam) -> None:
    """Inside HTTP/2 a fault ends its stream, and GOAWAY its connection (HT-9, FT-6)."""
    path, told = METHODS["ListOrganizations"].path, {"content-type": "application/json"}
    cloud.faults.on("ListOrganizations").once().reset_stream("REFUSED_STREAM")
    with Http2(cloud) as client:
        with pytest.raises(ConnectionResetError, match="7"):
            client.request("POST", path, b"{}", told)
        assert client.request("POST", path, b"{}", told).status == 200
        cloud.faults.on("GetRobot").once().goaway()
        with pytest.raises(ConnectionAbortedError):
            client.request("POST", METHODS["GetRobot"].path, b"{}", told)
        assert client.has_goaway


def test_what_is_no_base64(cloud: FakeViam) -> None:
    """INVALID_ARGUMENT, and nothing is done (SV-3)."""
    told = {"content-type": "application/grpc-web-text"}
    for body in (b"****", b"AAAAAAA", b"AAAAAAA=AAA"):
        reply = Browser(cloud).request("POST", METHODS["ListOrganizations"].path, body, told)
        assert b"grpc-status: 3" in b64decode(reply.body)


def test_text_is_encoded_as_it_is_read(cloud: FakeViam, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that nobody reads is not kept in base64, too; it is the same reply (SV-11, HT-7)."""
    content = bytes(range(251)) * 3000
    sizes: list[int] = []

    def encoded(part: bytes) -> bytes:
        sizes.append(len(part))
        return b64encode(part)

    monkeypatch.setattr(dialects, "b64encode", encoded)
    cloud.load({"files": [{"name": "a.bin", "data": b64encode(content).decode()}]})
    ids = [file.id for file in cloud.files]
    asked = data.BinaryDataByIDsRequest(binary_data_ids=ids, include_binary=True)
    body = b64encode(frame(asked.SerializeToString()))
    told = {"content-type": "application/grpc-web-text"}
    reply = Browser(cloud).request("POST", METHODS["BinaryDataByIDs"].path, body, told)
    groups = (reply.body[at : at + 4] for at in range(0, len(reply.body), 4))
    assert content in b"".join(map(b64decode, groups))
    assert max(sizes) < 256 * 1024 < sum(sizes)


def test_a_page_that_goes_away(cloud: FakeViam) -> None:
    """Its call is cancelled (HT-7)."""
    cloud.faults.on("ListOrganizations").stall()
    with socket.create_connection((cloud.host, cloud.port)) as page:
        page.sendall(
            b"POST /viam.app.v1.AppService/ListOrganizations HTTP/1.1\r\nhost: x\r\n"
            b"content-type: application/grpc-web\r\ncontent-length: 5\r\n\r\n" + frame(b"")
        )
    assert cloud.calls.wait_for("ListOrganizations").status == "CANCELLED"


@pytest.mark.parametrize("how", ["reset", "hang up"])
def test_a_client_that_goes_away_inside_http2(cloud: FakeViam, how: str) -> None:
    """Its call is cancelled, and the journal says how (HT-9)."""
    cloud.faults.on("ListOrganizations").stall()
    told = {"content-type": "application/json"}
    with Http2(cloud) as client:
        stream = client.begin("POST", METHODS["ListOrganizations"].path, told, end=False)
        client.send(stream, b"{}", end=True)
        assert client.request("GET", "/healthz", None, {}).status == 200  # it has begun
        if how == "reset":
            client.reset(stream)
            cloud.calls.wait_for("ListOrganizations")
    ended = cloud.calls.wait_for("ListOrganizations")
    assert ended.status == "CANCELLED"
    assert ended.to_json()["text"]


# Connect's own -----------------------------------------------------------------------------


def post(cloud: FakeViam, rpc: str, kind: str, body: bytes = b"{}", **told: str) -> Any:
    headers = {name.replace("_", "-"): value for name, value in told.items()}
    path = METHODS[rpc].path
    return Browser(cloud).request("POST", path, body, {"content-type": kind, **headers})


def test_json_that_is_none(cloud: FakeViam) -> None:
    """INVALID_ARGUMENT that says where, and nothing is stored (HT-10, SV-3)."""
    kind = "application/json; charset=utf-8"
    for body, why in (
        (b"", "send {} for one without fields"),
        (b"{", "line 1 column 2"),
        (b'{"nmae": "x"}', "no field named 'nmae'; did you mean 'name'?"),
        (b'{"name": 1}', "name"),
        (b"[]", "no object"),
        (b'"name"', "no object"),
        (b'{"name": "a", "name": "b"}', "duplicate key name"),
        (b'{"name": "\xff"}', "JSON"),
        (b'{"name": ' + b"[" * 100_000, "JSON"),
    ):
        reply = post(cloud, "CreateDataset", kind, body)
        assert (reply.status, reply.json["code"]) == (400, "invalid_argument")
        assert why in reply.json["message"]
        assert reply.headers["trailer-fakeviam-clause"] == "SV-3"
    assert not cloud.datasets


MINE = {"partId": FakeViam.default_part.id}


def upload(binary: str) -> bytes:
    """A file in JSON."""
    metadata = {"type": "DATA_TYPE_BINARY_SENSOR", **MINE}
    return json.dumps({"metadata": metadata, "sensorContents": [{"binary": binary}]}).encode()


@pytest.mark.parametrize(
    "text", ["***", "aGVs*bG8=", "aGVsb", "aGVsbG8==", "aGVs\nbG8=", "=", "-_+/", "aGVsbG8=é"]
)
def test_json_with_bad_base64(cloud: FakeViam, text: str) -> None:
    """Is refused, with its field and value, and nothing is stored (HT-10, SV-3)."""
    reply = post(cloud, "DataCaptureUpload", "application/json", upload(text))
    assert (reply.status, reply.json["code"]) == (400, "invalid_argument")
    assert f"sensorContents[0].binary is not base64: {text!r}" in reply.json["message"]
    assert reply.headers["trailer-fakeviam-clause"] == "SV-3"
    assert not cloud.files
    stream = b"".join(
        frame(each)
        for each in (
            json.dumps({"metadata": {**MINE, "type": "DATA_TYPE_FILE"}}).encode(),
            json.dumps({"fileContents": {"data": text}}).encode(),
        )
    )
    reply = post(cloud, "FileUpload", "application/connect+json", stream)
    assert b"fileContents.data is not base64: " in reply.body
    assert not cloud.files


@given(data=st.binary(max_size=40), url=st.booleans(), padded=st.booleans())
def test_base64_in_json(*, data: bytes, url: bool, padded: bool) -> None:
    """Both alphabets, with padding and without, as protobuf's JSON has it (HT-10)."""
    text = (urlsafe_b64encode if url else b64encode)(data).decode()
    body = json.dumps({"binary": text if padded else text.rstrip("=")}).encode()
    assert JSON_CODEC.parsed(body, datasync.SensorData).binary == data


FILE = {"@type": "x/viam.app.datasync.v1.FileData", "data": "*"}


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (FILE, "details[0].data"),
        ({"@type": "x/google.protobuf.Any", "value": FILE}, "details[0].value.data"),
        ({"@type": "x/google.protobuf.Struct", "value": {"fields": {"data": "*"}}}, ""),
        ({"@type": "x/google.protobuf.Timestamp", "value": "2026-01-01T00:00:00Z"}, ""),
        ({}, ""),
    ],
)
def test_base64_inside_any(value: object, where: str) -> None:
    """Is checked as well, where there are bytes (SV-3)."""
    body = json.dumps({"details": [value]}).encode()
    if not where:
        assert JSON_CODEC.parsed(body, rpc_status.Status).details
        return
    with pytest.raises(InvalidArgumentError) as refused:
        JSON_CODEC.parsed(body, rpc_status.Status)
    assert f"{where} is not base64: '*'" in str(refused.value)


def test_versions_of_connect(cloud: FakeViam) -> None:
    """There is one, which need not be named (HT-10)."""
    assert post(cloud, "ListOrganizations", "application/json").status == 200
    reply = post(cloud, "ListOrganizations", "application/json", connect_protocol_version="1")
    assert reply.status == 200
    reply = post(cloud, "ListOrganizations", "application/json", connect_protocol_version="2")
    assert (reply.status, reply.json["code"]) == (400, "invalid_argument")
    assert "must be 1, got '2'" in reply.json["message"]


def test_streams_and_single_messages(cloud: FakeViam) -> None:
    """Have types of their own; the wrong one is 415 and names the right one (SV-10)."""
    reply = post(cloud, "FileUpload", "application/json")
    assert reply.status == 415
    assert "application/connect+json" in reply.json["message"]
    reply = post(cloud, "ListOrganizations", "application/connect+proto", frame(b""))
    assert reply.status == 415
    assert b"application/proto" in reply.body
    assert {each.status for each in cloud.calls} == {"INVALID_ARGUMENT"}


@pytest.mark.parametrize("http", [1, 2])
def test_other_methods(cloud: FakeViam, http: int) -> None:
    """GET, which Connect may use where nothing is changed, is 405 (SV-10)."""
    path = f"{METHODS['ListOrganizations'].path}?connect=v1&encoding=json&message=%7B%7D"
    if http == 1:
        reply = Browser(cloud).request("GET", path)
    else:
        with Http2(cloud) as client:
            reply = client.request("GET", path, None, {})
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert "calls are POST requests, this is GET" in reply.json["message"]
    assert reply.headers["trailer-fakeviam-clause"] == "SV-10"


def test_other_types(cloud: FakeViam) -> None:
    """415, with those that are served, and alike over either HTTP (SV-10)."""
    path, form = METHODS["ListOrganizations"].path, "application/x-www-form-urlencoded"
    with Http2(cloud) as client:
        for kind in ("text/plain", form, "application/grpc-web+thrift", "application/connect+xml"):
            reply = post(cloud, "ListOrganizations", kind)
            assert reply.status == 415
            assert "application/json" in reply.headers["accept-post"]
            assert repr(kind) in reply.json["message"]
            assert reply.headers["trailer-fakeviam-clause"] == "SV-10"
            same = client.request("POST", path, b"{}", {"content-type": kind})
            assert (same.status, same.body) == (415, reply.body)
            assert same.headers["trailer-fakeviam-clause"] == "SV-10"


@pytest.mark.parametrize("path", ["/ui/calls", "/files/nothing", "/healthz", "/", "/nothing"])
def test_posts_to_what_is_no_call(cloud: FakeViam, path: str) -> None:
    """The same over either HTTP, whatever their type (SV-10, HT-9)."""
    with Http2(cloud) as client:
        for kind in ("application/x-www-form-urlencoded", "application/json", "text/plain"):
            told = {"content-type": kind}
            reply = Browser(cloud).request("POST", path, b"{}", told)
            assert reply.status == (404 if path == "/nothing" else 405)
            same = client.request("POST", path, b"{}", told)
            assert (same.status, same.body) == (reply.status, reply.body)


# The HTTP side inside HTTP/2 ---------------------------------------------------------------


def test_http_inside_http2(cloud: FakeViam) -> None:
    """Preflights, health, files and the control API, as over HTTP/1.1 (HT-9)."""
    WEB.call(cloud, "FileUpload", *file_upload(bytes(300_000)))
    file = f"/files/{cloud.files.one().id}"
    asked = {**PAGE, "access-control-request-method": "POST"}
    with Http2(cloud) as client:
        for method, path, told in (
            ("GET", "/healthz", {}),
            ("HEAD", "/healthz", {}),
            ("OPTIONS", METHODS["GetRobot"].path, asked),
            ("GET", file, {"range": "bytes=10-299998"}),
            ("HEAD", file, {}),
            ("GET", "/nothing", {}),
            ("GET", "/control/v1/clock", {}),
            ("PUT", "/control/v1/clock", {}),
            ("GET", "/control/v1/clock", {":authority": "evil.example"}),
        ):
            inside = client.request(method, path, None, told)
            plain = {name.replace(":authority", "host"): told[name] for name in told}
            outside = Browser(cloud).request(method, path, None, plain)
            assert (inside.status, inside.body) == (outside.status, outside.body)
            left = set(outside.headers) - set(inside.headers)
            assert left <= {"transfer-encoding", "connection"}
        body = b'{"name": "here"}'
        made = client.request(
            "POST", "/control/v1/sessions", body, {"content-type": "application/json"}
        )
        assert made.status == 201, made
        assert "here" in cloud.sessions


def test_the_control_api_knows_its_callers_inside_http2(cloud: FakeViam) -> None:
    """Pages are refused there, too (HT-3)."""
    with Http2(cloud) as client:
        reply = client.request("POST", "/control/v1/reset", b"{}", PAGE)
        assert reply.status == 403


# The same as by gRPC -----------------------------------------------------------------------

NAMES = st.sampled_from(["cats", "dogs", "", "ü", "a/b"])
OWNERS = st.sampled_from([OWNER, "", "x"])
FILTERS = st.builds(
    data.Filter,
    component_name=NAMES,
    organization_ids=st.lists(OWNERS, max_size=2),
    dataset_id=st.sampled_from(["", "66db6fe7d93d1ade24cd1dc3"]),
)


def file_upload(*contents: bytes, part: str = PART.id) -> list[Message]:
    file = datasync.DATA_TYPE_FILE
    metadata = datasync.UploadMetadata(part_id=part, type=file, file_name="a.txt")
    return [
        datasync.FileUploadRequest(metadata=metadata),
        *(datasync.FileUploadRequest(file_contents=datasync.FileData(data=e)) for e in contents),
    ]


def tabular(name: str, values: dict[str, Any]) -> Message:
    metadata = datasync.UploadMetadata(
        part_id=PART.id,
        component_name=name,
        method_name="Readings",
        type=datasync.DATA_TYPE_TABULAR_SENSOR,
    )
    reading = datasync.SensorData()
    reading.struct.update(values)
    return datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[reading])


def _one(*messages: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Message, ...]]:
    return st.one_of(*messages).map(lambda message: (message,))


VALUES = st.one_of(st.none(), st.booleans(), st.floats(-9, 9), st.text(max_size=3))
REQUESTS = st.one_of(
    _one(
        st.builds(dataset.CreateDatasetRequest, name=NAMES, organization_id=OWNERS),
        st.builds(dataset.ListDatasetsByOrganizationIDRequest, organization_id=OWNERS),
        st.builds(data.TagsByFilterRequest, filter=FILTERS),
        st.builds(
            data.BinaryDataByFilterRequest,
            data_request=st.builds(data.DataRequest, filter=FILTERS, limit=st.integers(0, 3)),
            include_binary=st.booleans(),
            count_only=st.booleans(),
        ),
        st.builds(data.TabularDataByFilterRequest, count_only=st.booleans()),
        st.builds(app.GetRobotRequest, id=NAMES),
        NAMES.map(lambda name: METHODS["GetFragment"].request(id=name)),
        st.builds(tabular, NAMES, st.dictionaries(NAMES, VALUES, max_size=2)),
        st.builds(auth.AuthenticateRequest, entity=NAMES),
        st.builds(
            data.ExportTabularDataRequest,
            part_id=st.sampled_from([PART.id, "x"]),
            resource_name=NAMES,
            resource_subtype=st.just("rdk:component:sensor"),
            method_name=st.just("Readings"),
        ),
    ),
    st.lists(st.binary(max_size=3), max_size=3).map(lambda parts: tuple(file_upload(*parts))),
    st.just(tuple(file_upload(b"x", part="nobody"))),
)
PACKED = st.sampled_from(["identity", *PACK])


CALLS = st.lists(st.tuples(REQUESTS, st.sampled_from(WAYS), PACKED), min_size=1, max_size=6)


@settings(max_examples=8, deadline=None)
@given(CALLS)
def test_every_way_is_the_same(calls: list[tuple[tuple[Message, ...], Way, str]]) -> None:
    """The same calls by gRPC and by others: equal replies, refusals, journals (HT-7, HT-10)."""
    _compare(calls)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(CALLS)
def test_every_way_is_the_same_for_longer(
    calls: list[tuple[tuple[Message, ...], Way, str]],
) -> None:
    """The same, with more of them (HT-7, HT-10)."""
    _compare(calls)


def _apart_from_ports(cloud: FakeViam, seen: Seen) -> tuple[Any, Any]:
    """What must be equal, without the ports that stand in the addresses of files."""
    messages, told = seen.same()
    port = str(cloud.port).encode()
    return [each.replace(port, b"?" * len(port)) for each in messages], told


def text_of_journal(cloud: FakeViam) -> str:
    """Sorted: the entries of a protobuf map have no order, and JSON carries them in its own."""
    return json.dumps(journal(cloud), sort_keys=True)


def _compare(calls: list[tuple[tuple[Message, ...], Way, str]]) -> None:
    clouds = [FakeViam(seed=1, clock=Clock.frozen("2026-01-01T00:00:00Z")) for _ in range(2)]
    with clouds[0] as one, clouds[1] as other:
        for each in clouds:
            each.faults.on("TagsByFilter").call(2).status("UNAVAILABLE", "ü gone")
        for requests, way, packed in calls:
            rpc = type(requests[0]).DESCRIPTOR.name.removesuffix("Request")
            seen = way.call(other, rpc, *requests, packed=packed)
            expected = by_grpc(one, rpc, *requests)
            found, wanted = _apart_from_ports(other, seen), _apart_from_ports(one, expected)
            assert found == wanted, (way, packed)
        mine, theirs = (
            text_of_journal(each).replace(str(each.port), "port") for each in (one, other)
        )
        assert mine == theirs
        for each in clouds:
            each.faults.clear()
            assert not each.crashes


def test_a_call_that_takes_no_more(cloud: FakeViam) -> None:
    """Lets its client wait, instead of keeping all that it sends (HT-7)."""
    WEB.call(cloud, "ListOrganizations", b"")  # the first call imports a lot
    cloud.faults.on("FileUpload").after_messages(2).stall()
    head = b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n"
    upload = b"".join(frame(each.SerializeToString()) for each in file_upload(b"1", b"2"))
    with socket.create_connection((cloud.host, cloud.port)) as page:
        page.sendall(head % METHODS["FileUpload"].path.encode())
        page.sendall(b"content-type: application/grpc-web\r\n\r\n" + upload)
        page.settimeout(1)
        with pytest.raises(TimeoutError):
            send_in_pieces(page, 64)


def send_in_pieces(connection: socket.socket, megabytes: int) -> None:
    for _ in range(megabytes):
        connection.sendall(bytes(1_000_000))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("app.viam.com", "app.viam.com:80"),
        ("localhost:8080", "localhost:8080"),
        ("[::1]", "[::1]:80"),
        ("[::1]:99999", "[::1]:99999"),
    ],
)
def test_the_database_is_at_the_port_of_the_call(cloud: FakeViam, host: str, expected: str) -> None:
    """HTTP leaves out its own port, which a URI of MongoDB takes for 27017 (DB-1)."""
    body = json.dumps({"organizationId": cloud.default_part.organization_id}).encode()
    headers = {"content-type": "application/json", "host": host}
    reply = Browser(cloud).request("POST", METHODS["GetDatabaseConnection"].path, body, headers)
    assert reply.json["hostname"] == expected
    assert f"@{expected}/" in reply.json["mongodbUri"]
