"""Saved queries, pipelines, indexes and sequences of seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
import pytest

from fakeviam import Clock, FakeViam, seeds
from fakeviam.model.entities import CustomIndex, DataPipeline, PipelineRun, SavedQuery, Sequence
from fakeviam.server.services.due import catch_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Write

SEED = """
    datasets: [{name: walks, type: sequence}, binary]
    saved_queries:
      - name: daily
        stages:
          - $match: {time_received: {$gte: {$date: 2026-01-31T12:00:00Z}}}
          - $limit: 10
    indexes:
      - keys: {data.c: 1, tags: -1}
        pipeline: hourly
      - keys: {component_name: 1}
        options: {name: latest}
    pipelines:
      - name: hourly
        id: my-pipeline
        schedule: 0 * * * *
        backfill: true
        stages: {$group: {_id: {$dateTrunc: {date: $time_received, unit: hour}}, n: {$sum: 1}}}
      - name: stopped
        schedule: "*/5 * * * *"
        source: hot_storage
        backfill: true
        enabled: false
        stages: [$count: n]
    sequences:
      - resources: {component: cam, method: GetImages}
        id: 66e1f3b2a1c3d4e5f6a7b8c9
        start: 2026-03-10T12:00:00Z
        end: 2026-03-10T13:00:00Z
        tags: x
        datasets: walks
    readings:
      - component: climate
        rows: [{time: 2026-03-10T11:30:00Z, c: 1}]
"""


def kept(cloud: FakeViam, kind: Any) -> list[Any]:
    found: list[Any] = cloud._cloud.store.entities(kind)
    return found


def loaded(cloud: FakeViam, path: Path) -> seeds.AppliedSeed:
    return seeds.apply_seed(seeds.read(path), cloud._cloud)


def test_it_puts_in_what_it_says(cloud: FakeViam, write: Write) -> None:
    """SE-1, SE-4: by the handlers that serve them; indexes find pipelines that come later."""
    receipt = loaded(cloud, write(SEED))
    (query,) = kept(cloud, SavedQuery)
    match, limit = map(bson.decode, query.stages)
    assert (query.name, limit) == ("daily", {"$limit": 10})
    assert match["$match"]["time_received"]["$gte"].isoformat() == "2026-01-31T12:00:00"
    hourly, stopped = kept(cloud, DataPipeline)
    assert (hourly.id, hourly.name, hourly.backfills, hourly.enabled) == (
        *("my-pipeline", "hourly"),
        *(True, True),
    )
    assert (stopped.source, stopped.schedule, stopped.enabled) == (
        *("hot_storage", "*/5 * * * *"),
        False,
    )
    assert stopped.time_batch is None  # as DisableDataPipeline leaves it: nothing is filled
    on_sink, hot = kept(cloud, CustomIndex)
    assert (on_sink.name, on_sink.pipeline_id) == ("data.c_1_tags_-1", "my-pipeline")
    assert (hot.name, hot.collection) == ("latest", "hot_store")
    (sequence,) = kept(cloud, Sequence)
    assert sequence.dataset_ids == (receipt.datasets["walks"],)
    assert (sequence.tags, sequence.part_id) == (("x",), cloud.default_part.id)
    assert receipt.pipelines == {"hourly": "my-pipeline", "stopped": stopped.id}
    assert receipt.saved_queries == {"daily": query.id}
    assert (receipt.sequences, receipt.indexes) == ((sequence.id,), 2)
    assert "1 saved query, 2 pipelines, 2 indexes, 1 sequence" in str(receipt)


def test_pipelines_of_a_seed_run_over_its_data(cloud: FakeViam, write: Write) -> None:
    """DP-7: the clock's next steps find them."""
    catch_up(cloud._cloud)  # nothing is due, or will be
    cloud.load(write(SEED))
    cloud._cloud.clock.advance(minutes=2)
    catch_up(cloud._cloud)
    (run,) = kept(cloud, PipelineRun)
    (document,) = map(bson.decode, run.documents)
    assert (run.status, document["n"]) == ("completed", 1)


def test_what_exists_is_used(cloud: FakeViam, write: Write) -> None:
    """SE-2: and stays as it is, also where it went its own way since."""
    first = loaded(cloud, write(SEED))
    before = list(cloud._cloud.store.all_entities())
    again = loaded(cloud, write(SEED))
    assert list(cloud._cloud.store.all_entities()) == before
    assert (again.pipelines, again.sequences) == (first.pipelines, first.sequences)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("saved_queries: [{name: daily, stages: {$limit: 9}}]", "another stages"),
        (
            (
                "saved_queries: [{name: daily, id: mine, stages: [{$match: {time_received: {$gte: "
                "{$date: 2026-01-31T12:00:00Z}}}}, {$limit: 10}]}]"
            ),
            "another id",
        ),
        (
            "pipelines: [{name: x, id: my-pipeline, stages: {$count: n}, schedule: 0 * * * *}]",
            "name",
        ),
        ("pipelines: [{name: stopped, stages: {$count: n}, schedule: 0 * * * *}]", "schedule"),
        (
            (
                "pipelines: [{name: stopped, stages: {$count: n}, schedule: '*/5 * * * *', "
                "backfill: true}]"
            ),
            "another source",
        ),
        (
            (
                "pipelines: [{name: stopped, stages: {$count: n}, schedule: '*/5 * * * *', "
                "source: hot_storage}]"
            ),
            "another backfill",
        ),
        ("indexes: [{keys: {x: 1}, options: {name: latest}}]", "has an index named 'latest'"),
        ("indexes: [{keys: {x: 1}, pipeline: none}]", "no pipeline 'none'"),
        (
            (
                "sequences: [{id: 66e1f3b2a1c3d4e5f6a7b8c9, resources: {component: c, method: m}, "
                "start: 2026-03-10, end: 2026-03-10}]"
            ),
            "another start",
        ),
        (
            (
                "sequences: [{resources: {component: c, method: m}, start: 2026-03-10, "
                "end: 2026-03-11, datasets: binary}]"
            ),
            "holds binary data",
        ),
        (
            (
                "sequences: [{resources: {component: c, method: m}, start: 2026-03-10, "
                "end: 2026-03-11, datasets: none}]"
            ),
            "no dataset 'none'",
        ),
    ],
)
def test_contradictions_with_what_is_there(
    cloud: FakeViam, write: Write, text: str, told: str
) -> None:
    """SE-1, SE-2: nothing of the seed is there afterwards."""
    cloud.load(write(SEED))
    before = list(cloud._cloud.store.all_entities()), cloud._cloud.store.stats()
    with pytest.raises(seeds.SeedError) as caught:
        cloud.load(write(f"datasets: [new]\n{text}"))
    (diagnostic,) = caught.value.diagnostics
    field = text.partition(":")[0]
    assert str(diagnostic).startswith(f"seed.yaml:2: {field}[0]: "), diagnostic
    assert told in str(diagnostic)
    assert (list(cloud._cloud.store.all_entities()), cloud._cloud.store.stats()) == before


def test_an_index_elsewhere_is_another_one(cloud: FakeViam, write: Write) -> None:
    """SE-2: the same index on a sink is not the one whose name is taken."""
    cloud.load(write(SEED))
    cloud.load(write("indexes: [{keys: {x: 1}, options: {name: latest}, pipeline: hourly}]"))
    with pytest.raises(seeds.SeedError, match="has an index named 'latest'"):
        cloud.load(write("indexes: [{keys: {x: 1}, options: {name: latest}}]"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "saved_queries: [{nam: x, stages: {$limit: 1}}]",
            "unknown field 'nam'; did you mean name?",
        ),
        ("saved_queries: [{name: x, stages: []}]", "stages"),
        ("saved_queries: [{name: x, stages: {$match: {a: yes}}}]", "write true or false"),
        ("pipelines: [{name: x, stages: {$limit: 1}}]", "schedule is missing"),
        (
            "pipelines: [{name: x, stages: {$limit: 1}, schedule: 1, source: sink}]",
            "standard or hot",
        ),
        ("indexes: [{keys: {}}]", "keys"),
        (
            "sequences: [{start: noon, end: 2026-03-10, resources: {component: c}}]",
            "method is missing",
        ),
    ],
)
def test_mistakes_are_told_where_they_are(
    mistakes: Callable[[str], str], text: str, told: str
) -> None:
    """SE-1."""
    assert told in mistakes(text)
    assert mistakes(text).startswith("seed.yaml:1: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("saved_queries: [{name: ' ', stages: {$limit: 1}}]", "name must not be blank"),
        ("saved_queries: [{name: x, stages: {$lookup: {}}}]", "Unrecognized pipeline stage"),
        ("saved_queries: [{name: x, stages: {$match: {a: {$date: never}}}}]", "stands for nothing"),
        (r'saved_queries: [{name: x, stages: {$match: {"a\0": 1}}}]', "cannot be sent as BSON"),
        (
            (
                "saved_queries: [{name: x, stages: "
                f'{{$match: {{a: {{$numberLong: "{2**64}"}}}}}}}}]'
            ),
            "cannot be sent as BSON",
        ),
        ("pipelines: [{name: x, stages: {$limit: 1}, schedule: hourly}]", "cron expression"),
        ("indexes: [{keys: {a: sideways}}]", "index_spec"),
        (
            (
                "sequences: [{start: 2026-03-11, end: 2026-03-10, resources: "
                "{component: c, method: m}}]"
            ),
            "start_time must not be after end_time",
        ),
        (
            (
                "sequences: [{part: none, start: 2026-03-10, end: 2026-03-10, resources: "
                "{component: c, method: m}}]"
            ),
            "'none'",
        ),
        (
            "saved_queries: [{name: x, organization: no, stages: {$limit: 1}}]",
            "no organization 'no'",
        ),
    ],
)
def test_the_rules_of_the_service_hold(cloud: FakeViam, write: Write, text: str, told: str) -> None:
    """SE-1, SE-3."""
    with pytest.raises(seeds.SeedError, match=rf"seed.yaml:1: \w+\[0\]: .*{told}"):
        cloud.load(write(text))
    assert cloud._cloud.store.stats().entities == 0


def test_lines_of_other_programs_come_in_any_order(cloud: FakeViam, write: Write) -> None:
    """An index may come before the pipeline whose sink it is on."""
    header, *lines = seeds.inlined(seeds.read(write(SEED)))
    seeds.apply_seed(seeds.read_inlined([header, *reversed(lines)]), cloud._cloud)
    assert cloud._cloud.store.stats().entities == 6


@pytest.mark.parametrize("place", ["memory", "directory", "database"])
def test_they_are_kept_wherever_data_is(write: Write, tmp_path: Path, place: str) -> None:
    """AR-1, DD-1, MG-1: what is exported and loaded elsewhere is the same."""
    seed, clock = write(SEED), Clock.frozen("2026-03-10T12:00:00Z")
    every: dict[str, dict[str, Any]] = {
        "memory": {},
        "directory": {"data_dir": tmp_path / "kept"},
        "database": {"store": "mongomock:"},
    }
    options = every[place]
    with FakeViam(load=seed, clock=clock, **options) as cloud:
        before = list(cloud._cloud.store.all_entities())
        cloud.export(tmp_path / "archive")
    assert len(before) == 6
    with FakeViam(load=tmp_path / "archive", clock=clock) as other:
        assert list(other._cloud.store.all_entities()) == before
    if place == "directory":
        with FakeViam(clock=clock, **options) as again:
            assert list(again._cloud.store.all_entities()) == before
