"""What a wrong server is, and the short ways of making one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grpclib.exceptions import GRPCError

from fakeviam import Interceptor

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message
    from grpclib.const import Status

    from fakeviam import MemoryStore

#: RPCs by what they carry.
PAGES = ("BinaryDataByFilter", "TabularDataByFilter")
#: Replies that hold metadata of files.
FILES = ("BinaryDataByIDs", "BinaryDataByFilter")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A server that breaks one clause.

    Attributes:
        name: What is wrong with it.
        clause: The clause it breaks.
        interceptor: Makes what changes requests and replies, if anything does.
        store: Makes the store, if that is what is wrong.
        options: Other options of FakeViam; `policy` is a dict of fields to replace.
    """

    name: str
    clause: str
    interceptor: Callable[[], Interceptor] | None = None
    store: Callable[[], MemoryStore] | None = None
    options: dict[str, Any] = field(default_factory=dict)


class _Edit(Interceptor):
    """Edits messages in place; keeps a memory of its own for what spans calls.

    Attributes:
        fired: Whether an edit changed, dropped or refused anything.
    """

    def __init__(self, requests: Any, replies: Any) -> None:
        self._requests, self._replies = requests, replies
        self._memory: dict[Any, Any] = {}
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

    def _edited(self, message: Message, edit: Any, *args: Any) -> object:
        before = None if self.fired else message.SerializeToString(deterministic=True)
        done: object = DROP
        try:
            done = edit(*args, self._memory)
        finally:
            same = done is not DROP and message.SerializeToString(deterministic=True) == before
            self.fired = self.fired or not same
        return done


#: An edit of a request returns this to drop the message from its stream.
DROP = object()


def on_request(
    name: str, clause: str, edit: Callable[[Any, dict[Any, Any]], object], *rpcs: str
) -> Mutant:
    """A mutant that edits requests of some RPCs, or of all."""
    wanted = dict.fromkeys(rpcs or ("*",), edit)
    return Mutant(name=name, clause=clause, interceptor=lambda: _Edit(wanted, {}))


def on_reply(
    name: str, clause: str, edit: Callable[[Any, Any, dict[Any, Any]], object], *rpcs: str
) -> Mutant:
    """A mutant that edits replies; the edit gets request, reply and a memory."""
    wanted = dict.fromkeys(rpcs or ("*",), edit)
    return Mutant(name=name, clause=clause, interceptor=lambda: _Edit({}, wanted))


def on_exchange(
    name: str, clause: str, requests: dict[str, Any], replies: dict[str, Any]
) -> Mutant:
    """A mutant that edits requests and replies, with one memory."""
    return Mutant(name=name, clause=clause, interceptor=lambda: _Edit(requests, replies))


class _Swallow(Interceptor):
    """Turns refusals of one clause into empty answers, or into other refusals."""

    def __init__(self, clause: str, answer: Callable[[str, Any], Any]) -> None:
        self._clause, self._answer = clause, answer
        self.fired = False

    def refusal(self, rpc: str, refusal: Any) -> Any:
        if refusal.clause != self._clause:
            raise refusal
        self.fired = True
        return self._answer(rpc, refusal)


def on_refusal(name: str, clause: str, answer: Callable[[str, Any], Any]) -> Mutant:
    """A mutant that answers where it must refuse; `answer` may raise another refusal."""
    return Mutant(name=name, clause=clause, interceptor=lambda: _Swallow(clause, answer))


def refusing(status: Status, text: str = "no") -> Callable[..., Any]:
    """An edit, or an answer to a refusal, that refuses with a status."""

    def refuse(*_: Any) -> None:
        raise GRPCError(status, text)

    return refuse


def with_store(name: str, clause: str, store: Callable[[], MemoryStore]) -> Mutant:
    """A mutant whose store is wrong."""
    return Mutant(name=name, clause=clause, store=store)


def with_policy(name: str, clause: str, **policy: Any) -> Mutant:
    """A mutant that reads a disputed point differently."""
    return Mutant(name=name, clause=clause, options={"policy": policy})


def filter_of(message: Any) -> Any:
    """The filter of a request, or None if it has none."""
    if "data_request" in message.DESCRIPTOR.fields_by_name:
        return message.data_request.filter
    if "filter" in message.DESCRIPTOR.fields_by_name:
        return message.filter
    return None


def metadata_edit(change: Callable[[Any], object]) -> Callable[[Any, Any, dict[Any, Any]], None]:
    """An edit of the metadata of each file of a reply."""

    def edit(_: Any, reply: Any, __: dict[Any, Any]) -> None:
        for entry in reply.data:
            change(entry.metadata)

    return edit
