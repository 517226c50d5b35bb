"""Applying a seed: all of it, or nothing (SE-1)."""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from fakeviam.model.applied_seed import AppliedSeed
from fakeviam.model.datasets import Dataset
from fakeviam.model.errors import Refusal, UsageError
from fakeviam.model.fleet import Fleet
from fakeviam.seeds.mistakes import Notes, SeedError, WrongError
from fakeviam.seeds.parts import Parts, path_of
from fakeviam.seeds.requests import file_request, readings_request
from fakeviam.server.services.datasync import data_capture_upload
from fakeviam.server.state.call import Call
from fakeviam.wire import methods

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fakeviam.model.fleet import Part
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.seeds.values import Capture, DatasetSeed, FileSeed, PartSeed, Seed, SeriesSeed
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store
    from fakeviam.wire import datasync


def apply(seed: Seed, cloud: CloudState) -> AppliedSeed:
    """Put a seed into a fake: everything, or nothing at all (SE-1).

    Everything is made first, by the code that answers uploads (SE-3), in a draft; only when
    nothing was refused does it go into the fake. Call it where the fake runs, as a handler is.

    Raises:
        SeedError: Something in it cannot be; the text says what, with file, line and field.
    """
    notes = Notes()
    draft = _Draft(cloud, notes)
    for part in seed.parts:
        draft.part(part)
    for dataset in seed.datasets:
        draft.dataset(dataset)
    notes.check()  # what follows names them
    draft.begin()
    for file in seed.files:
        draft.file(file)
    for series in seed.series:
        draft.series(series)
    notes.check()
    return draft.commit()


class _DraftStore:
    """What handlers of uploads need of a store: it knows datasets and keeps new records apart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.binary: list[tuple[BinaryRecord, bytes]] = []
        self.tabular: list[TabularRecord] = []
        self.added: dict[str, Dataset] = {}

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        self.binary.extend(records)

    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        self.tabular.extend(records)

    def dataset(self, dataset_id: str) -> Dataset | None:
        return self.added.get(dataset_id) or self._store.dataset(dataset_id)

    def datasets(self, organization_id: str) -> list[Dataset]:
        new = [one for one in self.added.values() if one.organization_id == organization_id]
        return [*self._store.datasets(organization_id), *new]

    def commit(self, store: Store) -> None:
        for dataset in self.added.values():
            store.add_dataset(dataset)
        if self.binary:
            store.add_binary(self.binary)
        if self.tabular:
            store.add_tabular(self.tabular)


class _Draft:
    """A seed being made, next to the fake."""

    def __init__(self, cloud: CloudState, notes: Notes) -> None:
        self._cloud = cloud
        self._notes = notes
        self._parts = Parts(cloud.fleet.state(), cloud.ids)
        self._store = _DraftStore(cloud.store)
        self._named_parts: list[Part] = []
        self._named_datasets: list[Dataset] = []
        self._files: list[tuple[str, str]] = []
        self._detached: CloudState | None = None
        self._method = next(m for m in methods() if m.name == "DataCaptureUpload")

    def part(self, wanted: PartSeed) -> None:
        """Find or make a part (SE-2)."""
        try:
            self._named_parts.append(self._parts.add(wanted))
        except UsageError as error:
            self._notes.note(wanted.place, str(error))

    def dataset(self, wanted: DatasetSeed) -> None:
        """Find or make a dataset (SE-2)."""
        try:
            self._named_datasets.append(self._dataset(wanted))
        except UsageError as error:
            self._notes.note(wanted.place, str(error))

    def _dataset(self, wanted: DatasetSeed) -> Dataset:
        owner = self._parts.organization(wanted.organization)
        found = self._store.dataset(wanted.id) if wanted.id else None
        if found is None:
            there = self._store.datasets(owner)
            found = next((one for one in there if one.name == wanted.name), None)
        if found is None:
            found = Dataset(
                id=wanted.id or self._cloud.ids.object_id(),
                name=wanted.name,
                organization_id=owner,
                time_created=self._cloud.clock.now(),
                type=wanted.type,
            )
            self._store.added[found.id] = found
        if found.organization_id != owner or wanted.id not in ("", found.id):
            raise UsageError(f"the dataset {found.name!r} is there already, with another id")
        if found.type is not wanted.type:
            raise UsageError(f"the dataset {found.name!r} is there already, with another type")
        return found

    def begin(self) -> None:
        """Parts and datasets are complete; what comes now may name them."""
        fleet = Fleet(ids=self._cloud.ids)
        fleet.restore(self._parts.state)
        # Detached: a seed is no answer, so it rests on nothing that a test might forbid.
        self._detached = self._cloud.detached(store=cast("Store", self._store), fleet=fleet)

    def file(self, wanted: FileSeed) -> None:
        """Make a binary record."""
        with suppress(WrongError):
            part = self._part(wanted, wanted.capture)
            ids = [self._dataset_id(wanted, name, part) for name in wanted.datasets]
            try:
                payload = wanted.contents.read(wanted.place)
            except SeedError as error:
                raise self._notes.take(error) from None
            reply = self._upload(wanted, file_request(wanted, part.id, ids, payload))
            self._files.append((wanted.label, reply.binary_data_id))

    def series(self, wanted: SeriesSeed) -> None:
        """Make readings."""
        with suppress(WrongError):
            part = self._part(wanted, wanted.capture)
            self._upload(wanted, readings_request(wanted, part.id))

    def _part(self, wanted: FileSeed | SeriesSeed, capture: Capture) -> Part:
        try:
            return self._parts.find(capture.part)
        except UsageError as error:
            raise self._notes.note(wanted.place, str(error)) from None

    def _dataset_id(self, wanted: FileSeed, reference: str, part: Part) -> str:
        there = self._store.datasets(part.organization_id)
        for dataset in there:
            if reference in (dataset.name, dataset.id):
                return dataset.id
        known = ", ".join(dataset.name for dataset in there) or "none"
        text = (
            f"no dataset {reference!r} in the organization {part.organization_name!r} of part "
            f"{part.name!r}; there are: {known}. List it under datasets"
        )
        raise self._notes.note(wanted.place, text)

    def _upload(
        self, wanted: FileSeed | SeriesSeed, request: datasync.DataCaptureUploadRequest
    ) -> datasync.DataCaptureUploadResponse:
        if self._detached is None:
            raise AssertionError(wanted)
        try:
            return data_capture_upload(Call.detached(self._detached, self._method), request)
        except Refusal as refusal:
            label = getattr(wanted, "label", "readings")
            raise self._notes.note(wanted.place, f"{label}: {refusal.text}") from None

    def commit(self) -> AppliedSeed:
        """Put everything into the fake. Nothing here is ever refused."""
        fleet = self._cloud.fleet
        fleet.restore(self._parts.state)
        if fleet.watcher is not None:
            for part in self._parts.new:
                fleet.watcher(part)
        self._store.commit(self._cloud.store)
        parts, datasets = self._named_parts, self._named_datasets
        owner = self._parts.organization_name
        return AppliedSeed(
            organizations=_first((p.organization_name, p.organization_id) for p in parts),
            parts=_first([*((p.name, p.id) for p in parts), *((path_of(p), p.id) for p in parts)]),
            datasets=_first(
                [
                    *((d.name, d.id) for d in datasets),
                    *((f"{owner(d.organization_id)}/{d.name}", d.id) for d in datasets),
                ]
            ),
            files=_first(self._files),
            binary_data_ids=tuple(id_ for _, id_ in self._files),
            readings=len(self._store.tabular),
        )


def _first(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, id_ in pairs:
        found.setdefault(name, id_)
    return MappingProxyType(found)
