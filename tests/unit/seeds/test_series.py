"""Readings as other programs write them: CSV, TSV, JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import seeds
from fakeviam.model.timestamps import nanos_from_common_text, nanos_from_format, nanos_from_text

if TYPE_CHECKING:
    from .conftest import Write

NOON = 1_769_860_800 * 10**9


def rows(write: Write, text: str, name: str = "s.csv", **options: str) -> list[dict[str, Any]]:
    """The readings of a series in a file of this text."""
    write(text.encode(), name)
    more = "".join(f", {key}: {value}" for key, value in options.items())
    (series,) = seeds.read(write(f"readings: [{{file: {name}{more}}}]")).series
    return [dict(reading.data) for reading in series.readings]


def mistakes(write: Write, text: str, name: str = "s.csv", **options: str) -> list[str]:
    with pytest.raises(seeds.SeedError) as caught:
        rows(write, text, name, **options)
    return str(caught.value).splitlines()


def test_what_is_not_there_is_absent(write: Write) -> None:
    """Empty cells, and NaN where a column is of numbers; not where it is of words (SE-1)."""
    text = "time,v,w,none\n2026-01-31,1,nan,NaN\n2026-01-31, ,Ann,\n2026-01-31, NaN ,,nan\n"
    assert rows(write, text) == [{"v": 1, "w": "nan"}, {"w": "Ann"}, {}]
    lines = (
        '{"time": "2026-01-31", "v": NaN, "in": {"a": NaN, "b": 1}, "n": null}\n'
        '{"time": "2026-01-31", "v": 0.5}\n'
    )
    assert rows(write, lines, "s.jsonl") == [{"in": {"b": 1}, "n": None}, {"v": 0.5}]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("9007199254740993", "an integer beyond 2**53, which a double would round"),
        ("-9007199254740993", "an integer beyond 2**53, which a double would round"),
        ("inf", "inf is not a JSON number"),
        ("-Infinity", "-inf is not a JSON number"),
    ],
)
def test_numbers_that_would_change_are_refused(write: Write, cell: str, told: str) -> None:
    """With the line, and without making text of the column (SE-1)."""
    text = f"time,v\n2026-01-31,1\n2026-01-31,{cell}\n2026-01-31,9007199254740992\n"
    assert mistakes(write, text) == [f"s.csv:3: v: {told}"]


def test_json_lines_refuse_them_likewise(write: Write) -> None:
    """Also NaN where a list has no place for what is absent (SE-1)."""
    lines = '{"time": "2026-01-31", "v": 9007199254740993}\n{"time": "2026-01-31", "v": [NaN]}\n'
    assert mistakes(write, lines, "s.jsonl") == [
        "s.jsonl:1: v: an integer beyond 2**53, which a double would round",
        "s.jsonl:2: v[0]: nan is not a JSON number",
    ]
    assert mistakes(write, f'{lines}{{"v": -Infinity}}', "s.jsonl") == [
        "s.jsonl:3: is not JSON: there is no -Infinity in JSON"
    ]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-01-31 12:00:00,123456789", "2026-01-31T12:00:00.123456789Z"),
        ("2026-01-31 12:00:00 UTC", "2026-01-31T12:00:00Z"),
        ("2026-01-31 12:00:00.5 +0000 UTC", "2026-01-31T12:00:00.5Z"),
        ("2026-01-31T12:00:00Z GMT", "2026-01-31T12:00:00Z"),
        ("20260131T120000Z", "2026-01-31T12:00:00Z"),
        ("20260131T1200+0100", "2026-01-31T11:00:00Z"),
        ("2026/01/31", "2026-01-31T00:00:00Z"),
        ("2026/01/31 12:00", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00Z"),
    ],
)
def test_the_usual_forms_of_times(text: str, iso: str) -> None:
    """TM-1."""
    assert nanos_from_common_text(text) == nanos_from_text(iso)
    assert nanos_from_text(iso) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("20260131", "1769860800", "31/01/2026", "2026/1/31", "2026-0131", "2026-01/31", "noon"),
        *("2026-01-31 12:00:00 +0100 UTC", "2026-01-31 12:0000", "2026-02-30", "2026-01-31 CET"),
    ],
)
def test_forms_that_could_mean_several_times(text: str) -> None:
    """They are refused, not guessed (TM-1)."""
    assert nanos_from_common_text(text) is None


def test_times_of_a_form(write: Write) -> None:
    """As strptime takes them; UTC without an offset (TM-1)."""
    assert nanos_from_format("31.01.2026 12:00", "%d.%m.%Y %H:%M") == NOON
    assert nanos_from_format("31.01.2026 13:00 +0100", "%d.%m.%Y %H:%M %z") == NOON
    assert nanos_from_format("31.01.2026", "%d%d") is None
    assert nanos_from_format("0001-01-01 +0100", "%Y-%m-%d %z") is None
    assert rows(write, "time,v\n31.01.2026,1\n", time_format='"%d.%m.%Y"') == [{"v": 1}]
    assert mistakes(write, "time,v\n1,1\n", time_format='"%H:%M"') == [
        "s.csv:2: time: must be a time like %H:%M, got '1'"
    ]
    assert mistakes(write, "time,v\n1,1\n", time_format='"%H"', time_unit="s") == [
        "seed.yaml:1: readings[0]: time_unit and time_format cannot be combined"
    ]


@pytest.mark.parametrize(
    ("name", "separator", "options"),
    [
        ("s.csv", ";", {"delimiter": '";"'}),
        ("s.csv", "\t", {"delimiter": '"\\t"'}),
        ("s.tsv", "\t", {}),
        ("S.TSV", "\t", {}),
        ("s.tsv", ",", {"delimiter": '","'}),
    ],
)
def test_delimiters(write: Write, name: str, separator: str, options: dict[str, str]) -> None:
    text = "time,v,w\n2026-01-31,1,a\n".replace(",", separator)
    assert rows(write, text, name, **options) == [{"v": 1, "w": "a"}]


def test_what_separates_cells_is_named(write: Write) -> None:
    """So are comments (SE-1)."""
    assert mistakes(write, "time;v\n2026-01-31;1\n") == [
        "s.csv:1: has one column, 'time;v'; if the separator is ';', set delimiter"
    ]
    comment = "begins with #, but CSV has no comments; delete the line"
    assert mistakes(write, "# of 2026\ntime,v\n2026-01-31,1\n") == [f"s.csv:1: {comment}"]
    assert mistakes(write, "time,v\n#\n2026-01-31,1,2\n") == [
        f"s.csv:2: {comment}",
        "s.csv:3: has 3 cells, the header 2",
    ]
    assert rows(write, "colour,time\n#fff,2026-01-31\n") == [{"colour": "#fff"}]
    for delimiter in ('";;"', '""', "'\"'"):
        (told,) = mistakes(write, "", delimiter=delimiter)
        assert "delimiter: must be one character, such as ; or a tab, got" in told


@pytest.mark.parametrize("name", ["S.CSV", "s.Csv", "S.JSONL", "S.NdJson"])
def test_a_byte_order_mark_and_upper_case(write: Write, name: str) -> None:
    text = '{"time": "2026-01-31", "v": 1}' if "J" in name.upper() else "time,v\n2026-01-31,1\n"
    assert rows(write, f"\ufeff{text}", name) == [{"v": 1}]
    write(b"\xef\xbb\xbf" + b'{"datasets": ["dogs"]}', "SEED.JSON")
    seed = seeds.read(write("", "x").with_name("SEED.JSON"))
    assert [one.name for one in seed.datasets] == ["dogs"]
