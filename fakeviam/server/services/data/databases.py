"""The federated database of an organization.

The fake runs no database yet. The host has the real one's shape under `.invalid`, a
name that never resolves, so that a test cannot reach a real host by accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError, NotFoundError
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import data

if TYPE_CHECKING:
    from fakeviam.server.state.call import Call


@rpc("GetDatabaseConnection", rests_on=["DB-1", "DB-4", "A46"])
def get_database_connection(
    call: Call, request: data.GetDatabaseConnectionRequest
) -> data.GetDatabaseConnectionResponse:
    """Where an organization's database is (DB-1, DB-2, DB-4)."""
    organization_id = _organization(call, request.organization_id)
    mark = call.cloud.ids.seal(organization_id)[:5]
    host = f"data-federation-{organization_id}-{mark}.a.query.fakeviam.invalid"
    user = f"db-user-{organization_id}"
    return data.GetDatabaseConnectionResponse(
        hostname=host,
        mongodb_uri=f"mongodb://{user}:<password>@{host}/sensorData?ssl=true&authSource=admin",
        has_database_user=call.store.database_password(organization_id) is not None,
    )


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


def _organization(call: Call, organization_id: str) -> str:
    if not organization_id:
        raise InvalidArgumentError("organization_id must not be empty", clause="DB-6")
    call.principal.check_named([organization_id])
    if not call.cloud.fleet.has_organization(organization_id):
        # The `viam` CLI looks for the word NotFound in the text.
        text = f"no organization {organization_id!r} (NotFound)"
        raise NotFoundError(text, clause="DB-2")
    return organization_id
