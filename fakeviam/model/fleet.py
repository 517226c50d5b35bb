"""The fleet: organizations, their locations, robots and parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from fakeviam.model.checks import check_type, check_whole_number
from fakeviam.model.errors import UsageError
from fakeviam.model.finding import find_named
from fakeviam.model.names import wrong_name
from fakeviam.model.offered import offers
from fakeviam.model.text import counted, is_text, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.model.ids import Ids


@dataclass(frozen=True, kw_only=True, slots=True)
class Organization:
    """An organization; `id` is a UUID."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A location of an organization; `id` is ten lower-case letters and digits."""

    id: str
    name: str
    organization_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Robot:
    """A machine at a location; `id` is a UUID."""

    id: str
    name: str
    location_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of a robot, with all ids and names that the service derives from its id (UP-1).

    Attributes:
        internal: Whether its data counts as ingested by Viam itself (PG-10).
        retention_days: Its data is deleted after this many UTC days (RE-1); None keeps it.
    """

    id: str
    name: str
    robot_id: str
    robot_name: str
    location_id: str
    location_name: str
    organization_id: str
    organization_name: str
    internal: bool = False
    retention_days: int | None = None

    def __repr__(self) -> str:
        owners = f"{self.organization_name}/{self.location_name}/{self.robot_name}"
        return f"<Part {self.name!r} of {owners}, id {self.id}>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """User-defined metadata of an organization, a location, a robot or a part (AP-7).

    Attributes:
        id: The id of its owner.
        text: The metadata, a JSON object as text.
    """

    id: str
    text: str


#: Exists in every fake from the start, with fixed ids that documentation and scripts may use.
DEFAULT_PART = Part(
    id="f4ce0000-0000-4000-8000-0000000000c1",
    name="fake-robot-main",
    robot_id="f4ce0000-0000-4000-8000-0000000000b1",
    robot_name="fake-robot",
    location_id="fakelab001",
    location_name="fake-location",
    organization_id="f4ce0000-0000-4000-8000-0000000000a1",
    organization_name="fake-org",
)


_Owner = TypeVar("_Owner", bound=Organization | Location | Robot)

_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetState:
    """The contents of a fleet, in order of creation."""

    organizations: tuple[Organization, ...]
    locations: tuple[Location, ...]
    robots: tuple[Robot, ...]
    parts: tuple[Part, ...]
    metadata: tuple[Metadata, ...] = ()

    def with_one(self, one: Part | Metadata) -> FleetState:
        """With this part or metadata, replacing the one with the same id."""
        if isinstance(one, Part):
            return self.with_part(one)
        metadata = {entry.id: entry for entry in self.metadata} | {one.id: one}
        return replace(self, metadata=tuple(metadata.values()))

    def with_part(self, part: Part) -> FleetState:
        """With this part, replacing the one with the same id."""
        organization, location, robot = owners_of(part)
        parts = {one.id: one for one in self.parts} | {part.id: part}
        return replace(
            self,
            organizations=_with(self.organizations, organization),
            locations=_with(self.locations, location),
            robots=_with(self.robots, robot),
            parts=tuple(parts.values()),
        )


_NOTHING = FleetState(organizations=(), locations=(), robots=(), parts=())


@offers(
    "add_part",
    "find_location",
    "find_organization",
    "find_part",
    "find_robot",
    "locations",
    "organizations",
    "part",
    "parts",
    "rename_part",
    "robots",
    "set_retention",
)
class Fleet:
    """The organizations, locations, robots and parts of a cloud.

    Attributes:
        keeper: Persists a new or renamed part, or metadata, and then calls the function that
            applies it.
    """

    def __init__(self, *, ids: Ids) -> None:
        """Create a fleet with the default part; `ids` generates all other ids."""
        self.keeper: Callable[[Part | Metadata, Callable[[], object]], None] | None = None
        self._ids = ids
        self.restore(_NOTHING.with_part(DEFAULT_PART))

    def __getitem__(self, name: str) -> Part:
        """The part with this name or id, see `find_part`."""
        return self.find_part(name)

    def __iter__(self) -> Iterator[Part]:
        return iter(tuple(self._parts.values()))

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        names = [f"{p.organization_name}/{p.location_name}/{p.robot_name}/{p.name}" for p in self]
        text = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        return f"<Fleet of {counted(len(names), 'part')}: {text}>"

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """Every organization, in order of creation."""
        return tuple(self._organizations.values())

    @property
    def locations(self) -> tuple[Location, ...]:
        """Every location, in order of creation."""
        return tuple(self._locations.values())

    @property
    def robots(self) -> tuple[Robot, ...]:
        """Every robot, in order of creation."""
        return tuple(self._robots.values())

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every part, in order of creation."""
        return tuple(self._parts.values())

    def state(self) -> FleetState:
        """The contents of the fleet."""
        return FleetState(
            organizations=tuple(self._organizations.values()),
            locations=tuple(self._locations.values()),
            robots=tuple(self._robots.values()),
            parts=tuple(self._parts.values()),
            metadata=tuple(self._metadata.values()),
        )

    def restore(self, state: FleetState) -> None:
        """Replace the contents; the keeper is not called."""
        self._organizations: dict[str, Organization] = {one.id: one for one in state.organizations}
        self._locations: dict[str, Location] = {one.id: one for one in state.locations}
        self._robots: dict[str, Robot] = {one.id: one for one in state.robots}
        self._parts: dict[str, Part] = {one.id: one for one in state.parts}
        self._metadata: dict[str, Metadata] = {one.id: one for one in state.metadata}

    def twin(self, ids: Ids) -> Fleet:
        """Return an independent copy; `ids` generates the ids of its additions."""
        twin = Fleet(ids=ids)
        twin.restore(self.state())
        return twin

    def part(self, part_id: str) -> Part | None:
        """The part with this id, if there is one."""
        if not isinstance(part_id, str):
            raise UsageError(f"part_id must be text, got {short(part_id)}")
        return self._parts.get(part_id)

    def find_part(self, name: str) -> Part:
        """The part with this name or id.

        Raises:
            UsageError: There is none, or several; the message lists them.
        """
        return find_named("part", name, self._parts.values())

    def find_robot(self, name: str) -> Robot:
        """The robot with this name or id; raises like `find_part`."""
        return find_named("robot", name, self._robots.values())

    def find_location(self, name: str) -> Location:
        """The location with this name or id; raises like `find_part`."""
        return find_named("location", name, self._locations.values())

    def find_organization(self, name: str) -> Organization:
        """The organization with this name or id; raises like `find_part`."""
        return find_named("organization", name, self._organizations.values())

    def has_organization(self, organization_id: str) -> bool:
        """Whether there is an organization with this id."""
        return organization_id in self._organizations

    def add_part(
        self,
        name: str,
        *,
        robot: str = DEFAULT_PART.robot_name,
        location: str = DEFAULT_PART.location_name,
        organization: str = DEFAULT_PART.organization_name,
        internal: bool = False,
        retention_days: int | None = None,
    ) -> Part:
        """Add a part; its robot, location and organization are created if they do not exist.

        Args:
            name: Name of the part; unique on its robot.
            robot: Name of its robot; unique at the location.
            location: Name of the location; unique in the organization.
            organization: Name of the organization.
            internal: Count the part's data as ingested by Viam itself (PG-10).
            retention_days: Delete the part's data after this many UTC days (RE-1).

        Raises:
            UsageError: A name is blank, the robot has a part of that name, or retention_days is
                not a whole number from 1.
        """
        _check_days(retention_days)
        _check_names(name=name, robot=robot, location=location, organization=organization)
        check_type("internal", internal, bool)
        owner = self._organization(organization)
        place = self._location(location, owner)
        machine = self._robot(robot, place)
        self._check_free(name, machine)
        part = Part(
            id=self._ids.uuid(),
            name=name,
            robot_id=machine.id,
            robot_name=machine.name,
            location_id=place.id,
            location_name=place.name,
            organization_id=owner.id,
            organization_name=owner.name,
            internal=internal,
            retention_days=retention_days,
        )
        self._commit(part)
        return part

    def set_retention(self, part_id: str, days: int | None) -> Part:
        """Set the retention of a part in UTC days; None keeps its data for ever (RE-1).

        Raises:
            UsageError: There is no such part, or `days` is not a whole number from 1.
        """
        _check_days(days)
        part = replace(self._existing(part_id), retention_days=days)
        self._commit(part)
        return part

    def rename_part(self, part_id: str, name: str) -> Part:
        """Rename a part; data that it has uploaded keeps the old name (UP-10).

        Raises:
            UsageError: There is no such part, the name is blank, or its robot has another
                part of that name.
        """
        _check_names(name=name)
        part = self._existing(part_id)
        if name != part.name:
            self._check_free(name, self._robots[part.robot_id])
        renamed = replace(part, name=name)
        self._commit(renamed)
        return renamed

    def _existing(self, part_id: str) -> Part:
        part = self.part(part_id)
        if part is None:
            raise UsageError(f"no part has the id {short(part_id)}")
        return part

    def put(self, one: Part | Metadata) -> None:
        """Add or replace a part, with everything it belongs to, or metadata."""
        self._commit(one)

    def metadata_of(self, owner_id: str) -> str:
        """The metadata of the owner with this id, a JSON object as text."""
        metadata = self._metadata.get(owner_id)
        return "{}" if metadata is None else metadata.text

    def _commit(self, one: Part | Metadata) -> None:
        if self.keeper is None:
            self._put(one)
        else:
            self.keeper(one, lambda: self._put(one))

    def _put(self, one: Part | Metadata) -> None:
        if isinstance(one, Metadata):
            self._metadata[one.id] = one
        else:
            self._put_part(one)

    def _put_part(self, part: Part) -> None:
        owner, place, machine = owners_of(part)
        self._organizations.setdefault(owner.id, owner)
        self._locations.setdefault(place.id, place)
        self._robots.setdefault(machine.id, machine)
        self._parts[part.id] = part

    def _check_free(self, name: str, robot: Robot) -> None:
        if any(part.robot_id == robot.id and part.name == name for part in self):
            message = f"robot {robot.name!r} already has a part named {name!r}"
            raise UsageError(message)

    def _organization(self, name: str) -> Organization:
        for organization in self._organizations.values():
            if organization.name == name:
                return organization
        return Organization(id=self._ids.uuid(), name=name)

    def _location(self, name: str, owner: Organization) -> Location:
        for location in self._locations.values():
            if location.name == name and location.organization_id == owner.id:
                return location
        return Location(id=self._ids.location_id(), name=name, organization_id=owner.id)

    def _robot(self, name: str, place: Location) -> Robot:
        for robot in self._robots.values():
            if robot.name == name and robot.location_id == place.id:
                return robot
        return Robot(id=self._ids.uuid(), name=name, location_id=place.id)


def owners_of(part: Part) -> tuple[Organization, Location, Robot]:
    """The organization, location and robot of a part."""
    return (
        Organization(id=part.organization_id, name=part.organization_name),
        Location(
            id=part.location_id, name=part.location_name, organization_id=part.organization_id
        ),
        Robot(id=part.robot_id, name=part.robot_name, location_id=part.location_id),
    )


def _with(owners: tuple[_Owner, ...], one: _Owner) -> tuple[_Owner, ...]:
    return owners if one.id in {other.id for other in owners} else (*owners, one)


def _check_days(days: int | None) -> None:
    if days is not None:
        check_whole_number("retention_days", days, minimum=1)


def _check_names(**names: str) -> None:
    for field, value in names.items():
        # A lone surrogate could not be encoded in replies and archives later.
        if not is_text(value):
            raise UsageError(f"{field} must be text that UTF-8 can encode, got {short(value)}")
        if wrong := wrong_name(value):
            raise UsageError(f"{field} {wrong}")
