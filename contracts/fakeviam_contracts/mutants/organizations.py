"""Wrong servers: organizations, their databases, logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.wire import data
from fakeviam_contracts.mutants.base import Mutant, on_refusal, on_reply, on_request

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Memory


CONNECT, CONFIGURE, LOGIN = "GetDatabaseConnection", "ConfigureDatabaseUser", "Authenticate"


def _once(message: object, memory: Memory) -> None:
    """Refuses a repeated request for the same object."""
    name = getattr(message, "entity", None) or getattr(message, "organization_id", "")
    if name and getattr(message, "password", "x"):
        if name in memory:
            raise GRPCError(Status.ALREADY_EXISTS, "once is enough")
        memory[name] = True


def _no_host_yet(_: object, reply: data.GetDatabaseConnectionResponse, __: Memory) -> None:
    if not reply.has_database_user:
        raise GRPCError(Status.FAILED_PRECONDITION, "configure a user first")


def _other_host(_: object, reply: data.GetDatabaseConnectionResponse, memory: Memory) -> None:
    memory["count"] = memory.get("count", 0) + 1
    reply.hostname = f"host-{memory['count']}"


MUTANTS: tuple[Mutant, ...] = (
    on_reply("has another host each time", "DB-1", _other_host, CONNECT),
    on_reply("names no host", "DB-1", lambda _, r, __: r.ClearField("hostname"), CONNECT),
    on_refusal(
        "has a host for nobody",
        "DB-2",
        lambda _, __: data.GetDatabaseConnectionResponse(hostname="h"),
    ),
    on_request("sets passwords once", "DB-3", _once, CONFIGURE),
    on_reply(
        "never tells of users",
        "DB-4",
        lambda _, r, __: r.ClearField("has_database_user"),
        CONNECT,
    ),
    on_reply(
        "always tells of users",
        "DB-4",
        lambda _, r, __: setattr(r, "has_database_user", True),
        CONNECT,
    ),
    on_refusal("takes empty passwords", "DB-5", lambda _, __: data.ConfigureDatabaseUserResponse()),
    on_refusal(
        "connects without an organization",
        "DB-6",
        lambda _, __: data.GetDatabaseConnectionResponse(hostname="h"),
    ),
    on_reply("has a host for those with users", "A46", _no_host_yet, CONNECT),
    on_reply("answers no token", "AU-1", lambda _, r, __: r.ClearField("access_token"), LOGIN),
    on_request("lets everybody log in once", "AU-3", _once, LOGIN),
)
