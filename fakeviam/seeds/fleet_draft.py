"""The fleet of a fake together with the parts that a seed adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import DEFAULT_PART, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.model.fleet import FleetState
    from fakeviam.model.ids import Ids
    from fakeviam.seeds.values import PartSeed


@dataclass(frozen=True, slots=True)
class _Level:
    """All organizations, locations, robots or parts.

    Attributes:
        kind: How errors refer to them.
        mint: Makes an id.
        names: Their names by id.
        owners: The id of what each belongs to, by id.
    """

    kind: str
    mint: Callable[[], str]
    names: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def add(self, id_: str, name: str, owner: str) -> None:
        self.names[id_], self.owners[id_] = name, owner

    def find(self, name: str, id_: str, owner: str) -> str:
        """Find the id of an entity, or add the entity (SE-2).

        Raises:
            UsageError: Name and id contradict the existing fleet.
        """
        if id_ in self.names:
            return self._check(id_, name, owner)
        for key, its_name in self.names.items():
            if its_name == name and self.owners[key] == owner:
                if id_:
                    text = f"the {self.kind} {name!r} already has the id {key!r}, not {id_!r}"
                    raise UsageError(text)
                return key
        new = id_ or self.mint()
        self.add(new, name, owner)
        return new

    def _check(self, id_: str, name: str, owner: str) -> str:
        its_name = self.names[id_]
        # Without a name, the id is also the name.
        if name not in (its_name, id_):
            raise UsageError(
                f"the {self.kind} with the id {id_!r} is called {its_name!r}, not {name!r}"
            )
        if self.owners[id_] != owner:
            raise UsageError(
                f"the {self.kind} with the id {id_!r} already belongs to another parent"
            )
        return id_


class FleetDraft:
    """The parts of a fake and those that a seed adds."""

    def __init__(self, fleet: FleetState, ids: Ids) -> None:
        """Start with the existing fleet; `ids` makes new ids."""
        self._state = fleet
        self._organizations = _Level("organization", ids.uuid)
        self._locations = _Level("location", ids.location_id)
        self._robots = _Level("robot", ids.uuid)
        self._levels = _Level("part", ids.uuid)
        self._parts: dict[str, Part] = {}
        for organization in fleet.organizations:
            self._organizations.add(organization.id, organization.name, "")
        for location in fleet.locations:
            self._locations.add(location.id, location.name, location.organization_id)
        for robot in fleet.robots:
            self._robots.add(robot.id, robot.name, robot.location_id)
        for part in fleet.parts:
            self._parts[part.id] = part
            self._levels.add(part.id, part.name, part.robot_id)
        self._named: list[Part] = []
        self.new: list[Part] = []

    def add(self, seed: PartSeed) -> Part:
        """Find the part that a seed names, or create it.

        Raises:
            UsageError: Its names and ids contradict the existing fleet.
        """
        organization = self._organizations.find(seed.organization, seed.organization_id, "")
        location = self._locations.find(seed.location, seed.location_id, organization)
        robot = self._robots.find(seed.robot, seed.robot_id, location)
        id_ = self._levels.find(seed.name, seed.id, robot)
        part = self._parts.get(id_)
        if part is None:
            part = Part(
                id=id_,
                name=self._levels.names[id_],
                robot_id=robot,
                robot_name=self._robots.names[robot],
                location_id=location,
                location_name=self._locations.names[location],
                organization_id=organization,
                organization_name=self._organizations.names[organization],
                internal=seed.internal,
                retention_days=seed.retention_days,
            )
            self._parts[id_] = part
            self.new.append(part)
        elif seed.internal != part.internal:
            text = f"the part {path_of(part)} already exists, with another value of internal"
            raise UsageError(text)
        elif seed.retention_days not in (None, part.retention_days):
            text = f"the part {path_of(part)} already exists, with another retention_days"
            raise UsageError(text)
        self._named.append(part)
        return part

    @property
    def state(self) -> FleetState:
        """The existing fleet and the new parts."""
        state = self._state
        for part in self.new:
            state = state.with_part(part)
        return state

    def find(self, reference: str) -> Part:
        """The part of an id, a name, or names joined by slashes, the part's own last.

        Without a reference: the only part of the seed, or the default part of the fake.

        Raises:
            UsageError: There is none, or more than one.
        """
        if not reference:
            return self._default()
        if reference in self._parts:
            return self._parts[reference]
        ending = f"/{reference}"
        parts = [part for part in self._parts.values() if f"/{path_of(part)}".endswith(ending)]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            raise UsageError(f"no part {reference!r}; known parts: {_paths(self._parts.values())}")
        raise UsageError(f"several parts {reference!r}; choose one of {_paths(parts)}")

    def _default(self) -> Part:
        if len(self._named) == 1:
            return self._named[0]
        if self._named:
            raise UsageError(f"part is missing; choose one of {_paths(self._named)}")
        if DEFAULT_PART.id not in self._parts:
            raise UsageError(f"part is missing; known parts: {_paths(self._parts.values())}")
        return self._parts[DEFAULT_PART.id]

    def organization(self, reference: str) -> str:
        """The id of an organization of that id or name; without any, that of the default part.

        Raises:
            UsageError: There is none, or the seed has several and none is named.
        """
        names = self._organizations.names
        if not reference:
            owners = {part.organization_id for part in self._named}
            if len(owners) > 1:
                text = ", ".join(names[owner] for owner in names if owner in owners)
                raise UsageError(f"organization is missing; choose one of {text}")
            return owners.pop() if owners else self._default().organization_id
        if reference in names:
            return reference
        for id_, name in names.items():
            if name == reference:
                return id_
        known = ", ".join(names.values())
        raise UsageError(f"no organization {reference!r}; expected one of {known}")

    def organization_name(self, organization_id: str) -> str:
        """The name of the organization of that id."""
        return self._organizations.names[organization_id]


def path_of(part: Part) -> str:
    """A part by its names, as seeds write it."""
    return f"{part.organization_name}/{part.location_name}/{part.robot_name}/{part.name}"


def _paths(parts: Iterable[Part]) -> str:
    return ", ".join(map(path_of, parts))
