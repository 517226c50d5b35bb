"""What is wrong is said with file, line and field, as much of it at once as can be (SE-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeviam import UsageError, seeds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Write

    Mistakes = Callable[[str], str]


def test_all_mistakes_of_the_schema_at_once(mistakes: Mistakes) -> None:
    told = mistakes("""
        organisations: []
        organizations:
          - name: acme
            locations:
              - name: lab
                robots: []
          - locations: 3
        datasets:
          - name: ""
          - name: x
            type: sequenz
          - {type: binary}
        images:
          - files: photos
            tag: x
          - files: photos
            tags: [[a], " "]
            time: yesterday
            sidecars: yes
            every: -1
            boxes:
              - {label: dog, x_min_normalized: 1.5, y_min_normalized: 0, x_max_normalized: 1,
                 y_max_normalized: 1}
              - {label: dog, x_min_normalized: 0.9, y_min_normalized: a, x_max_normalized: 0.1,
                 y_max_normalized: 1}
        readings:
          - rows: [{time: 2026-01-01, on: no}, 7]
    """)
    assert (
        told.splitlines()
        == """
seed.yaml:1: unknown field 'organisations'; did you mean organizations?
seed.yaml:6: organizations[0].locations[0].robots: must not be empty
seed.yaml:7: organizations[1].locations: must be a list, got 3
seed.yaml:9: datasets[0].name: name must not be blank, got '' [DS-7]
seed.yaml:11: datasets[1].type: must be binary or sequence, got sequenz; did you mean 'sequence'?
seed.yaml:12: datasets[2]: name is missing
seed.yaml:15: images[0]: unknown field 'tag'; did you mean tags?
seed.yaml:17: images[1].tags[0]: must be text, got a list
seed.yaml:17: images[1].tags[1]: tags must not be blank, got ' ' [TA-4]
seed.yaml:18: images[1].time: must be a time like 2026-01-31T12:00:00Z, or modified, got yesterday
seed.yaml:19: images[1].sidecars: must be true or false, got yes
seed.yaml:20: images[1].every: must be at least 0, got -1
seed.yaml:22: images[1].boxes[0]: x_min_normalized must be between 0 and 1, got 1.5 [BX-2]
seed.yaml:24: images[1].boxes[1].y_min_normalized: must be a number from 0 to 1, got a
seed.yaml:27: readings[0].rows[0]: no is read differently by different programs; write true or \
false, or put it in quotes
seed.yaml:27: readings[0].rows[1]: must be a mapping, got 7
""".strip().splitlines()
    )


def test_a_mistake_of_one_section_hides_none_of_another(write: Write, mistakes: Mistakes) -> None:
    write(b"time,v\nnoon,1\n", "times.csv")
    told = mistakes("""
        imagse: []
        datasets: [{nam: d}]
        images: [{files: none.png}]
        readings: [{file: times.csv}]
    """)
    assert "unknown field 'imagse'" in told
    assert "unknown field 'nam'" in told
    assert "no file matches 'none.png'" in told
    assert "times.csv:2: time: must be a time" in told
    assert len(told.splitlines()) == 5  # the name is missing, too


def test_all_mistakes_of_what_it_names_at_once(write: Write, mistakes: Mistakes) -> None:
    write(b"x", "photos/a.jpg")
    write(b"x", "notes.txt")
    write("time,v\n2026-01-01T00:00:00Z,1\nsoon,2\n,3\n2026-01-02,4,5\n", "wide.csv")
    write("time,v\n2026-01-01T00:00:00Z,1\nsoon,2\n,3\n", "times.csv")
    write("at,at\n", "twice.csv")
    write(
        '{"time": 7, "v": 1}\nnonsense\n[]\n{"time": "2026-01-01", "v": 9007199254740993}\n',
        "s.jsonl",
    )
    # Sidecars have lines of their own.
    write("boxes: 7\ntgas: []", "photos/a.jpg.yaml")
    told = mistakes("""
        organizations:
          - name: acme
            locations:
              - {name: lab, robots: [{name: r, parts: [p, p]}]}
        datasets: [d, d]
        images:
          - files: [photos/*.png, nowhere.jpg]
          - files: notes.txt
          - {files: photos/a.jpg, each: {b.jpg: {tags: x}}}
          - {files: photos/a.jpg, every: 1}
          - {files: photos/a.jpg, data: ""}
          - {tags: x}
          - {files: photos, sidecars: true}
        readings:
          - {file: wide.csv}
          - {file: times.csv}
          - {file: twice.csv}
          - {file: s.jsonl}
          - {file: s.xlsx}
          - {file: gone.csv}
          - {}
          - {rows: [{v: 1}]}
          - {rows: [{time: 2026-01-01, a: 1, a.b: 2}], nested: true}
          - {rows: []}
    """)
    assert (
        told.splitlines()
        == """
seed.yaml:4: organizations[0].locations[0].robots[0].parts[1]: the part acme/lab/r/p is \
given twice; keep one of them
seed.yaml:5: datasets[1]: the dataset 'd' is given twice; keep one of them
seed.yaml:7: images[0].files[0]: no file matches 'photos/*.png' in the current folder
seed.yaml:7: images[0].files[1]: no file matches 'nowhere.jpg' in the current folder
seed.yaml:8: images[1]: notes.txt is text/plain, not an image; put it under files, or give its \
mime_type
seed.yaml:9: images[2].each.b.jpg: no file of this group is called 'b.jpg'
seed.yaml:10: images[3]: every requires a start time; set time as well
seed.yaml:11: images[4]: data requires name, and cannot be combined with files
seed.yaml:12: images[5]: files is missing; set it, or name, and data in base64
photos/a.jpg.yaml:1: boxes: must be a list, got 7
photos/a.jpg.yaml:2: unknown field 'tgas'; did you mean tags?
wide.csv:5: has 3 cells, the header 2
times.csv:3: time: must be a time like 2026-01-31T12:00:00Z; for numbers set time_unit, \
for other formats time_format, got 'soon'
times.csv:4: no time: the column 'time' has no value; columns: v
twice.csv:1: two columns are called 'at'
s.jsonl:2: is not JSON: Expecting value
s.jsonl:3: must be a JSON object, one per line
seed.yaml:19: readings[4].file: must end in .csv, .tsv, .jsonl, .ndjson, got 's.xlsx'
seed.yaml:20: readings[5].file: gone.csv cannot be read: No such file or directory
seed.yaml:21: readings[6]: file and rows cannot be combined, and one is required
seed.yaml:22: readings[7].rows[0]: no time: the column 'time' has no value; columns: \
v
seed.yaml:23: readings[8].rows[0].a.b: a already is a value
seed.yaml:24: readings[9]: it has no readings
""".strip().splitlines()
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "seed.yaml:1: must be a mapping, got nothing"),
        ("- 1", "seed.yaml:1: must be a mapping, got a list"),
        ("a: [", "seed.yaml:1: is not YAML: while parsing a flow node expected the node content"),
        ("a: 1\n---\nb: 1", "seed.yaml:2: is not YAML: expected a single document"),
        ("a: &x [*x]", "seed.yaml:1: is nested more than 100 levels deep"),
        ("a: !!python/object:os.system 1", "seed.yaml:1: the YAML tag tag:yaml.org,2002:python"),
        ("a: !run 1", "seed.yaml:1: the YAML tag !run is not supported; remove it"),
        ("? [1]\n: 2", "seed.yaml:1: a key must be text"),
        ("datasets: []\nx: \x01", "seed.yaml:2: is not YAML: special characters are not allowed"),
        ("datasets: []\ndatasets: []", "datasets: is repeated (first on line 1); keep one"),
        ("version: 2", "seed.yaml:1: version: must be 1, got 2"),
        ("<<: {version: 1}", "seed.yaml:1: unknown field '<<'; known fields: $schema, version"),
        ("datasets:", "seed.yaml:1: datasets: must be a list, got nothing"),
        ("datasets: [~]", "seed.yaml:1: datasets[0]: must be a mapping, got ~"),
    ],
)
def test_no_seed_at_all(mistakes: Mistakes, text: str, told: str) -> None:
    assert told in mistakes(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1,}', "seed.json:1: is not JSON: Expecting property name"),
        ('{"a"\n1}', "seed.json:2: is not JSON: Expecting ':' delimiter"),
        ('{\n"datasets": [{"name": 7}]}', "seed.json:2: datasets[0].name: must be text, got 7"),
        ('{"version": 1}\n7', "seed.json:2: is not JSON: Extra data"),
        ('{"version":\n NaN}', "seed.json:2: is not JSON: there is no NaN in JSON"),
        ('{"version": 1, "version": 1}', "seed.json:1: version: is repeated"),
        ("[" * 200, "seed.json:1: is nested more than 100 levels deep"),
        ('{"datasets": ["\\ud800"]}', "datasets[0].name: cannot be encoded as UTF-8"),
        ("\n\n", "seed.json:1: must be a mapping, got nothing"),
    ],
)
def test_json_has_lines_too(write: Write, text: str, told: str) -> None:
    path = write(text.encode(), "seed.json")
    with pytest.raises(seeds.SeedError) as caught:
        seeds.read(path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("no", "write true or false"),
        ("0o17", "without a leading zero"),
        ("017", "without a leading zero"),
        ("12:30", "put it in quotes"),
        ("1_000", "without _"),
        (".inf", "finite numbers"),
    ],
)
def test_values_that_yaml_reads_in_two_ways_are_asked_back(
    mistakes: Mistakes, value: str, advice: str
) -> None:
    told = mistakes(f"readings: [{{rows: [{{time: 2026-01-31, v: {value}}}]}}]")
    assert f"{value} is read differently" in told
    assert advice in told


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UsageError, match=r"^gone\.yaml: cannot be read: No such file or directory$"
    ):
        seeds.read("gone.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe4")
    with pytest.raises(UsageError, match=r"^latin\.yaml:2: is not UTF-8 text; save it as UTF-8$"):
        seeds.read("latin.yaml")


def test_a_document_that_came_over_the_network_names_no_files() -> None:
    document = {
        "images": [{"files": "/etc/passwd"}, {"name": "a.jpg", "data": "?"}],
        "readings": [{"file": "s.csv"}],
    }
    with pytest.raises(seeds.SeedError) as caught:
        seeds.from_document(document, name="body")
    assert str(caught.value).startswith("body: images[1].data: must be bytes in base64")
    del document["images"][1]
    with pytest.raises(seeds.SeedError) as caught:
        seeds.from_document(document, name="body")
    assert str(caught.value).splitlines() == [
        "body: images[0].files: files cannot be named here; set name, and data in base64",
        "body: readings[0].file: files cannot be named here; use rows",
    ]


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(seeds.SeedError) as caught:
        seeds.from_document({"datasets": [7] * 30})
    assert len(caught.value.diagnostics) == 30
    told = str(caught.value).splitlines()
    assert (len(told), told[-1]) == (21, "… and 10 more")
