"""Contents with something of everything, drawn or fixed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from hypothesis import strategies as st

from fakeviam.archive import Contents
from fakeviam.model.annotations import BoundingBox, Classification
from fakeviam.model.datasets import Dataset, DatasetType
from fakeviam.model.entities import (
    CustomIndex,
    DataPipeline,
    PipelineRun,
    SavedQuery,
    Sequence,
    SequenceExport,
    SequenceResource,
)
from fakeviam.model.fleet import DEFAULT_PART, FleetState, Metadata, Part
from fakeviam.model.ids import Counters
from fakeviam.model.records import BinaryRecord, Parameter, Source, TabularRecord
from fakeviam.store.memory import MemoryStore
from fakeviam.wire.values import struct_from

YEAR_1 = -62_135_596_800_000_000_000
YEAR_9999 = 253_402_300_799_999_999_999

NO_FLEET = FleetState(organizations=(), locations=(), robots=(), parts=())

TEXTS = st.text(max_size=6)
TIMES = st.integers(YEAR_1, YEAR_9999) | st.sampled_from([YEAR_1, YEAR_9999, -1, 0, 1])
TAGS = st.lists(TEXTS, unique=True, max_size=3).map(tuple)
FRACTIONS = st.floats(0, 1) | st.sampled_from([0, 1, -0.0, 5e-324])

PARAMETERS = st.builds(Parameter, key=TEXTS, type_url=TEXTS, value=st.binary(max_size=9))
SOURCES = st.builds(
    Source,
    **dict.fromkeys(
        ("organization_id", "location_id", "robot_id", "robot_name", "part_id", "part_name"), TEXTS
    ),
    **dict.fromkeys(("component_type", "component_name", "method_name"), TEXTS),
    method_parameters=st.lists(PARAMETERS, max_size=2).map(tuple),
)
BOXES = st.builds(
    BoundingBox,
    id=TEXTS,
    label=TEXTS,
    x_min_normalized=FRACTIONS,
    y_min_normalized=FRACTIONS,
    x_max_normalized=FRACTIONS,
    y_max_normalized=FRACTIONS,
    confidence=st.none() | FRACTIONS,
)
METADATA = st.builds(
    Metadata,
    id=TEXTS,
    text=st.dictionaries(TEXTS, st.none() | st.floats(allow_nan=False, allow_infinity=False)).map(
        lambda values: json.dumps(values, ensure_ascii=False, sort_keys=True)
    ),
)
MARKS = st.builds(Classification, id=TEXTS, label=TEXTS, confidence=st.none() | FRACTIONS)
MOMENTS: dict[str, Any] = dict.fromkeys(("time_requested", "time_received", "time_synced"), TIMES)


def few(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=2).map(tuple)


BINARY = st.builds(
    BinaryRecord,
    **MOMENTS,
    file_id=TEXTS,
    source=SOURCES,
    mime_type=TEXTS,
    file_name=TEXTS,
    file_ext=TEXTS,
    size=st.integers(0, 2**40),
    tags=TAGS,
    boxes=few(BOXES),
    classifications=few(MARKS),
    dataset_ids=TAGS,
    internal=st.booleans(),
)

#: JSON objects as a Struct can hold them, and the numbers that JSON cannot say.
READINGS = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
PAYLOADS = READINGS.map(
    lambda values: struct_from(values).SerializeToString(deterministic=True)
) | st.binary(max_size=20)
TABULAR = st.builds(
    TabularRecord,
    **MOMENTS,
    id=TEXTS,
    file_id=TEXTS,
    source=SOURCES,
    payload=PAYLOADS,
    mime_type=TEXTS,
    tags=TAGS,
    internal=st.booleans(),
)
DATASETS = st.builds(
    Dataset,
    id=TEXTS,
    name=TEXTS,
    organization_id=TEXTS,
    time_created=TIMES,
    type=st.sampled_from(DatasetType),
)
PARTS = st.builds(
    Part,
    **dict.fromkeys(
        (
            "id",
            "name",
            "robot_id",
            "robot_name",
            "location_id",
            "location_name",
            "organization_id",
            "organization_name",
        ),
        TEXTS,
    ),
    internal=st.booleans(),
)
KEYS = st.fixed_dictionaries(
    {
        "id": TEXTS,
        "key": TEXTS,
        "organization_ids": st.lists(TEXTS, max_size=2),
        "role": st.sampled_from(["owner", "operator"]),
    }
)


BLOBS = st.lists(st.binary(max_size=5), max_size=2).map(tuple)
_TIMES_OF = {
    SavedQuery: ("created", "updated"),
    CustomIndex: (),
    DataPipeline: ("created", "updated", "next"),
    PipelineRun: ("start", "data_start", "data_end"),
    Sequence: ("start", "end", "created", "updated"),
    SequenceExport: ("created",),
}
_LATER = dict.fromkeys(
    ("time_end", "time_filled", "time_batch", "time_completed"), st.none() | TIMES
)
_OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "stages": BLOBS,
    "spec": BLOBS,
    "documents": BLOBS,
    "file": st.binary(max_size=5),
    "late": st.lists(TIMES, max_size=2).map(tuple),
    "open": TAGS,
    "tags": TAGS,
    "dataset_ids": TAGS,
    "enabled": st.booleans(),
    "backfills": st.booleans(),
    "collection": st.sampled_from(["hot_store", "pipeline_sink"]),
    "source": st.sampled_from(["standard", "hot_storage"]),
    "resources": few(st.builds(SequenceResource, resource_name=TEXTS, method_name=TEXTS)),
}


def _entities(kind: Any) -> st.SearchStrategy[Any]:
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name.removeprefix("time_") in _TIMES_OF[kind]:
            fields[field.name] = TIMES
        elif field.name in _LATER:
            fields[field.name] = _LATER[field.name]
        else:
            fields[field.name] = _OTHERS.get(field.name, TEXTS)
    if kind is PipelineRun:
        fields["status"] = st.sampled_from(["scheduled", "started", "completed", "failed"])
    if kind is SequenceExport:
        fields["status"] = st.sampled_from(["running", "completed", "failed"])
    return st.builds(kind, **fields)


ENTITIES = st.one_of(*map(_entities, _TIMES_OF))


@st.composite
def stores(draw: st.DrawFn) -> MemoryStore:
    store = MemoryStore(block_size=3)
    records = draw(st.lists(BINARY, max_size=6, unique_by=lambda record: record.file_id))
    store.add_binary([(record, draw(st.binary(max_size=5))) for record in records])
    store.add_tabular(draw(st.lists(TABULAR, max_size=6)))
    # Holes among the arrivals, at the end too.
    store.delete_binary([record.file_id for record in records if draw(st.booleans())])
    for dataset in draw(st.lists(DATASETS, max_size=3)):
        store.add_dataset(dataset)
    for organization_id, password in draw(st.dictionaries(TEXTS, TEXTS, max_size=2)).items():
        store.set_database_password(organization_id, password)
    for entity in draw(st.lists(ENTITIES, max_size=4, unique_by=lambda one: (type(one), one.id))):
        store.put_entities(entity)
    return store


@st.composite
def worlds(draw: st.DrawFn) -> Contents:
    fleet = NO_FLEET
    for part in draw(st.lists(PARTS, max_size=3)):
        fleet = fleet.with_part(part)
    for metadata in draw(st.lists(METADATA, max_size=2)):
        fleet = fleet.with_one(metadata)
    return Contents(
        store=draw(stores()),
        fleet=fleet,
        keys=tuple(draw(st.lists(KEYS, max_size=2))),
        counters=Counters(draw(st.integers(1, 2**50)), draw(st.integers(1, 2**50))),
        made_by="1.2.3",
    )


def state(contents: Contents) -> list[object]:
    """Everything that contents hold, to be compared."""
    store = contents.store
    return [
        list(store.binary_rows()),
        list(store.tabular_rows()),
        store.all_datasets(),
        dict(store.database_passwords()),
        list(store.all_entities()),
        store.arrivals,
        store.stats(),
        contents.fleet,
        contents.keys,
        contents.counters,
        contents.made_by,
    ]


def small_world(*, binary: int = 3, password: str = "secret") -> Contents:  # noqa: S107 - a test's
    """One of each, always the same."""
    source = Source(
        organization_id="org",
        location_id="loc",
        robot_id="robot",
        robot_name="rover",
        part_id="part",
        part_name="main",
    )
    moments: dict[str, Any] = dict.fromkeys(MOMENTS, 1_700_000_000_000_000_001)
    store = MemoryStore()
    store.add_binary(
        [
            (
                BinaryRecord(
                    file_id=f"file-{number}", source=source, mime_type="a/b", size=6, **moments
                ),
                b"byte-%d" % number,
            )
            for number in range(binary)
        ]
    )
    payload = struct_from({"celsius": 21.5}).SerializeToString(deterministic=True)
    store.add_tabular(
        [TabularRecord(id="t", file_id="u", source=source, payload=payload, **moments)]
    )
    store.add_dataset(Dataset(id="d", name="cats", organization_id="org", time_created=0))
    store.set_database_password("org", password)
    store.put_entities(
        SavedQuery(
            id="q",
            organization_id="org",
            name="daily",
            stages=(b"\x05\0\0\0\0",),
            time_created=0,
            time_updated=0,
        )
    )
    return Contents(
        store=store,
        fleet=NO_FLEET.with_part(DEFAULT_PART).with_one(
            Metadata(id=DEFAULT_PART.id, text='{"note": [1.5, null]}')
        ),
        keys=({"id": "k", "key": "key", "organization_ids": ["org"], "role": "owner"},),
        counters=Counters(7, 9),
        made_by="1.2.3",
    )
