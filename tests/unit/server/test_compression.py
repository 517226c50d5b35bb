"""Requests that come compressed."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Policy
from fakeviam.server.transport.messages import unpacked
from fakeviam.wire import datasync

from .driver import file_parts, upload_metadata
from .raw_http2 import DATA, END_STREAM, RawClient, call_headers, frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .conftest import Start
    from .driver import Viam
    from .raw_http2 import Answer

PACKERS: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": gzip.compress, b"deflate": zlib.compress}


def message(data: bytes, *, flag: int = 1) -> bytes:
    return bytes([flag]) + len(data).to_bytes(4, "big") + data


def an_image(size: int) -> bytes:
    metadata = upload_metadata(type=datasync.DATA_TYPE_BINARY_SENSOR)
    content = datasync.SensorData(binary=bytes(size))
    return datasync.DataCaptureUploadRequest(
        metadata=metadata, sensor_contents=[content]
    ).SerializeToString()


@pytest_asyncio.fixture
async def raw(viam: Viam) -> AsyncIterator[RawClient]:
    client = await RawClient.connect(viam.cloud)
    yield client
    client.writer.close()


async def send(
    raw: RawClient, body: bytes, encoding: bytes | None, rpc: str = "DataCaptureUpload"
) -> Answer:
    raw.send(raw.open(1, call_headers(rpc, grpc_encoding=encoding)))
    for at in range(0, len(body), 16_384):
        raw.send(frame(DATA, 0, 1, body[at : at + 16_384]))
    raw.send(frame(DATA, END_STREAM, 1))
    return await raw.answer(1)


@pytest.mark.asyncio
@pytest.mark.parametrize("encoding", PACKERS)
async def test_a_compressed_request_is_served(viam: Viam, raw: RawClient, encoding: bytes) -> None:
    """A unary one, and the journal has its message (SV-15)."""
    answer = await send(raw, message(PACKERS[encoding](an_image(3_000_000))), encoding)
    assert (answer.status, answer.headers["grpc-accept-encoding"]) == ("0", "identity,deflate,gzip")
    (record,) = (await viam.binary()).data
    assert record.metadata.file_size_bytes == 3_000_000
    assert viam.cloud.calls.where("DataCaptureUpload").one().status == "OK"


@pytest.mark.asyncio
@pytest.mark.parametrize("encoding", PACKERS)
async def test_a_compressed_upload(viam: Viam, raw: RawClient, encoding: bytes) -> None:
    """Some messages of which are not worth it (SV-15)."""
    parts = [each.SerializeToString() for each in file_parts(b"a" * 9000, b"", b"b")]
    body = b"".join(
        message(PACKERS[encoding](part)) if len(part) > 99 else message(part, flag=0)
        for part in parts
    )
    assert (await send(raw, body, encoding, "FileUpload")).status == "0"
    (record,) = (await viam.binary(include_binary=True)).data
    assert record.binary == b"a" * 9000 + b"b"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (b"gzip", b""),
        (b"gzip", b"not gzip"),
        (b"gzip", zlib.compress(b"x")),
        (b"gzip", gzip.compress(b"x", mtime=0)[:-1]),
        (b"gzip", gzip.compress(b"x", mtime=0) + b"y"),
        (b"deflate", gzip.compress(b"x", mtime=0)),
        (b"deflate", b"\x4b\4\0"),
        (b"identity", gzip.compress(b"", mtime=0)),
        (None, gzip.compress(b"", mtime=0)),
    ],
)
async def test_what_is_not_compressed_like_that(
    viam: Viam, raw: RawClient, encoding: bytes | None, data: bytes
) -> None:
    """INVALID_ARGUMENT, and nothing is stored (SV-15)."""
    answer = await send(raw, message(data), encoding)
    assert (answer.status, answer.headers["fakeviam-clause"]) == ("3", "SV-15")
    assert viam.contents().binary == []


@pytest.mark.asyncio
@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.thinned(2)
async def test_a_bomb_is_refused(start: Start, encoding: bytes) -> None:
    """As soon as it has unpacked to more than the ceiling (SV-2, SV-15)."""
    viam = await start(max_message_bytes=5_000_000)
    raw = await RawClient.connect(viam.cloud)
    answer = await send(raw, message(PACKERS[encoding](bytes(60_000_000))), encoding)
    assert (answer.status, answer.headers["fakeviam-clause"]) == ("8", "SV-2")
    assert "unpacked, is larger than 5000000" in answer.text
    raw.writer.close()


@pytest.mark.asyncio
async def test_the_ceiling_of_the_policy(start: Start) -> None:
    """Counts unpacked bytes, too (A60, SV-15)."""
    viam = await start(policy=Policy(max_request_bytes=100_000))
    raw = await RawClient.connect(viam.cloud)
    answer = await send(raw, message(gzip.compress(an_image(100_001))), b"gzip")
    assert (answer.status, answer.headers["fakeviam-clause"]) == ("8", "A60")
    raw.writer.close()


@given(st.binary(max_size=5000), st.sampled_from(sorted(PACKERS)), st.integers(1, 2000))
def test_what_is_packed_is_unpacked(data: bytes, encoding: bytes, times: int) -> None:
    """Byte by byte (SV-15)."""
    packed = PACKERS[encoding](data * times)
    assert b"".join(unpacked(packed, encoding.decode())) == data * times
