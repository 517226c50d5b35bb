"""The organizations, locations or machines that a new API key gives access to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import Location, Organization, Part
from fakeviam.model.text import short

if TYPE_CHECKING:
    from fakeviam.model.fleet import Fleet

#: Ids or objects of the fleet, one or several.
Named = str | Organization | Location | Part | Iterable[str | Organization | Location | Part]


class ReachError(UsageError):
    """The scope of a key is invalid.

    Attributes:
        field: The invalid parameter.
        value: The unknown id, if there is one.
    """

    def __init__(self, text: str, field: str, value: str | None = None) -> None:
        """Describe the problem."""
        super().__init__(text)
        self.field = field
        self.value = value


class Reach(NamedTuple):
    """The scope of a key; without locations and machines, the organizations as a whole."""

    organization_ids: frozenset[str]
    location_ids: frozenset[str] = frozenset()
    robot_ids: frozenset[str] = frozenset()


def reach_of(fleet: Fleet, **owners_by_field: Named) -> Reach:
    """The scope of a key, given as `organizations`, `locations` or `machines`.

    Raises:
        ReachError: None or several are given, or one is not in the fleet.
    """
    ids_by_field = {
        field: ids for field, each in owners_by_field.items() if (ids := _ids(field, each))
    }
    if len(ids_by_field) != 1:
        which = " and ".join(ids_by_field) or "none of them"
        text = f"give organizations, locations or machines, got {which}"
        raise ReachError(text, next(iter(ids_by_field), "organizations"))
    ((field, ids),) = ids_by_field.items()
    owners = {_owners(fleet, field, one, at) for at, one in enumerate(ids)}
    return Reach(
        frozenset(organization for organization, _ in owners),
        frozenset(own for _, own in owners) if field == "locations" else frozenset(),
        frozenset(own for _, own in owners) if field == "machines" else frozenset(),
    )


def _owners(fleet: Fleet, field: str, one: str, at: int) -> tuple[str, str]:
    """The organization of the thing with this id, and the id to store in the key."""
    if field == "organizations" and fleet.has_organization(one):
        return one, one
    for part in fleet:
        if field == "locations" and part.location_id == one:
            return part.organization_id, one
        if field == "machines" and one in (part.id, part.robot_id):
            return part.organization_id, part.robot_id
    text = f"no {field.removesuffix('s')} has the id {short(one)}"
    raise ReachError(text, f"{field}[{at}]", one)


def _ids(field: str, owner: object) -> list[str]:
    listed = [owner] if isinstance(owner, str) or not isinstance(owner, Iterable) else list(owner)
    ids: list[str] = []
    for one in listed:
        if not isinstance(one, str | Organization | Location | Part):
            raise ReachError(
                f"{field} must be ids, or things of the fleet, got {short(one)}", field
            )
        ids.append(one if isinstance(one, str) else one.id)
    return ids
