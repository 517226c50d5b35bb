"""Organizations, locations, robots and parts."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from fakeviam import FakeViam
from fakeviam.model.clock import Clock
from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import DEFAULT_PART, Fleet
from fakeviam.model.ids import Ids


@pytest.fixture
def fleet() -> Fleet:
    return Fleet(ids=Ids(seed=1, clock=Clock(lambda: 0)))


def test_the_fixed_defaults() -> None:
    """Documentation and scripts name them, so they never change (UP-1)."""
    assert FakeViam.api_key_id == "f4ce0000-0000-4000-8000-000000000001"
    assert FakeViam.api_key == "fakeviam-api-key"
    part = FakeViam.default_part
    assert part.organization_id == "f4ce0000-0000-4000-8000-0000000000a1"
    assert part.location_id == "fakelab001"
    assert part.robot_id == "f4ce0000-0000-4000-8000-0000000000b1"
    assert part.robot_name == "fake-robot"
    assert part.id == "f4ce0000-0000-4000-8000-0000000000c1"
    assert part.name == "fake-robot-main"
    assert part.organization_name == "fake-org"
    assert part.location_name == "fake-location"
    assert not part.internal


def test_one_of_each_exists_from_the_start(fleet: Fleet) -> None:
    assert list(fleet) == [DEFAULT_PART]
    assert fleet.part(DEFAULT_PART.id) is DEFAULT_PART
    (organization,) = fleet.organizations
    assert (organization.id, organization.name) == (DEFAULT_PART.organization_id, "fake-org")
    assert fleet.has_organization(organization.id)


def test_the_defaults_of_a_part_are_the_default_parts(fleet: Fleet) -> None:
    part = fleet.add_part("arm")
    assert part.robot_id == DEFAULT_PART.robot_id
    assert part.location_id == DEFAULT_PART.location_id
    assert part.organization_id == DEFAULT_PART.organization_id
    assert part.id != DEFAULT_PART.id
    assert list(fleet) == [DEFAULT_PART, part]


def test_new_names_make_new_things(fleet: Fleet) -> None:
    """In the shapes of the service (UP-1)."""
    part = fleet.add_part("main", robot="rover", location="lab", organization="acme")
    names = (part.name, part.robot_name, part.location_name, part.organization_name)
    assert names == ("main", "rover", "lab", "acme")
    for uuid in (part.id, part.robot_id, part.organization_id):
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)
    assert re.fullmatch(r"[a-z0-9]{10}", part.location_id)
    assert len({part.id, part.robot_id, part.organization_id, part.location_id}) == 4
    assert [o.name for o in fleet.organizations] == ["fake-org", "acme"]
    assert fleet.part(part.id) == part


def test_names_that_exist_are_the_same_things(fleet: Fleet) -> None:
    one = fleet.add_part("a", robot="rover", location="lab", organization="acme")
    two = fleet.add_part("b", robot="rover", location="lab", organization="acme")
    assert one.id != two.id
    assert (one.robot_id, one.location_id) == (two.robot_id, two.location_id)
    assert one.organization_id == two.organization_id


def test_names_are_looked_up_where_they_belong(fleet: Fleet) -> None:
    """The same name elsewhere is another robot, another location, another part."""
    one = fleet.add_part("a", robot="rover", location="lab", organization="acme")
    elsewhere = fleet.add_part("a", robot="rover", location="hall", organization="acme")
    abroad = fleet.add_part("a", robot="rover", location="lab", organization="other")
    assert len({one.robot_id, elsewhere.robot_id, abroad.robot_id}) == 3
    assert len({one.location_id, elsewhere.location_id, abroad.location_id}) == 3
    assert one.organization_id == elsewhere.organization_id != abroad.organization_id
    assert len({part.id for part in fleet}) == 4


def test_a_part_twice_is_refused(fleet: Fleet) -> None:
    fleet.add_part("arm")
    with pytest.raises(UsageError, match="robot 'fake-robot' already has a part named 'arm'"):
        fleet.add_part("arm")
    with pytest.raises(UsageError, match="'fake-robot-main'"):
        fleet.add_part("fake-robot-main")
    fleet.add_part("arm", robot="other")
    assert len(list(fleet)) == 3


@pytest.mark.parametrize("field", ["name", "robot", "location", "organization"])
@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_blank_names_are_refused(fleet: Fleet, field: str, blank: str) -> None:
    """And make nothing."""
    names: dict[str, Any] = {"name": "a", "organization": "new", field: blank}
    with pytest.raises(UsageError, match=re.escape(f"{field} must not be blank, got {blank!r}")):
        fleet.add_part(**names)
    assert list(fleet) == [DEFAULT_PART]
    assert len(fleet.organizations) == 1


@pytest.mark.parametrize("field", ["name", "robot", "location", "organization"])
@pytest.mark.parametrize("other", ["\ud800", "a\udfff", 7, None, b"arm"])
def test_names_are_text_that_can_be_sent(fleet: Fleet, field: str, other: Any) -> None:
    """And make nothing."""
    names: dict[str, Any] = {"name": "a", "organization": "new", field: other}
    with pytest.raises(UsageError, match=f"^{field} must be text that UTF-8 can encode, got "):
        fleet.add_part(**names)
    assert list(fleet) == [DEFAULT_PART]
    with pytest.raises(UsageError, match=r"^name must be text"):
        fleet.rename_part(DEFAULT_PART.id, other)


def test_a_part_may_be_internal(fleet: Fleet) -> None:
    """Then what it uploads counts as ingested by Viam itself (PG-10)."""
    assert fleet.add_part("slam", internal=True).internal
    assert not fleet.add_part("arm").internal


def test_a_part_may_be_renamed(fleet: Fleet) -> None:
    """Under the same id; the old value stays as it was (UP-10)."""
    part = fleet.add_part("old")
    renamed = fleet.rename_part(part.id, "new")
    assert fleet.part(part.id) is renamed
    assert (renamed.id, renamed.name, part.name) == (part.id, "new", "old")


def test_renaming_is_checked_as_adding_is(fleet: Fleet) -> None:
    """Unknown parts, blank names and names that are taken are told."""
    part = fleet.add_part("arm")
    with pytest.raises(UsageError, match="no part has the id 'x'"):
        fleet.rename_part("x", "new")
    with pytest.raises(UsageError, match="name must not be blank"):
        fleet.rename_part(part.id, " ")
    with pytest.raises(UsageError, match="already has a part named 'fake-robot-main'"):
        fleet.rename_part(part.id, "fake-robot-main")
    assert fleet.rename_part(part.id, "arm").name == "arm"


def test_unknown_things_are_unknown(fleet: Fleet) -> None:
    assert fleet.part("x") is None
    assert fleet.part("") is None
    assert not fleet.has_organization("")


def test_a_fleet_may_grow_while_it_is_walked(fleet: Fleet) -> None:
    for part in fleet:
        fleet.add_part(f"beside {part.name}")
    assert len(list(fleet)) == 2


def test_parts_are_values(fleet: Fleet) -> None:
    with pytest.raises(FrozenInstanceError):
        fleet.add_part("arm").name = "leg"  # type: ignore[misc]
