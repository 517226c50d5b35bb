"""Every field of a filter beside every other, and values that are nearly those of a record."""

from __future__ import annotations

import dataclasses
from itertools import permutations
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check, small_world
from fakeviam_contracts.model import SCALARS, FilterSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_contracts.model import File
    from fakeviam_contracts.session import Session

WHOLE = (0.0, 0.0, 1.0, 1.0)
#: A value of each field that no record has.
STRANGE: dict[str, Any] = {
    **dict.fromkeys(SCALARS, "nobody"),
    **dict.fromkeys(("location_ids", "organization_ids", "mime_types", "tags", "box_labels"),
                    ("nobody",)),
    "start": BASE + 99 * SECOND,
    "end": BASE - 99 * SECOND,
    "tag_rule": "untagged",
    "dataset": 1,
}  # fmt: skip


def _world(session: Session) -> dict[str, Any]:
    """The small world with boxes and datasets; the answer is a filter that file 0 meets in full."""
    small_world(session)
    writes.box(session, 0, "dog", WHOLE)
    writes.box(session, 1, "cat", WHOLE)
    for name in ("pets", "empty"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [0, 2])
    return _met_by(session, session.model.files[0])


def _met_by(session: Session, file: File) -> dict[str, Any]:
    met: dict[str, Any] = {name: getattr(file.origin, name) for name in SCALARS}
    if session.place.component:
        del met["component_name"]
    return {
        **met,
        "location_ids": (file.origin.location_id,),
        "organization_ids": (file.origin.organization_id,),
        "mime_types": (file.mime_type,),
        "tags": ("dog",),
        "box_labels": ("dog",),
        "start": file.requested,
        "end": file.requested,
        "dataset": 0,
    }


@check("FI-1", "FI-15")
def pairs_of_fields(session: Session) -> None:
    """A field that nothing meets hides what another finds, and narrows what all others find."""
    met = _world(session)
    for one, other in permutations(met, 2):
        if {one, other} == {"start", "end"}:
            continue
        spec = FilterSpec(**{one: met[one], other: STRANGE[other]})
        reads.check_files(session, spec, limit=100, descending=False)
    for name in met:
        reads.check_rows(session, FilterSpec(**{**_of_readings(met), name: STRANGE[name]}))
        for chosen in ({**met, name: STRANGE[name]}, {k: met[k] for k in met if k != name}):
            reads.check_files(session, FilterSpec(**chosen), limit=100, descending=False)
            reads.check_counts(session, FilterSpec(**chosen), limit=1)


def _of_readings(met: dict[str, Any]) -> dict[str, Any]:
    """What reading 0 meets: it is of the same component."""
    same = ("component_name", "robot_name", "robot_id", "part_name", "part_id", "location_ids",
            "organization_ids", "tags")  # fmt: skip
    chosen = {name: met[name] for name in same if name in met}
    return {**chosen, "component_type": "sensor", "method": "Readings"}


@check("FI-6", "FI-7", "FI-11", "FI-12")
def tags_beside_others(session: Session) -> None:
    """Rules of tags narrow what other fields find, and are narrowed by them."""
    met = _world(session)
    for rule in ("tagged", "untagged"):
        for name in met:
            if name != "tags":
                spec = FilterSpec(**{name: met[name], "tag_rule": rule})
                reads.check_files(session, spec, limit=100, descending=False)
    for dataset in (0, 1):
        for tags in (("dog",), ("Dog", "bird"), ("none",)):
            reads.check_files(session, FilterSpec(dataset=dataset, tags=tags))


@check("FI-1", "FI-4", "FI-6", "FI-10", "FI-15")
def values_nearly_right(session: Session) -> None:
    """A beginning, an end, other case, a blank more: each of them is another value."""
    met = _world(session)
    row = FilterSpec(**_of_readings(met))
    for name in met:
        if name in ("start", "end", "dataset"):
            continue
        value = met[name]
        text = value if isinstance(value, str) else value[0]
        for wrong in _nearly(text):
            chosen: dict[str, Any] = {name: wrong if isinstance(value, str) else (wrong,)}
            reads.check_files(session, FilterSpec(**chosen), descending=False)
            if name in _of_readings(met):
                reads.check_rows(session, dataclasses.replace(row, **chosen))


def _nearly(text: str) -> Iterator[str]:
    yield from (text[:-1], text[1:], f"{text}x", f" {text}", f"{text} ", f"{text[:-1]}*")
    if text.swapcase() != text:
        yield text.swapcase()


@check("FI-11")
def datasets_nearly_right(session: Session) -> None:
    """An id that is nearly that of a dataset finds no members."""
    _world(session)
    (dataset_id, _) = session.handles.datasets
    for wrong in (dataset_id[:-1], f"{dataset_id}0", dataset_id[1:], "nobody", raw.NOBODY):
        page = raw.page(session, "FI-11", "BinaryDataByFilter", raw.mine(session, dataset_id=wrong))
        session.expect("FI-11", "members of a dataset that does not exist", 0, len(page.data))


@check("PG-8", "A5")
def totals_whatever_the_page(session: Session) -> None:
    """count_only counts all that matches, whatever limit, order and bytes are asked for."""
    met = _world(session)
    for spec in (FilterSpec(), FilterSpec(tags=met["tags"]), FilterSpec(start=met["start"])):
        for limit in (1, 2, 100):
            reads.check_counts(session, spec, limit=limit)
    asked = data.DataRequest(filter=raw.mine(session), limit=1, sort_order=data.ORDER_DESCENDING)
    request = data.BinaryDataByFilterRequest(
        data_request=asked, count_only=True, include_binary=True
    )
    reply = raw.call(session, "PG-8", "BinaryDataByFilter", request)
    session.expect("PG-8", "count with bytes and an order", len(session.model.files), reply.count)


CHECKS = (
    pairs_of_fields,
    tags_beside_others,
    values_nearly_right,
    datasets_nearly_right,
    totals_whatever_the_page,
)
