"""Stores entities as documents, one atomic operation each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from fakeviam.model.entities import KIND_NAMES, KINDS, SequenceResource, is_time
from fakeviam.store.mongo.database import ENTITIES, bodies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.entities import Entity, Kind
    from fakeviam.store.mongo.database import Database
    from fakeviam.store.mongo.documents import Document

#: A longer body is moved to the chunks: MongoDB limits documents to 16 MiB.
_LONG = 2**20


class DocumentEntities:
    """The entities in a database."""

    def __init__(self, database: Database) -> None:
        """Store entities in a database."""
        self._database = database

    def put(self, entity: Entity) -> bool:
        """Add an entity; False, without changes, if a unique value is taken."""
        key = {"_id": _key(type(entity), entity.id)}
        before = self._database.entities.find_one(key)
        return self._write(entity, key, before)

    def swap(self, before: Entity, after: Entity) -> bool:
        """Replace an entity; False, without changes, if it has changed or is deleted."""
        key = {"_id": _key(type(before), before.id)}
        document = self._database.entities.find_one(key)
        body = None if document is None else self._body_of(document)
        if document is None or body is None or _entity(document["kind"], body) != before:
            return False
        # Any change by another server changes the body, or the number of its blob.
        place = {name: document[name] for name in ("body", "body_at") if name in document}
        return self._write(after, key | place, document)

    def _write(self, entity: Entity, place: Document, before: Document | None) -> bool:
        from pymongo.errors import DuplicateKeyError  # noqa: PLC0415 - of an extra

        fields, unset = self._fields(entity)
        try:
            if before is None:
                number = self._database.take(ENTITIES, 1)
                self._database.entities.insert_one({**place, "number": number, **fields})
                return True
            update = {"$set": fields, "$unset": {unset: ""}}
            is_there = self._database.entities.update_one(place, update).matched_count == 1
        except DuplicateKeyError:
            is_there = False
        self._database.blobs.remove(bodies([before if is_there and before else fields]))
        return is_there

    def _fields(self, entity: Entity) -> tuple[Document, str]:
        """The fields of an entity's document, and the name of the field that it must not have."""
        from bson import encode  # noqa: PLC0415 - of an extra

        kind = KIND_NAMES[type(entity)]
        fields: Document = {"kind": kind, "owner": entity.owner}
        if entity.unique:
            fields["unique"] = f"{kind} {entity.owner} {entity.unique}"
        body = _body(entity)
        blob = encode(body)
        if len(blob) <= _LONG:
            return fields | {"body": body}, "body_at"
        (number,) = self._database.blobs.put([blob])
        return fields | {"body_at": number}, "body"

    def drop(self, entity: Entity) -> None:
        """Delete an entity."""
        key = {"_id": _key(type(entity), entity.id)}
        document = self._database.entities.find_one(key)
        self._database.entities.delete_one(key)
        self._database.blobs.remove(bodies([document] if document else []))

    def get(self, kind: type[Kind], entity_id: str) -> Kind | None:
        """The entity of this kind with this id, if it exists."""
        return next(self._found({"_id": _key(kind, entity_id)}), None)

    def of(self, kind: type[Kind], owner: str | None) -> list[Kind]:
        """The entities of a kind, of one owner or of all."""
        filter_ = {"kind": KIND_NAMES[kind]} | ({} if owner is None else {"owner": owner})
        return list(self._found(filter_))

    def every(self) -> Iterator[Entity]:
        """All entities, oldest first for each owner."""
        # The same order as in memory.
        every: list[Entity] = list(self._found({}))
        return iter(sorted(every, key=lambda one: (type(one).__name__, one.owner)))

    def _found(self, chosen: Document) -> Iterator[Any]:
        for document in self._database.entities.find(chosen).sort("number", 1):
            entity = self._entity_of(document)
            if entity is not None:
                yield entity

    def _entity_of(self, document: Document | None) -> Entity | None:
        """The entity in a document; None if it has been deleted meanwhile."""
        before: Document | None = None
        while document is not None and document != before:
            body = self._body_of(document)
            if body is not None:
                return _entity(document["kind"], body)
            # Another server has replaced the body: read the document again to find the new one.
            before, document = document, self._database.entities.find_one({"_id": document["_id"]})
        return None

    def _body_of(self, document: Document) -> Document | None:
        if "body" in document:
            return cast("Document", document["body"])
        from bson import decode  # noqa: PLC0415 - of an extra

        blob = self._database.blobs.get(document["body_at"])
        return None if blob is None else decode(blob)


def _key(kind: type[object], entity_id: str) -> str:
    return f"{KIND_NAMES[kind]} {entity_id}"


def _body(entity: Entity) -> Document:
    """The fields of an entity. Times are text, because they exceed 64 bits."""
    return {name: _plain(name, value) for name, value in asdict(entity).items()}


def _plain(name: str, value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(name, each) for each in value]
    return str(value) if is_time(name) and value is not None else value


def _entity(kind: str, body: Document) -> Entity:
    return KINDS[kind](**{name: _restored(name, value) for name, value in body.items()})


def _restored(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_restored(name, each) for each in value)
    if isinstance(value, dict):
        return SequenceResource(**value)
    return int(value) if is_time(name) and value is not None else value
