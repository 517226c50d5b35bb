"""Seed files that are right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakeviam import seeds
from fakeviam.model.datasets import DatasetType
from fakeviam.model.timestamps import nanos_from_number, nanos_from_text
from fakeviam.seeds.values import Capture

if TYPE_CHECKING:
    from .conftest import Write

NOON = 1_769_860_800 * 10**9


def test_parts_of_a_fleet(write: Write) -> None:
    path = write("""
        organizations:
          - name: acme
            id: org-1
            locations:
              - name: lab
                robots:
                  - name: arm
                    parts:
                      - arm-main
                      - {name: arm-aux, id: part-7, internal: true}
    """)
    main, aux = seeds.read(path).parts
    assert (main.organization, main.location, main.robot, main.name) == (
        "acme",
        "lab",
        "arm",
        "arm-main",
    )
    assert (main.organization_id, main.id, main.internal) == ("org-1", "", False)
    assert (aux.id, aux.internal) == ("part-7", True)
    assert str(aux.at).startswith("seed.yaml:10: organizations[0].locations[0]")


def test_datasets(write: Write) -> None:
    seed = seeds.read(write("datasets: [dogs, {name: walks, type: sequence}]"))
    assert [(one.name, one.type) for one in seed.datasets] == [
        ("dogs", DatasetType.BINARY_DATA),
        ("walks", DatasetType.SEQUENCE_DATA),
    ]


def test_a_folder_of_images(write: Write) -> None:
    write(b"b", "photos/b.jpg")
    write(b"a", "photos/a.png")
    write(b"no", "photos/.hidden.jpg")
    path = write("""
        images:
          - files: photos
            component: cam
            component_type: rdk:component:camera
            method: GetImages
            part: rover-main
            tags: dog
            datasets: [dogs]
            time: 2026-01-31T12:00:00Z
            every: 0.5
    """)
    first, second = seeds.read(path).files
    assert (first.label, first.file_name, first.file_ext) == ("photos/a.png", "a", ".png")
    assert first.capture == Capture(
        part="rover-main",
        component="cam",
        component_type="rdk:component:camera",
        method="GetImages",
    )
    assert (first.tags, first.datasets) == (("dog",), ("dogs",))
    assert (first.time_requested, second.time_requested) == (NOON, NOON + 500_000_000)
    assert second.contents.read(second.at) == b"b"


def test_patterns_find_each_file_once(write: Write) -> None:
    for name in ("a.jpg", "deep/down/b.jpg", "c.txt"):
        write(b"x", f"photos/{name}")
    path = write("images: [{files: ['photos/**/*.jpg', photos/a.jpg]}]")
    assert [one.label for one in seeds.read(path).files] == [
        "photos/a.jpg",
        "photos/deep/down/b.jpg",
    ]


def test_names_as_the_sdk_and_as_viam_server_give_them(write: Write) -> None:
    """viam-sdk cuts the extension off a name, viam-server keeps it."""
    named = [
        (file.file_name, file.file_ext)
        for keep in ("", "keep_extension: true, ")
        for file in seeds.read(write(f"files: [{{{keep}name: a.b.mp4, data: AAAA}}]")).files
    ]
    assert named == [("a.b", ".mp4"), ("a.b.mp4", ".mp4")]


def test_what_is_said_of_one_file_wins(write: Write) -> None:
    """Nearer is stronger: `each`, then the sidecar, then the group."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write(b"x", name)
    write("tags: [beside]\nboxes: []\n", "b.jpg.yaml")
    write('{"tags": ["beside"], "time": "2026-02-01"}', "c.jpg.json")
    path = write("""
        images:
          - files: ["*.jpg", "*.yaml"]
            sidecars: true
            tags: group
            each:
              c.jpg:
                tags: each
                boxes:
                  - {label: cat, x_min_normalized: 0, y_min_normalized: 0.25,
                     x_max_normalized: 1, y_max_normalized: 1, confidence: 0.5}
                classifications: [indoor, {label: night, confidence: 1}]
    """)
    with pytest.raises(
        seeds.SeedError, match=r"seed.yaml is application/octet-stream, not an image"
    ):
        seeds.read(path)
    write(path.read_text().replace(', "*.yaml"', ""))
    a, b, c = seeds.read(path).files
    assert (a.tags, b.tags, c.tags) == (("group",), ("beside",), ("each",))
    assert c.time_requested == nanos_from_text("2026-02-01")
    (box,) = c.boxes
    assert (box.label, box.y_min_normalized, box.confidence) == ("cat", 0.25, 0.5)
    assert [(one.label, one.confidence) for one in c.classifications] == [
        ("indoor", None),
        ("night", 1),
    ]


def test_times_of_change_only_if_asked_for(write: Write) -> None:
    photo = write(b"x", "a.jpg")
    asked = seeds.read(write("images: [{files: a.jpg, time: modified}]"))
    assert asked.files[0].time_requested == photo.stat().st_mtime_ns
    assert seeds.read(write("images: [{files: a.jpg}]")).files[0].time_requested is None


def test_contents_in_the_seed_itself(write: Write) -> None:
    seed = seeds.read(write("files: [{name: notes.txt, data: aGVsbG8=}]"))
    (file,) = seed.files
    assert (file.file_name, file.file_ext) == ("notes", ".txt")
    assert file.contents.read(file.at) == b"hello"


def test_a_series_from_csv(write: Write) -> None:
    write(
        "time,temp.in,temp.out,on,serial,note\n"
        "2026-01-31T12:00:00.123456789Z,1.5,,true,007,\n"
        '2026-01-31 13:00:01+01:00,-2e1,3,FALSE,010,"a, b"\n',
        "s.csv",
    )
    path = write("readings: [{file: s.csv, component: t, nested: true, under: readings}]")
    (series,) = seeds.read(path).series
    assert [one.data for one in series.readings] == [
        {"readings": {"temp": {"in": 1.5}, "on": True, "serial": "007"}},
        {
            "readings": {
                "temp": {"in": -20, "out": 3},
                "on": False,
                "serial": "010",
                "note": "a, b",
            }
        },
    ]
    assert [one.time_requested for one in series.readings] == [NOON + 123456789, NOON + 10**9]


def test_times_that_are_numbers_keep_all_their_digits(write: Write) -> None:
    write("at,seen,v\n1769860800123456789,1769860800123456790,1\n", "s.csv")
    path = write("readings: [{file: s.csv, time: at, received: seen, time_unit: ns}]")
    (reading,) = seeds.read(path).series[0].readings
    assert reading.time_requested == NOON + 123456789
    assert reading.time_received == NOON + 123456790


def test_a_series_from_json_lines_and_from_rows(write: Write) -> None:
    write('{"time": 1769860800.5, "v": [1, {"a": null}]}\n\n', "s.jsonl")
    path = write("""
        readings:
          - {file: s.jsonl, time_unit: s}
          - rows:
              - {time: 2026-01-31T12:00:00Z, on: true, n: 12, text: 2026-01-01, word: "no"}
    """)
    lines, rows = seeds.read(path).series
    assert lines.readings[0].data == {"v": [1, {"a": None}]}
    assert lines.readings[0].time_requested == NOON + 500_000_000
    assert rows.readings[0].data == {"on": True, "n": 12, "text": "2026-01-01", "word": "no"}


def test_text_is_taken_as_it_is_written(write: Write) -> None:
    """YAML 1.1 would make false, 7, a date and 750 of these."""
    write(b"x", "a.jpg")
    seed = seeds.read(write("images: [{files: a.jpg, tags: [no, 007, 2026-01-31, 12:30]}]"))
    assert seed.files[0].tags == ("no", "007", "2026-01-31", "12:30")


def test_yaml_and_json_say_the_same(write: Write) -> None:
    document = {
        "version": 1,
        "datasets": ["d\u00e4"],
        "readings": [{"rows": [{"time": "2026-01-31", "v": -1.5e3, "w": "\U0001f600\t/"}]}],
    }
    text = json.dumps(document, indent="\t")
    seed = seeds.read(write(text, "seed.json"))
    assert seed.datasets[0].name == "d\u00e4"
    assert seed.series[0].readings[0].data == {"v": -1500, "w": "\U0001f600\t/"}
    again = seeds.from_document(document)
    assert again.series[0].readings == seed.series[0].readings
    yaml = seeds.read(write(json.dumps(document, ensure_ascii=False, indent=1), "seed.yaml"))
    assert yaml.series[0].readings == seed.series[0].readings


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.9Z", -100_000_000),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-01 01:00:00 +0100", 0),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_800 * 10**9 - 1),
        ("0001-01-01T00:00:00+01:00", None),
        ("2026-02-30", None),
        ("12:00", None),
        ("", None),
    ],
)
def test_times_as_text(text: str, nanos: int | None) -> None:
    """TM-1."""
    assert nanos_from_text(text) == nanos


@pytest.mark.parametrize(
    ("text", "unit", "nanos"),
    [
        ("1.5", "s", 1_500_000_000),
        ("-1.5", "ms", -1_500_000),
        ("7", "ns", 7),
        ("1e9", "s", None),
        ("99999999999999", "s", None),
    ],
)
def test_times_as_numbers(text: str, unit: str, nanos: int | None) -> None:
    assert nanos_from_number(text, unit) == nanos


def test_an_alias_is_the_same_value(write: Write) -> None:
    path = write("""
        readings:
          - rows: [&one {time: 2026-01-31, v: 1}, *one]
    """)
    first, second = seeds.read(path).series[0].readings
    assert first == second


def test_the_schema_that_is_shipped_is_current() -> None:
    shipped = Path(seeds.__file__).with_name("seed.schema.json")
    current = json.dumps(seeds.json_schema(), indent=1) + "\n"
    assert shipped.read_text(encoding="utf-8") == current
