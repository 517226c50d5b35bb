"""Correct clients with unusual behaviour, in which the kit must find nothing wrong."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from fakeviam_client import DataClient
from grpclib.client import Channel
from grpclib.config import Configuration
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.metadata import Deadline

from fakeviam.wire import data, datasync
from fakeviam_contracts.mutants.clients_base import (
    on_error,
    on_filter,
    on_request,
    on_result,
    on_stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.clients_base import M

#: Read-only requests in which an empty filter may be present or absent.
BY_FILTER = (data.TabularDataByFilterRequest, data.BinaryDataByFilterRequest)


#: What is read, so that it may be read again.
_READ = (
    data.TabularDataByFilterResponse,
    data.BinaryDataByFilterResponse,
    data.BinaryDataByIDsResponse,
    data.TagsByFilterResponse,
)


def _limit(request: object) -> None:
    """Changes the limit of requests that follow pages, which is usually 100."""
    if isinstance(request, BY_FILTER) and request.data_request.limit == 100:
        request.data_request.limit = 0


def _larger(request: object) -> None:
    if isinstance(request, BY_FILTER) and request.data_request.limit == 100:
        request.data_request.limit = 1000


def _default_limit(request: object) -> None:
    if isinstance(request, BY_FILTER):
        request.data_request.limit = request.data_request.limit or 50


def _ordered(request: object) -> None:
    if isinstance(request, BY_FILTER) and not request.data_request.sort_order:
        request.data_request.sort_order = data.ORDER_DESCENDING


def _filter_of(request: object) -> Any:
    return getattr(request, "data_request", request)


def _no_filter(request: object) -> None:
    of = _filter_of(request)
    if "filter" in of.DESCRIPTOR.fields_by_name and of.filter == data.Filter():
        of.ClearField("filter")


def _empty_filter(request: object) -> None:
    of = _filter_of(request)
    if "filter" in of.DESCRIPTOR.fields_by_name:
        of.filter.SetInParent()


def _empty_interval(request: object) -> None:
    if isinstance(request, BY_FILTER):
        request.data_request.filter.interval.SetInParent()


def _typed_tags(filter_: Any) -> None:
    filter_.tags_filter.SetInParent()
    if filter_.tags_filter.tags:
        filter_.tags_filter.type = data.TAGS_FILTER_TYPE_MATCH_BY_OR


def _sorted_filter(filter_: Any) -> None:
    for values in (
        filter_.tags_filter.tags,
        filter_.bbox_labels,
        filter_.location_ids,
        filter_.organization_ids,
        filter_.mime_type,
    ):
        if values:
            values[:] = sorted(set(values))


def _sorted_ids(request: Any) -> None:
    """Sorts ids in calls whose result does not depend on their order."""
    fields = request.DESCRIPTOR.fields_by_name
    if "binary_data_ids" in fields and not isinstance(request, data.BinaryDataByIDsRequest):
        request.binary_data_ids[:] = sorted(request.binary_data_ids)


def _contents(messages: list[Any]) -> bytes:
    if isinstance(messages[0], datasync.FileUploadRequest):
        return b"".join(one.file_contents.data for one in messages[1:])
    return b"".join(one.data for one in messages[1:])


def _in_pieces(size: int) -> Callable[[list[Any]], list[Any]]:
    def edit(messages: list[Any]) -> list[Any]:
        first, contents = messages[0], _contents(messages)
        pieces = [contents[at : at + size] for at in range(0, len(contents), size)]
        if isinstance(first, datasync.FileUploadRequest):
            made = [type(first)(file_contents=datasync.FileData(data=one)) for one in pieces]
            return [first, *made]
        return [first, *(type(first)(data=one) for one in pieces)]

    return edit


def _beginning_empty(messages: list[Any]) -> list[Any]:
    return [messages[0], _ending_empty(messages)[-1], *messages[1:]]


def _ending_empty(messages: list[Any]) -> list[Any]:
    first = messages[0]
    if isinstance(first, datasync.FileUploadRequest):
        return [*messages, type(first)(file_contents=datasync.FileData())]
    return [*messages, type(first)(data=b"")]


async def _read_after_cut(
    _: object, kind: type[Message], again: Callable[[], Any], error: Exception
) -> Any:
    if kind not in _READ or not isinstance(error, ConnectionError):
        raise error
    return await again()


async def _read_again(
    _: object, kind: type[Message], again: Callable[[], Any], error: Exception
) -> Any:
    if kind is not data.TagsByFilterResponse or not isinstance(error, GRPCError):
        raise error
    if error.status is not Status.UNAVAILABLE:
        raise error
    return await again()


class SaysMore(DataClient):
    """Sends an additional header."""

    def __init__(self, channel: Any, metadata: Any) -> None:
        super().__init__(channel, {**metadata, "viam_client": "legal;v1"})


class LimitsItsCalls(DataClient):
    """Gives every call ten seconds, unless its caller gives it less."""

    def __init__(self, channel: Any, metadata: Any) -> None:
        super().__init__(channel, metadata)
        request = channel.request
        channel.request = lambda *args, **more: request(
            *args, **{**more, "deadline": more.get("deadline") or Deadline.from_timeout(10)}
        )


class AsksForOneAtATime(DataClient):
    """Sends ids one by one, and adds up the counts."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        ids = list(getattr(request, "binary_data_ids", ()))
        if len(ids) < 2:
            return await super()._call(kind, request, timeout)
        del request.binary_data_ids[:]
        replies: list[Any] = []
        for one in ids:
            alone = type(request)()
            alone.CopyFrom(request)
            alone.binary_data_ids.append(one)
            replies.append(await super()._call(kind, alone, timeout))
        if "deleted_count" in replies[0].DESCRIPTOR.fields_by_name:
            replies[0].deleted_count = sum(reply.deleted_count for reply in replies)
        first: M = replies[0]
        return first


class ReadsAhead(DataClient):
    """Fetches the next page before it gives one to its caller."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        ahead = getattr(self, "_ahead", None)
        if not isinstance(request, BY_FILTER) or request.count_only:
            return await super()._call(kind, request, timeout)
        reply: Any = ahead or await super()._call(kind, request, timeout)
        self._ahead: Any = None
        if reply.data and reply.last:
            more: Any = type(request)()
            more.CopyFrom(request)
            more.data_request.last = reply.last
            with contextlib.suppress(GRPCError):  # the call itself will tell
                self._ahead = await super()._call(kind, more, timeout)
        given: M = reply
        return given


class AsksForOneFirst(DataClient):
    """Reads a page of one, and then large pages."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        if isinstance(request, BY_FILTER) and request.data_request.limit == 100:
            request.data_request.limit = 1000 if request.data_request.last else 1
        return await super()._call(kind, request, timeout)


class RefusesEmptyIds(DataClient):
    """Refuses calls for no ids itself, as the server does."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        by_ids = isinstance(
            request, data.BinaryDataByIDsRequest | data.DeleteBinaryDataByIDsRequest
        )
        if by_ids and not (request.binary_data_ids or request.binary_ids):
            raise GRPCError(Status.INVALID_ARGUMENT, "binary_ids must not be empty")
        return await super()._call(kind, request, timeout)


class ConnectsForEachCall(DataClient):
    """Opens a connection for each call, of small windows."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        small = Configuration(http2_connection_window_size=65_535, http2_stream_window_size=65_535)
        channel = Channel(path=self._channel._path, config=small)  # noqa: SLF001
        shared, self._channel = self._channel, channel
        try:
            return await super()._call(kind, request, timeout)
        finally:
            channel.close()
            self._channel = shared


class AsksAtOnce(DataClient):
    """Sends ids in batches, concurrently."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        ids = list(getattr(request, "binary_data_ids", ()))
        batches = [type(request)() for _ in range(0, len(ids), 50)]
        if len(batches) < 2:
            return await super()._call(kind, request, timeout)
        for at, batch in enumerate(batches):
            batch.CopyFrom(request)
            batch.binary_data_ids[:] = ids[at * 50 :][:50]
        call = super()._call
        first, *others = await asyncio.gather(*(call(kind, one, timeout) for one in batches))
        whole: Any = first
        for reply in others:
            counted = getattr(whole, "deleted_count", 0) + getattr(reply, "deleted_count", 0)
            whole.MergeFrom(reply)
            if counted:
                whole.deleted_count = counted
        return first


class CountsFirst(DataClient):
    """Asks how many there are before it reads."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        if isinstance(request, BY_FILTER) and not request.data_request.last:
            counting = type(request)(data_request=request.data_request, count_only=True)
            await super()._call(kind, counting, timeout)
        return await super()._call(kind, request, timeout)


#: Correct clients, by what is unusual about them.
LEGAL: dict[str, type[DataClient]] = {
    **{
        mutant.name: mutant.client
        for mutant in (
            on_request("leaves the limit open", "", _limit),
            on_request("asks for a thousand at a time", "", _larger),
            on_request("sends the default as limit", "", _default_limit),
            on_request("sends an order of its own", "", _ordered),
            on_request("sends no filter at all", "", _no_filter),
            on_request("sends an empty filter", "", _empty_filter),
            on_request("sorts ids", "", _sorted_ids),
            on_request("sends an empty interval", "", _empty_interval),
            on_filter("says MATCH_BY_OR", "", after=_typed_tags),
            on_filter("sorts the lists of filters", "", after=_sorted_filter),
            on_stream("sends contents in one message", "", _in_pieces(1 << 30)),
            on_stream("sends contents in odd pieces", "", _in_pieces(1001)),
            on_stream("ends contents with an empty piece", "", _ending_empty),
            on_result("sorts names", "", "tags_by_filter", sorted),
            on_stream("begins contents with an empty piece", "", _beginning_empty),
            on_error("reads again after UNAVAILABLE", "", _read_again),
            on_error("reads again after a cut", "", _read_after_cut),
        )
    },
    "sends more headers": SaysMore,
    "limits its calls": LimitsItsCalls,
    "asks for one id at a time": AsksForOneAtATime,
    "reads ahead": ReadsAhead,
    "counts first": CountsFirst,
    "asks for one first": AsksForOneFirst,
    "refuses empty ids": RefusesEmptyIds,
    "asks for batches at once": AsksAtOnce,
    "connects for each call": ConnectsForEachCall,
}
