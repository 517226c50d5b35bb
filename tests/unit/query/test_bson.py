"""What the BSON of clients becomes: values that MongoDB would not take for others."""

from __future__ import annotations

import struct
from datetime import datetime, timezone
from random import Random
from typing import Any

import bson
import pytest
from bson import Code, DBRef, ObjectId

from fakeviam.query.bson_documents import decode, encode
from fakeviam.query.errors import QueryError
from fakeviam.query.pipeline import Pipeline

CODE, SCOPED = Code("f()"), Code("f()", {"x": Code("g()")})


def _run(*stages: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sent = decode(bson.encode({"stages": list(stages), "rows": rows}))
    now = datetime(2026, 3, 10, tzinfo=timezone.utc)
    pipeline = Pipeline(sent["stages"], now=now, random=Random(1))  # type: ignore[arg-type]  # noqa: S311
    found = pipeline.run(sent["rows"])  # type: ignore[arg-type]
    return [bson.decode(encode(each)) for each in found]


def test_code_comes_back_as_it_was() -> None:
    """MQ-1."""
    document = {"a": CODE, "b": [SCOPED], "c": {"d": CODE}}
    assert bson.decode(encode(decode(bson.encode(document)))) == document


def test_code_is_no_string() -> None:
    """Nor the name of a field (MQ-1, MQ-4)."""
    for stage, code in (
        ({"$count": CODE}, 40156),
        ({"$sortByCount": CODE}, 40149),
        ({"$count": SCOPED}, 40156),
    ):
        with pytest.raises(QueryError) as refused:
            _run(stage, rows=[])
        assert refused.value.code == code
    rows = [{"_id": 1, "a": CODE}, {"_id": 2, "a": "f()"}]
    assert _run({"$match": {"a": {"$type": "string"}}}, rows=rows) == rows[1:]
    assert _run({"$match": {"a": {"$type": "javascript"}}}, rows=rows) == rows[:1]


def test_code_is_compared_by_what_it_says() -> None:
    """MQ-1."""
    rows = [{"_id": 1, "a": Code("g()")}, {"_id": 2, "a": CODE}, {"_id": 3, "a": CODE}]
    assert _run({"$match": {"a": CODE}}, rows=rows) == rows[1:]
    assert _run({"$sort": {"a": 1}}, rows=rows) == [*rows[1:], rows[0]]
    grouped = _run({"$group": {"_id": "$a"}}, {"$sort": {"_id": 1}}, rows=rows)
    assert grouped == [{"_id": CODE}, {"_id": Code("g()")}]


def test_references_are_documents() -> None:
    """Those of the old type, too, which no client of today sends (MQ-1)."""
    reference = DBRef("c", ObjectId(b"1" * 12), "d", x=DBRef("e", 2))
    assert decode(bson.encode({"a": reference})) == {
        "a": {"$ref": "c", "$id": reference.id, "$db": "d", "x": {"$ref": "e", "$id": 2}}
    }
    old = b"\x0ca\0" + struct.pack("<i", 2) + b"c\0" + b"1" * 12
    encoded = struct.pack("<i", len(old) + 5) + old + b"\0"
    assert decode(encoded) == {"a": {"$ref": "c", "$id": reference.id}}
