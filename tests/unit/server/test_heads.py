"""What the headers of a call may be, on a connection that goes on whatever they are."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.server.transport.head import KnownHeads, read_head

from .raw_http2 import ASK, NO_ERROR, PROTOCOL_ERROR, Answer, RawClient, call_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .driver import Viam
    from .raw_http2 import Pairs

INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED = "3", "4", "8", "12"


@pytest_asyncio.fixture
async def raw(viam: Viam) -> AsyncIterator[RawClient]:
    """A connection, which serves a good call at the end of the test."""
    client = await RawClient.connect(viam.cloud)
    try:
        yield client
        assert (await client.ask(1001)).status == "0"
        assert client.goaway is None
    finally:
        client.writer.close()


async def ask(raw: RawClient, headers: Pairs) -> Answer:
    """A call with these very headers."""
    raw.send(raw.open(1, headers))
    raw.send(b"\0\0\5\0\1\0\0\0\1" + ASK)
    return await raw.answer(1)


# Malformed by RFC 9113 ---------------------------------------------------------------------

GOOD = call_headers()

MALFORMED: dict[str, tuple[Pairs, str]] = {
    "upper case": ([*GOOD, (b"X-Robot", b"1")], "lower case"),
    "a space in a name": ([*GOOD, (b"x robot", b"1")], "no header name"),
    "no name": ([*GOOD, (b"", b"1")], "no header name"),
    "a name beyond ASCII": ([*GOOD, (b"\xc3\xa9", b"1")], "no header name"),
    "NUL": ([*GOOD, (b"x", b"a\0b")], "holds what no header may"),
    "CR": ([*GOOD, (b"x", b"a\rb")], "holds what no header may"),
    "LF": ([*GOOD, (b"x", b"a\nb")], "holds what no header may"),
    "LF at the end": ([*GOOD, (b"x", b"a\n")], "holds what no header may"),
    "NUL in bytes": ([*GOOD, (b"x-bin", b"YQ\0")], "holds what no header may"),
    "a second path": ([GOOD[0], *GOOD], "comes twice"),
    "a second :path": ([GOOD[2], *GOOD], "comes twice"),
    "an unknown pseudo header": ([(b":robot", b"1"), *GOOD], "no pseudo header"),
    "a status": ([(b":status", b"200"), *GOOD], "no pseudo header"),
    "a late pseudo header": ([*GOOD[:2], *GOOD[4:], GOOD[2]], "after other headers"),
    "no method": (call_headers(method=None), ":method' is missing"),
    "no scheme": (call_headers(scheme=None), ":scheme' is missing"),
    "an empty scheme": (call_headers(scheme=b""), ":scheme' is missing"),
    "no path": (call_headers(path=None), ":path' is missing"),
    "an empty path": (call_headers(path=b""), ":path' is missing"),
    "a path without a slash": (call_headers(path=b"x"), "no path"),
    "a path with a space": (call_headers(path=b"/a b"), "no path"),
    "a path beyond ASCII": (call_headers(path=b"/\xff"), "no path"),
    "connection": (call_headers(connection=b"close"), "HTTP/1.1"),
    "keep-alive": (call_headers(keep_alive=b"1"), "HTTP/1.1"),
    "transfer-encoding": (call_headers(transfer_encoding=b"chunked"), "HTTP/1.1"),
    "upgrade": (call_headers(upgrade=b"h2c"), "HTTP/1.1"),
    "proxy-connection": (call_headers(proxy_connection=b"x"), "HTTP/1.1"),
    "te": (call_headers(te=b"gzip"), "HTTP/1.1"),
    "content-length": (call_headers(content_length=b"many"), "content-length"),
    "a content-length beyond numbers": (call_headers(content_length=b"9" * 5000), "content-length"),
    "two content-lengths": (
        [*GOOD, (b"content-length", b"5"), (b"content-length", b"6")],
        "content-length",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_request_is_reset(viam: Viam, raw: RawClient, name: str) -> None:
    """That one alone, and the journal says why (SV-9)."""
    headers, text = MALFORMED[name]
    answer = await ask(raw, headers)
    assert (answer.reset, answer.headers, answer.body) == (PROTOCOL_ERROR, {}, b"")
    if any(key == b":path" and value for key, value in headers):
        call = viam.cloud.calls.one()
        assert (call.status, "[SV-9]" in call.text) == ("CANCELLED", True)
        assert text in call.text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("said", "body"), [(b"4", ASK), (b"6", ASK), (b"0", ASK), (b"1", b""), (b"5", ASK + b"x")]
)
async def test_a_body_of_another_length(
    viam: Viam, raw: RawClient, said: bytes, body: bytes
) -> None:
    """Than content-length says is malformed (SV-9)."""
    answer = await raw.ask(1, body, content_length=said)
    assert (answer.reset, answer.headers) == (PROTOCOL_ERROR, {})
    assert "content-length" in viam.cloud.calls.one().text


@pytest.mark.asyncio
async def test_a_body_of_the_length_that_was_said(raw: RawClient) -> None:
    """Is served (SV-9)."""
    assert (await raw.ask(1, content_length=b"5")).status == "0"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("trailers", "ended"),
    [([(b"x", b"1")], False), ([(b":path", b"/")], True), ([(b"X", b"1")], True), ([], False)],
)
async def test_headers_that_are_no_trailers(
    viam: Viam, raw: RawClient, trailers: Pairs, *, ended: bool
) -> None:
    """Pseudo headers, bad names, or more to come: malformed (SV-9)."""
    raw.send(raw.open(1, call_headers()), b"\0\0\5\0\0\0\0\0\1" + ASK)
    raw.send(raw.open(1, trailers, end=ended))
    answer = await raw.answer(1)
    assert (answer.reset, answer.headers) == (PROTOCOL_ERROR, {})
    assert viam.cloud.calls.one().status == "CANCELLED"


@pytest.mark.asyncio
async def test_trailers_of_a_request(raw: RawClient) -> None:
    """End it as a flag would (SV-9)."""
    raw.send(raw.open(1, call_headers()), b"\0\0\5\0\0\0\0\0\1" + ASK)
    raw.send(raw.open(1, [(b"x", b"1")], end=True))
    assert (await raw.answer(1)).status == "0"


# Metadata ----------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("value", [b"*", b"a", b"YQ=a", b"YQ===", b"\xff", b"YWJj,*", b"YQ YQ"])
async def test_bytes_that_are_no_base64(viam: Viam, raw: RawClient, value: bytes) -> None:
    """INVALID_ARGUMENT at once, in a journalled call (SV-7)."""
    answer = await raw.ask(1, x_bin=value)
    assert (answer.status, "metadata 'x-bin' is not base64" in answer.text) == ("3", True)
    assert answer.headers["fakeviam-clause"] == "SV-7"
    assert viam.cloud.calls.one().status == "INVALID_ARGUMENT"


@pytest.mark.asyncio
@pytest.mark.parametrize("value", [b"\x80", b"\xc3\xa9", b"a\x7f", b"\x01", b"a\tb"])
async def test_text_that_is_not_printable_ascii(viam: Viam, raw: RawClient, value: bytes) -> None:
    """INVALID_ARGUMENT for that call, on a connection that lives on (SV-7)."""
    answer = await raw.ask(1, x_robot=value)
    assert (answer.status, answer.headers["fakeviam-clause"]) == ("3", "SV-7")
    assert "name it x-robot-bin" in answer.text
    assert viam.cloud.calls.one().status == "INVALID_ARGUMENT"


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=3), st.booleans())
def test_bytes_travel_as_base64(values: list[bytes], padded: bool) -> None:  # noqa: FBT001
    """With padding and without, one by one or joined (SV-7)."""
    parts = [b64encode(value) if padded else b64encode(value).rstrip(b"=") for value in values]
    for headers in ([(b"x-bin", part) for part in parts], [(b"x-bin", b",".join(parts))]):
        head = read_head([*GOOD, *headers], largest=10_000)
        assert head.refusal is None
        assert head.metadata.getall("x-bin") == values


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=6))
def test_any_headers_at_all_are_read(pairs: Pairs) -> None:
    """Malformed, refused or good, never a crash (SV-9, SV-4)."""
    for headers in (pairs, [*GOOD, *pairs], [*pairs, *GOOD]):
        read_head(headers, largest=10_000)


@given(st.lists(st.lists(st.tuples(st.sampled_from([b"a", b"b-bin"]), st.binary(max_size=1)))))
def test_heads_that_are_alike_are_read_alike(lists: list[Pairs]) -> None:
    """Whatever came before (SV-7, SV-9)."""
    known = KnownHeads(10_000)
    for pairs in [*lists, *lists]:
        headers = [*GOOD, *pairs]
        once, again = known[tuple(headers)], read_head(headers, largest=10_000)
        assert (once.metadata, once.malformed) == (again.metadata, again.malformed)
        assert str(once.refusal) == str(again.refusal)


@pytest.mark.asyncio
async def test_too_many_headers(viam: Viam, raw: RawClient) -> None:
    """RESOURCE_EXHAUSTED with both sizes; somewhat fewer are served (SV-7)."""
    assert (await raw.ask(1, x=b"y" * 60_000)).status == "0"
    answer = await raw.ask(3, x=b"z" * 15_000, y=b"z" * 15_000, z=b"z" * 40_000)
    assert (answer.status, answer.headers["fakeviam-clause"]) == (RESOURCE_EXHAUSTED, "SV-7")
    assert "are larger than 65536" in answer.text
    assert viam.cloud.calls[-1].status == "RESOURCE_EXHAUSTED"


# Deadlines ---------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("timeout", [b"0n", b"1n", b"0S", b"00000000H"])
async def test_a_deadline_that_has_passed(viam: Viam, raw: RawClient, timeout: bytes) -> None:
    """DEADLINE_EXCEEDED, in the journal too, and nothing is done (SV-8)."""
    answer = await raw.ask(1, grpc_timeout=timeout)
    assert (answer.status, answer.headers["fakeviam-clause"]) == (DEADLINE_EXCEEDED, "SV-8")
    assert viam.cloud.calls.one().status == "DEADLINE_EXCEEDED"
    assert "SV-8" in viam.cited()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "timeout", [b"", b"1", b"S", b"1s", b"-1S", b"+1S", b"1.5S", b"123456789n", b" 1S", b"1S 1S"]
)
async def test_a_deadline_that_is_none(viam: Viam, raw: RawClient, timeout: bytes) -> None:
    """INVALID_ARGUMENT, with what was said (SV-8)."""
    answer = await raw.ask(1, grpc_timeout=timeout)
    assert (answer.status, answer.headers["fakeviam-clause"]) == (INVALID_ARGUMENT, "SV-8")
    assert repr(timeout.decode()) in answer.text
    assert viam.cloud.calls.one().status == "INVALID_ARGUMENT"


@pytest.mark.asyncio
async def test_two_deadlines(raw: RawClient) -> None:
    """Are none (SV-8)."""
    headers = [*GOOD, (b"grpc-timeout", b"1S"), (b"grpc-timeout", b"2S")]
    assert (await ask(raw, headers)).headers["fakeviam-clause"] == "SV-8"


@pytest.mark.asyncio
@pytest.mark.parametrize("timeout", [b"99999999H", b"60S", b"1M", b"60000m", b"60000000u"])
async def test_a_deadline_far_away(raw: RawClient, timeout: bytes) -> None:
    """Changes nothing (SV-8)."""
    assert (await raw.ask(1, grpc_timeout=timeout)).status == "0"


@pytest.mark.asyncio
async def test_a_deadline_that_passes_meanwhile(viam: Viam, raw: RawClient) -> None:
    """DEADLINE_EXCEEDED for both (SV-8)."""
    raw.send(raw.open(1, call_headers("FileUpload", grpc_timeout=b"20m")))
    answer = await raw.answer(1)
    assert (answer.status, answer.headers["fakeviam-clause"]) == (DEADLINE_EXCEEDED, "SV-8")
    assert viam.cloud.calls.one().status == "DEADLINE_EXCEEDED"


# What is no call ---------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "kind",
    [
        b"application/grpc",
        b"application/grpc+proto",
        b"application/grpc;charset=utf-8",
        b"application/grpc+proto; charset=utf-8",
        b"Application/GRPC",
    ],
)
async def test_types_of_grpc(raw: RawClient, kind: bytes) -> None:
    """Are served (SV-10)."""
    answer = await raw.ask(1, content_type=kind)
    assert (answer.headers[":status"], answer.status) == ("200", "0")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "kind",
    [b"application/grpc+json", b"application/grpc+", b"Application/GRPC+thrift; a=b"],
)
async def test_other_types_of_grpc(viam: Viam, raw: RawClient, kind: bytes) -> None:
    """415, with a text for people and a status for clients (SV-10)."""
    answer = await raw.ask(1, content_type=kind)
    assert (answer.headers[":status"], answer.status) == ("415", INVALID_ARGUMENT)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.body.decode() == f"{answer.text}\n"
    assert "application/grpc+proto" in answer.text
    assert viam.cloud.calls.one().status == "INVALID_ARGUMENT"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "kind", [None, b"", b"text/plain", b"application/grpcx", b"application/xml"]
)
async def test_other_types(raw: RawClient, kind: bytes | None) -> None:
    """415 as over HTTP/1.1, for no client of gRPC asked (SV-10)."""
    answer = await raw.ask(1, content_type=kind)
    assert answer.headers[":status"] == "415"
    assert json.loads(answer.body)["code"] == "invalid_argument"
    assert answer.headers["trailer-fakeviam-clause"] == "SV-10"
    assert "grpc-status" not in answer.headers


@pytest.mark.asyncio
@pytest.mark.parametrize("method", [b"GET", b"PUT", b"post", b"CONNECT"])
async def test_other_methods(raw: RawClient, method: bytes) -> None:
    """405 (SV-10)."""
    answer = await raw.ask(1, method=method)
    assert (answer.headers[":status"], answer.headers["allow"]) == ("405", "POST")


@pytest.mark.asyncio
async def test_a_call_through_something_that_drops_trailers(viam: Viam, raw: RawClient) -> None:
    """te: trailers must be there (SV-10)."""
    answer = await raw.ask(1, te=None)
    assert (answer.status, answer.headers["fakeviam-clause"]) == (INVALID_ARGUMENT, "SV-10")
    assert viam.cloud.calls.one().status == "INVALID_ARGUMENT"


@pytest.mark.asyncio
async def test_an_unknown_compression(raw: RawClient) -> None:
    """UNIMPLEMENTED, with those that are known (SV-15)."""
    answer = await raw.ask(1, grpc_encoding=b"snappy")
    assert (answer.status, answer.headers["fakeviam-clause"]) == (UNIMPLEMENTED, "SV-15")
    assert answer.headers["grpc-accept-encoding"] == "identity,deflate,gzip"


# One message -------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("more", [ASK, ASK[:1], ASK[:3], b"\0\0\0\0\x09x", b"\1"])
async def test_a_second_message_of_a_delete(viam: Viam, raw: RawClient, more: bytes) -> None:
    """Whole or cut short: refused, and nothing is deleted (SV-14)."""
    await viam.upload("a")
    raw.send(
        raw.open(1, call_headers("DeleteBinaryDataByFilter")),
        b"\0\0\5\0\0\0\0\0\1" + ASK,
        len(more).to_bytes(3, "big") + b"\0\1\0\0\0\1" + more,
    )
    answer = await raw.answer(1)
    assert (answer.status, answer.headers["fakeviam-clause"]) == (INVALID_ARGUMENT, "SV-14")
    assert viam.cloud.calls.where("DeleteBinaryDataByFilter").one().status == "INVALID_ARGUMENT"
    assert await viam.names() == ["a"]


@pytest.mark.asyncio
async def test_a_delete_whose_client_leaves_before_its_end(viam: Viam, raw: RawClient) -> None:
    """Is not done (SV-14)."""
    await viam.upload("a")
    raw.send(raw.open(1, call_headers("DeleteBinaryDataByFilter")), b"\0\0\5\0\0\0\0\0\1" + ASK)
    await raw.ping()
    raw.send(b"\0\0\4\3\0\0\0\0\1\0\0\0\x08")
    await raw.ping()
    call = await viam.cloud.calls.wait_for_async("DeleteBinaryDataByFilter")
    assert (call.status, call.text) == ("CANCELLED", "the client reset the call (CANCEL)")
    assert await viam.names() == ["a"]


@pytest.mark.asyncio
async def test_an_answer_before_the_request_has_ended(raw: RawClient) -> None:
    """Comes with RST_STREAM NO_ERROR: the client may stop (RFC 9113, 8.1) (SV-14)."""
    raw.send(raw.open(1, call_headers(x_bin=b"*")))
    answer = await raw.answer(1)
    assert answer.status == INVALID_ARGUMENT
    while answer.reset is None:
        await asyncio.wait_for(raw.read(), 60)
    assert answer.reset == NO_ERROR


@pytest.mark.parametrize("kind", [b"application/json", b"application/grpc-web", b"text/html"])
@pytest.mark.asyncio
async def test_a_request_that_is_reset_before_it_begins_leaves_nothing(
    viam: Viam, kind: bytes
) -> None:
    """Nobody waits for the rest of a request that is none: not for ever, nor at all (SV-9)."""
    client = await RawClient.connect(viam.cloud)
    answer = await client.ask(1, b"{}", content_type=kind, content_length=b"1")
    assert answer.reset == PROTOCOL_ERROR
    await client.ping()
    names = [getattr(task.get_coro(), "__name__", "") for task in asyncio.all_tasks()]
    assert "run" not in names
    client.writer.close()
