"""The federated database of an organization.

It is served on the fake's own port (`fakeviam.database`). If clients cannot reach a port, the host
looks like the real one but ends in `.invalid`, a name that never resolves, so that a test cannot
connect to a real host by accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from fakeviam.model.errors import InvalidArgumentError, NotFoundError
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import data

if TYPE_CHECKING:
    from fakeviam.server.state.call import Call


#: The prefix of the name of an organization's database user.
USER_PREFIX: Final = "db-user-"

#: Marks the session of a client in its application name: user names have no room for it (DB-8).
APPLICATION_PREFIX: Final = "fakeviam-session:"


@rpc("GetDatabaseConnection", rests_on=["DB-1", "DB-4", "A46"])
def get_database_connection(
    call: Call, request: data.GetDatabaseConnectionRequest
) -> data.GetDatabaseConnectionResponse:
    """The connection data of an organization's database (DB-1, DB-2, DB-4)."""
    organization_id = _organization(call, request.organization_id)
    address = _with_port(call.address)
    if not address:
        mark = call.cloud.ids.seal(organization_id)[:5]
        address = f"https://data-federation-{organization_id}-{mark}.a.query.fakeviam.invalid"
    return data.GetDatabaseConnectionResponse(
        hostname=address.partition("://")[2],
        mongodb_uri=database_uri(address, organization_id=organization_id, session=call.cloud.name),
        has_database_user=call.store.database_password(organization_id) is not None,
    )


def database_uri(
    address: str,
    *,
    organization_id: str,
    session: str,
    password: str = "<password>",  # noqa: S107 - a placeholder
) -> str:
    """Return the URI of a database, for MongoDB clients (DB-1, DB-8).

    Args:
        address: The fake's address: `http://host:port`, or `https://…` with TLS.
        organization_id: The organization that owns the database.
        session: The session that it belongs to; empty for none.
        password: The percent-encoded password; by default a placeholder.
    """
    scheme, _, host = address.partition("://")
    options = {"ssl": str(scheme == "https").lower(), "authSource": "admin"}
    if session:
        options["appName"] = f"{APPLICATION_PREFIX}{session}"
    user = f"{USER_PREFIX}{organization_id}"
    return f"mongodb://{user}:{password}@{host}/sensorData?{urlencode(options)}"


@rpc("ConfigureDatabaseUser", rests_on=["DB-3"])
def configure_database_user(
    call: Call, request: data.ConfigureDatabaseUserRequest
) -> data.ConfigureDatabaseUserResponse:
    """Create the database user, or reset its password (DB-3)."""
    organization_id = _organization(call, request.organization_id)
    if not request.password:
        raise InvalidArgumentError("password must not be empty", clause="DB-5")
    call.store.set_database_password(organization_id, request.password)
    return data.ConfigureDatabaseUserResponse()


def _with_port(address: str) -> str:
    """The address with an explicit port: the default port of HTTP is not that of MongoDB."""
    if not address or address.rpartition(":")[2].isdecimal():
        return address
    return f"{address}:{443 if address.startswith('https:') else 80}"


def _organization(call: Call, organization_id: str) -> str:
    if not organization_id:
        raise InvalidArgumentError("organization_id must not be empty", clause="DB-6")
    call.principal.check_named([organization_id])
    if not call.cloud.fleet.has_organization(organization_id):
        # The `viam` CLI searches the text for the word NotFound.
        text = f"no organization {organization_id!r} (NotFound)"
        raise NotFoundError(text, clause="DB-2")
    return organization_id
