"""API keys: whom calls may come from, and what those may do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import moment_of
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import Problem
from fakeviam.web.schema import listed, maybe, number, shape, text

if TYPE_CHECKING:
    from fakeviam.server.state.accounts import ApiKey
    from fakeviam.web.endpoint import Ask

_ROLE = text("What its holder may do.", enum=["owner", "operator"])

_KEY = shape(
    {
        "id": text(),
        "key": text(),
        "organization_ids": listed(text()),
        "role": _ROLE,
        "expires": maybe(text("By the clock of the fake.", format="date-time")),
    }
)

_NEW = shape(
    {"organizations": listed(text(minLength=1), "Ids of what it sees.", minItems=1)},
    {
        "role": _ROLE,
        "expires": text("When it ends by the clock of the fake; ISO 8601."),
        "expires_in": number("In so many seconds it ends."),
    },
)


def _json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "key": key.key,
        "organization_ids": sorted(key.organization_ids),
        "role": key.role,
        "expires": None if key.expires is None else moment_of(key.expires).isoformat(),
    }


def _list(ask: Ask) -> dict[str, Any]:
    return {"api_keys": [_json(key) for key in ask.world.api_keys]}


def _add(ask: Ask) -> dict[str, Any]:
    for index, organization_id in enumerate(ask.body["organizations"]):
        if not ask.world.fleet.has_organization(organization_id):
            raise Problem(
                422,
                f"no organization has the id {organization_id!r}",
                field=f"organizations[{index}]",
                value=organization_id,
            )
    return _json(ask.world.add_api_key(**{**ask.body, **_lifetime(ask)}))


def _lifetime(ask: Ask) -> dict[str, Any]:
    if "expires_in" not in ask.body:
        return {}
    try:
        return {"expires_in": timedelta(seconds=ask.body["expires_in"])}
    except OverflowError as error:
        what = "expires_in is longer than a clock can go"
        value = ask.body["expires_in"]
        raise Problem(422, what, field="expires_in", value=value) from error


def _revoke(ask: Ask) -> dict[str, Any]:
    asked = ask.path["id"]
    for key in ask.world.api_keys:
        if key.id == asked:
            ask.world.revoke_api_key(key)
            return _json(key)
    raise Problem(404, f"no API key has the id {asked!r}", field="id", value=asked)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api-keys",
        title="List the API keys, that of the default account first",
        act=_list,
        answer=shape({"api_keys": listed(_KEY)}),
    ),
    Endpoint(
        method="POST",
        path="/api-keys",
        title="Make an API key that sees these organizations",
        act=_add,
        body=_NEW,
        answer=_KEY,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/api-keys/{id}",
        title="Revoke an API key; its tokens are worth nothing from now on",
        act=_revoke,
        answer=_KEY,
    ),
)
