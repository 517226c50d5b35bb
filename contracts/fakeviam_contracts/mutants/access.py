"""Wrong servers: links, limits and API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import wire
from fakeviam_contracts.mutants.base import (
    Mutant,
    on_refusal,
    on_reply,
    on_request,
)

if TYPE_CHECKING:
    from fakeviam.wire import auth, data
    from fakeviam_contracts.mutants.base import Memory


LINK, LOGIN, FILE = "CreateBinaryDataSignedURL", "Authenticate", "FileUpload"
_RESPONSES = {method.name: method.response for method in wire.methods()}
MOST = 4 * 1024 * 1024


def empty_reply(rpc: str, _: object) -> Any:
    """An empty reply of an RPC."""
    return _RESPONSES[rpc]()


def _same_link(_: object, reply: data.CreateBinaryDataSignedURLResponse, memory: Memory) -> None:
    reply.signed_url = memory.setdefault("url", reply.signed_url)


def _as_a_whole(message: Any, memory: Memory) -> None:
    if message.HasField("metadata"):
        memory["bytes"] = 0
    memory["bytes"] = memory.get("bytes", 0) + message.ByteSize()
    if memory["bytes"] > MOST:
        raise GRPCError(Status.RESOURCE_EXHAUSTED, "too large")


def first_key(message: auth.AuthenticateRequest, memory: Memory) -> None:
    """Every login is treated like the first one."""
    if message.credentials.payload == "no key":
        return
    entity, payload = memory.setdefault("key", (message.entity, message.credentials.payload))
    message.entity, message.credentials.payload = entity, payload


MUTANTS: tuple[Mutant, ...] = (
    on_request("ends all links after 15 minutes", "SG-1",
               lambda m, _: m.ClearField("expiration_minutes"), LINK),
    on_reply("has one link for all files", "SG-1", _same_link, LINK),
    on_reply("gives no URL for a link", "SG-1",
             lambda _, r, __: setattr(r, "signed_url", r.signed_url.rpartition("/")[2]), LINK),
    on_reply("does not say when links end", "SG-1",
             lambda _, r, __: r.ClearField("expires_at"), LINK),
    on_refusal("gives links for any time", "SG-2", empty_reply),
    on_refusal("gives links to files of nobody", "SG-3", empty_reply),
    on_request("counts the bytes of uploads as a whole", "A60", _as_a_whole, FILE),
    on_request("takes operators for owners", "AC-1", first_key, LOGIN),
    on_request("takes every key for the first", "AC-8", first_key, LOGIN),
    on_refusal("answers for organizations of others", "A51", empty_reply),
    on_refusal("has a token for wrong keys", "AU-4", empty_reply),
)  # fmt: skip
