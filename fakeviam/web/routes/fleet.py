"""Organizations, locations, robots and parts."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from fakeviam.model.fleet import Part
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Count, Flag, Omittable
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import NonEmpty
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from fakeviam.web.endpoint import ControlRequest

_FIELDS = tuple(field.name for field in fields(Part))


class PartModel(Model):
    """A part, and where it is."""

    id: str = field("Its id.", "f4ce0000-0000-4000-8000-0000000000c1")
    name: str = field("Its name; unique on its robot.", "rover-main")
    robot_id: str = field("Id of the robot.", "f4ce0000-0000-4000-8000-0000000000b1")
    robot_name: str = field("Name of the robot.", "rover")
    location_id: str = field("Id of the location.", "fakelab001")
    location_name: str = field("Name of the location.", "lab")
    organization_id: str = field("Id of the organization.", "f4ce0000-0000-4000-8000-0000000000a1")
    organization_name: str = field("Name of the organization.", "acme")
    internal: bool = field("Its data counts as ingested by Viam itself.", False)
    retention_days: int | None = field("Its data is deleted after so many UTC days.", None)


class PartList(Model):
    """The parts of the fleet."""

    parts: list[PartModel] = field("In the order of creation.", [])


class NewPart(Model):
    """A part; its robot, location and organization are made if they are new."""

    name: NonEmpty = field("Name of the part; unique on its robot.", "rover-main")
    robot: Omittable[NonEmpty] = field("Name of the robot.", "rover", default=None)
    location: Omittable[NonEmpty] = field("Name of the location.", "lab", default=None)
    organization: Omittable[NonEmpty] = field("Name of the organization.", "acme", default=None)
    internal: Flag = field("Its data counts as ingested by Viam itself.", True, default=False)
    retention_days: Omittable[Count] = field(
        "Delete its data after so many UTC days of the fake's clock.", 30, default=None
    )


class NewName(Model):
    """A part's new name."""

    name: NonEmpty = field("The new name.", "rover-2")


def part_json(part: Part) -> dict[str, object]:
    """A part as JSON-able values."""
    return {name: getattr(part, name) for name in _FIELDS}


def _list(request: ControlRequest) -> dict[str, object]:
    return {"parts": [part_json(part) for part in request.handle.fleet]}


def _show(request: ControlRequest) -> dict[str, object]:
    return part_json(_part(request))


def _add(request: ControlRequest) -> dict[str, object]:
    return part_json(request.handle.fleet.add_part(**request.body.model_dump(exclude_unset=True)))


def _rename(request: ControlRequest) -> dict[str, object]:
    return part_json(request.handle.fleet.rename_part(_part(request).id, request.body.name))


def _part(request: ControlRequest) -> Part:
    part_id = request.path["part_id"]
    part = request.handle.fleet.part(part_id)
    if part is None:
        raise HttpProblem(404, f"no part has the id {part_id!r}", field="part_id", value=part_id)
    return part


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/fleet",
        title="List the parts",
        tag="fleet",
        handler=_list,
        response=PartList,
    ),
    Endpoint(
        method="POST",
        path="/fleet/parts",
        title="Add a part",
        tag="fleet",
        handler=_add,
        body=NewPart,
        response=PartModel,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/fleet/parts/{part_id}",
        title="Show a part",
        tag="fleet",
        handler=_show,
        response=PartModel,
    ),
    Endpoint(
        method="PATCH",
        path="/fleet/parts/{part_id}",
        title="Rename a part; data it has uploaded keeps the old name",
        tag="fleet",
        handler=_rename,
        body=NewName,
        response=PartModel,
    ),
)
