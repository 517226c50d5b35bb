"""What pages and other clients of plain HTTP are told when the server stops."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from fakeviam import FakeViam
from fakeviam.wire import app, data, datasync

from .browser import METHODS, ROOT, Browser
from .http2_client import Http2
from .test_calls import JSON, WEB, file_upload
from .ways import WAYS, Way, frame, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from .ways import Seen

pytestmark = pytest.mark.asyncio

T = TypeVar("T")
TEXT = "the server stopped [SV-17]"
every_way = pytest.mark.parametrize("way", WAYS, ids=str)


def readings(count: int) -> Message:
    metadata = datasync.UploadMetadata(
        part_id=FakeViam.default_part.id,
        component_name="thermometer",
        component_type="rdk:component:sensor",
        method_name="Readings",
        type=datasync.DATA_TYPE_TABULAR_SENSOR,
    )
    contents = [datasync.SensorData() for _ in range(count)]
    for each in contents:
        each.struct.update({"celsius": 21.5})
    return datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else in this loop go on until something is so."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it never became so")


async def stopping(cloud: FakeViam, ask: Callable[[], T], begun: Callable[[], bool]) -> T:
    """What comes back from a request during which the server stops."""
    asked = asyncio.ensure_future(asyncio.to_thread(ask))
    await until(lambda: begun() or asked.done())
    await cloud.stop()
    return await asked


def in_progress(cloud: FakeViam, sent: int = 0) -> Callable[[], bool]:
    """Whether a call is being answered, of which so many messages were sent."""
    return lambda: any(each.in_progress and each.messages_sent >= sent for each in cloud.calls)


@every_way
async def test_a_call_in_progress(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    """UNAVAILABLE in the words of its protocol, and in the journal it is cancelled (SV-17)."""
    async with FakeViam() as cloud:
        cloud.faults.on("ListOrganizations").stall()

        def ask() -> Seen:
            return way.call(cloud, "ListOrganizations", app.ListOrganizationsRequest())

        seen = await stopping(cloud, ask, in_progress(cloud))
    assert (seen.messages, seen.told["grpc-status"], text_of(seen)) == ([], "14", TEXT)
    assert seen.told["fakeviam-clause"] == "SV-17"
    recorded = cloud.calls.one()
    assert (recorded.status, recorded.text) == ("CANCELLED", "the server stopped")
    assert cloud.crashes == ()
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@every_way
async def test_a_stream_that_has_begun(way: Way) -> None:
    """What was sent stands, and the status behind it (SV-17)."""
    async with FakeViam() as cloud:
        await asyncio.to_thread(JSON.call, cloud, "DataCaptureUpload", readings(2))
        cloud.faults.on("ExportTabularData").after_commit().after_messages(1).stall()
        wanted = data.ExportTabularDataRequest(
            part_id=cloud.default_part.id,
            resource_name="thermometer",
            resource_subtype="rdk:component:sensor",
            method_name="Readings",
        )

        def ask() -> Seen:
            return way.call(cloud, "ExportTabularData", wanted)

        seen = await stopping(cloud, ask, in_progress(cloud, sent=1))
    assert len(seen.messages) == 1
    assert (seen.told["grpc-status"], text_of(seen)) == ("14", TEXT)


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("grpc-web+proto", b"grpc-status: 14\r\ngrpc-message: the server stopped"),
        ("connect+proto", b'{"error": {"code": "unavailable", "message": "the server stopped'),
    ],
)
async def test_an_upload_that_is_still_coming(kind: str, end: bytes) -> None:
    """Its client hears of it though it has not said all; nothing is stored (SV-17)."""
    async with FakeViam() as cloud:
        with socket.create_connection((cloud.host, cloud.port)) as page:
            page.sendall(
                f"POST {METHODS['FileUpload'].path} HTTP/1.1\r\nhost: x\r\n"
                f"content-type: application/{kind}\r\ncontent-length: 1000\r\n\r\n".encode()
                + frame(file_upload()[0].SerializeToString())
            )
            await until(in_progress(cloud))
            await cloud.stop()
            with page.makefile("rb") as answer:
                told = answer.read()
    assert told.startswith(b"HTTP/1.1 200 ")
    assert end in told
    assert told.endswith(b"\r\n0\r\n\r\n")


async def test_a_page_that_reads_nothing_does_not_hold_up_the_end() -> None:
    """Within a message nothing is said that would be taken for its rest (SV-17)."""
    async with FakeViam() as cloud:
        seen = await asyncio.to_thread(
            WEB.call, cloud, "FileUpload", *file_upload(bytes(30_000_000))
        )
        (uploaded,) = seen.messages
        whole = datasync.FileUploadResponse.FromString(uploaded).binary_data_id
        request = data.BinaryDataByIDsRequest(binary_data_ids=[whole], include_binary=True)
        body = frame(request.SerializeToString())
        path, told = METHODS["BinaryDataByIDs"].path, {"content-type": WEB.kind}
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {WEB.kind}\r\n"
        with socket.create_connection((cloud.host, cloud.port)) as page, Http2(cloud) as client:
            page.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            client.send(client.begin("POST", path, told, end=False), body, end=True)
            await until(lambda: len(cloud.calls) == 3)
            before = time.monotonic()
            await cloud.stop()
            assert time.monotonic() - before < 10
            with page.makefile("rb") as answer:
                assert b"grpc-status" not in answer.read()


@pytest.mark.parametrize("http", [1, 2])
async def test_what_is_no_call(http: int) -> None:
    """503, if nothing was said yet (SV-17)."""
    async with FakeViam() as cloud:
        path, told = f"{ROOT}/sessions", {"content-type": "application/json"}
        if http == 1:
            with socket.create_connection((cloud.host, cloud.port)) as page:
                page.sendall(
                    f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n"
                    "content-type: application/json\r\n\r\n".encode()
                )
                await asyncio.to_thread(Browser(cloud).request, "GET", "/healthz")
                await cloud.stop()
                with page.makefile("rb") as answer:
                    head, _, body = answer.read().partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
        else:
            with Http2(cloud) as client:
                stream = client.begin("POST", path, told, end=False)
                await asyncio.to_thread(client.request, "GET", "/healthz", None, {})
                await cloud.stop()
                reply = client.answer(stream)
            assert reply.status == 503
            body = reply.body
    assert TEXT in body.decode()
