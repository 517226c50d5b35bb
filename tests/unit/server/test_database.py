"""The database of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grpclib.const import Status

from fakeviam.wire import data

from .driver import ORGANIZATION, Viam

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio


async def connection(
    viam: Viam, organization: str = ORGANIZATION
) -> data.GetDatabaseConnectionResponse:
    request = data.GetDatabaseConnectionRequest(organization_id=organization)
    reply: data.GetDatabaseConnectionResponse = await viam.rpc("GetDatabaseConnection", request)
    return reply


async def configure(viam: Viam, password: str, organization: str = ORGANIZATION) -> None:
    await viam.rpc(
        "ConfigureDatabaseUser",
        data.ConfigureDatabaseUserRequest(organization_id=organization, password=password),
    )


async def test_a_known_organization_has_a_host(viam: Viam) -> None:
    """From the start: the fake itself, under the address that the client used (DB-1, A46)."""
    reply = await connection(viam)
    assert reply.hostname == viam.cloud.target
    assert reply.hostname in reply.mongodb_uri
    assert reply.mongodb_uri.startswith(f"mongodb://db-user-{ORGANIZATION}:")
    assert await connection(viam) == reply
    assert {"DB-1", "A46"} <= viam.cited()


async def test_every_organization_has_its_own(viam: Viam) -> None:
    """Hosts and users are told apart (DB-1, DB-4)."""
    other = viam.cloud.fleet.add_part("p", organization="o").organization_id
    await configure(viam, "secret")
    ours, theirs = await connection(viam), await connection(viam, other)
    assert ours.mongodb_uri != theirs.mongodb_uri
    assert (ours.has_database_user, theirs.has_database_user) == (True, False)


async def test_the_user_is_made_and_its_password_reset(viam: Viam) -> None:
    """has_database_user tells whether that happened (DB-3, DB-4)."""
    assert not (await connection(viam)).has_database_user
    await configure(viam, "one")
    assert (await connection(viam)).has_database_user
    assert viam.contents().passwords == ["one"]
    await configure(viam, "two")
    assert (await connection(viam)).has_database_user
    assert viam.contents().passwords == ["two"]
    assert {"DB-3", "DB-4"} <= viam.cited()


async def test_an_unknown_organization_is_not_found(viam: Viam) -> None:
    """And the text has the word that a shipping client looks for (DB-2)."""
    with viam.refuses(Status.NOT_FOUND, "DB-2", "no organization 'no' (NotFound)"):
        await connection(viam, "no")
    with viam.refuses(Status.NOT_FOUND, "DB-2", "NotFound"):
        await configure(viam, "secret", "no")


async def test_an_organization_must_be_named(viam: Viam) -> None:
    """An empty one is INVALID_ARGUMENT (DB-6)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "DB-6", "organization_id must not be empty"):
        await connection(viam, "")
    with viam.refuses(Status.INVALID_ARGUMENT, "DB-6", "organization_id must not be empty"):
        await configure(viam, "secret", "")


async def test_an_empty_password_is_refused(viam: Viam) -> None:
    """The old one stays (DB-5)."""
    await configure(viam, "one")
    with viam.refuses(Status.INVALID_ARGUMENT, "DB-5", "password must not be empty"):
        await configure(viam, "")


async def test_users_are_forgotten_by_a_reset(start: Start) -> None:
    """As all data is (DB-4)."""
    viam = await start()
    await configure(viam, "one")
    viam.cloud.reset()
    assert not (await connection(viam)).has_database_user
