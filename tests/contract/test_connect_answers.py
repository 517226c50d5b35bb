"""Over Connect the kit is as strict as clients are."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connect_speech import Connect
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from fakeviam_contracts.web_speech import MalformedAnswerError
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam import FakeViam, wire
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from collections.abc import Mapping

UNARY, STREAM = wire.method("TagsByFilter"), wire.method("ExportTabularData")
UPLOAD = wire.method("FileUpload")
TAGS = data.TagsByFilterResponse(tags=["hill"])
JSON, PROTO, PIECES = "application/json", "application/proto", "application/connect+proto"


def heard(method: wire.Method, http: int, kind: str, body: bytes, **more: str) -> Any:
    head: Mapping[str, str] = {":status": str(http), "content-type": kind, **more}
    return Connect().answer(method, head, body)


def framed(flag: int, body: bytes) -> bytes:
    return struct.pack(">BI", flag, len(body)) + body


def error(code: object, text: object = "no") -> bytes:
    return json.dumps({"code": code, "message": text}).encode()


ROW = framed(0, data.ExportTabularDataResponse(part_id="p").SerializeToString())
END = framed(2, b"{}")

MALFORMED = {
    "JSON with 200": (UNARY, 200, JSON, b"{}"),
    "a message that is refused": (UNARY, 404, PROTO, b""),
    "an error that is no JSON": (UNARY, 404, JSON, b"<html>"),
    "an error that is a list": (UNARY, 404, JSON, b"[]"),
    "an error that is nested": (UNARY, 404, JSON, b"[" * 100_000),
    "no code": (UNARY, 404, JSON, b"{}"),
    "a code of gRPC": (UNARY, 404, JSON, error("NOT_FOUND")),
    "a code that is a number": (UNARY, 404, JSON, error(5)),
    "another status of HTTP": (UNARY, 500, JSON, error("not_found")),
    "a message that is no text": (UNARY, 404, JSON, error("not_found", 1)),
    "a stream that is refused by HTTP": (STREAM, 404, JSON, error("not_found")),
    "a stream without an end": (STREAM, 200, PIECES, ROW),
    "a frame that is cut": (STREAM, 200, PIECES, ROW[:-1]),
    "a frame after the end": (STREAM, 200, PIECES, END + ROW),
    "a packed frame": (STREAM, 200, PIECES, framed(1, b"") + END),
    "an end that is no JSON": (STREAM, 200, PIECES, framed(2, b"OK")),
    "an end with no code": (STREAM, 200, PIECES, framed(2, b'{"error": {}}')),
    "two answers": (UPLOAD, 200, PIECES, framed(0, b"") * 2 + END),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_breaks_the_rules_is_malformed(name: str) -> None:
    """HT-10: no client understands it."""
    with pytest.raises(MalformedAnswerError):
        heard(*MALFORMED[name])


@pytest.mark.parametrize("header", ["content-encoding", "connect-content-encoding"])
def test_compression_that_nobody_offered(header: str) -> None:
    with pytest.raises(MalformedAnswerError, match="gzip, although nothing was offered"):
        heard(UNARY, 200, PROTO, b"", **{header: "gzip"})


def test_what_is_no_connect_at_all() -> None:
    with pytest.raises(StreamTerminatedError, match="HTTP 200 with text/html is no Connect"):
        heard(UNARY, 200, "text/html; charset=utf-8", b"<html>")


def test_answers_and_refusals() -> None:
    """HT-10: as they are written where a message is expected, and in a stream."""
    assert heard(UNARY, 200, PROTO, TAGS.SerializeToString()) == TAGS
    assert [row.part_id for row in heard(STREAM, 200, PIECES, ROW + ROW + END)] == ["p", "p"]
    assert heard(STREAM, 200, PIECES, END) == []
    for method, http, kind, body in (
        (UNARY, 499, JSON, error("canceled", "é")),
        (STREAM, 200, PIECES, ROW + framed(2, b'{"error": %s}' % error("canceled", "é"))),
    ):
        with pytest.raises(GRPCError) as caught:
            heard(method, http, kind, body)
        assert (caught.value.status, caught.value.message) == (Status.CANCELLED, "é")


def test_calls_over_connect() -> None:
    """HT-10: one message, several, and a refusal."""
    with FakeViam() as cloud:
        line = RemoteConnection(Address(target=f"connect+http://{cloud.target}"))
        try:
            call = line.wire().call
            assert call("TagsByFilter", data.TagsByFilterRequest()) == data.TagsByFilterResponse()
            metadata = datasync.UploadMetadata(
                part_id=cloud.default_part.id, type=datasync.DATA_TYPE_FILE
            )
            pieces = [datasync.FileUploadRequest(metadata=metadata)] + [
                datasync.FileUploadRequest(file_contents=datasync.FileData(data=piece))
                for piece in (b"a", b"b")
            ]
            uploaded = line.wire().stream("FileUpload", pieces)
            assert isinstance(uploaded, datasync.FileUploadResponse)
            assert uploaded.binary_data_id
            assert [file.data for file in cloud.files] == [b"ab"]
            refused = call("GetDatabaseConnection", data.GetDatabaseConnectionRequest())
            assert refused.status == "INVALID_ARGUMENT"
        finally:
            line.close()


def test_a_server_that_speaks_no_connect_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """HT-10: a server that is right over gRPC is told that it is wrong over Connect."""
    from fakeviam.web import connect  # noqa: PLC0415 - it is changed here

    with FakeViam(seed=1) as cloud:
        config = RunConfig(
            target=f"connect+http://{cloud.target}", parts=(cloud.default_part.id,),
            clauses="A56", seed=1,
        )  # fmt: skip
        assert not run(config).findings
        statuses = dict.fromkeys(connect._HTTP_STATUS, 500)
        monkeypatch.setattr(connect, "_HTTP_STATUS", statuses)
        assert any("HTTP 500 for invalid_argument" in each for each in _said(config))


def _said(config: RunConfig) -> list[str]:
    try:
        result = run(config)
    except CannotRunError as error:
        return [str(error)]
    return [result.error or "", *(str(each.assertion) for each in result.findings)]
