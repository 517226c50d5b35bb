"""Obligations about the forms of replies and refusals, and about calls that break off."""

from __future__ import annotations

import base64
from random import Random
from typing import TYPE_CHECKING

from fakeviam.wire import auth, data
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import (
    BrokenError,
    NotApplicableError,
    ObservedError,
    Scenario,
    obligation,
    same,
)
from fakeviam_contracts.clients.obligations.connecting import KEY
from fakeviam_contracts.clients.obligations.methods import (
    ADDS,
    CHANGES,
    PAGES,
    READS,
    TRANSIENT,
    says,
)
from fakeviam_contracts.clients.raw_server import Fault, RawReply, RawServer
from fakeviam_contracts.clients.scripted import Refuse

if TYPE_CHECKING:
    from fakeviam_contracts.clients.obligations.methods import Asking
    from fakeviam_contracts.clients.protocol import Answer
    from fakeviam_contracts.clients.raw_server import RawCall

TAGS = data.TagsByFilterResponse(tags=["hill", "lake"])

#: A field that no version of the message has.
_NEW_FIELD = b"\xfa\x3f\x03new"

_MORE = (("x-served-by", "b-7"), ("x-served-bin", "AAEC"))

#: One reply in the forms that gRPC and HTTP/2 give it.
_REPLIES = {
    "byte by byte": RawReply(TAGS, piece=1),
    "with padding": RawReply(TAGS, piece=7, pad=9),
    "with headers and trailers of its own": RawReply(
        TAGS, headers=_MORE, trailers=(("grpc-status", "0"), *_MORE)
    ),
    "with a field of a newer version": RawReply(TAGS, pack=lambda body: body + _NEW_FIELD),
    "as application/grpc": RawReply(TAGS, form="application/grpc"),
    "with an empty text": RawReply(TAGS, trailers=(("grpc-status", "0"), ("grpc-message", ""))),
}


@obligation("replies-in-any-form", "CL-54")
async def replies_in_any_form(scenario: Scenario) -> None:
    """A reply is read however it is cut into frames, and whatever else it carries."""
    for form, reply in _REPLIES.items():
        answer = await _raw(scenario, reply, "tags_by_filter")
        same(f"tags {form}", list(TAGS.tags), answer.result if answer.ok else str(answer))


_TEXT = "no such part"
#: google.rpc.Status(code=5, message="no such part")
_DETAILS = base64.b64encode(b"\x08\x05\x12\x0c" + _TEXT.encode()).decode().rstrip("=")
_NOT_FOUND = (("grpc-status", "5"), ("grpc-message", _TEXT))

#: One refusal in several forms.
_REFUSALS = {
    "alone": RawReply(None, headers=None, trailers=_NOT_FOUND),
    "after headers": RawReply(None, trailers=_NOT_FOUND),
    "after a message": RawReply(TAGS, trailers=_NOT_FOUND),
    "with details": RawReply(
        None, headers=None, trailers=(*_NOT_FOUND, ("grpc-status-details-bin", _DETAILS))
    ),
    "with details after headers": RawReply(
        None, trailers=(*_NOT_FOUND, ("grpc-status-details-bin", _DETAILS))
    ),
    "with trailers of its own": RawReply(None, headers=None, trailers=(*_NOT_FOUND, *_MORE)),
}
_TEXTLESS = RawReply(None, headers=None, trailers=(("grpc-status", "5"),))
#: What no gRPC server should send, but some proxies do.
_UNENCODED = RawReply(
    None, headers=None, trailers=(("grpc-status", "5"), ("grpc-message", "100%, %zz %"))
)


@obligation("refusals-in-any-form", "CL-15", "CL-54")
async def refusals_in_any_form(scenario: Scenario) -> str:
    """A refusal is told with its status in whatever form it comes, and with its text."""
    for form, reply in _REFUSALS.items():
        answer = await _raw(scenario, reply, "tags_by_filter")
        same(f"refusal {form}", f"grpc NOT_FOUND: {_TEXT}", str(answer))
    answer = await _raw(scenario, _TEXTLESS, "tags_by_filter")
    same("refusal without a text", ("grpc", "NOT_FOUND"), (answer.kind, answer.status))
    answer = await _raw(scenario, _UNENCODED, "tags_by_filter")
    return f"NOT_FOUND with a text that is not encoded: {answer}"


async def _raw(scenario: Scenario, reply: RawReply, method: str) -> Answer:
    async with RawServer(lambda _: reply) as server:
        return await scenario.at(server.target).ask(method)


@obligation("large-replies", "BF-2", "CL-5", "CL-54")
async def large_replies(scenario: Scenario) -> None:
    """Replies that flow control has to let through are read, page after page, byte for byte."""
    # Less than the 4 MiB that some clients of gRPC take at most; together they are more.
    contents = [Random(seed).randbytes(3 * 2**20) for seed in (1, 2)]  # noqa: S311
    files = [replies.file(at, contents=each) for at, each in enumerate(contents)]
    scenario.server.script(
        "BinaryDataByFilter",
        *(
            data.BinaryDataByFilterResponse(data=[one], count=1, last=str(at))
            for at, one in enumerate(files)
        ),
        replies.files(),
    )
    records = (await scenario.do("binary_data_by_filter"))["records"]
    got = [record["data"] for record in records]
    same("bytes", b"".join(contents[: len(got) or 1]), b"".join(got))  # some fetch one page


@obligation("goodbye-heard", "CL-56")
async def goodbye_heard(scenario: Scenario) -> None:
    """A connection that the server ends after what is under way is not used for new calls."""

    def reply(call: RawCall) -> RawReply:
        if call.rpc == "Authenticate":
            token = auth.AuthenticateResponse(access_token="token-1")  # noqa: S106
            return RawReply(token, goodbye=True)
        return RawReply(TAGS)

    async with RawServer(reply) as server:
        told = await scenario.at(server.target).ask("log_in", **KEY)
        late = [call.rpc for call in server.late]
    if late or told.kind == "silent":
        raise BrokenError(f"calls {', '.join(late)}" if late else "hangs for ever")
    if not told.ok:
        # Some end what is under way, too.
        raise ObservedError(str(told))
    same("tags", list(TAGS.tags), told.result)


# Calls that break off -------------------------------------------------------------------


@obligation("writes-cut", "CL-43", "CL-53")
async def writes_cut(scenario: Scenario) -> None:
    """A write that breaks off is an error; what adds something is not sent again."""
    asked = False
    for fault in (
        Fault.STREAM_RESET_KINDLY,
        Fault.STREAM_RESET_AT_ONCE,
        Fault.CONNECTION_CLOSED_AT_ONCE,
    ):
        for asking in (*ADDS, *CHANGES):
            asked |= await _cut(scenario, asking, fault)
    if not asked:
        raise NotApplicableError("writes nothing")


async def _cut(scenario: Scenario, asking: Asking, fault: Fault) -> bool:
    """Whether the client has the method, whose reply breaks off."""
    reply = RawReply(None, fault=fault)
    async with RawServer(lambda _: reply) as server:
        answer = await scenario.at(server.target).try_to(asking.method, **asking.args)
        calls = sum(call.rpc == asking.rpc for call in server.calls)
    if answer.kind == "unsupported":
        return False
    if answer.ok:
        raise BrokenError(f"{asking.method} takes for success what {fault.value}")
    if answer.kind == "silent":
        raise BrokenError(f"{asking.method} hangs for ever where the reply {fault.value}")
    if asking in ADDS:
        same(f"calls of {asking.rpc} where the reply {fault.value}", 1, calls)
    return True


@obligation("statuses-kept", "CL-15")
async def statuses_kept(scenario: Scenario) -> None:
    """What a server keeps refusing is told with its status in the end, however often it is read."""
    for status in (*TRANSIENT, "UNAUTHENTICATED"):
        for asking in READS:
            scenario.server.reset()
            for rpc, pages in PAGES.items():
                scenario.server.script(rpc, *pages)
            scenario.server.script(asking.rpc, Refuse(status, "later"))
            answer = await scenario.try_to(asking.method, **asking.args)
            if not (answer.kind == "unsupported" or says(answer, status)):
                raise BrokenError(f"{asking.method}: expected {status}, got {answer}")


OBLIGATIONS = (
    replies_in_any_form,
    refusals_in_any_form,
    large_replies,
    goodbye_heard,
    writes_cut,
    statuses_kept,
)
