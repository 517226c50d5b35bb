"""The file of an export: a zip of three Parquet files (EJ-3)."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.query.computation import pause
from fakeviam.server.services.data.sequences import IMAGES, inside, resources_of
from fakeviam.wire.values import mapping_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fakeviam.model.entities import Sequence as SavedSequence
    from fakeviam.model.records import AnyRecord, BinaryRecord
    from fakeviam.store.base import Store

Record = TypeVar("Record")

#: The timestamp of files in the zip: constant, so that equal data gives equal bytes.
_WRITTEN = (1980, 1, 1, 0, 0, 0)

#: Records between two pauses, which are a few milliseconds apart.
_ROWS = 100

#: More records than any sequence has.
_ALL = 10**9


def is_available() -> bool:
    """Whether the packages that write Parquet files are installed."""
    return find_spec("pyarrow") is not None


def file_of(store: Store, sequences: Sequence[SavedSequence], *, until: int | None) -> bytes:
    """The zip of these sequences, with the data stored up to a time in ns."""
    pa: Any = import_module("pyarrow")  # optional, and slow to import

    time = pa.timestamp("us", tz="UTC")
    source = [
        ("sequence_id", pa.string()),
        ("timestamp", time),
        ("part_id", pa.string()),
        ("component_name", pa.string()),
        ("method_name", pa.string()),
    ]
    mark = [("label", pa.string()), ("confidence", pa.float64())]
    sides = ("x_min", "y_min", "x_max", "y_max")
    corners = [(f"{side}_normalized", pa.float64()) for side in sides]
    tables = {
        "sequences.parquet": (
            [
                ("sequence_id", pa.string()),
                ("tags", pa.list_(pa.string())),
                ("start_at", time),
                ("end_at", time),
            ],
            map(_sequence_row, sequences),
        ),
        "binary_data.parquet": (
            [
                *source,
                ("path", pa.string()),
                ("classifications", pa.list_(pa.struct(mark))),
                ("bounding_boxes", pa.list_(pa.struct([*mark, *corners]))),
            ],
            _binary_rows(store, sequences, until),
        ),
        "tabular_data.parquet": (
            [*source, ("payload", pa.string())],
            _tabular_rows(store, sequences, until),
        ),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, (fields, rows) in tables.items():
            schema = pa.schema(fields)
            # Some at a time: all other threads wait while pyarrow converts them.
            batches = (pa.RecordBatch.from_pylist(some, schema=schema) for some in _parts(rows))
            table = pa.Table.from_batches(batches, schema=schema)
            archive.writestr(zipfile.ZipInfo(name, _WRITTEN), _parquet(table))
    return packed.getvalue()


def _parquet(table: object) -> bytes:
    pq: Any = import_module("pyarrow.parquet")
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def _sequence_row(sequence: SavedSequence) -> dict[str, Any]:
    return {
        "sequence_id": sequence.id,
        "tags": list(sequence.tags),
        "start_at": sequence.time_start // 1000,
        "end_at": sequence.time_end // 1000,
    }


def _binary_rows(
    store: Store, sequences: Iterable[SavedSequence], until: int | None
) -> Iterator[dict[str, Any]]:
    for sequence in sequences:
        query = replace(inside(sequence), synced_until=until)
        page = store.binary_page(query, after=None, limit=_ALL, descending=False)
        resources = resources_of(sequence)
        for record in _with_pauses(page.records):
            if record.mime_type in IMAGES and _resource_of(record) in resources:
                yield {**_source(sequence, record), **_image(record)}


def _image(record: BinaryRecord) -> dict[str, Any]:
    return {
        "path": record.binary_data_id,
        "classifications": [
            {"label": one.label, "confidence": one.confidence} for one in record.classifications
        ],
        "bounding_boxes": [
            {
                "label": box.label,
                "confidence": box.confidence,
                "x_min_normalized": box.x_min_normalized,
                "y_min_normalized": box.y_min_normalized,
                "x_max_normalized": box.x_max_normalized,
                "y_max_normalized": box.y_max_normalized,
            }
            for box in record.boxes
        ],
    }


def _tabular_rows(
    store: Store, sequences: Iterable[SavedSequence], until: int | None
) -> Iterator[dict[str, Any]]:
    for sequence in sequences:
        query = replace(inside(sequence), synced_until=until)
        page = store.tabular_page(query, after=None, limit=_ALL, descending=False)
        resources = resources_of(sequence)
        for record in _with_pauses(page.records):
            if _resource_of(record) in resources:
                reading = mapping_from(Struct.FromString(record.payload))  # its keys are sorted
                yield {**_source(sequence, record), "payload": json.dumps(reading)}


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while part := list(islice(rows, _ROWS)):
        yield part


def _with_pauses(records: Sequence[Record]) -> Iterator[Record]:
    for number, record in enumerate(records):
        if number % _ROWS == 0:
            pause()
        yield record


def _resource_of(record: AnyRecord) -> tuple[str, str]:
    return record.source.component_name, record.source.method_name


def _source(sequence: SavedSequence, record: AnyRecord) -> dict[str, Any]:
    return {
        "sequence_id": sequence.id,
        "timestamp": record.time_requested // 1000,
        "part_id": record.source.part_id,
        "component_name": record.source.component_name,
        "method_name": record.source.method_name,
    }
