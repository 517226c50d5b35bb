"""Applying a seed: all of it, or nothing (SE-1)."""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from fakeviam.model.applied_seed import AppliedSeed
from fakeviam.model.datasets import Dataset
from fakeviam.model.entities import CustomIndex, DataPipeline, SavedQuery
from fakeviam.model.entities import Sequence as SavedSequence
from fakeviam.model.errors import Refusal, UsageError
from fakeviam.model.fleet import Fleet
from fakeviam.seeds.diagnostics import Diagnostics, SeedError
from fakeviam.seeds.fleet_draft import FleetDraft, path_of
from fakeviam.seeds.kept_models import KEPT
from fakeviam.seeds.uploads import file_request, readings_request
from fakeviam.server.services.datasync import data_capture_upload
from fakeviam.server.state.call import Call
from fakeviam.wire import method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fakeviam.model.entities import Entity, Kind
    from fakeviam.model.fleet import Part
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.seeds.diagnostics import SourceLocation
    from fakeviam.seeds.values import DatasetSeed, FileSeed, KeptSeed, PartSeed, Seed, SeriesSeed
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
    for kept in sorted(seed.kept, key=lambda each: _ORDER.index(type(each.entry))):
        with diagnostics, _refusals_at(kept.at):
            draft.add_kept(kept)
    diagnostics.check()
    return draft.commit(seed)


#: Indexes may be on the sinks of pipelines.
_ORDER = tuple(KEPT.values())


@contextmanager
def _refusals_at(at: SourceLocation, *, label: str = "") -> Iterator[None]:
    """Attach the location in the seed to refusals of the fake."""
    try:
        yield
    except SeedError:
        raise
    except UsageError as error:
        raise at.error(str(error)) from None
    except Refusal as refusal:
        raise at.error(f"{label}: {refusal.text}" if label else refusal.text) from None


class _DraftStore:
    """The part of a store that upload handlers use; it keeps new records separate."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.binary: list[tuple[BinaryRecord, bytes]] = []
        self.tabular: list[TabularRecord] = []
        self.added: dict[str, Dataset] = {}
        self.kept: dict[tuple[type[Any], str], Entity] = {}

    # Of entities: those of the store, with new ones in their places.

    def entities(self, kind: type[Kind], owner: str | None = None) -> list[Kind]:
        by_id = {each.id: each for each in self._store.entities(kind, owner)}
        new = (each for each in self.kept.values() if isinstance(each, kind))
        return [*(by_id | {each.id: each for each in new if owner in (None, each.owner)}).values()]

    def entity(self, kind: type[Kind], entity_id: str) -> Kind | None:
        kept_entity = self.kept.get((kind, entity_id))
        return kept_entity if isinstance(kept_entity, kind) else self._store.entity(kind, entity_id)

    def put_entities(self, *entities: Entity) -> bool:
        for one in entities:
            others = self.entities(type(one), one.owner) if one.unique else []
            if any(each.unique == one.unique and each.id != one.id for each in others):
                return False
        self.kept |= {(type(one), one.id): one for one in entities}
        return True

    def change_entities(self, entities: Iterable[Kind], change: Callable[[Kind], Kind]) -> None:
        self.put_entities(*map(change, entities))

    def drop_entities(self, *entities: Entity) -> None:
        """Forget new ones."""
        for one in entities:
            del self.kept[type(one), one.id]

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
        if self.kept:
            store.put_entities(*self.kept.values())


class _Draft:
    """A seed in preparation, outside the fake."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud = cloud
        self._parts = FleetDraft(cloud.fleet.state(), cloud.ids)
        self._store = _DraftStore(cloud.store)
        self._named_parts: list[Part] = []
        self._named_datasets: list[Dataset] = []
        self._files: list[tuple[str, str]] = []
        self._kept: list[Entity] = []
        self._detached: CloudState | None = None
        self._method = method("DataCaptureUpload")

    def add_part(self, seed: PartSeed) -> None:
        """Find or make a part (SE-2)."""
        self._named_parts.append(self._parts.add(seed))

    def add_dataset(self, seed: DatasetSeed) -> None:
        """Find or make a dataset (SE-2)."""
        owner = self._parts.organization(seed.organization)
        dataset = self._store.dataset(seed.id) if seed.id else None
        if dataset is None:
            datasets = self._store.datasets(owner)
            dataset = next((one for one in datasets if one.name == seed.name), None)
        if dataset is None:
            dataset = Dataset(
                id=seed.id or self._cloud.ids.object_id(),
                name=seed.name,
                organization_id=owner,
                time_created=self._cloud.clock.now(),
                type=seed.type,
            )
            self._store.added[dataset.id] = dataset
        # An id alone, as formats name datasets, tells the organization too.
        if dataset.organization_id != owner and (seed.organization or not seed.id):
            name = self._parts.organization_name(dataset.organization_id)
            raise UsageError(
                f"the dataset {dataset.name!r} already exists, in the organization {name!r}"
            )
        if seed.id not in ("", dataset.id):
            raise UsageError(
                f"the dataset {dataset.name!r} already exists, with the id {dataset.id!r} instead "
                f"of {seed.id!r}; name another one"
            )
        if dataset.type is not seed.type:
            raise UsageError(f"the dataset {dataset.name!r} already exists, with another type")
        self._named_datasets.append(dataset)

    def open_for_data(self) -> None:
        """Parts and datasets are complete; files and series may name them."""
        fleet = Fleet(ids=self._cloud.ids)
        fleet.restore(self._parts.state)
        # Detached: applying a seed is not an answer, so no evidence level of a test applies to it.
        store = cast("Store", self._store)
        self._detached = self._cloud.detached(store=store, fleet=fleet, due=None)  # has no jobs

    def add_file(self, seed: FileSeed) -> None:
        """Make a binary record."""
        part = self._parts.find(seed.capture.part)
        ids = [self._dataset_id(name, part) for name in seed.datasets]
        reply = self._upload(file_request(seed, part.id, ids, seed.contents.read(seed.at)))
        self._files.append((seed.label, reply.binary_data_id))

    def add_series(self, seed: SeriesSeed) -> None:
        """Make readings."""
        self._upload(readings_request(seed, self._parts.find(seed.capture.part).id))

    def add_kept(self, seed: KeptSeed) -> None:
        """Find or make what an organization keeps besides data (SE-2)."""
        if self._detached is None:
            raise AssertionError(seed)
        from fakeviam.seeds.kept_draft import add_kept  # noqa: PLC0415 - with bson

        self._kept.append(
            add_kept(
                self._detached,
                seed.entry,
                owner_of=self._parts.organization,
                part=self._parts.find,
                dataset_id=self._dataset_id,
            )
        )

    def _dataset_id(self, reference: str, part: Part) -> str:
        datasets = self._store.datasets(part.organization_id)
        for dataset in datasets:
            if reference in (dataset.name, dataset.id):
                return dataset.id
        names = ", ".join(dataset.name for dataset in datasets) or "none"
        raise UsageError(
            f"no dataset {reference!r} in the organization {part.organization_name!r} of part "
            f"{part.name!r}; known datasets: {names}. Add it under datasets, or name a part of its "
            "organization"
        )

    def _upload(
        self, request: datasync.DataCaptureUploadRequest
    ) -> datasync.DataCaptureUploadResponse:
        if self._detached is None:
            raise AssertionError(request)
        return data_capture_upload.handle(Call.detached(self._detached, self._method), request)

    def commit(self, seed: Seed) -> AppliedSeed:
        """Put everything into the fake, as one step.

        Raises:
            Refusal: A data directory cannot keep it; nothing has changed.
        """
        with self._cloud.as_one_step():
            for part in self._parts.new:
                self._cloud.fleet.put(part)
            self._store.commit(self._cloud.store)
            if self._store.tabular and self._cloud.store.entities(DataPipeline):
                from fakeviam.server.services.jobs import note_arrivals  # noqa: PLC0415 - few have jobs

                note_arrivals(self._cloud, self._store.tabular)
        if self._store.kept:
            self._cloud.due = 0
        return self._applied(seed)

    def _applied(self, seed: Seed) -> AppliedSeed:
        """What was stored, by its names."""
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
            saved_queries=_first((each.name, each.id) for each in self._all_kept(SavedQuery)),
            pipelines=_first((each.name, each.id) for each in self._all_kept(DataPipeline)),
            sequences=tuple(each.id for each in self._all_kept(SavedSequence)),
            indexes=len(self._all_kept(CustomIndex)),
            left_out=seed.left_out,
        )

    def _all_kept(self, kind: type[Kind]) -> list[Kind]:
        return [each for each in self._kept if isinstance(each, kind)]


def _first(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    first: dict[str, str] = {}
    for name, id_ in pairs:
        first.setdefault(name, id_)
    return MappingProxyType(first)
