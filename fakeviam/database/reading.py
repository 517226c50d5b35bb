"""Commands that read: find, aggregate, count, distinct, and those of cursors."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

from bson import Int64

from fakeviam.database.context import COLLECTION, DATABASE
from fakeviam.database.wire_messages import MAX_DOCUMENT_BYTES
from fakeviam.query.bson_documents import decode, encode_any
from fakeviam.query.errors import QueryError, bad_value, unparsable, wrong_type
from fakeviam.query.paths import leaves, split
from fakeviam.query.values import MISSING, is_number, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.database.context import Context, Reply
    from fakeviam.query.values import Document


#: The range of a BSON long.
_LARGEST: Final = 2**63 - 1

_WRITING_STAGES = frozenset({"$out", "$merge"})


def find(context: Context, command: Document) -> Reply:
    """Find the documents that a filter selects."""
    batch = _count_of(command, "batchSize", minimum=0)
    single = bool(command.get("singleBatch"))
    limit = _count_of(command, "limit", minimum=None)
    if limit is not None and limit < 0:  # older clients request a single batch like this
        limit, single = -limit, True
    if command.get("tailable"):
        raise bad_value("tailable cursor requested on non capped collection")
    stages: list[Document] = [{"$match": document_of(command, "filter")}]
    if sort := _sort(document_of(command, "sort")):
        stages.append({"$sort": sort})
    if skip := _count_of(command, "skip", minimum=0):
        stages.append({"$skip": skip})
    if limit:
        stages.append({"$limit": limit})
    stages += _projection(document_of(command, "projection"))
    return context.cursor(_run(context, command, stages), size=batch, single=single)


def aggregate(context: Context, command: Document) -> Reply:
    """Run a pipeline."""
    if not isinstance(command["aggregate"], str):
        raise unparsable("only pipelines over a collection are served, not { aggregate: 1 }")
    pipeline, cursor = command.get("pipeline"), command.get("cursor")
    if not isinstance(pipeline, list):
        raise wrong_type("BSON field 'aggregate.pipeline' must be an array")
    if command.get("explain"):
        raise bad_value("explain is not served by this database")
    if not isinstance(cursor, dict):
        raise unparsable("The 'cursor' option is required, except for aggregate with explain")
    for stage in pipeline:
        if isinstance(stage, dict) and (writing := _WRITING_STAGES & stage.keys()):
            raise context.unauthorized(command, detail=f" ({min(writing)} writes)")
    size = _count_of(cursor, "batchSize", minimum=0)
    return context.cursor(_run(context, command, pipeline), size=size)


def count(context: Context, command: Document) -> Reply:
    """Count the documents that a filter selects."""
    stages: list[Document] = [{"$match": document_of(command, "query")}]
    if skip := _count_of(command, "skip", minimum=0):
        stages.append({"$skip": skip})
    if limit := _count_of(command, "limit", minimum=None):
        stages.append({"$limit": abs(limit)})
    documents = _run(context, command, [*stages, {"$count": "n"}])
    return {"n": documents[0]["n"] if documents else 0, "ok": 1.0}


def distinct(context: Context, command: Document) -> Reply:
    """The distinct values at a path; the elements of arrays are separate values."""
    key = command.get("key")
    if not isinstance(key, str):
        raise wrong_type("BSON field 'distinct.key' must be a string")
    names = split(key)
    unique: list[Document] = []
    for document in _run(context, command, [{"$match": document_of(command, "query")}]):
        for leaf in leaves(document, names):
            values = leaf if isinstance(leaf, list) else [leaf]
            unique += [{"value": value} for value in values if value is not MISSING]
    groups = context.transform(unique, [{"$group": {"_id": "$value"}}, {"$sort": {"_id": 1}}])
    # Encode as other replies do, which replaces a NUL in a field name (MQ-13).
    encoded, _ = encode_any({"values": [group["_id"] for group in groups], "ok": 1.0})
    if len(encoded) > MAX_DOCUMENT_BYTES:
        raise QueryError(17217, "distinct too big, 16mb cap")
    return decode(encoded)


def get_more(context: Context, command: Document) -> Reply:
    """The next batch of a cursor."""
    number = command["getMore"]
    if not isinstance(number, int) or number is True or number is False:
        raise wrong_type("BSON field 'getMore.getMore' must be a long")
    size = _count_of(command, "batchSize", minimum=0)
    namespace = f"{context.database}.{command.get('collection')}"
    reply = context.cursors.next_reply(
        number, owner=context.owner, namespace=namespace, size=size or None
    )
    if reply is None:
        raise QueryError(43, f"cursor id {number} not found")
    return reply


def kill_cursors(context: Context, command: Document) -> Reply:
    """Drop cursors."""
    numbers = command.get("cursors")
    if not isinstance(numbers, list) or not all(isinstance(each, int) for each in numbers):
        raise wrong_type("BSON field 'killCursors.cursors' must be an array of longs")
    killed: list[Int64] = []
    unknown: list[Int64] = []
    for each in numbers:
        known = context.cursors.kill(each, owner=context.owner)
        (killed if known else unknown).append(Int64(each))
    return {
        "cursorsKilled": killed,
        "cursorsNotFound": unknown,
        "cursorsAlive": [],
        "cursorsUnknown": [],
        "ok": 1.0,
    }


def _run(context: Context, command: Document, stages: Sequence[Document]) -> list[Document]:
    name = next(iter(command))
    if not isinstance(command[name], str) or not command[name]:
        raise QueryError(73, f"collection name must be a text that is not empty in '{name}'")
    collation = command.get("collation")
    if collation and collation != {"locale": "simple"}:
        raise bad_value("only the collation { locale: 'simple' } is served")
    if command.get("let"):
        raise bad_value("variables of the command ('let') are not served; use $let in a stage")
    if (context.database, command[name]) != (DATABASE, COLLECTION):
        # As in MongoDB, an unknown collection is empty, but its pipelines are still validated.
        return context.transform([], stages)
    return context.run(stages)


def document_of(command: Document, name: str) -> Document:
    """A document in a field; an absent one is empty.

    Raises:
        QueryError: The field is not a document.
    """
    value = command.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type(f"BSON field '{next(iter(command))}.{name}' must be an object")
    return value


def _count_of(command: Document, name: str, *, minimum: int | None) -> int | None:
    value = command.get(name)
    if value is None:
        return None
    if not is_number(value) or not isfinite(number(value)) or number(value) % 1:
        raise wrong_type(f"BSON field '{name}' must be a whole number, got {value!r:.80}")
    whole = int(number(value))
    if not -_LARGEST <= whole <= _LARGEST:
        raise bad_value(f"BSON field '{name}' is out of range: {value!r:.80}")
    if minimum is not None and whole < minimum:
        raise QueryError(
            51024, f"BSON field '{name}' value must be >= {minimum}, actual value '{whole}'"
        )
    return whole


def _sort(sort: Document) -> Document:
    return {} if "$natural" in sort else sort


def _projection(projection: Document) -> list[Document]:
    """The projection of `find` as stages; it has two operators that `$project` lacks."""
    if not projection:
        return []
    slices, others = _split(projection)
    if not slices:
        return [{"$project": others}]
    if not others or others == {"_id": 0}:
        return [{"$addFields": slices}, *([{"$project": others}] if others else [])]
    including = any(name != "_id" and value in (1, True) for name, value in others.items())
    if including:
        return [{"$project": {**others, **slices}}]
    return [{"$addFields": slices}, {"$project": others}]


def _split(projection: Document) -> tuple[Document, Document]:
    """Split a projection into its slices, as expressions, and the rest."""
    slices: Document = {}
    others: Document = {}
    for name, value in projection.items():
        operator = next(iter(value), "") if isinstance(value, dict) else ""
        if operator == "$slice" and not _is_expression(value["$slice"]):
            slices[name] = {"$slice": [f"${name}", *_arguments(value["$slice"])]}
        elif operator == "$elemMatch" or name.endswith(".$"):
            raise bad_value(
                f"the projection of '{name}' ({operator or 'positional'}) is not served; "
                "use $filter in a pipeline"
            )
        else:
            others[name] = value
    return slices, others


def _is_expression(value: object) -> bool:
    return isinstance(value, list) and not all(is_number(each) for each in value)


def _arguments(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
