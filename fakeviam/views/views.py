"""The views of a cloud: its files, its readings, its datasets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from fakeviam.model.clock import moment_of
from fakeviam.model.datasets import Dataset, DatasetType
from fakeviam.model.errors import UsageError
from fakeviam.views.conditions import Condition, Field, moment, pattern
from fakeviam.views.stored import (
    StoredDataset,
    StoredFile,
    StoredReading,
    stored_file,
    stored_reading,
)
from fakeviam.views.view import RowSource, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.fleet import Fleet
    from fakeviam.store.base import Store

    #: A store that does not change while it is read.
    Look = Callable[[], Store]

_TEXTS = (
    *("file_id", "mime_type", "component_name", "component_type", "method_name"),
    *("part_id", "part_name", "robot_id", "robot_name", "location_id", "organization_id"),
)
_TIMES = ("time_requested", "time_received", "time_synced")


def file_view(look: Look, fleet: Fleet) -> View[StoredFile]:
    """The files of a cloud."""
    return View(_file_source(look, fleet))


def _file_source(look: Look, fleet: Fleet) -> RowSource[StoredFile]:
    fields = {
        "id": _text("id"),
        "name": Field(kind=str, expected="text", read=attrgetter("name"), resolve=_pattern),
        "extension": _text("extension"),
        "data": Field(kind=bytes, expected="bytes", read=attrgetter("data")),
        "size": Field(kind=int, expected="a whole number", read=attrgetter("size")),
        "dataset_ids": _text("dataset_ids", many=True),
        "dataset": Field(
            kind=str,
            expected="the name or id of a dataset, or a StoredDataset",
            read=attrgetter("dataset_ids"),
            many=True,
            resolve=lambda value: _dataset_id(value, look),
        ),
        "labels": _text("labels", many=True),
        "label": _text("labels", many=True),
        **_common_fields(fleet),
    }
    return RowSource(
        one="file",
        rows=lambda: (stored_file(row.record, row.data) for row in look().binary_rows()),
        count=lambda: look().stats().binary.records,
        fields=fields,
        names_of=lambda file: (file.name or file.file_id, file.file_id, file.id),
    )


def reading_view(look: Look, fleet: Fleet) -> View[StoredReading]:
    """The readings of a cloud."""
    fields = {
        "id": _text("id"),
        "data": Field(kind=Mapping, expected="a dict", read=lambda reading: dict(reading.data)),
        **_common_fields(fleet),
    }
    del fields["mime_type"]
    source = RowSource(
        one="reading",
        rows=lambda: (stored_reading(row.record) for row in look().tabular_rows()),
        count=lambda: look().stats().tabular.records,
        fields=fields,
        names_of=lambda reading: (reading.id,),
    )
    return View(source)


def dataset_view(look: Look, fleet: Fleet) -> View[StoredDataset]:
    """The datasets of a cloud."""
    files = _file_source(look, fleet)

    def stored(dataset: Dataset) -> StoredDataset:
        members = Condition(
            name="dataset", wanted=dataset.id, field=_text("dataset_ids", many=True)
        )
        return StoredDataset(
            id=dataset.id,
            name=dataset.name,
            organization_id=dataset.organization_id,
            type="sequence" if dataset.type is DatasetType.SEQUENCE_DATA else "binary",
            time_created=moment_of(dataset.time_created),
            files=View(files, (members,)),
        )

    source = RowSource(
        one="dataset",
        rows=lambda: map(stored, look().all_datasets()),
        count=lambda: look().stats().datasets,
        fields={
            **{name: _text(name) for name in ("id", "name", "type")},
            **_owners("organization", fleet),
            "time_created": _time("time_created"),
        },
        names_of=lambda dataset: (dataset.name, dataset.id),
    )
    return View(source)


def _common_fields(fleet: Fleet) -> dict[str, Field]:
    owners: dict[str, Field] = {}
    for kind in ("part", "robot", "location", "organization"):
        owners |= _owners(kind, fleet)
    return {
        **{name: _text(name) for name in _TEXTS},
        **owners,
        **{name: _time(name) for name in _TIMES},
        "tags": _text("tags", many=True),
        "tag": _text("tags", many=True),
        "component": _text("component_name"),
        "method": _text("method_name"),
        "internal": Field(kind=bool, expected="True or False", read=attrgetter("internal")),
    }


def _text(name: str, *, many: bool = False) -> Field:
    return Field(kind=str, expected="text", read=attrgetter(name), many=many)


def _time(name: str) -> Field:
    expected = "a time such as '2026-01-31T12:00:00Z'"
    return Field(kind=datetime, expected=expected, read=attrgetter(name), resolve=moment)


def _owners(kind: str, fleet: Fleet) -> dict[str, Field]:
    """Look up a part, robot, location or organization: by id, by name, or as an object."""

    def resolve(value: object) -> object:
        value = getattr(value, "id", value)
        return getattr(fleet, f"find_{kind}")(value).id if isinstance(value, str) else value

    read = attrgetter(f"{kind}_id")
    article = "an" if kind == "organization" else "a"
    expected = f"the name or id of {article} {kind}, or {article} {kind.capitalize()}"
    owner = Field(kind=str, expected=expected, read=read, resolve=resolve)
    return {kind: owner, f"{kind}_id": owner}


def _pattern(name: object) -> object:
    return pattern(name) if isinstance(name, str) else name


def _dataset_id(value: object, look: Look) -> object:
    key = getattr(value, "id", value)
    if not isinstance(key, str):
        return value
    datasets = look().all_datasets()
    matches = [each.id for each in datasets if key in (each.id, each.name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(
            f"{len(matches)} datasets are named {key!r}; use an id: {', '.join(matches)}"
        )
    names = ", ".join(repr(each.name) for each in datasets) or "none"
    raise UsageError(f"no dataset has the name or id {key!r}; known datasets: {names}")
