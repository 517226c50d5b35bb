"""Deletes."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import Need, check, small_world
from fakeviam_contracts.model import DAY, FilterSpec

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session


@check("DI-1", "A13", "A54", "ID-6")
def by_ids(session: Session) -> None:
    """The files with these ids, each counted once; files that are already deleted do not count."""
    small_world(session)
    writes.create_dataset(session, "pets")
    writes.change_members(session, 0, [0, 1])
    writes.delete_files(session, [0, 0, 2])
    writes.delete_files(session, [0, 3], form="message")
    writes.delete_files(session, [0, 4], form="both")
    reads.check_by_ids(session, [0, 1, 2, 3])
    writes.check_datasets(session, clause="A54")
    reads.check_files(session, FilterSpec(dataset=0), descending=False)
    reads.check_files(session, FilterSpec(), descending=False, with_bytes=True)
    reads.check_rows(session, FilterSpec(), descending=False)


@check("ID-5", "A12", "DM-8")
def no_ids(session: Session) -> None:
    """A request without ids is an error, and deletes nothing."""
    small_world(session)
    writes.delete_files(session, [])
    reads.check_by_ids(session, [])
    writes.create_dataset(session, "pets")
    for remove in (False, True):
        writes.change_members(session, 0, [], remove=remove)
    reads.check_files(session, FilterSpec(), descending=False)


@check("DF-1", "DF-4", "A16")
def by_filter(session: Session) -> None:
    """Matching files are deleted and counted; readings remain."""
    small_world(session)
    organization = (session.place.organization_id,)
    writes.delete_matching(session, FilterSpec(tags=("cat", "dog"), organization_ids=organization))
    reads.check_files(session, FilterSpec(), descending=False)
    writes.delete_matching(session, FilterSpec(tags=("none",), organization_ids=organization))
    writes.delete_matching(session, FilterSpec())
    page = raw.page(session, "TD-1", "TabularDataByFilter", raw.mine(session))
    session.expect("DF-1", "readings that are left", len(session.model.rows), len(page.data))
    reads.check_files(session, FilterSpec(), descending=False)
    reads.check_rows(session, FilterSpec(), descending=False)


def _days(session: Session) -> None:
    if session.place.now is None:
        return
    now = session.place.now()
    midnight = now - now % DAY
    times = [now, midnight, midnight - 1, midnight - DAY, midnight - DAY - 1, midnight - 3 * DAY]
    for at, time in enumerate(times):
        writes.upload_rows(
            session,
            part=at % len(session.place.parts),
            rows=[{"readings": {"n": float(at)}}],
            times=[(time, now)],
            component=f"sensor-{at % 2}",
            tags=["dog"] if at % 3 else [],
        )


@check("DT-1", "DT-2", "DT-4", needs=(Need.CLOCK,))
def readings_by_days(session: Session) -> None:
    """Readings are deleted by UTC calendar days; 0 deletes all."""
    for days in (9, 3, 2, 1, 0):
        _days(session)
        writes.delete_rows(session, days, FilterSpec())
        reads.check_rows(session, FilterSpec(), descending=False)


@check("DT-3", needs=(Need.CLOCK,))
def readings_by_days_and_filter(session: Session) -> None:
    """A filter selects among them."""
    for spec in (
        FilterSpec(tags=("dog",)),
        FilterSpec(part_id=session.place.parts[-1].part_id),
        FilterSpec(component_name="sensor-1"),
        FilterSpec(tag_rule="untagged"),
    ):
        _days(session)
        writes.delete_rows(session, 1, spec)
        reads.check_rows(session, FilterSpec(), descending=False)


@check("DT-1", "DT-3", "DT-4")
def all_readings(session: Session) -> None:
    """All readings of a filter regardless of their age, which needs no clock."""
    for spec in (
        FilterSpec(component_type="sensor", method="Readings"),
        FilterSpec(tags=("dog", "row")),
        FilterSpec(part_id=session.place.parts[-1].part_id),
        FilterSpec(robot_id=session.place.parts[-1].robot_id),
        FilterSpec(location_ids=(session.place.parts[-1].location_id,)),
        FilterSpec(component_type="nothing"),
        FilterSpec(method="Nothing"),
        FilterSpec(tag_rule="untagged"),
        FilterSpec(),
    ):
        small_world(session, files=1)
        if spec == FilterSpec():
            _none_of_two_fields(session)
        writes.delete_rows(session, 0, spec)
        reads.check_rows(session, FilterSpec(), descending=False)
    reads.check_files(session, FilterSpec(), descending=False)


def _none_of_two_fields(session: Session) -> None:
    """Two fields are combined with AND: what one of them does not match is not deleted."""
    part = session.place.parts[0]
    met: dict[str, Any] = {
        "location_ids": (part.location_id,),
        "robot_id": part.robot_id,
        "part_id": part.part_id,
        "component_type": "sensor",
        "method": "Readings",
        "tags": ("dog", "row"),
    }
    for name, other in permutations(met, 2):
        nobody = "nobody" if isinstance(met[other], str) else ("nobody",)
        writes.delete_rows(session, 0, FilterSpec(**{name: met[name], other: nobody}))


CHECKS = (by_ids, no_ids, by_filter, all_readings, readings_by_days, readings_by_days_and_filter)
