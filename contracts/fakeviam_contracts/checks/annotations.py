"""Tags and bounding boxes."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING

from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks.base import check, small_world
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

WHOLE = (0.0, 0.0, 1.0, 1.0)


@check("TA-1", "TA-5", "TA-6", "ID-1", "A14")
def tags_are_added(session: Session) -> None:
    """Tags are added once, in order, case-sensitively, with every form of id."""
    small_world(session)
    for form in ("string", "message", "both"):
        writes.tag(session, [0, 4], ["dog", "Dog", "new", "new"], form=form)
        writes.tag(session, [4, 5], [form, "a b", "größe"], form=form)
        reads.check_by_ids(session, [0, 4, 5])
    reads.check_tags(session, FilterSpec())


@check("TR-1", "TR-2", "A8", "TR-3", "TA-1")
def tags_are_removed(session: Session) -> None:
    """Existing tags are removed and counted; the others keep their order."""
    small_world(session)
    writes.tag(session, [0], ["x", "y", "z"])
    writes.tag(session, [0, 1, 4], ["dog", "x", "none"], remove=True)
    reads.check_by_ids(session, [0, 1, 2, 4])
    writes.tag(session, [0], ["none"], remove=True)
    # One that is not there comes first, and one that was removed comes back.
    writes.tag(session, [0], ["none", "y"], remove=True)
    writes.tag(session, [0], ["x", "y"])
    reads.check_by_ids(session, [0])


@check("TA-2", "A12", "ID-5")
def no_tags_or_no_ids(session: Session) -> None:
    """Empty lists are errors, and change nothing."""
    small_world(session)
    for remove in (False, True):
        writes.tag(session, [0], [], remove=remove)
        writes.tag(session, [], ["dog"], remove=remove)
        writes.tag_matching(session, FilterSpec(), [], remove=remove)
    reads.check_files(session, FilterSpec(), descending=False)


@check("TA-1", "TA-3", "TR-1", "A8")
def tags_by_filter(session: Session) -> None:
    """Tags are added to and removed from the records that a filter selects, or all records."""
    small_world(session)
    writes.tag_matching(session, FilterSpec(component_type="camera"), ["seen", "dog"])
    reads.check_files(session, FilterSpec(), descending=False)
    writes.tag_matching(session, FilterSpec(), ["all"])
    reads.check_files(session, FilterSpec(), descending=False)
    writes.tag_matching(session, FilterSpec(tags=("seen",)), ["dog", "all"], remove=True)
    reads.check_files(session, FilterSpec(), descending=False)


@check("TG-1", "A47")
def distinct_tags(session: Session) -> None:
    """The distinct tags of files and readings."""
    small_world(session)
    for spec in (
        FilterSpec(),
        FilterSpec(component_name="cam"),
        FilterSpec(tags=("dog",)),
        FilterSpec(tag_rule="untagged"),
    ):
        reads.check_tags(session, spec)


@check("BX-1", "BX-5", "BX-4")
def boxes_are_added(session: Session) -> None:
    """Boxes keep their corners and confidence; equal boxes are two boxes."""
    small_world(session)
    writes.box(session, 0, "dog", (0.25, 0.5, 0.75, 1.0))
    writes.box(session, 0, "dog", (0.25, 0.5, 0.75, 1.0), confidence=0.0)
    writes.box(session, 1, "猫", (0.5, 0.5, 0.5, 0.5), confidence=1.0)
    # Not powers of two, and with more digits than a careless server would store.
    writes.box(session, 1, "fine", (1 / 3, 5e-9, 1 - 2**-40, 2 / 3), confidence=1 / 7)
    reads.check_by_ids(session, [0, 1, 2])
    reads.check_files(session, FilterSpec(), limit=1, descending=False)
    reads.check_labels(session, FilterSpec())


@check("BX-2", "BX-3", "BX-4", "BX-6", "BX-7")
def bad_boxes(session: Session) -> None:
    """Invalid boxes are refused, and nothing is stored."""
    small_world(session)
    for corners in (
        (-0.1, 0.0, 1.0, 1.0),
        (0.0, 0.0, 1.1, 1.0),
        (nan, 0.0, 1.0, 1.0),
        (0.0, 0.0, 1.0, inf),
        (0.6, 0.0, 0.5, 1.0),
        (0.0, 0.6, 1.0, 0.5),
        (-1e-9, 0.0, 1.0, 1.0),
        (0.0, 0.0, 1.0, 1 + 1e-9),
    ):
        writes.box(session, 0, "dog", corners)
    writes.box(session, 0, "", WHOLE)
    writes.box(session, 0, " ", WHOLE)
    for confidence in (1.5, nan, -1e-9, 1 + 1e-9):
        writes.box(session, 0, "dog", WHOLE, confidence=confidence)
    writes.box(session, 2, "dog", WHOLE)
    writes.box(session, 4, "dog", WHOLE)
    reads.check_files(session, FilterSpec(), descending=False)


@check("BR-1", "BR-2")
def boxes_are_removed(session: Session) -> None:
    """Boxes are removed one at a time; an unknown box is an error."""
    small_world(session)
    for label in ("dog", "cat", "dog"):
        writes.box(session, 0, label, WHOLE)
    writes.box(session, 1, "dog", WHOLE)
    writes.remove_box(session, 0, 1)
    writes.remove_box(session, 0, 1)
    writes.remove_box(session, 0, 3)
    reads.check_labels(session, FilterSpec())
    # One of two boxes that only differ in their ids.
    writes.remove_box(session, 0, 0)
    reads.check_files(session, FilterSpec(), descending=False)
    # The first, the middle and the last of several.
    for label in ("ant", "bee", "cow", "doe"):
        writes.box(session, 1, label, WHOLE)
    for at in (0, 1, -1):
        writes.remove_box(session, 1, session.model.files[1].boxes[at].handle)
        reads.check_by_ids(session, [1])


@check("BU-1", "BU-2", "BU-3", "BU-4")
def boxes_are_updated(session: Session) -> None:
    """Only present fields are updated; an update with an invalid result is refused as a whole."""
    small_world(session)
    writes.box(session, 0, "dog", (0.1, 0.2, 0.3, 0.4), confidence=0.5)
    writes.box(session, 0, "cat", WHOLE)
    reads.check_by_ids(session, [0])
    writes.update_box(session, 0, 0, {"label": "wolf"})
    writes.update_box(session, 0, 0, {"x_min_normalized": 0.0})
    writes.update_box(session, 0, 0, {"confidence": 0.9, "y_max_normalized": 1.0})
    writes.update_box(session, 0, 0, {"x_min_normalized": 0.9})
    writes.update_box(session, 0, 0, {"label": "bear", "x_min_normalized": 1 / 7})
    writes.update_box(session, 0, 0, {"y_min_normalized": 0.0, "confidence": 0.0})
    for wrong in (1.5, 1 + 1e-9):
        writes.update_box(session, 0, 0, {"x_max_normalized": wrong})
    writes.update_box(session, 0, 0, {"label": " "})
    writes.update_box(session, 1, 0, {"label": "elsewhere"})
    reads.check_by_ids(session, [0, 1])


@check("BL-1", "BL-2")
def distinct_labels(session: Session) -> None:
    """The distinct labels, of matching files only."""
    small_world(session)
    for file, label in ((0, "dog"), (0, "dog"), (1, "dog"), (1, "ant"), (3, "bee")):
        writes.box(session, file, label, WHOLE)
    for spec in (
        FilterSpec(),
        FilterSpec(tags=("dog",)),
        FilterSpec(box_labels=("dog",)),
        FilterSpec(tag_rule="untagged"),
    ):
        reads.check_labels(session, spec)


CHECKS = (
    tags_are_added,
    tags_are_removed,
    no_tags_or_no_ids,
    tags_by_filter,
    distinct_tags,
    boxes_are_added,
    bad_boxes,
    boxes_are_removed,
    boxes_are_updated,
    distinct_labels,
)
