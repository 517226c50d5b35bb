"""How many modules of the fake one call visits: a reader follows it through each of them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from grpclib.client import StreamUnaryMethod, UnaryUnaryMethod

import fakeviam
from fakeviam.wire import data, datasync

from .driver import METHODS, file_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from .driver import Viam

pytestmark = pytest.mark.asyncio

_ROOT = str(Path(fakeviam.__file__).parent)


@contextmanager
def visited() -> Iterator[list[str]]:
    """The modules of the fake in the order in which their functions are entered."""
    modules: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(_ROOT):
            modules.append(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield modules
    finally:
        sys.setprofile(before)


async def test_the_ways_of_an_upload_and_a_query(viam: Viam) -> None:
    """FileUpload of metadata and one piece; BinaryDataByFilter of two files with their bytes."""
    upload = StreamUnaryMethod(
        viam.channel,
        METHODS["FileUpload"].path,
        datasync.FileUploadRequest,
        datasync.FileUploadResponse,
    )
    query = UnaryUnaryMethod(
        viam.channel,
        METHODS["BinaryDataByFilter"].path,
        data.BinaryDataByFilterRequest,
        data.BinaryDataByFilterResponse,
    )
    parts = file_parts(b"abc", component_name="cam", tags=["x"], file_extension=".png")
    wanted = data.Filter(component_name="cam", tags_filter=data.TagsFilter(tags=["x"]))
    request = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(filter=wanted, limit=10), include_binary=True
    )
    await upload(parts)  # what is made once is made
    await query(request)
    with visited() as uploading:
        await upload(parts)
    with visited() as reading:
        reply = await query(request)
    assert len(reply.data) == 2
    for modules in (uploading, reading):
        visits = "\n".join(f"{modules.count(each):4} {each}" for each in sorted(set(modules)))
        assert 12 < len(set(modules)) <= 18, visits
        assert sum(a != b for a, b in pairwise(modules)) <= 45, visits
