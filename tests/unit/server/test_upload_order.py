"""The order of the messages of a streamed upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from fakeviam import FakeViam
from fakeviam.model.errors import Refusal
from fakeviam.server.services.datasync import STREAMS, StreamedUpload
from fakeviam.server.state.call import Call
from fakeviam.store.memory import MemoryStore
from fakeviam.wire import datasync

from .driver import METHODS, file_parts

if TYPE_CHECKING:
    from collections.abc import Callable

METADATA, CONTENTS = file_parts(b"x")
NOTHING = datasync.FileUploadRequest()
CLOUD = FakeViam(seed=1)._cloud


def refusal_of(step: Callable[..., object], *arguments: object) -> str:
    """The clause of the refusal, if it is refused."""
    try:
        step(*arguments)
    except Refusal as refusal:
        return refusal.clause
    return ""


@given(st.lists(st.sampled_from([METADATA, CONTENTS, NOTHING]), max_size=6))
def test_only_metadata_and_then_contents_reach_the_end(
    messages: list[datasync.FileUploadRequest],
) -> None:
    """A30, FU-5: metadata first and once, then any number of contents, and nothing empty."""
    call = Call.detached(CLOUD, METHODS["FileUpload"])
    upload = StreamedUpload(call=call, form=STREAMS["FileUpload"])
    clauses = [refusal_of(upload.receive, message) for message in messages]
    end = refusal_of(upload.finish)
    well_formed = messages == [METADATA] + [CONTENTS] * (len(messages) - 1)
    assert (any(clauses) or bool(end)) is not well_formed
    assert (end == "A30") is (METADATA not in messages)
    assert [each == "FU-5" for each in clauses] == [each is NOTHING for each in messages]


@given(st.lists(st.sampled_from([0, 1, 1000, 2**19, 2**20, 2**20 + 1]), max_size=6))
def test_contents_are_what_came_in_its_order(sizes: list[int]) -> None:
    """However many messages bring it, and however large they are (FU-1)."""
    chunks = [bytes([number]) * size for number, size in enumerate(sizes)]
    call = Call.detached(CLOUD.detached(store=MemoryStore()), METHODS["FileUpload"])
    upload = StreamedUpload(call=call, form=STREAMS["FileUpload"])
    for message in file_parts(*chunks):
        upload.receive(message)
    upload.finish()
    (row,) = call.store.binary_rows()
    assert row.data == b"".join(chunks)
