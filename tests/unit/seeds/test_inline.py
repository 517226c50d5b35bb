"""Seeds in one piece, for servers elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakeviam import seeds
from fakeviam.model.annotations import BoundingBox, Classification
from fakeviam.model.datasets import DatasetType
from fakeviam.seeds.kept_models import (
    IndexEntry,
    PipelineEntry,
    ResourceEntry,
    SavedQueryEntry,
    SequenceEntry,
)
from fakeviam.seeds.values import (
    Capture,
    DatasetSeed,
    FileContents,
    FileSeed,
    KeptSeed,
    PartSeed,
    ReadingSeed,
    Seed,
    SeriesSeed,
)

if TYPE_CHECKING:
    from .conftest import Write

_names = st.text(
    st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8
).filter(str.strip)
_words = st.text(st.characters(codec="utf-8"), max_size=8)
_moments = st.integers(-(10**18), 10**18)
_times = st.none() | _moments
_locations = st.builds(seeds.SourceLocation, file=_words, line=st.integers(0, 999), field=_words)
_fractions = st.floats(0, 1)
_confidences = st.none() | _fractions
_captures = st.builds(
    Capture, part=_names, component_type=_words, component=_words, method=_words
) | st.just(Capture())
_boxes = st.builds(
    lambda label, x, y, confidence: BoundingBox(
        id="",
        label=label,
        x_min_normalized=min(x),
        x_max_normalized=max(x),
        y_min_normalized=min(y),
        y_max_normalized=max(y),
        confidence=confidence,
    ),
    _names,
    st.tuples(_fractions, _fractions),
    st.tuples(_fractions, _fractions),
    _confidences,
)
_marks = st.builds(Classification, id=st.just(""), label=_names, confidence=_confidences)
_files = st.builds(
    FileSeed,
    label=_names,
    contents=st.builds(FileContents, data=st.binary(max_size=20)),
    file_name=_words,
    file_ext=_words,
    mime_type=_words,
    capture=_captures,
    tags=st.lists(_names, max_size=2).map(tuple),
    datasets=st.lists(_names, max_size=2).map(tuple),
    boxes=st.lists(_boxes, max_size=2).map(tuple),
    classifications=st.lists(_marks, max_size=2).map(tuple),
    time_requested=_times,
    time_received=_times,
    at=_locations,
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_words, inner, max_size=2),
    max_leaves=4,
)
_readings = st.builds(
    ReadingSeed,
    data=st.dictionaries(_words, _values, max_size=2),
    time_requested=_times,
    time_received=_times,
)
_series = st.builds(
    SeriesSeed,
    readings=st.lists(_readings, min_size=1, max_size=2).map(tuple),
    capture=_captures,
    tags=st.lists(_names, max_size=2).map(tuple),
    at=_locations,
)
_parts = st.builds(
    PartSeed,
    name=_names,
    robot=_names,
    location=_names,
    organization=_names,
    id=_words,
    robot_id=_words,
    location_id=_words,
    organization_id=_words,
    internal=st.booleans(),
    at=_locations,
)
_datasets = st.builds(
    DatasetSeed,
    name=_names,
    organization=_words,
    type=st.sampled_from(DatasetType),
    id=_words,
    at=_locations,
)


def _some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=2).map(tuple)


_stages = st.lists(st.dictionaries(_words, _values, max_size=2), min_size=1, max_size=2).map(tuple)
_owned = {"organization": _names | st.just(""), "id": st.just("") | _names}
_queries = {**_owned, "name": _words, "stages": _stages}
_entries = st.one_of(
    st.builds(SavedQueryEntry.model_construct, **_queries),
    st.builds(
        PipelineEntry.model_construct,
        **_queries,
        schedule=_words,
        source=st.sampled_from(["standard", "hot_storage"]),
        backfill=st.booleans(),
        enabled=st.booleans(),
    ),
    st.builds(
        IndexEntry.model_construct,
        organization=_owned["organization"],
        keys=st.dictionaries(_words, _values, min_size=1, max_size=2),
        options=st.dictionaries(_words, _values, max_size=2),
        pipeline=_words,
    ),
    st.builds(
        SequenceEntry.model_construct,
        part=st.just("") | _names,
        resources=st.tuples(st.builds(ResourceEntry, component=_names, method=_names)),
        start=_moments,
        end=_moments,
        tags=_some(_names),
        datasets=_some(_names),
        id=_owned["id"],
    ),
)
_kept = st.builds(KeptSeed, entry=_entries, at=_locations)


_seeds = st.builds(
    Seed,
    parts=_some(_parts),
    datasets=_some(_datasets),
    files=_some(_files),
    series=_some(_series),
    kept=_some(_kept),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_seeds)
def test_nothing_is_lost_on_the_way(seed: Seed) -> None:
    """What a server reads is what was sent, places included (SE-1)."""
    lines = list(seeds.inlined(seed))
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    assert seeds.read_inlined(lines) == seed


def test_the_form_is_documented(write: Write) -> None:
    """Other programs may write it."""
    write(b"hi", "a.jpg")
    seed = seeds.read(
        write("images: [{files: a.jpg, tags: x, time: 2026-01-31T12:00:00.5Z, component: cam}]")
    )
    first, second = map(json.loads, seeds.inlined(seed))
    assert first == {"fakeviam_seed": 1}
    assert second == {
        "file": {
            "label": "a.jpg",
            "file_name": "a",
            "file_ext": ".jpg",
            "tags": ["x"],
            "component": "cam",
            "time_requested": "2026-01-31T12:00:00.500Z",
            "at": ["seed.yaml", "1", "images[0]"],
            "data": "aGk=",
        }
    }


_FIRST = b'{"fakeviam_seed": 1}'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], 'seed: is empty; the first line must be {"fakeviam_seed": 1}'),
        ([b'{"part": {}}'], "seed:1: part: name is missing"),
        ([b'{"fakeviam_seed": 2}'], 'seed:1: the first line must be {"fakeviam_seed": 1}'),
        ([_FIRST, _FIRST], "seed:2: must hold one of part, dataset, file, series"),
        ([_FIRST, b"{}"], "seed:2: must hold one of part, dataset, file, series"),
        ([_FIRST, b"", b"nonsense"], "seed:3: is not JSON: Expecting value"),
        ([_FIRST, b"\xff"], "seed:2: is not UTF-8"),
        ([_FIRST, b'{"file": {"label": "a", "data": "?"}}'], "seed:2: file.data: must be bytes in"),
        (
            [_FIRST, b'{"dataset": {"name": "d", "at": ["x"]}}'],
            "seed:2: dataset.at: must be a list",
        ),
        (
            [_FIRST, b'{"series": {"readings": [{"data": {"v": 9007199254740993}}]}}'],
            "seed:2: series.readings[0].data: v: ",
        ),
    ],
)
def test_what_is_no_seed(lines: list[bytes], told: str) -> None:
    """Line and field, before anything is applied (SE-1)."""
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read_inlined(lines)
    assert str(caught.value).startswith(told)
