"""API keys and their permissions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from fakeviam.model.clock import moment_of
from fakeviam.model.durations import LONGEST
from fakeviam.server.state.reach import ReachError
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Many, Number, Omittable, Time
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import NonEmpty, TimeText
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from fakeviam.server.state.accounts import ApiKey
    from fakeviam.web.endpoint import ControlRequest


class ApiKeyModel(Model):
    """An API key."""

    id: str = field("Its id.", "f4ce0000-0000-4000-8000-000000000001")
    key: str | None = field(
        "The secret. With auth=keys, null without the control token, except on creation.",
        "fakeviam-api-key",
    )
    organization_ids: list[str] = field(
        "The organizations it gives access to.", ["f4ce0000-0000-4000-8000-0000000000a1"]
    )
    location_ids: list[str] = field("The only locations it may see; empty is all.", [])
    robot_ids: list[str] = field("The only machines it may see; empty is all.", [])
    role: str = field("Its role in these organizations.", "owner")
    expires: TimeText | None = field("When it ends, by the clock of the fake.", None)


class ApiKeyList(Model):
    """All API keys."""

    api_keys: list[ApiKeyModel] = field("The default account's key first.", [])


class NewApiKey(Model):
    """A key of organizations, of locations or of machines: one of the three."""

    organizations: Many[NonEmpty] = field(
        "Ids of organizations.", ["f4ce0000-0000-4000-8000-0000000000a1"], default=()
    )
    locations: Many[NonEmpty] = field("Ids of locations.", [], default=())
    machines: Many[NonEmpty] = field("Ids of machines, or of their parts.", [], default=())
    role: Literal["owner", "operator"] = field("Its role.", "operator", default="owner")
    expires: Omittable[Time] = field(
        "When it ends, by the clock of the fake.", "2026-01-31T12:00:00Z", default=None
    )
    expires_in: Omittable[Annotated[Number, Field(gt=0, le=LONGEST)]] = field(
        "Expires after this many seconds.", 60, default=None
    )


def shown_key(request: ControlRequest, key: str) -> str | None:
    """A secret, for callers who may see it (HT-6)."""
    return key if request.trusted or request.cloud.accounts.mode == "any" else None


def _json(request: ControlRequest, key: ApiKey, *, new: bool = False) -> dict[str, object]:
    return {
        "id": key.id,
        "key": key.key if new else shown_key(request, key.key),
        "organization_ids": sorted(key.organization_ids),
        "location_ids": sorted(key.location_ids),
        "robot_ids": sorted(key.robot_ids),
        "role": key.role,
        "expires": None if key.expires is None else moment_of(key.expires).isoformat(),
    }


def _list(request: ControlRequest) -> dict[str, object]:
    return {"api_keys": [_json(request, key) for key in request.handle.api_keys]}


def _add(request: ControlRequest) -> dict[str, object]:
    body: NewApiKey = request.body
    lifetime = body.expires_in
    try:
        key = request.handle.add_api_key(
            organizations=body.organizations,
            locations=body.locations,
            machines=body.machines,
            role=body.role,
            expires=None if body.expires is None else moment_of(body.expires),
            expires_in=None if lifetime is None else timedelta(seconds=lifetime),
        )
    except ReachError as error:
        raise HttpProblem(422, str(error), field=error.field, value=error.value) from error
    return _json(request, key, new=True)


def _revoke(request: ControlRequest) -> dict[str, object]:
    key_id = request.path["id"]
    for key in request.handle.api_keys:
        if key.id == key_id:
            request.handle.revoke_api_key(key)
            return _json(request, key)
    raise HttpProblem(404, f"no API key has the id {key_id!r}", field="id", value=key_id)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api-keys",
        title="List the API keys, the default account's first",
        tag="accounts",
        handler=_list,
        response=ApiKeyList,
    ),
    Endpoint(
        method="POST",
        path="/api-keys",
        title="Create an API key for organizations, locations or machines",
        tag="accounts",
        handler=_add,
        body=NewApiKey,
        response=ApiKeyModel,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/api-keys/{id}",
        title="Revoke an API key and all its access tokens",
        tag="accounts",
        handler=_revoke,
        response=ApiKeyModel,
    ),
)
