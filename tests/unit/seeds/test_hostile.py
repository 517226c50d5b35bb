"""Values that text, JSON or the calendar cannot carry, and bytes of any kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fakeviam import exchange, seeds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Write

NINES = "9" * 5000
TIME = "a time like 2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # Text that UTF-8 cannot carry.
        ('datasets:\n- "\\ud800"', "seed.yaml:2: datasets[0].name: cannot be encoded as UTF-8"),
        ('files:\n- {files: "\\ud800"}', "seed.yaml:2: files[0].files: cannot be encoded as UTF-8"),
        (
            'files: [{name: a, data: "", tags: ["\\udfff"]}]',
            "seed.yaml:1: files[0].tags[0]: cannot",
        ),
        (
            'files: [{name: a, data: "", each: {"\\ud800": {}}}]',
            r"seed.yaml:1: the key '\ud800' cannot be encoded as UTF-8",
        ),
        ('"\\ud800": 1', r"seed.yaml:1: the key '\ud800' cannot be encoded as UTF-8"),
        (
            'readings: [{rows: [{time: 2026-01-31,\n v: ["\\ud800"]}]}]',
            "seed.yaml:1: readings[0].rows[0]: v[0]: text that cannot be encoded as UTF-8",
        ),
        # Numbers that JSON cannot carry.
        ("files:\n- every: 1e400", "seed.yaml:2: files[0].every: must be a number, got 1e400"),
        (f"files:\n- every: {NINES}", f"files[0].every: must be a number, got {'9' * 60}…"),
        ("version: 1e400", "seed.yaml:1: version: must be 1, got 1e400"),
        ("version: .inf", "seed.yaml:1: version: must be 1, got .inf"),
        ("version: true", "seed.yaml:1: version: must be 1, got true"),
        (
            "readings: [{rows: [{time: 2026-01-31, v: -1e400}]}]",
            "seed.yaml:1: readings[0].rows[0]: -1e400 is beyond the range of a double",
        ),
        (
            f"readings: [{{rows: [{{time: 2026-01-31, v: {NINES}}}]}}]",
            f"seed.yaml:1: readings[0].rows[0]: {'9' * 30} is beyond the range of a double",
        ),
        (
            "readings: [{rows: [{time: 2026-01-31, v: 9007199254740993}]}]",
            "seed.yaml:1: readings[0].rows[0]: v: an integer beyond 2**53",
        ),
        # Times outside the calendar.
        (
            "files:\n- {name: a, data: '', time: 0001-01-01T00:00:00+01:00}",
            f"seed.yaml:2: files[0].time: must be {TIME}, or modified, got 0001-01-01T00",
        ),
        (
            "files: [{name: a, data: '', received: 9999-12-31T23:59:59-01:00}]",
            f"seed.yaml:1: files[0].received: must be {TIME}, got 9999-12-31T23:59:59-01:00",
        ),
        (
            "readings: [{rows: [{time: 10000-01-01, v: 1}]}]",
            f"seed.yaml:1: readings[0].rows[0].time: must be {TIME}; for numbers set",
        ),
        (
            f"readings: [{{time_unit: s, rows: [{{time: {'9' * 20}, v: 1}}]}}]",
            "seed.yaml:1: readings[0].rows[0].time: must be a number of s since 1970, got 9999",
        ),
        # Documents that are small and would not stay so.
        (
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n"
                for below, name in zip("abcdefg", "bcdefgh", strict=True)
            ),
            "its aliases expand to more than 100000 values",
        ),
    ],
)
def test_what_nothing_can_carry_is_refused(write: Write, text: str, told: str) -> None:
    """With file, line and field (SE-1)."""
    path = write(text.encode())
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read(path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"datasets": [\n"\\udc80"]}', "seed.json:2: datasets[0].name: cannot be encoded"),
        ('{"files": [\n{"every": 1e400}]}', "seed.json:2: is not JSON: 1e400 is beyond the range"),
        (f'{{"version":\n{NINES}}}', "seed.json:2: is not JSON: 999999999999999999999999999999…"),
        ('{"version": true}', "seed.json:1: version: must be 1, got True"),
        ('{"files": [\n{"time": "10000-01-01"}]}', "seed.json:2: files[0].time: must be a time"),
    ],
)
def test_json_is_refused_likewise(write: Write, text: str, told: str) -> None:
    """With file, line and field (SE-1)."""
    path = write(text.encode(), "seed.json")
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read(path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("s.csv", "time,v\n2026-01-31,1e400\n", "s.csv:2: v: inf is not a JSON number"),
        ("s.csv", f"time,v\n2026-01-31,{NINES}\n", "s.csv:2: v: inf is not a JSON number"),
        ("s.csv", "time,v\n0000-01-01,1\n", f"s.csv:2: time: must be {TIME}"),
        ("s.csv", 'time,v\n2026-01-31,"1\n', "s.csv:2: is not CSV: "),
        ("s.jsonl", '\n{"time": "2026-01-31", "v": 1e400}', "s.jsonl:2: is not JSON: 1e400 is"),
        ("s.jsonl", f'{{"time": "2026-01-31", "v": {NINES}}}', "s.jsonl:1: is not JSON: 9999"),
        ("s.jsonl", '{"time": "2026-01-31", "v": "\\ud800"}', "s.jsonl:1: v: text that cannot"),
        ("s.jsonl", '{"time": "2026-01-31", "\\ud800": 1}', "s.jsonl:1: "),
        ("s.jsonl", '{"v": 1, "v": 2}', "s.jsonl:1: repeats the field 'v'"),
        ("s.jsonl", '{"v": ' + "[" * 200, "s.jsonl:1: is nested more than 100 levels deep"),
    ],
)
def test_files_of_readings_are_refused_likewise(
    write: Write, name: str, text: str, told: str
) -> None:
    """With file, line and field (SE-1)."""
    write(text.encode(), name)
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read(write(f"readings: [file: {name}]"))
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"dataset": {"name": "\\ud800"}}', "seed:2: dataset.name: cannot be encoded as UTF-8"),
        (b'{"dataset": {"name": "d", "at": ["\\ud800", "1", "x"]}}', "seed:2: dataset.at: must be"),
        (
            b'{"dataset": {"name": "d", "at": ["f", "99999999999999999999", "x"]}}',
            "seed:2: dataset.at: must",
        ),
        (b'{"file": 1e400}', "seed:2: is not JSON: 1e400 is beyond the range of a double"),
        (
            b'{"file": {"label": "a", "data": "", "time_requested": "0000-01-01"}}',
            f"seed:2: file.time_requested: must be {TIME}, got '0000-01-01'",
        ),
        (
            b'{"series": {"readings": [{"data": {"v": "\\ud800"}}]}}',
            "seed:2: series.readings[0].data: v: text that cannot be encoded as UTF-8",
        ),
    ],
)
def test_seeds_in_one_piece_are_refused_likewise(line: bytes, told: str) -> None:
    """With line and field (SE-1)."""
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read_inlined([b'{"fakeviam_seed": 1}', line])
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("every", ["1e10", "1e308"])
def test_times_that_leave_the_calendar_on_the_way(write: Write, every: str) -> None:
    """Each file has a time of its own (SE-1)."""
    for name in ("a.txt", "b.txt"):
        write(b"x", name)
    path = write(f"files:\n- {{files: '*.txt', time: 9999-12-31T23:59:59Z, every: {every}}}")
    with pytest.raises(
        seeds.SeedError, match=r"^seed.yaml:2: files\[0\]: the time of b.txt is outside"
    ):
        seeds.read(path)


def test_names_of_files_that_are_not_text(write: Write, tmp_path: Path) -> None:
    """A file system takes any bytes; what cannot be uploaded is named (SE-1)."""
    (tmp_path / "d").mkdir()
    try:
        (tmp_path / "d" / "\udcff.txt").write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes text only")
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read(write("files: [files: d]"))
    assert str(caught.value) == (
        r"seed.yaml:1: files[0]: the name of d/\udcff.txt cannot be encoded as UTF-8; "
        "rename the file"
    )


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "x" * 300 + "/*"])
def test_names_that_no_file_system_takes(write: Write, name: str) -> None:
    """They are said to be missing, or why they cannot be read (SE-1)."""
    text = json.dumps({"files": [{"files": name}], "readings": [{"file": f"{name}.csv"}]})
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read(write(text, "seed.json"))
    assert "seed.json:1: files[0].files: " in str(caught.value)
    assert "seed.json:1: readings[0].file: " in str(caught.value)


# Any bytes ------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *('"', "{", "}", "[", "]", ":", ",", "\n", "- ", ": ", "&a ", "*a", "!!x ", "\\ud800", "~"),
        *("1e400", "NaN", NINES, "-1", "0.5", "true", "null", "2026-01-31", "99999-01-01", "\0"),
        *("datasets", "images", "annotations", "categories", "files", "readings", "rows", "name"),
        *("data", "label", "boxes", "bbox", "image_id", "category_id", "id", "file_name", "each"),
        *("image_path", "timestamp", "part", "dataset", "file", "series", "at", "fakeviam_seed"),
        *("captureMetadata", "timeRequested", "payload", "tags", "sidecars", "version", "every"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
ANYTHING = (
    st.binary(max_size=200)
    | st.lists(WORDS, max_size=30).map("".join).map(str.encode)
    | VALUES.map(json.dumps).map(str.encode)
    | st.lists(VALUES, max_size=3).map(lambda all_: "\n".join(map(json.dumps, all_)).encode())
)
#: Where a reader looks for what, and the path that is read.
FILES = {
    "seed.yaml": "seed.yaml",
    "seed.json": "seed.json",
    "lines.jsonl": "lines.jsonl",
    "dataset/dataset.jsonl": "dataset",
    "tabular/data.ndjson": "tabular",
    "binary/metadata/a.json": "binary",
    "with-series/s.csv": "with-series/seed.yaml",
    "with-series/s.jsonl": "with-series/seed.yaml",
    "with-sidecar/a.txt.yaml": "with-sidecar/seed.yaml",
}


def refused(read: Callable[[], seeds.Seed]) -> str:
    """The text of the refusal, which can be printed; empty if there is none."""
    try:
        read()
    except seeds.SeedError as error:
        return str(error).encode().decode()
    return ""


@pytest.mark.parametrize("name", FILES)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(data=ANYTHING)
@example(b'{"images": [], "categories": [{"id": 1e400, "name": "x"}]}')
@example(b'{"image_path": "' + b"x" * 300 + b'"}')
@example(b'{"images": [{"id": 1, "file_name": "' + b"x" * 300 + b'"}], "categories": []}')
@example(b'{"timeCaptured": "9999-12-31T23:59:59.9Z", "payload": {"v": NaN}}')
@example(b'{"timeRequested": "0000-01-01T00:00:00Z"}')
@pytest.mark.thinned(3)
def test_any_bytes_are_a_seed_or_refused(write: Write, name: str, data: bytes) -> None:
    """Never with any other error (SE-1, SE-5)."""
    write(b"readings: [{file: s.csv}, {file: s.jsonl, time_unit: s}]", "with-series/seed.yaml")
    write(b"files: [{files: a.txt, sidecars: true}]", "with-sidecar/seed.yaml")
    for file in ("with-series/s.csv", "with-series/s.jsonl", "with-sidecar/a.txt", "binary/data/a"):
        write(b"", file)
    write(data, name)
    refused(lambda: exchange.read_any(FILES[name]))


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(st.lists(ANYTHING, max_size=3))
def test_any_lines_are_a_seed_or_refused(lines: list[bytes]) -> None:
    """Never with any other error (SE-1)."""
    refused(lambda: seeds.read_inlined([b'{"fakeviam_seed": 1}', *lines]))


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(VALUES)
def test_any_document_is_a_seed_or_refused(document: object) -> None:
    """Never with any other error (SE-1)."""
    refused(lambda: seeds.from_document(document))
