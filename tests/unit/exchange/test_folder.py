"""Folders of the viam command line, out and in."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fakeviam import FakeViam, seeds
from fakeviam.exchange import FORMATS, FolderWriter, export_all, read_any, read_folder
from fakeviam.model.fleet import DEFAULT_PART
from fakeviam.wire import well_known

from .samples import NOON, described, png


def test_it_looks_as_the_command_line_makes_it(tmp_path: Path) -> None:
    """`data/` and `metadata/`, the time in front of names without folders (SE-5)."""
    files = [
        (described("a", nanos=NOON + 500_000_000), png()),
        (described("photos/b"), png()),
        (described("", ".png"), png()),
        (described("c.png"), png()),
    ]
    files[0][0].capture_metadata.method_parameters["x"].CopyFrom(
        well_known.Any(type_url="type.googleapis.com/of.nobody", value=b"1")
    )
    export_all(tmp_path / "out", FolderWriter, files)
    found = {path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.rglob("*.*")}
    assert found >= {
        "data/2026-01-31T12_00_00.5Z_a.png",
        "metadata/2026-01-31T12_00_00.5Z_a.json",
        "data/photos/b.png",
        "metadata/photos/b.json",
        f"data/2026-01-31T12_00_00Z_{'FILE' * 16}.png",
        "data/2026-01-31T12_00_00Z_c.png",
        "metadata/2026-01-31T12_00_00Z_c.png.json",
    }
    known = json.loads((tmp_path / "out/metadata/photos/b.json").read_text())
    assert known["captureMetadata"]["partId"] == DEFAULT_PART.id
    assert known["fileName"] == "photos/b"


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "..", "a/../../b", "x" * 300, 'a:b"\0']
)
def test_names_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    """Whatever a server calls its files (SE-6)."""
    for number, writer in enumerate((FORMATS["folder"], FORMATS["jsonl"])):
        out = tmp_path / "deep" / str(number) / "out"
        out.parent.mkdir(parents=True)
        export_all(out, writer, [(described(name), b"x")])
        (saved,) = (path for path in out.rglob("*") if path.is_file() and path.suffix == ".png")
        assert saved.read_bytes() == b"x"
    assert {path.name for path in tmp_path.iterdir()} == {"deep"}


def test_the_command_line_s_own_folder(tmp_path: Path) -> None:
    """Names with colons, unzipped files, fields newer than ours; ids are kept (SE-4)."""
    source = {
        "organizationId": "org-1",
        "locationId": "loc1",
        "robotName": "rover",
        "robotId": "robot-1",
        "partName": "rover-main",
        "partId": "part-1",
        "componentType": "rdk:component:camera",
        "methodParameters": {"x": {"@type": "type.googleapis.com/of.nobody"}},
        "tags": ["t", "VIAM_DATASET_d1"],
        "mimeType": "image/jpeg",
        "newer": 1,
    }
    known = {
        "id": "f1",
        "captureMetadata": source,
        "timeRequested": "2026-01-31T12:00:00.000000005Z",
        "fileName": "2026-01-31T12:00:00.000000005Z_f1.jpg",
        "fileExt": ".jpg",
        "datasetIds": ["d1"],
        "fileSizeBytes": "3",
    }
    zipped = {**known, "id": "f2", "fileName": "log.txt", "fileExt": ".gz"}
    for folder in ("data", "metadata"):
        (tmp_path / folder).mkdir()
    name = "2026-01-31T12:00:00.000000005Z_f1.jpg"
    (tmp_path / "data" / name).write_bytes(b"jpg")
    (tmp_path / "metadata" / f"{name}.json").write_text(json.dumps(known))
    (tmp_path / "data/log.txt").write_bytes(b"unzipped")
    (tmp_path / "metadata/log.txt.json").write_text(json.dumps(zipped))
    image, log = read_folder(tmp_path).files
    assert (image.file_name, image.file_ext, image.tags) == ("", ".jpg", ("t",))
    assert image.time_requested == NOON + 5
    assert (log.file_name, log.file_ext) == ("log.txt", ".gz")
    assert gzip.decompress(log.contents.read(log.at)) == b"unzipped"
    cloud = FakeViam(seed=1)
    applied = seeds.apply_seed(read_folder(tmp_path), cloud._cloud)
    assert applied.binary_data_ids[0].startswith("org-1/loc1/")
    part = cloud.fleet.part("part-1")
    assert part is not None
    assert (part.robot_id, part.robot_name, part.name) == ("robot-1", "rover", "rover-main")
    dataset = cloud._cloud.store.dataset("d1")
    assert dataset is not None
    assert dataset.organization_id == "org-1"


@pytest.mark.slow
def test_a_small_file_that_would_become_huge_stays_zipped(tmp_path: Path) -> None:
    """SE-5: nobody's memory is filled by an export."""
    bomb = gzip.compress(bytes(65 * 1024 * 1024))
    export_all(tmp_path / "out", FolderWriter, [(described("log", ".gz"), bomb)])
    (path,) = (tmp_path / "out/data").iterdir()
    assert path.read_bytes() == bomb


def test_readings_of_the_command_line(tmp_path: Path) -> None:
    """`data.ndjson`: one series for each source (SE-4)."""
    row = {
        "partId": "p1",
        "robotId": "r1",
        "locationId": "l1",
        "organizationId": "o1",
        "resourceName": "thermo",
        "resourceSubtype": "rdk:component:sensor",
        "methodName": "Readings",
        "timeCaptured": "2026-01-31T12:00:00Z",
        "tags": ["t"],
        "payload": {"readings": {"v": 1}},
        "methodParameters": {},
    }
    rows = [row, {**row, "resourceName": "other"}, {**row, "payload": {"v": 2}}]
    (tmp_path / "data.ndjson").write_text("\n".join(map(json.dumps, rows)))
    seed = read_any(tmp_path)
    thermo, other = seed.series
    assert [one.data for one in thermo.readings] == [{"readings": {"v": 1}}, {"v": 2}]
    assert (thermo.capture.component, thermo.capture.method, thermo.tags) == (
        "thermo",
        "Readings",
        ("t",),
    )
    assert other.readings[0].time_requested == NOON
    assert [part.id for part in seed.parts] == ["p1"]


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file that is broken is named (SE-1)."""
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(seeds.SeedError) as caught:
        read_folder("empty")
    assert str(caught.value) == (
        "empty: is not a folder exported by the viam command line: it has neither metadata/ nor "
        "dataset.jsonl nor data.ndjson"
    )
    Path("out/metadata").mkdir(parents=True)
    wrong = {"bboxes": [{"label": " ", "xMaxNormalized": 1}]}
    Path("out/data").mkdir()
    Path("out/data/box").write_bytes(b"")
    Path("out/metadata/box.json").write_text(json.dumps({"annotations": wrong}))
    Path("out/metadata/gone.json").write_text("{}")
    Path("out/metadata/text.json").write_text('{"fileName": 7}')
    with pytest.raises(seeds.SeedError) as caught:
        read_folder("out")
    first, second, third = str(caught.value).splitlines()
    assert first == (
        "metadata/box.json: annotations.bboxes: label must not be blank, got ' ' [BX-3]"
    )
    assert second == "metadata/gone.json: the file it describes is not in data/"
    assert third.startswith("metadata/text.json: is not a JSON BinaryMetadata: ")
