"""Filters: each field by itself, combinations, and empty fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, Check, check, small_world
from fakeviam_contracts.model import FilterSpec, Origin
from fakeviam_contracts.session import permission

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session


def _filter_specs(
    here: Origin, there: Origin
) -> dict[str, tuple[tuple[str, ...], list[FilterSpec]]]:
    """Filters by the name of their check, with their clauses; `here` and `there` are parts."""
    both = (here, there)
    return {
        "no filter": (("FI-3",), [FilterSpec()]),
        "component name": (
            ("FI-1", "FI-4"),
            [FilterSpec(component_name=n) for n in ("cam", "Cam", "ca")],
        ),
        "component type": (
            ("FI-1", "FI-4"),
            [FilterSpec(component_type=t) for t in ("camera", "Camera")],
        ),
        "method": (
            ("FI-1", "FI-4"),
            [FilterSpec(method=m) for m in ("ReadImage", "readimage", "Read")],
        ),
        "robot name": (("FI-1", "FI-4"), [FilterSpec(robot_name=p.robot_name) for p in both]),
        "robot id": (("FI-1", "FI-4"), [FilterSpec(robot_id=p.robot_id) for p in both]),
        "part name": (("FI-1", "FI-4"), [FilterSpec(part_name=p.part_name) for p in both]),
        "part id": (("FI-1", "FI-4"), [FilterSpec(part_id=p.part_id) for p in both]),
        "locations": (
            ("FI-1", "FI-5"),
            [
                FilterSpec(location_ids=(here.location_id,)),
                FilterSpec(location_ids=("nobody", there.location_id)),
            ],
        ),
        "organizations": (
            ("FI-1", "FI-5", "FI-15"),
            [
                FilterSpec(organization_ids=(here.organization_id,)),
                FilterSpec(organization_ids=("nobody", here.organization_id)),
                FilterSpec(organization_ids=("nobody",)),
            ],
        ),
        "MIME types": (
            ("FI-1", "FI-5", "A18"),
            [
                FilterSpec(mime_types=("image/jpeg",)),
                FilterSpec(mime_types=("image/jpeg", "image/png")),
                FilterSpec(mime_types=("IMAGE/JPEG",)),
            ],
        ),
        "start": (
            ("FI-13", "A2", "A3"),
            [
                FilterSpec(start=BASE + 1, end=BASE + 7),
                FilterSpec(start=BASE + SECOND),
                FilterSpec(start=BASE + SECOND + 1),
            ],
        ),
        "end": (
            ("FI-13", "A2", "A3"),
            [
                FilterSpec(start=BASE + 1, end=BASE + 7),
                FilterSpec(end=BASE + SECOND),
                FilterSpec(end=BASE + SECOND - 1),
            ],
        ),
        "interval": (
            ("FI-13", "A2"),
            [FilterSpec(start=BASE, end=BASE), FilterSpec(start=BASE + 9, end=BASE)],
        ),
        "tags": (
            ("FI-6",),
            [
                FilterSpec(tags=("dog",)),
                FilterSpec(tags=("dog", "cat", "row", "Dog")),
                FilterSpec(tags=("do",)),
            ],
        ),
        "tags without type": (("FI-6",), [FilterSpec(tags=("dog",), tag_rule="unspecified")]),
        "tagged": (
            ("FI-7",),
            [FilterSpec(tag_rule="tagged"), FilterSpec(tag_rule="tagged", tags=("cat",))],
        ),
        "untagged": (
            ("FI-7",),
            [FilterSpec(tag_rule="untagged"), FilterSpec(tag_rule="untagged", tags=("cat",))],
        ),
        "empty tags": (
            ("FI-8", "A17"),
            [FilterSpec(tag_rule="unspecified"), FilterSpec(tag_rule="or")],
        ),
        "box labels": (
            ("FI-10", "A18"),
            [
                FilterSpec(box_labels=("dog",)),
                FilterSpec(box_labels=("dog", "cat", "Dog")),
                FilterSpec(box_labels=("do",)),
            ],
        ),
        "all together": (
            ("FI-1",),
            [
                FilterSpec(component_name="cam", tags=("dog",)),
                FilterSpec(component_type="camera", mime_types=("image/png",), start=BASE),
                FilterSpec(component_name="cam", method="ReadImage", tags=("Dog",)),
            ],
        ),
        "nothing matches": (
            ("FI-15",),
            [FilterSpec(robot_name="no such robot"), FilterSpec(tags=("none",))],
        ),
    }


def _look(session: Session, spec: FilterSpec) -> None:
    reads.check_files(session, spec, descending=False)
    reads.check_rows(session, spec, descending=False)
    reads.check_counts(session, spec)
    reads.check_tags(session, spec)
    reads.check_labels(session, spec)


def _boxed_world(session: Session) -> None:
    small_world(session)
    for file, label in ((0, "dog"), (0, "cat"), (1, "Dog")):
        writes.box(session, file, label, (0.0, 0.0, 0.5, 1.0))


def _check(name: str, clauses: tuple[str, ...]) -> Check:
    def run(session: Session) -> None:
        _boxed_world(session)
        for spec in _filter_specs(session.place.parts[0], session.place.parts[-1])[name][1]:
            _look(session, spec)

    return Check(name=f"filter: {name}", clauses=clauses, run=run)


@check("FI-18")
def intervals_inside_out(session: Session) -> None:
    """An interval that ends before it starts selects nothing."""
    writes.upload_many(session, 3)
    filter_ = raw.mine(session)
    filter_.interval.start.CopyFrom(timestamp_from(BASE + 3 * SECOND))
    filter_.interval.end.CopyFrom(timestamp_from(BASE))
    request = data.BinaryDataByFilterRequest(data_request=data.DataRequest(filter=filter_))
    answer = session.wire.call("BinaryDataByFilter", request)
    reply = session.outcome("FI-13", "BinaryDataByFilter", answer, [permission("FI-18")])
    if reply is not None:
        session.expect("FI-18", "files of an interval inside out", 0, len(reply.data))


# The filters depend on the parts; their names and clauses do not.
_NOBODY = Origin(
    organization_id="", location_id="", robot_id="", robot_name="", part_id="", part_name=""
)

CHECKS = (
    *(_check(name, clauses) for name, (clauses, _) in _filter_specs(_NOBODY, _NOBODY).items()),
    intervals_inside_out,
)
