"""Filters: each field alone, in combination, and what constrains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks.base import BASE, SECOND, Check, small_world
from fakeviam_contracts.model import Ask, Origin

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session


def _asks(here: Origin, there: Origin) -> dict[str, tuple[tuple[str, ...], list[Ask]]]:
    """Questions by the name of their check, with their clauses; `here` and `there` are parts."""
    both = (here, there)
    return {
        "no filter": (("FI-3",), [Ask()]),
        "component name": (("FI-1", "FI-4"), [Ask(component_name=n) for n in ("cam", "Cam", "ca")]),
        "component type": (("FI-1", "FI-4"), [Ask(component_type=t) for t in ("camera", "Camera")]),
        "method": (("FI-1", "FI-4"), [Ask(method=m) for m in ("ReadImage", "readimage", "Read")]),
        "robot name": (("FI-1", "FI-4"), [Ask(robot_name=p.robot_name) for p in both]),
        "robot id": (("FI-1", "FI-4"), [Ask(robot_id=p.robot_id) for p in both]),
        "part name": (("FI-1", "FI-4"), [Ask(part_name=p.part_name) for p in both]),
        "part id": (("FI-1", "FI-4"), [Ask(part_id=p.part_id) for p in both]),
        "locations": (
            ("FI-5",),
            [
                Ask(location_ids=(here.location_id,)),
                Ask(location_ids=("nobody", there.location_id)),
            ],
        ),
        "organizations": (
            ("FI-5", "FI-15"),
            [
                Ask(organization_ids=(here.organization_id,)),
                Ask(organization_ids=("nobody", here.organization_id)),
                Ask(organization_ids=("nobody",)),
            ],
        ),
        "MIME types": (
            ("FI-5", "A18"),
            [
                Ask(mime_types=("image/jpeg",)),
                Ask(mime_types=("image/jpeg", "image/png")),
                Ask(mime_types=("IMAGE/JPEG",)),
            ],
        ),
        "start": (("FI-13",), [Ask(start=BASE + SECOND), Ask(start=BASE + SECOND + 1)]),
        "end": (("FI-13", "A2", "A3"), [Ask(end=BASE + SECOND), Ask(end=BASE + SECOND - 1)]),
        "interval": (("FI-13", "A2"), [Ask(start=BASE, end=BASE), Ask(start=BASE + 9, end=BASE)]),
        "tags": (
            ("FI-6",),
            [Ask(tags=("dog",)), Ask(tags=("Dog", "bird")), Ask(tags=("do",))],
        ),
        "tags without type": (("FI-6",), [Ask(tags=("dog",), tag_rule="unspecified")]),
        "tagged": (("FI-7",), [Ask(tag_rule="tagged"), Ask(tag_rule="tagged", tags=("cat",))]),
        "untagged": (
            ("FI-7",),
            [Ask(tag_rule="untagged"), Ask(tag_rule="untagged", tags=("cat",))],
        ),
        "empty tags": (("FI-8", "A17"), [Ask(tag_rule="unspecified"), Ask(tag_rule="or")]),
        "box labels": (
            ("FI-10", "A18"),
            [Ask(box_labels=("dog",)), Ask(box_labels=("Dog", "cat")), Ask(box_labels=("do",))],
        ),
        "all together": (
            ("FI-1",),
            [
                Ask(component_name="cam", tags=("dog",)),
                Ask(component_type="camera", mime_types=("image/png",), start=BASE),
                Ask(component_name="cam", method="ReadImage", tags=("Dog",)),
            ],
        ),
        "nothing matches": (("FI-15",), [Ask(robot_name="no such robot"), Ask(tags=("none",))]),
    }


def _look(session: Session, ask: Ask) -> None:
    reads.check_files(session, ask, descending=False)
    reads.check_rows(session, ask, descending=False)
    reads.check_counts(session, ask)
    reads.check_tags(session, ask)
    reads.check_labels(session, ask)


def _boxed_world(session: Session) -> None:
    small_world(session)
    for file, label in ((0, "dog"), (0, "cat"), (1, "Dog")):
        writes.box(session, file, label, (0.0, 0.0, 0.5, 1.0))


def _check(name: str, clauses: tuple[str, ...]) -> Check:
    def run(session: Session) -> None:
        _boxed_world(session)
        for ask in _asks(session.place.parts[0], session.place.parts[-1])[name][1]:
            _look(session, ask)

    return Check(name=f"filter: {name}", clauses=clauses, run=run)


# The questions depend on the parts; their names and clauses do not.
_NOBODY = Origin(
    organization_id="", location_id="", robot_id="", robot_name="", part_id="", part_name=""
)

CHECKS = tuple(_check(name, clauses) for name, (clauses, _) in _asks(_NOBODY, _NOBODY).items())
