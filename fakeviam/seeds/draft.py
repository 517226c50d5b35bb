"""Applying a seed: all of it, or nothing (SE-1)."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from fakeviam.model.applied_seed import AppliedSeed
from fakeviam.model.datasets import Dataset
from fakeviam.model.errors import Refusal, UsageError
from fakeviam.model.fleet import Fleet
from fakeviam.seeds.diagnostics import Diagnostics, SeedError
from fakeviam.seeds.fleet_draft import FleetDraft, path_of
from fakeviam.seeds.uploads import file_request, readings_request
from fakeviam.server.services.datasync import data_capture_upload
from fakeviam.server.state.call import Call
from fakeviam.wire import methods

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fakeviam.model.fleet import Part
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.seeds.diagnostics import Location
    from fakeviam.seeds.values import DatasetSeed, FileSeed, PartSeed, Seed, SeriesSeed
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store
    from fakeviam.wire import datasync


def apply_seed(seed: Seed, cloud: CloudState) -> AppliedSeed:
    """Put a seed into a fake: everything, or nothing at all (SE-1).

    Everything is first prepared in a draft, by the code that serves uploads (SE-3), and put into
    the fake only if nothing was refused. Call it in the thread of the fake, like a handler.

    Raises:
        SeedError: Something was refused; the text names file, line and field.
    """
    diagnostics = Diagnostics()
    draft = _Draft(cloud)
    for part in seed.parts:
        with diagnostics, _refusals_at(part.at):
            draft.add_part(part)
    for dataset in seed.datasets:
        with diagnostics, _refusals_at(dataset.at):
            draft.add_dataset(dataset)
    diagnostics.check()  # files and series name parts and datasets
    draft.open_for_data()
    for file in seed.files:
        with diagnostics, _refusals_at(file.at, label=file.label):
            draft.add_file(file)
    for series in seed.series:
        with diagnostics, _refusals_at(series.at, label="readings"):
            draft.add_series(series)
    diagnostics.check()
    return draft.commit(seed)


@contextmanager
def _refusals_at(at: Location, *, label: str = "") -> Iterator[None]:
    """Attach the location in the seed to refusals of the fake."""
    try:
        yield
    except SeedError:
        raise
    except UsageError as error:
        raise at.error(str(error)) from None
    except Refusal as refusal:
        raise at.error(f"{label}: {refusal.text}") from None


class _DraftStore:
    """The part of a store that upload handlers use; it keeps new records separate."""

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
    """A seed in preparation, outside the fake."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud = cloud
        self._parts = FleetDraft(cloud.fleet.state(), cloud.ids)
        self._store = _DraftStore(cloud.store)
        self._named_parts: list[Part] = []
        self._named_datasets: list[Dataset] = []
        self._files: list[tuple[str, str]] = []
        self._detached: CloudState | None = None
        self._method = next(m for m in methods() if m.name == "DataCaptureUpload")

    def add_part(self, wanted: PartSeed) -> None:
        """Find or make a part (SE-2)."""
        self._named_parts.append(self._parts.add(wanted))

    def add_dataset(self, wanted: DatasetSeed) -> None:
        """Find or make a dataset (SE-2)."""
        owner = self._parts.organization(wanted.organization)
        found = self._store.dataset(wanted.id) if wanted.id else None
        if found is None:
            known = self._store.datasets(owner)
            found = next((one for one in known if one.name == wanted.name), None)
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
            raise UsageError(f"the dataset {found.name!r} already exists, with another id")
        if found.type is not wanted.type:
            raise UsageError(f"the dataset {found.name!r} already exists, with another type")
        self._named_datasets.append(found)

    def open_for_data(self) -> None:
        """Parts and datasets are complete; files and series may name them."""
        fleet = Fleet(ids=self._cloud.ids)
        fleet.restore(self._parts.state)
        # Detached: applying a seed is not an answer, so no evidence level of a test applies to it.
        self._detached = self._cloud.detached(store=cast("Store", self._store), fleet=fleet)

    def add_file(self, wanted: FileSeed) -> None:
        """Make a binary record."""
        part = self._parts.find(wanted.capture.part)
        ids = [self._dataset_id(name, part) for name in wanted.datasets]
        reply = self._upload(file_request(wanted, part.id, ids, wanted.contents.read(wanted.at)))
        self._files.append((wanted.label, reply.binary_data_id))

    def add_series(self, wanted: SeriesSeed) -> None:
        """Make readings."""
        self._upload(readings_request(wanted, self._parts.find(wanted.capture.part).id))

    def _dataset_id(self, reference: str, part: Part) -> str:
        known = self._store.datasets(part.organization_id)
        for dataset in known:
            if reference in (dataset.name, dataset.id):
                return dataset.id
        names = ", ".join(dataset.name for dataset in known) or "none"
        raise UsageError(
            f"no dataset {reference!r} in the organization {part.organization_name!r} of part "
            f"{part.name!r}; known datasets: {names}. Add it under datasets"
        )

    def _upload(
        self, request: datasync.DataCaptureUploadRequest
    ) -> datasync.DataCaptureUploadResponse:
        if self._detached is None:
            raise AssertionError(request)
        return data_capture_upload(Call.detached(self._detached, self._method), request)

    def commit(self, seed: Seed) -> AppliedSeed:
        """Put everything into the fake, as one step.

        Raises:
            Refusal: A data directory cannot keep it; nothing has changed.
        """
        directory = self._cloud.directory
        with nullcontext() if directory is None else directory.transaction():
            for part in self._parts.new:
                self._cloud.fleet.put(part)
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
            boxes=sum(len(file.boxes) for file in seed.files),
            classifications=sum(len(file.classifications) for file in seed.files),
            left_out=seed.left_out,
        )


def _first(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, id_ in pairs:
        found.setdefault(name, id_)
    return MappingProxyType(found)
