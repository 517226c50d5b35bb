"""The type of wrong clients, the possible outcomes, and helpers to define them."""

from __future__ import annotations

import asyncio
import enum
import functools
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam_client import DataClient, Filter, connect
from grpclib.exceptions import GRPCError

from fakeviam_contracts.clients.adapters.own import Adapter
from fakeviam_contracts.clients.check import checked_peer
from fakeviam_contracts.clients.obligations import OBLIGATIONS, ObligationOutcome
from fakeviam_contracts.clients.obligations.base import Scenario, obligation
from fakeviam_contracts.clients.protocol import LocalPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")


class MutantStatus(enum.Enum):
    """The outcome of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    DID_NOT_APPLY = "did not apply"
    BROKE_AT_START = "broke at start"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientMutant:
    """A client that breaks one clause.

    Attributes:
        name: A description of what is wrong.
        obligation: The obligation that detects it.
        client: Its class.
        connect: How it logs in.
    """

    name: str
    obligation: str
    client: type[DataClient] = DataClient
    connect: Any = connect

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses of its obligation."""
        return next(one.clauses for one in OBLIGATIONS if one.id == self.obligation)


@obligation("starts")
async def starts(scenario: Scenario) -> None:
    """Whether the client can be created and called at all."""
    await scenario.do("tags_by_filter")


async def client_outcome(mutant: ClientMutant) -> tuple[MutantStatus, str]:
    """The outcome of a mutant for its obligation, and what was observed."""
    peer = LocalPeer(Adapter(mutant.client, mutant.connect).answer)
    obligation = next(one for one in OBLIGATIONS if one.id == mutant.obligation)
    start, verdict = (await checked_peer(peer, [starts, obligation])).verdicts
    if start.outcome is not ObligationOutcome.KEPT:
        return MutantStatus.BROKE_AT_START, start.detail
    outcomes = {
        ObligationOutcome.BROKEN: MutantStatus.KILLED,
        ObligationOutcome.NOT_APPLICABLE: MutantStatus.DID_NOT_APPLY,
    }
    return outcomes.get(verdict.outcome, MutantStatus.SURVIVED), verdict.detail


# Helpers -----------------------------------------------------------------------------------


def on_request(name: str, obligation: str, edit: Callable[[Any], object]) -> ClientMutant:
    """A client that edits each request before it is sent."""

    class Editing(DataClient):
        async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
            edit(request)
            return await super()._call(kind, request, timeout)

    return ClientMutant(name=name, obligation=obligation, client=Editing)


def on_reply(name: str, obligation: str, edit: Callable[[Any, Any], object]) -> ClientMutant:
    """A client that edits each reply, depending on the request."""

    class Hearing(DataClient):
        async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
            reply = await super()._call(kind, request, timeout)
            edit(request, reply)
            return reply

    return ClientMutant(name=name, obligation=obligation, client=Hearing)


def on_stream(
    name: str, obligation: str, edit: Callable[[list[Any]], Iterable[Any]]
) -> ClientMutant:
    """A client that replaces the messages of streams."""

    class Streaming(DataClient):
        async def _stream(self, kind: type[M], messages: Iterable[Message]) -> M:
            return await super()._stream(kind, edit(list(messages)))

    return ClientMutant(name=name, obligation=obligation, client=Streaming)


def on_call(
    name: str, obligation: str, method: str, edit: Callable[[dict[str, object]], object]
) -> ClientMutant:
    """A client that changes the arguments of a method; an edit may raise, or return a result."""
    original = getattr(DataClient, method)

    @functools.wraps(original)  # the adapter inspects the signature
    async def changed(self: object, **args: object) -> object:
        edit(args)
        return await original(self, **args)

    client = type("Calling", (DataClient,), {method: changed})
    return ClientMutant(name=name, obligation=obligation, client=client)


def on_filter(
    name: str,
    obligation: str,
    before: Callable[[dict[str, Any]], object] = bool,
    after: Callable[[Filter], object] = bool,
) -> ClientMutant:
    """A client whose `create_filter` changes its arguments or its result."""

    @functools.wraps(DataClient.create_filter)
    def changed(**args: Any) -> Filter:
        before(args)
        filter_ = DataClient.create_filter(**args)
        after(filter_)
        return filter_

    client = type("Filtering", (DataClient,), {"create_filter": staticmethod(changed)})
    return ClientMutant(name=name, obligation=obligation, client=client)


def on_error(
    name: str,
    obligation: str,
    react: Callable[[Any, type[Message], Callable[[], Any], Exception], Any],
) -> ClientMutant:
    """A client that handles errors differently; it may retry, or return a result."""

    class Troubled(DataClient):
        async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
            try:
                return await super()._call(kind, request, timeout)
            except (GRPCError, OSError, asyncio.TimeoutError) as error:  # in 3.10 not an OSError
                again = partial(DataClient._call, self, kind, request, timeout)  # noqa: SLF001 - its own
                answer: M = await react(self, kind, again, error)
                return answer

        async def _stream(self, kind: type[M], messages: Iterable[Message]) -> M:
            sent = list(messages)
            try:
                return await super()._stream(kind, sent)
            except (GRPCError, OSError) as error:
                again = partial(DataClient._stream, self, kind, sent)  # noqa: SLF001 - its own
                answer: M = await react(self, kind, again, error)
                return answer

    return ClientMutant(name=name, obligation=obligation, client=Troubled)


def changing(key: str, change: Callable[[Any], Any]) -> Callable[[dict[str, object]], object]:
    """An edit of one argument; an omitted one is None."""
    return lambda args: args.update({key: change(args.get(key))})


def setting(field: str, *, value: object) -> Callable[[Any], None]:
    """An edit that sets a field, if the message has it."""

    def edit(request: Any) -> None:
        if field in request.DESCRIPTOR.fields_by_name:
            setattr(request, field, value)

    return edit


def on_result(
    name: str, obligation: str, method: str, change: Callable[[Any], object]
) -> ClientMutant:
    """A client that changes the result of a method."""
    original = getattr(DataClient, method)

    @functools.wraps(original)
    async def changed(self: object, *args: object, **more: object) -> object:
        return change(await original(self, *args, **more))

    return ClientMutant(
        name=name, obligation=obligation, client=type("Resulting", (DataClient,), {method: changed})
    )


def only_for(kind: type[Message], edit: Callable[[Any], object]) -> Callable[..., None]:
    """An edit of one kind of message, the last argument."""

    def edit_it(*args: object) -> None:
        if isinstance(args[-1], kind):
            edit(args[-1])

    return edit_it
