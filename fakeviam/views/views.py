"""The views of a cloud: its files, its readings, its datasets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import moment_of
from fakeviam.model.datasets import DatasetType
from fakeviam.model.errors import UsageError
from fakeviam.views.conditions import Condition, Field, moment, pattern
from fakeviam.views.stored import (
    StoredDataset,
    StoredFile,
    StoredReading,
    stored_file,
    stored_reading,
)
from fakeviam.views.view import Source, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.fleet import Fleet
    from fakeviam.store.base import Store

    #: A store that nobody changes while it is looked at.
    Look = Callable[[], Store]

_TEXTS = (
    *("file_id", "mime_type", "component_name", "component_type", "method_name"),
    *("part_id", "part_name", "robot_id", "robot_name", "location_id", "organization_id"),
)
_TIMES = ("time_requested", "time_received", "time_synced")


def file_view(look: Look, fleet: Fleet) -> View[StoredFile]:
    """The files of a cloud."""
    return View(_file_source(look, fleet))


def _file_source(look: Look, fleet: Fleet) -> Source[StoredFile]:
    fields = {
        "id": _text("id"),
        "name": Field(kind=str, told="text", read=attrgetter("name"), resolve=_pattern),
        "extension": _text("extension"),
        "data": Field(kind=bytes, told="bytes", read=attrgetter("data")),
        "size": Field(kind=int, told="a whole number", read=attrgetter("size")),
        "dataset_ids": _text("dataset_ids", many=True),
        "dataset": Field(
            kind=str,
            told="the name or id of a dataset, or a StoredDataset",
            read=attrgetter("dataset_ids"),
            many=True,
            resolve=lambda value: _dataset_id(value, look),
        ),
        "labels": _text("labels", many=True),
        "label": _text("labels", many=True),
        **_common_fields(fleet),
    }
    return Source(
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
        "data": Field(kind=Mapping, told="a dict", read=lambda reading: dict(reading.data)),
        **_common_fields(fleet),
    }
    del fields["mime_type"]
    source = Source(
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

    def stored(held: Any) -> StoredDataset:
        members = Condition(name="dataset", wanted=held.id, field=_text("dataset_ids", many=True))
        return StoredDataset(
            id=held.id,
            name=held.name,
            organization_id=held.organization_id,
            type="sequence" if held.type is DatasetType.SEQUENCE_DATA else "binary",
            time_created=moment_of(held.time_created),
            files=View(files, (members,)),
        )

    source = Source(
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
        "internal": Field(kind=bool, told="True or False", read=attrgetter("internal")),
    }


def _text(name: str, *, many: bool = False) -> Field:
    return Field(kind=str, told="text", read=attrgetter(name), many=many)


def _time(name: str) -> Field:
    told = "a time such as '2026-01-31T12:00:00Z'"
    return Field(kind=datetime, told=told, read=attrgetter(name), resolve=moment)


def _owners(kind: str, fleet: Fleet) -> dict[str, Field]:
    """A part, robot, location or organization: by id, by name, or as an object."""

    def resolve(value: object) -> object:
        value = getattr(value, "id", value)
        return getattr(fleet, f"find_{kind}")(value).id if isinstance(value, str) else value

    read = attrgetter(f"{kind}_id")
    article = "an" if kind == "organization" else "a"
    told = f"the name or id of {article} {kind}, or {article} {kind.capitalize()}"
    owner = Field(kind=str, told=told, read=read, resolve=resolve)
    return {kind: owner, f"{kind}_id": owner}


def _pattern(name: object) -> object:
    return pattern(name) if isinstance(name, str) else name


def _dataset_id(value: object, look: Look) -> object:
    told = getattr(value, "id", value)
    if not isinstance(told, str):
        return value
    held = look().all_datasets()
    found = [each.id for each in held if told in (each.id, each.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} datasets are named {told!r}; use an id: {', '.join(found)}")
    known = ", ".join(repr(each.name) for each in held) or "none"
    raise UsageError(f"no dataset has the name or id {told!r}; known datasets: {known}")
