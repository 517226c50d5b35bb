"""Changes of one file, each after each other: none takes back, or brings back, what another did.

A server that writes a record as it read it, or keeps a copy or an index for one kind of change,
is right about each kind alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks.base import BASE, check
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam_contracts.session import Session

WHOLE = (0.0, 0.0, 1.0, 1.0)
#: The file that is changed; another one stays as it is.
FILE = 0


def _tag(session: Session, number: int) -> None:
    writes.tag(session, [FILE], [f"tag {number}"])


def _untag(session: Session, _: int) -> None:
    tags = session.model.files[FILE].tags or ["none"]
    writes.tag(session, [FILE], tags, remove=True)


def _tag_by_filter(session: Session, number: int) -> None:
    writes.tag_matching(session, FilterSpec(component_type="camera"), [f"by filter {number}"])


def _box(session: Session, number: int) -> None:
    writes.box(session, FILE, f"label {number}", WHOLE)


def _update_box(session: Session, number: int) -> None:
    boxes = session.model.files[FILE].boxes
    if not boxes:
        _box(session, number)
    else:
        writes.update_box(session, FILE, boxes[0].handle, {"label": f"new label {number}"})


def _remove_box(session: Session, number: int) -> None:
    if not session.model.files[FILE].boxes:
        _box(session, number)
    writes.remove_box(session, FILE, session.model.files[FILE].boxes[-1].handle)


def _join(session: Session, _: int) -> None:
    writes.change_members(session, 0, [FILE])


def _leave(session: Session, _: int) -> None:
    writes.change_members(session, 0, [FILE], remove=True)


_KINDS: tuple[Callable[[Session, int], None], ...] = (
    _tag_by_filter, _box, _tag, _join, _update_box, _untag, _remove_box, _leave,
)  # fmt: skip


def _each_after_each() -> Iterator[Callable[[Session, int], None]]:
    """The kinds of changes in an order in which each follows each: a de Bruijn sequence."""
    for at, one in enumerate(_KINDS):
        yield one
        for other in _KINDS[at + 1 :]:
            yield from (one, other)


@check("TA-1", "TA-3", "TR-1", "BX-5", "BU-1", "BR-1", "DM-1", "BL-1", "TG-1", "FI-1", "DF-1")
def each_change_after_each(session: Session) -> None:
    """A file is all that was done to it, and filters of several fields know it, too."""
    for name in ("pets", "cars"):
        writes.create_dataset(session, name)
    for at, datasets in enumerate(([1], [])):
        writes.upload(
            session, way="DataCaptureUpload", part=0, chunks=[b"%d" % at], times=(BASE + at, BASE),
            component_type="camera" if at == FILE else "", extension=".png", datasets=datasets,
        )  # fmt: skip
    for number, change in enumerate(_each_after_each()):
        change(session, number)
        reads.check_by_ids(session, [FILE], with_bytes=False)
        if number % 7 == 0:
            _look(session)
    _untag(session, 0)
    writes.delete_matching(session, FilterSpec(tag_rule="untagged"))


def _look(session: Session) -> None:
    """Ask what the file is by two fields of a filter at once."""
    file = session.model.files[FILE]
    tags = (file.tags or ["none"])[-1:]
    labels = tuple(box.label for box in file.boxes[-1:]) or ("none",)
    reads.check_files(session, FilterSpec(dataset=0, tags=tuple(tags)), descending=False)
    reads.check_files(session, FilterSpec(box_labels=labels, dataset=1), descending=False)
    reads.check_tags(session, FilterSpec(dataset=1))
    reads.check_labels(session, FilterSpec(tags=tuple(tags)))


CHECKS = (each_change_after_each,)
