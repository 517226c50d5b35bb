"""Which organizations, locations or machines a new API key is for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import Location, Organization, Part

if TYPE_CHECKING:
    from fakeviam.model.fleet import Fleet

#: Ids or things of the fleet, or one.
Named = str | Organization | Location | Part | Iterable[str | Organization | Location | Part]


class ReachError(UsageError):
    """A key cannot be for that.

    Attributes:
        field: What is wrong.
        value: The id that nothing has, if that is it.
    """

    def __init__(self, text: str, field: str, value: str | None = None) -> None:
        """Say what is wrong, and where."""
        super().__init__(text)
        self.field = field
        self.value = value


class Reach(NamedTuple):
    """What a key is for; without locations and machines it is for all of the organizations."""

    organization_ids: frozenset[str]
    location_ids: frozenset[str] = frozenset()
    robot_ids: frozenset[str] = frozenset()


def reach_of(fleet: Fleet, **owners_by_field: Named) -> Reach:
    """The reach of a key of `organizations`, of `locations` or of `machines`.

    Raises:
        ReachError: None or several of them are given, or one is not in the fleet.
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
    """The organization of what has that id, and the id that a key names."""
    if field == "organizations" and fleet.has_organization(one):
        return one, one
    for part in fleet:
        if field == "locations" and part.location_id == one:
            return part.organization_id, one
        if field == "machines" and one in (part.id, part.robot_id):
            return part.organization_id, part.robot_id
    text = f"no {field.removesuffix('s')} has the id {one!r}"
    raise ReachError(text, f"{field}[{at}]", one)


def _ids(field: str, owner: object) -> list[str]:
    listed = [owner] if isinstance(owner, str) or not isinstance(owner, Iterable) else list(owner)
    ids: list[str] = []
    for one in listed:
        if not isinstance(one, str | Organization | Location | Part):
            raise ReachError(f"{field} must be ids, or things of the fleet, got {one!r}", field)
        ids.append(one if isinstance(one, str) else one.id)
    return ids
