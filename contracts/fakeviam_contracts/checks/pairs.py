"""Every pair of filter fields, and values that almost match a record."""

from __future__ import annotations

import dataclasses
from itertools import combinations, permutations
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
STRANGE: dict[str, object] = {
    **dict.fromkeys(SCALARS, "nobody"),
    **dict.fromkeys(("location_ids", "organization_ids", "mime_types", "tags", "box_labels"),
                    ("nobody",)),
    "start": BASE + 99 * SECOND,
    "end": BASE - 99 * SECOND,
    "tag_rule": "untagged",
    "dataset": 1,
}  # fmt: skip


def _world(session: Session) -> dict[str, Any]:
    """The small world with boxes and datasets; returns a filter that file 0 matches completely."""
    small_world(session)
    for file, label in ((0, "dog"), (0, "dog"), (1, "cat")):
        writes.box(session, file, label, WHOLE)
    for name in ("pets", "empty"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [0, 2])
    return _met_by(session, session.model.files[0])


def _met_by(session: Session, file: File) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(file.origin, name) for name in SCALARS}
    if session.place.component:
        del values["component_name"]
    return {
        **values,
        "location_ids": (file.origin.location_id,),
        "organization_ids": (file.origin.organization_id,),
        "mime_types": (file.mime_type,),
        "tags": ("dog", "cat"),
        "box_labels": ("dog",),
        "start": file.requested,
        "end": file.requested,
        "dataset": 0,
    }


@check("FI-1", "FI-4", "FI-6", "FI-10", "FI-15")
def pairs_of_fields(session: Session) -> None:
    """Two fields are combined with AND: both match, one does not match, or only by a prefix."""
    values = _world(session)
    of_readings = _of_readings(values)
    for one, other in permutations(values, 2):
        if {one, other} == {"start", "end"}:
            continue
        for value in (STRANGE[other], *_beginning(values[other])):
            spec = FilterSpec(**{one: values[one], other: value})
            reads.check_files(session, spec, limit=100, descending=False)
    for one, other in combinations(values, 2):
        spec = FilterSpec(**{one: values[one], other: values[other]})
        reads.check_files(session, spec, limit=100, descending=False)
    for one, other in permutations(of_readings, 2):
        value = of_readings[one]
        (beginning,) = _beginning(of_readings[other])
        reads.check_rows(session, FilterSpec(**{one: value, other: beginning}))
        reads.check_rows(session, FilterSpec(**{one: value, other: of_readings[other]}))
    for name in values:
        reads.check_rows(session, FilterSpec(**{**_of_readings(values), name: STRANGE[name]}))
        for combination in (
            {**values, name: STRANGE[name]},
            {k: values[k] for k in values if k != name},
        ):
            reads.check_files(session, FilterSpec(**combination), limit=100, descending=False)
            reads.check_counts(session, FilterSpec(**combination), limit=1)


def _beginning(value: object) -> tuple[Any, ...]:
    """The value without its last character; None if it is not text."""
    if isinstance(value, str):
        return (value[:-1],)
    return ((value[0][:-1],),) if isinstance(value, tuple) else ()


def _of_readings(values: dict[str, object]) -> dict[str, Any]:
    """The filter that reading 0 matches: it has the same component."""
    same = ("component_name", "robot_name", "robot_id", "part_name", "part_id", "location_ids",
            "organization_ids", "tags")  # fmt: skip
    scalars = {name: values[name] for name in same if name in values}
    return {**scalars, "component_type": "sensor", "method": "Readings"}


@check("FI-1", "FI-5", "FI-6", "FI-10")
def lists_beside_others(session: Session) -> None:
    """Any value of a list may match, in combination with every other field."""
    values = _world(session)
    lists = [name for name, value in values.items() if isinstance(value, tuple)]
    for name in lists:
        for other in values:
            for several in ((*values[name], "nobody"), ("nobody", *values[name])):
                spec = FilterSpec(**{other: values[other], name: several})
                reads.check_files(session, spec, limit=100, descending=False)


@check("FI-1", "FI-6", "FI-7", "FI-11", "FI-12")
def tags_beside_others(session: Session) -> None:
    """Tag rules combine with all other fields."""
    values = _world(session)
    for rule in ("tagged", "untagged"):
        for name in values:
            if name != "tags":
                for value in (values[name], STRANGE[name]):
                    fields: dict[str, Any] = {name: value, "tag_rule": rule}
                    spec = FilterSpec(**fields)
                    reads.check_files(session, spec, limit=100, descending=False)
    # The name of a dataset is a tag of nobody.
    reads.check_files(session, FilterSpec(tags=("pets",)), descending=False)
    for dataset in (0, 1):
        for tags in (("dog",), ("Dog", "bird"), ("none",)):
            reads.check_files(session, FilterSpec(dataset=dataset, tags=tags))


@check("FI-1", "FI-4", "FI-6", "FI-10", "FI-15")
def values_nearly_right(session: Session) -> None:
    """A prefix, a suffix, another case, or an additional space do not match."""
    values = _world(session)
    row = FilterSpec(**_of_readings(values))
    for name in values:
        if name in ("start", "end", "dataset"):
            continue
        value = values[name]
        text = value if isinstance(value, str) else value[0]
        for wrong in _nearly(text):
            combination: dict[str, Any] = {name: wrong if isinstance(value, str) else (wrong,)}
            reads.check_files(session, FilterSpec(**combination), descending=False)
            if name in _of_readings(values):
                reads.check_rows(session, dataclasses.replace(row, **combination))


def _nearly(text: str) -> Iterator[str]:
    yield from (text[:-1], text[1:], f"{text}x", f" {text}", f"{text} ", f"{text[:-1]}*")
    if text.swapcase() != text:
        yield text.swapcase()


@check("TA-3", "TR-1", "DF-1")
def changes_by_each_field(session: Session) -> None:
    """Tagging, untagging and deleting by any field, or two, affect exactly the matching files."""
    values, strange = _world(session), dict[str, Any](STRANGE)
    mine, names = FilterSpec(), [*values]
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        for tag, wanted in (
            (name, {name: values[name]}),
            (f"{name} of nobody", {name: strange[name], other: values[other]}),
        ):
            writes.tag_matching(session, FilterSpec(**wanted), [tag, "any"])
    reads.check_files(session, mine, limit=100, descending=False)
    for name, value in strange.items():
        writes.tag_matching(session, FilterSpec(**{name: value}), ["any"], remove=True)
        if name in values:
            spec = FilterSpec(**{name: values[name]})
            writes.tag_matching(session, spec, [name, "dog"], remove=True)
    reads.check_files(session, mine, limit=100, descending=False)
    organization = values["organization_ids"]
    for name, value in strange.items():
        if name != "tag_rule":
            spec = FilterSpec(**{"organization_ids": organization, name: value})
            writes.delete_matching(session, spec)
    reads.check_files(session, mine, limit=100, descending=False)


@check("FI-11")
def datasets_nearly_right(session: Session) -> None:
    """A dataset id that almost matches selects nothing."""
    _world(session)
    (dataset_id, _) = session.handles.datasets
    cased = [dataset_id.swapcase()] if dataset_id.swapcase() != dataset_id else []
    for wrong in (*cased, dataset_id[:-1], f"{dataset_id}0", dataset_id[1:], "nobody", raw.NOBODY):
        page = raw.page(session, "FI-11", "BinaryDataByFilter", raw.mine(session, dataset_id=wrong))
        ignored = "dataset" if len(page.data) == len(session.model.files) else ""
        what = "members of a dataset that does not exist"
        session.expect("FI-11", what, 0, len(page.data), cause=ignored)


@check("PG-8", "A5")
def totals_whatever_the_page(session: Session) -> None:
    """count_only counts all matching records, regardless of limit, order and bytes."""
    values = _world(session)
    for spec in (FilterSpec(), FilterSpec(tags=values["tags"]), FilterSpec(start=values["start"])):
        for limit in (1, 2, 100):
            reads.check_counts(session, spec, limit=limit)
    data_request = data.DataRequest(
        filter=raw.mine(session), limit=1, sort_order=data.ORDER_DESCENDING
    )
    request = data.BinaryDataByFilterRequest(
        data_request=data_request, count_only=True, include_binary=True
    )
    reply = raw.call(session, "PG-8", "BinaryDataByFilter", request)
    session.expect("PG-8", "count with bytes and an order", len(session.model.files), reply.count)


CHECKS = (
    pairs_of_fields,
    lists_beside_others,
    changes_by_each_field,
    tags_beside_others,
    values_nearly_right,
    datasets_nearly_right,
    totals_whatever_the_page,
)
