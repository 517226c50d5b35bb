"""What each field of a query demands of a record, and what is said of one that does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.clock import SECOND
from fakeviam.model.filter_fields import FILTER_FIELDS, InPredicate, LessThan, demands
from fakeviam.model.filters import DataScope, Interval, Query, TagRule, TimeField
from fakeviam.model.records import BinaryRecord, Source, TabularRecord

NOON = 1_773_144_000 * SECOND
DATASET = "0123456789abcdef01234567"
LABEL = f"VIAM_DATASET_{DATASET}"

SOURCE = Source(
    organization_id="org",
    location_id="loc",
    robot_id="robot-1",
    robot_name="rover",
    part_id="part-1",
    part_name="arm",
    component_type="camera",
    component_name="cam",
    method_name="Read",
)


def box(label: str) -> BoundingBox:
    return BoundingBox(
        id=label,
        label=label,
        x_min_normalized=0,
        y_min_normalized=0,
        x_max_normalized=1,
        y_max_normalized=1,
    )


FILE = BinaryRecord(
    file_id="f",
    source=SOURCE,
    time_requested=NOON,
    time_received=NOON + 5,
    time_synced=NOON + 2 * SECOND,
    mime_type="image/png",
    tags=("x", "y"),
    boxes=(box("cat"), box("dog")),
    dataset_ids=(DATASET,),
)
BARE = replace(FILE, tags=(), boxes=(), dataset_ids=())
READING = TabularRecord(
    id="r",
    file_id="f",
    source=SOURCE,
    time_requested=NOON,
    time_received=NOON,
    time_synced=NOON,
    payload=b"",
    tags=("x",),
)


def some(*values: str) -> frozenset[str]:
    return frozenset(values)


def seen(level: Literal["organization", "location", "robot"], *ids: str) -> Query:
    return Query(scope=DataScope(level, some(*ids)))


def interval(**fields: Any) -> Query:
    return Query(interval=Interval(**fields))


def listed(*tags: str, members: frozenset[str] = frozenset()) -> Query:
    return Query(tag_rule=TagRule.LISTED, tags=some(*tags), label_dataset_ids=members)


TAGGED, UNTAGGED = Query(tag_rule=TagRule.TAGGED), Query(tag_rule=TagRule.UNTAGGED)

#: A field, a query that the record fits, one that it does not, and what is said then.
CASES: list[tuple[str, Any, Query, Query, str, str]] = [
    (
        "API key",
        FILE,
        seen("organization", "org"),
        seen("organization"),
        "nothing",
        "organization 'org'",
    ),
    (
        "API key",
        FILE,
        seen("organization", "a", "org"),
        seen("organization", "b", "a"),
        "one of 'a', 'b'",
        "organization 'org'",
    ),
    ("API key", FILE, seen("location", "loc"), seen("location", "l"), "'l'", "location 'loc'"),
    ("API key", READING, seen("robot", "robot-1"), seen("robot", "r"), "'r'", "robot 'robot-1'"),
    (
        "not visible yet",
        FILE,
        Query(synced_until=NOON + 2 * SECOND),
        Query(synced_until=NOON),
        "stored until 2026-03-10T12:00:00+00:00",
        "2026-03-10T12:00:02+00:00",
    ),
    (
        "component_name",
        FILE,
        Query(component_name="cam"),
        Query(component_name="c"),
        "'c'",
        "'cam'",
    ),
    (
        "component_type",
        FILE,
        Query(component_type="camera"),
        Query(component_type="c"),
        "'c'",
        "'camera'",
    ),
    ("method", FILE, Query(method_name="Read"), Query(method_name="read"), "'read'", "'Read'"),
    ("robot_name", FILE, Query(robot_name="rover"), Query(robot_name="r"), "'r'", "'rover'"),
    ("robot_id", FILE, Query(robot_id="robot-1"), Query(robot_id="rover"), "'rover'", "'robot-1'"),
    ("part_name", FILE, Query(part_name="arm"), Query(part_name="part-1"), "'part-1'", "'arm'"),
    ("part_id", FILE, Query(part_id="part-1"), Query(part_id="arm"), "'arm'", "'part-1'"),
    (
        "location_ids",
        FILE,
        Query(location_ids=some("loc", "l")),
        Query(location_ids=some("l")),
        "'l'",
        "'loc'",
    ),
    (
        "organization_ids",
        FILE,
        Query(organization_ids=some("org")),
        Query(organization_ids=some("b", "a")),
        "one of 'a', 'b'",
        "'org'",
    ),
    (
        "mime_type",
        FILE,
        Query(mime_types=some("image/png")),
        Query(mime_types=some("a/b")),
        "'a/b'",
        "'image/png'",
    ),
    (
        "interval.start",
        FILE,
        interval(start=NOON),
        interval(start=NOON + 1),
        "from 2026-03-10T12:00:00.000000001Z",
        "time_requested 2026-03-10T12:00:00Z",
    ),
    (
        "interval.start",
        replace(FILE, time_requested=-1),
        interval(start=-1),
        interval(start=0),
        "from 1970-01-01T00:00:00Z",
        "time_requested 1969-12-31T23:59:59.999999999Z",
    ),
    (
        "interval.start",
        FILE,
        interval(start=NOON + 5, clock=TimeField.RECEIVED),
        interval(start=NOON + 6, clock=TimeField.RECEIVED),
        "from 2026-03-10T12:00:00.000000006Z",
        "time_received 2026-03-10T12:00:00.000000005Z",
    ),
    (
        "interval.end",
        FILE,
        interval(end=NOON),
        interval(end=NOON - 1),
        "until 2026-03-10T11:59:59.999999999Z",
        "time_requested 2026-03-10T12:00:00Z",
    ),
    (
        "interval.end",
        FILE,
        interval(end=NOON + 1, end_inside=False),
        interval(end=NOON, end_inside=False),
        "before 2026-03-10T12:00:00Z",
        "time_requested 2026-03-10T12:00:00Z",
    ),
    (
        "interval.end",
        replace(FILE, time_requested=1),
        interval(end=1),
        interval(end=0),
        "until 1970-01-01T00:00:00Z",
        "time_requested 1970-01-01T00:00:00.000000001Z",
    ),
    ("tags_filter", FILE, listed("x", "z"), listed("z"), "'z'", "one of 'x', 'y'"),
    (
        "tags_filter",
        FILE,
        listed(LABEL, members=some(DATASET)),
        listed("z", members=some("d")),
        "'z'",
        f"one of '{LABEL}', 'x', 'y'",
    ),
    ("tags_filter", FILE, listed("x"), listed(LABEL), f"'{LABEL}'", "one of 'x', 'y'"),
    (
        "tags_filter",
        READING,
        listed("x", members=some(DATASET)),
        listed("z", members=some(DATASET)),
        "'z'",
        "'x'",
    ),
    ("tags_filter", BARE, UNTAGGED, TAGGED, "any tag", "no tags"),
    ("tags_filter", BARE, UNTAGGED, listed("x"), "'x'", "no tags"),
    ("tags_filter", FILE, TAGGED, UNTAGGED, "no tags", "one of 'x', 'y'"),
    (
        "bbox_labels",
        FILE,
        Query(box_labels=some("cat", "cow")),
        Query(box_labels=some("cow")),
        "'cow'",
        "one of 'cat', 'dog'",
    ),
    ("bbox_labels", BARE, Query(), Query(box_labels=some("cow")), "'cow'", "no boxes"),
    ("bbox_labels", READING, Query(), Query(box_labels=some("cat")), "'cat'", "a reading"),
    ("dataset_id", FILE, Query(dataset_id=DATASET), Query(dataset_id="d"), "'d'", f"'{DATASET}'"),
    ("dataset_id", BARE, Query(), Query(dataset_id="d"), "'d'", "no datasets"),
    ("dataset_id", READING, Query(), Query(dataset_id=DATASET), f"'{DATASET}'", "a reading"),
    (
        "include_internal_data",
        replace(FILE, internal=True),
        Query(include_internal=True),
        Query(),
        "true for it",
        "internal data",
    ),
]


def missed(query: Query, record: Any) -> dict[str, tuple[str, str]]:
    """The fields of a query that a record does not fit, with what is said of it."""
    return {
        field.name: field.words(query, record)
        for field, predicate in demands(query, tabular=isinstance(record, TabularRecord))
        if not all(predicate.flags([record]))
    }


@pytest.mark.parametrize(("name", "record", "fits", "misses", "wanted", "actual"), CASES)
def test_each_field_by_itself(
    name: str, record: Any, fits: Query, misses: Query, wanted: str, actual: str
) -> None:
    """What fits has nothing said against it, the rest in words (FI-1, WY-1)."""
    assert missed(fits, record) == {}
    assert missed(misses, record) == {name: (wanted, actual)}


def test_every_field_has_a_case() -> None:
    """And each demands nothing where the query is silent (FI-3)."""
    assert {case[0] for case in CASES} == {field.name for field in FILTER_FIELDS}
    asked = [field.name for field, _ in demands(Query(include_internal=True), tabular=False)]
    assert asked == []
    everybody = Query(scope=None, synced_until=None, include_internal=True)
    assert list(demands(everybody, tabular=True)) == []


def test_what_answers_rest_on_once_a_field_is_set() -> None:
    """As the catalogue has it (FI-4, FI-10, FI-11, DM-3, UP-10)."""
    named = dict.fromkeys(("component_name", "component_type", "method", "robot_id", "part_id"))
    assert {field.name: field.clauses for field in FILTER_FIELDS if field.clauses} == {
        **dict.fromkeys(named, ("FI-4",)),
        "robot_name": ("FI-4", "UP-10"),
        "part_name": ("FI-4", "UP-10"),
        "bbox_labels": ("FI-10",),
        "dataset_id": ("FI-11", "DM-3"),
    }
    attributes = {field.name: field.attribute for field in FILTER_FIELDS if field.attribute}
    assert attributes == {
        **{name: name for name in named},
        **{name: name for name in ("robot_name", "part_name", "location_ids", "organization_ids")},
        "method": "method_name",
        "mime_type": "mime_types",
        "bbox_labels": "box_labels",
        "dataset_id": "dataset_id",
    }


def test_predicates_of_several_records() -> None:
    """In their order; no alternative fits none, and readings have no boxes to ask for (A18)."""
    records = [FILE, BARE, replace(FILE, tags=("z",), time_synced=5)]
    assert list(InPredicate(()).flags(records)) == [False] * 3
    either = InPredicate((("tags", some("z")), ("box_labels", some("cat"))))
    assert list(either.flags(records)) == [True, False, True]
    assert either.among_readings() == InPredicate((("tags", some("z")),))
    assert list(LessThan("time_synced", 6).flags(records)) == [False, False, True]
    assert list(LessThan("time_synced", 5).flags(records)) == [False, False, False]
    assert list(LessThan("time_synced", 5, holds=False).flags(records)) == [True, True, True]
