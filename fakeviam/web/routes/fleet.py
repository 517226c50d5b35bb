"""Organizations, locations, robots and parts."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fakeviam.model.fleet import Part
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import Problem
from fakeviam.web.schema import flag, listed, shape, text

if TYPE_CHECKING:
    from fakeviam.web.endpoint import Ask

_NAMES = tuple(field.name for field in fields(Part) if field.name != "internal")

_PART = shape(
    {
        **{name: text() for name in _NAMES},
        "internal": flag("Its data counts as ingested by Viam itself."),
    }
)

_NEW = shape(
    {"name": text("Name of the part; unique on its robot.", minLength=1)},
    {
        "robot": text("Name of its robot.", minLength=1),
        "location": text("Name of the location.", minLength=1),
        "organization": text("Name of the organization.", minLength=1),
        "internal": flag("Its data counts as ingested by Viam itself."),
    },
    "A part; the robot, location and organization of these names are made if they are new.",
)

_RENAMED = shape({"name": text("The new name.", minLength=1)})


def part_json(part: Part) -> dict[str, Any]:
    """A part as JSON-able values."""
    return {name: getattr(part, name) for name in (*_NAMES, "internal")}


def _list(ask: Ask) -> dict[str, Any]:
    return {"parts": [part_json(part) for part in ask.world.fleet]}


def _show(ask: Ask) -> dict[str, Any]:
    return part_json(_part(ask))


def _add(ask: Ask) -> dict[str, Any]:
    return part_json(ask.world.fleet.add_part(**ask.body))


def _rename(ask: Ask) -> dict[str, Any]:
    return part_json(ask.world.fleet.rename_part(_part(ask).id, ask.body["name"]))


def _part(ask: Ask) -> Part:
    asked = ask.path["part_id"]
    found = ask.world.fleet.part(asked)
    if found is None:
        raise Problem(404, f"no part has the id {asked!r}", field="part_id", value=asked)
    return found


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/fleet",
        title="List the parts",
        act=_list,
        answer=shape({"parts": listed(_PART)}),
    ),
    Endpoint(
        method="POST",
        path="/fleet/parts",
        title="Add a part",
        act=_add,
        body=_NEW,
        answer=_PART,
        status=201,
    ),
    Endpoint(
        method="GET", path="/fleet/parts/{part_id}", title="Show a part", act=_show, answer=_PART
    ),
    Endpoint(
        method="PATCH",
        path="/fleet/parts/{part_id}",
        title="Rename a part; what it uploaded keeps the old name",
        act=_rename,
        body=_RENAMED,
        answer=_PART,
    ),
)
