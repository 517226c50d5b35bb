"""The type of wrong servers, and helpers to define them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from grpclib.exceptions import GRPCError

from fakeviam import Interceptor
from fakeviam_contracts.wirelog import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message
    from grpclib.const import Status

    from fakeviam import MemoryStore
    from fakeviam.model.errors import Refusal
    from fakeviam.wire import data, dataset, datasync

    #: Requests and replies with pages.
    PageRequest = data.BinaryDataByFilterRequest | data.TabularDataByFilterRequest
    PageReply = data.BinaryDataByFilterResponse | data.TabularDataByFilterResponse
    #: Requests with ids of files.
    IdsRequest = (
        data.BinaryDataByIDsRequest
        | data.DeleteBinaryDataByIDsRequest
        | data.AddTagsToBinaryDataByIDsRequest
        | data.RemoveTagsFromBinaryDataByIDsRequest
        | data.AddBinaryDataToDatasetByIDsRequest
        | data.RemoveBinaryDataFromDatasetByIDsRequest
    )
    TagsRequest = data.AddTagsToBinaryDataByIDsRequest | data.RemoveTagsFromBinaryDataByIDsRequest
    BoxRequest = data.AddBoundingBoxToImageByIDRequest | data.UpdateBoundingBoxRequest
    DatasetsReply = dataset.ListDatasetsByIDsResponse | dataset.ListDatasetsByOrganizationIDResponse
    BinaryReply = data.BinaryDataByFilterResponse | data.BinaryDataByIDsResponse
    UploadReply = (
        datasync.DataCaptureUploadResponse
        | datasync.FileUploadResponse
        | datasync.StreamingDataCaptureUploadResponse
    )
    #: Replies with documents in BSON.
    QueryReply = data.TabularDataByMQLResponse | data.TabularDataBySQLResponse

    #: State of an edit that persists between calls.
    Memory = dict[Any, Any]
    #: Changes a request in place, or returns DROP.
    RequestEdit = Callable[[Any, Memory], object]
    #: Changes a reply in place; also takes the request.
    ReplyEdit = Callable[[Any, Any, Memory], object]
    #: Replaces a refusal of an RPC with a reply.
    RefusalEdit = Callable[[str, Refusal], Any]

#: RPCs by their contents.
CAPTURE, FILE, STREAM = UPLOADS
PAGES = ("BinaryDataByFilter", "TabularDataByFilter")
#: Replies with metadata of files.
FILES = ("BinaryDataByIDs", "BinaryDataByFilter")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A server that breaks one clause.

    Attributes:
        name: A description of what is wrong.
        clause: The clause it breaks.
        interceptor: Creates the interceptor that changes requests and replies, if any.
        store: Creates the store, if that is what is wrong.
        options: Other options of FakeViam; `policy` is a dict of fields to replace.
    """

    name: str
    clause: str
    interceptor: Callable[[], Interceptor] | None = None
    store: Callable[[], MemoryStore] | None = None
    options: dict[str, Any] = field(default_factory=dict)


class _Edit(Interceptor):
    """Edits messages in place, with a memory for state that persists between calls.

    Attributes:
        fired: Whether an edit changed, dropped or refused anything.
    """

    def __init__(
        self, requests: Mapping[str, RequestEdit], replies: Mapping[str, ReplyEdit]
    ) -> None:
        self._requests, self._replies = requests, replies
        self._memory: Memory = {}
        self.fired = False

    def request(self, rpc: str, message: Message) -> Message | None:
        edit = self._requests.get(rpc) or self._requests.get("*")
        if edit is not None and self._edited(message, edit, message) is DROP:
            return None
        return message

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        edit = self._replies.get(rpc) or self._replies.get("*")
        if edit is not None:
            self._edited(message, edit, request, message)
        return message

    def _edited(
        self, message: Message, edit: Callable[..., object], *args: Message | None
    ) -> object:
        before = None if self.fired else message.SerializeToString(deterministic=True)
        result: object = DROP
        try:
            result = edit(*args, self._memory)
        finally:
            same = result is not DROP and message.SerializeToString(deterministic=True) == before
            self.fired = self.fired or not same
        return result


#: An edit of a request returns this to drop the message from its stream.
DROP = object()


def on_request(name: str, clause: str, edit: RequestEdit, *rpcs: str) -> Mutant:
    """A mutant that edits requests, of some RPCs or of all."""
    edits = dict.fromkeys(rpcs or ("*",), edit)
    return Mutant(name=name, clause=clause, interceptor=lambda: _Edit(edits, {}))


def on_reply(name: str, clause: str, edit: ReplyEdit, *rpcs: str) -> Mutant:
    """A mutant that edits replies; the edit gets the request, the reply and a memory."""
    edits = dict.fromkeys(rpcs or ("*",), edit)
    return Mutant(name=name, clause=clause, interceptor=lambda: _Edit({}, edits))


def on_exchange(
    name: str, clause: str, requests: Mapping[str, RequestEdit], replies: Mapping[str, ReplyEdit]
) -> Mutant:
    """A mutant that edits requests and replies with a common memory."""
    return Mutant(name=name, clause=clause, interceptor=lambda: _Edit(requests, replies))


class Swallow(Interceptor):
    """Replaces refusals of one clause with empty replies, or with other refusals."""

    def __init__(self, clause: str, answer: RefusalEdit) -> None:
        self._clause, self._answer = clause, answer
        self.fired = False

    def refusal(self, rpc: str, refusal: Refusal) -> Any:
        if refusal.clause != self._clause:
            raise refusal
        self.fired = True
        return self._answer(rpc, refusal)


def on_refusal(name: str, clause: str, answer: RefusalEdit) -> Mutant:
    """A mutant that replies instead of refusing; `answer` may raise a different refusal."""
    return Mutant(name=name, clause=clause, interceptor=lambda: Swallow(clause, answer))


def refusing(status: Status, text: str = "no") -> Callable[..., NoReturn]:
    """An edit, or a replacement of a refusal, that refuses with a status."""

    def refuse(*_: object) -> NoReturn:
        raise GRPCError(status, text)

    return refuse


def with_store(name: str, clause: str, store: Callable[[], MemoryStore]) -> Mutant:
    """A mutant with a wrong store."""
    return Mutant(name=name, clause=clause, store=store)


def with_policy(name: str, clause: str, **policy: object) -> Mutant:
    """A mutant with a different interpretation of a disputed point."""
    return Mutant(name=name, clause=clause, options={"policy": policy})


def filter_of(message: Any) -> Any:
    """The filter of a request; None if it has none."""
    if "data_request" in message.DESCRIPTOR.fields_by_name:
        return message.data_request.filter
    if "filter" in message.DESCRIPTOR.fields_by_name:
        return message.filter
    return None


def only_first(name: str) -> RequestEdit:
    """An edit that keeps only the first element of a list in a request."""
    return lambda message, _: getattr(message, name).__delitem__(slice(1, None))


def in_each(many: str, one: str, change: Callable[[Any], object]) -> ReplyEdit:
    """An edit of each message in the list `many` of a reply, or of its single message `one`."""

    def edit(_: object, reply: object, __: Memory) -> None:
        for each in getattr(reply, many) if hasattr(reply, many) else [getattr(reply, one)]:
            change(each)

    return edit


def metadata_edit(change: Callable[[data.BinaryMetadata], object]) -> ReplyEdit:
    """An edit of the metadata of each file in a reply."""
    return in_each("data", "", lambda entry: change(entry.metadata))
