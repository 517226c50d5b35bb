"""The store in a MongoDB database, which several servers may share (MG-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.store.base import Store
from fakeviam.store.mongo import editing
from fakeviam.store.mongo.blobs import a_day_ago, batches
from fakeviam.store.mongo.database import BINARY, READINGS, put
from fakeviam.store.mongo.documents import binary_from, dataset_from, tabular_from
from fakeviam.store.mongo.entities import DocumentEntities
from fakeviam.store.mongo.ledgers import MongoLedgers
from fakeviam.store.mongo.queries import BINARY_KEY, TABULAR_KEY, binary_filter, tabular_filter
from fakeviam.store.mongo.records import DocumentRecords
from fakeviam.store.mongo.writing import DocumentWriter
from fakeviam.store.values import Arrivals, BinaryRow, StoreStats, TabularRow, TagRemoval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.entities import Entity, Kind
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.base import BoxChange
    from fakeviam.store.mongo.database import Database
    from fakeviam.store.mongo.documents import Document
    from fakeviam.store.mongo.queries import Filter
    from fakeviam.store.values import ListField, Page, Position, Totals


class MongoStore(Store):
    """Uses a database, one atomic operation per record.

    Operations on many records are not atomic: other servers may see some of them changed and
    others not yet.
    """

    def __init__(self, database: Database) -> None:
        """Use a database and its data."""
        self.ledgers = MongoLedgers(database)
        self._database = database
        self._binary: DocumentRecords[BinaryRecord] = DocumentRecords(
            database.binary, BINARY_KEY, binary_from, database.blobs
        )
        self._tabular: DocumentRecords[TabularRecord] = DocumentRecords(
            database.readings, TABULAR_KEY, tabular_from, database.blobs
        )
        self._writer = DocumentWriter(database, self._binary)
        self._entities = DocumentEntities(database)

    # Reading -----------------------------------------------------------------------------

    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        ids = list(file_ids)
        records: dict[str, BinaryRecord] = {}
        for some in batches(dict.fromkeys(ids), 1000):
            for document in self._database.binary.find({"_id": {"$in": some}}):
                record = self._binary.record_of(document)
                if record is not None:
                    records[record.file_id] = record
        return [records.get(file_id) for file_id in ids]

    def read(self, file_id: str) -> bytes:
        document = self._database.binary.find_one({"_id": file_id}, {"file": 1})
        data = None if document is None else self._database.blobs.get(document["file"])
        if data is None:
            raise KeyError(file_id)
        return data

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        filter_ = binary_filter(query)
        return self._binary.page(filter_, after=after, limit=limit, descending=descending)

    def tabular_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        filter_ = tabular_filter(query)
        return self._tabular.page(filter_, after=after, limit=limit, descending=descending)

    def first_received(
        self, query: Query, *, limit: int, descending: bool
    ) -> Sequence[TabularRecord]:
        filter_ = tabular_filter(query)
        return self._tabular.first(filter_, "received", limit=limit, descending=descending)

    def binary_totals(self, query: Query) -> Totals:
        return self._binary.totals(binary_filter(query))

    def tabular_totals(self, query: Query) -> Totals:
        return self._tabular.totals(tabular_filter(query))

    def binary_tags(self, query: Query) -> set[str]:
        return self._binary.values(binary_filter(query), "tags")

    def tabular_tags(self, query: Query) -> set[str]:
        return self._tabular.values(tabular_filter(query), "tags")

    def dataset_ids(self, query: Query) -> set[str]:
        return self._binary.values(binary_filter(query), "dataset_ids")

    def box_labels(self, query: Query) -> set[str]:
        return self._binary.values(binary_filter(query), "labels")

    # Records -----------------------------------------------------------------------------

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        first = self._database.take(BINARY, len(records))
        self._writer.put_binary([BinaryRow(at, *pair) for at, pair in enumerate(records, first)])
        members = {one for record, _ in records for one in record.dataset_ids}
        self._end_dangling(members, _ids(record.file_id for record, _ in records))

    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        first = self._database.take(READINGS, len(records))
        self._writer.put_tabular([TabularRow(at, one) for at, one in enumerate(records, first)])

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        return self._database.delete_binary(_ids(file_ids))

    def delete_binary_matching(self, query: Query) -> int:
        return self._database.delete_binary(binary_filter(query))

    def delete_tabular_matching(self, query: Query) -> int:
        return self._database.delete_tabular(tabular_filter(query))

    # Tags, memberships and boxes ---------------------------------------------------------

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        return self._append("tags", _ids(file_ids), tags)

    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        return self._append("tags", binary_filter(query), tags)

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        return self._take("tags", _ids(file_ids), tags)

    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> TagRemoval:
        return self._take("tags", binary_filter(query), tags)

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        filter_ = _ids(file_ids)
        count = self._append("dataset_ids", filter_, [dataset_id])
        self._end_dangling([dataset_id], filter_)
        return count

    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        return self._take("dataset_ids", _ids(file_ids), [dataset_id]).records

    def _append(self, field: ListField, filter_: Filter, values: Sequence[str]) -> int:
        return editing.append(self._database.binary, field, filter_, values)

    def _take(self, field: ListField, filter_: Filter, values: Sequence[str]) -> TagRemoval:
        return editing.take(self._database.binary, field, filter_, values)

    def _end_dangling(self, dataset_ids: Iterable[str], filter_: Filter) -> None:
        """Remove memberships in datasets that no longer exist.

        Another server may have deleted a dataset after it was looked up, and removed its members
        before these were added.
        """
        for dataset_id in dataset_ids:
            if self.dataset(dataset_id) is None:
                self._take("dataset_ids", filter_, [dataset_id])

    def change_boxes(self, file_id: str, change: BoxChange, needed: str | None = None) -> bool:
        return self._writer.change_boxes(file_id, change, needed)

    # Datasets and database users ---------------------------------------------------------

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if not self._writer.add_dataset(dataset):
            return False
        if members_of:
            members: Filter = {"dataset_ids": {"$in": list(members_of)}}
            self._append("dataset_ids", members, [dataset.id])
        return True

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        return self._writer.rename_dataset(dataset_id, name)

    def delete_dataset(self, dataset_id: str) -> None:
        # The dataset first: a server that adds members checks afterwards that it still exists.
        self._database.datasets.delete_one({"_id": dataset_id})
        self._take("dataset_ids", {"dataset_ids": dataset_id}, [dataset_id])

    def dataset(self, dataset_id: str) -> Dataset | None:
        row = self._database.datasets.find_one({"_id": dataset_id})
        return None if row is None else dataset_from(row)

    def datasets(self, organization_id: str) -> list[Dataset]:
        return self._datasets({"organization_id": organization_id})

    def all_datasets(self) -> list[Dataset]:
        return self._datasets({})

    def _datasets(self, filter_: Filter) -> list[Dataset]:
        return [
            dataset_from(one) for one in self._database.datasets.find(filter_).sort("number", 1)
        ]

    def set_database_password(self, organization_id: str, password: str) -> None:
        put(self._database.users, organization_id, {"password": password})

    def database_password(self, organization_id: str) -> str | None:
        row = self._database.users.find_one({"_id": organization_id})
        return None if row is None else str(row["password"])

    def database_passwords(self) -> Mapping[str, str]:
        return {one["_id"]: one["password"] for one in self._database.users.find({})}

    # Entities ----------------------------------------------------------------------------

    def put_entities(self, *entities: Entity) -> bool:
        return all(map(self._entities.put, entities))

    def swap_entities(self, before: Kind, after: Kind, *others: Entity) -> bool:
        return self._entities.swap(before, after) and self.put_entities(*others)

    def drop_entities(self, *entities: Entity) -> None:
        for entity in entities:
            self._entities.drop(entity)

    def entity(self, kind: type[Kind], entity_id: str) -> Kind | None:
        return self._entities.get(kind, entity_id)

    def entities(self, kind: type[Kind], owner: str | None = None) -> list[Kind]:
        return self._entities.of(kind, owner)

    def all_entities(self) -> Iterator[Entity]:
        return self._entities.every()

    # All data ----------------------------------------------------------------------------

    def view(self) -> MongoStore:
        return self

    def emptied(self, make_store: Callable[[], Store]) -> MongoStore:  # noqa: ARG002
        self.clear()
        return self

    def replaced_by(self, other: Store) -> MongoStore:
        self.clear()
        for dataset in other.all_datasets():
            self._writer.add_dataset(dataset)
        for user in other.database_passwords().items():
            self.set_database_password(*user)
        self.put_entities(*other.all_entities())
        # Counters never go back: a page token may refer to a deleted record.
        self._database.skip(BINARY, other.arrivals.binary)
        self._database.skip(READINGS, other.arrivals.tabular)
        self._writer.put_binary(other.binary_rows())
        self._writer.put_tabular(other.tabular_rows())
        return self

    def clear(self) -> None:
        """Remove the data of all servers. Arrival numbers continue (PG-7)."""
        self._database.clear(old=a_day_ago())

    def close(self) -> None:
        self._database.close()

    def stats(self) -> StoreStats:
        return StoreStats(
            self._binary.totals({}),
            self._tabular.totals({}),
            self._database.datasets.count_documents({}),
            self._database.users.count_documents({}),
            self._database.entities.count_documents({}),
        )

    def binary_rows(self) -> Iterator[BinaryRow]:
        for arrival, record, document in self._binary.rows():
            data = self._database.blobs.get(document["file"])
            if data is not None:
                yield BinaryRow(arrival, record, data)

    def tabular_rows(self) -> Iterator[TabularRow]:
        for arrival, record, _ in self._tabular.rows():
            yield TabularRow(arrival, record)

    @property
    def arrivals(self) -> Arrivals:
        return Arrivals(self._database.next(BINARY), self._database.next(READINGS))


def _ids(file_ids: Iterable[str]) -> Document:
    return {"_id": {"$in": list(dict.fromkeys(file_ids))}}
