"""The options of the readers, and the ways to give them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fakeviam import FakeViam, ReadOptions, UsageError, seeds
from fakeviam.commands.seed import command as seed_command
from fakeviam.commands.serving import create_fake
from fakeviam.exchange import FolderWriter, JsonlWriter, export_all, read_any

from .samples import NOON, box, described, png

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def over(tmp_path: Path) -> Path:
    """A COCO file with a box that reaches beyond its image, and images elsewhere."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").write_bytes(png(100, 50))
    document = {
        "images": [{"id": "x1", "file_name": "a.png"}],
        "annotations": [
            {"id": 17, "image_id": "x1", "category_id": "c", "bbox": [90, 40, 20, 20]},
            {"id": 18, "image_id": "x1", "category_id": "c", "bbox": [200, 40, 20, 20]},
        ],
        "categories": [{"id": "c", "name": "dog"}],
    }
    path = tmp_path / "sets/val.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    return path


def options(over: Path) -> dict[str, Any]:
    return {"images": over.parent.parent / "photos", "clip": True, "dataset": "dogs"}


def check(cloud: FakeViam, applied: Any) -> None:
    """What the options make of the COCO file."""
    assert list(applied.datasets) == ["dogs", f"{cloud.default_part.organization_name}/dogs"]
    assert applied.boxes == 1
    assert {one.what: one.count for one in applied.left_out} == {"boxes": 1, "parts of boxes": 1}
    assert str(applied).startswith("loaded: 1 dataset, 1 file, 1 box\nleft out: 1 x ")


def test_python(over: Path) -> None:
    """With load=, with load(), as ReadOptions or as a dict (SE-9)."""
    cloud = FakeViam(seed=1, load=over, load_options=options(over))
    check(cloud, cloud.applied_seed)
    other = FakeViam(seed=1, load=over, load_options=ReadOptions(**options(over)))
    assert other.applied_seed == cloud.applied_seed
    third = FakeViam(seed=1)
    check(third, third.load(over, **options(over)))


def test_serve(over: Path) -> None:
    """`--load-option`, once for each (SE-9)."""
    told = ("clip", "dataset=dogs", f"images={options(over)['images']}")
    plain = {"tls": False, "cert": "", "key": "", "ca_file": "", "tls_names": ()}
    made: dict[str, Any] = {"clock": "wall", "token_lifetime": None, "no_control": False, **plain}
    cloud = create_fake(**made, load=str(over), load_options=told)
    check(cloud, cloud.applied_seed)
    for wrong, text in (
        (("clip=2",), "clip must be true or false, got '2'"),
        (("dataset",), "must be NAME=VALUE, got 'dataset'"),
        (("dataset=a", "dataset=b"), "has 'dataset' twice"),
        (("clap=1",), "load has no option 'clap'; did you mean clip"),
    ):
        with pytest.raises(UsageError, match=text):
            create_fake(**made, load=str(over), load_options=wrong)


def test_the_command_line(over: Path) -> None:
    """Flags of `fakeviam seed`; the receipt says what was left out (SE-8, SE-9)."""
    with FakeViam(seed=1) as cloud:
        arguments = [str(over), "--target", cloud.target, "--images", str(options(over)["images"])]
        told = CliRunner().invoke(seed_command, [*arguments, "--dataset", "dogs", "--clip"])
        assert told.exit_code == 0, told.output
        *_, first, second = told.output.splitlines()
        assert first == (
            "left out: 1 x parts of boxes: beyond the edge of the image; clip removed them "
            f"(first: {over}: annotations[0].bbox)"
        )
        assert second.startswith("left out: 1 x boxes: they are completely outside the image")
        form = CliRunner().invoke(seed_command, [*arguments, "--clip", "--format", "json"])
        assert json.loads(form.output)["left_out"][0]["count"] == 1
        wrong = CliRunner().invoke(seed_command, [*arguments, "--delimiter", ";"])
        assert str(wrong.exception) == (
            "delimiter does not apply here: a COCO file takes images, dataset, part, clip"
        )


def test_seed_files(over: Path) -> None:
    """`imports`, beside what the seed itself holds (SE-9)."""
    path = over.parent.parent / "lab.yaml"
    path.write_text(
        "datasets: [dogs]\n"
        "imports:\n"
        "- {file: sets/val.json, images: photos, clip: true, dataset: dogs}\n"
    )
    cloud = FakeViam(seed=1)
    check(cloud, cloud.load(path))
    for text, told in (
        ("- sets/gone.json", "lab.yaml:2: imports[0].file: there is no 'sets/gone.json' in"),
        ("- lab.yaml", "lab.yaml: is a seed file, which cannot be imported"),
        ("- {file: sets/val.json, delimiter: ;}", "lab.yaml:2: imports[0].file: delimiter does"),
        ("- {file: sets/val.json, clap: 1}", "lab.yaml:2: imports[0]: unknown field 'clap'; did"),
        ("- {file: sets/val.json, images: photos}", "annotation 17: the box 90, 40, 20, 20 reach"),
    ):
        path.write_text(f"imports:\n{text}\n")
        with pytest.raises(seeds.SeedError) as caught:
            cloud.load(path)
        assert told in str(caught.value)
    path.write_text("imports: [sets/val.json]")
    with pytest.raises(seeds.SeedError, match="files cannot be named here"):
        seeds.read(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lab.yaml", "a seed file, which is complete, takes no options"),
        (
            "t.csv",
            "a table of readings takes part, component, method, delimiter, time_format, time_unit",
        ),
        ("out", "a folder exported by the viam command line takes dataset, part, clip"),
        ("lines/dataset.jsonl", "a dataset.jsonl takes images, dataset, part, clip"),
        ("data.ndjson", "a data.ndjson of the viam command line takes part"),
        ("archive", "an archive, which is complete, takes no options"),
    ],
)
def test_options_of_no_use(tmp_path: Path, name: str, kind: str) -> None:
    """Refused by name, whatever is read (SE-9)."""
    (tmp_path / "lab.yaml").write_text("datasets: [d]")
    (tmp_path / "t.csv").write_text("time,v\n2026-01-31,1\n")
    (tmp_path / "data.ndjson").write_text('{"partId": "p"}')
    export_all(tmp_path / "out", FolderWriter, [(described(), png())])
    export_all(tmp_path / "lines", JsonlWriter, [(described(), png())])
    FakeViam(seed=1).export(tmp_path / "archive")
    for option in ({"images": "x"}, {"delimiter": ";"}, {"clip": True}, {"dataset": ""}):
        if f" {next(iter(option))}" in kind:
            continue
        with pytest.raises(UsageError) as caught:
            FakeViam(seed=1).load(tmp_path / name, **option)
        assert str(caught.value) == f"{next(iter(option))} does not apply here: {kind}"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"images": 7}, "images must be the path of a folder, got 7"),
        ({"clip": 1}, "clip must be a bool, got 1"),
        ({"dataset": 1}, "dataset must be a str, got 1"),
        ({"delimiter": "ab"}, "delimiter must be one character, such as ; or a tab, got 'ab'"),
        (
            {"folder": "x"},
            "load has no option 'folder'. There are images, dataset, part, component, method, clip",
        ),
    ],
)
def test_values_of_no_use(wrong: dict[str, Any], told: str) -> None:
    """The text names the option (SE-9)."""
    with pytest.raises(UsageError) as caught:
        FakeViam(load="x", load_options=wrong)
    assert str(caught.value).startswith(told)
    with pytest.raises(UsageError, match="load_options requires load"):
        FakeViam(load_options={"clip": True})


def test_tables_of_readings(tmp_path: Path) -> None:
    """CSV and JSON lines need no seed file (SE-9)."""
    (tmp_path / "T.CSV").write_bytes(b"\xef\xbb\xbftime;v\r\n31.01.2026 12:00;1\r\n")
    table = {"delimiter": ";", "time_format": "%d.%m.%Y %H:%M", "part": "p"}
    seed = read_any(tmp_path / "T.CSV", table)
    (tmp_path / "t.jsonl").write_text('{"time": "2026-01-31T12:00:00Z", "v": 1}\n')
    other = read_any(tmp_path / "t.jsonl", ReadOptions(part="p"))
    assert seed.series[0].readings == other.series[0].readings
    assert seed.series[0].capture.part == other.series[0].capture.part == "p"


@pytest.mark.parametrize(
    ("name", "contents", "told"),
    [
        ("t.csv", b"\xff\xfet", "is UTF-16 text; save it as UTF-8"),
        ("t.csv", b"time,v\n", "it has no readings"),
        ("t.csv", b"sep=;\ntime;v\n", "is a line for Excel; delete it, and give delimiter"),
        ("t.csv", b"time,v\n2026-01-31\n", "has 1 cell, the header 2"),
        ("t.csv", b"time,v\n2026-01-31,inf\n", "v: inf is not a JSON number"),
        ("t.jsonl", b'{"ts": 1}', "has neither image_path, as the lines of a dataset.jsonl, nor "),
        ("x" * 300 + ".csv", b"", "cannot be read: File name too long"),
        ("x" * 300, b"", "cannot be read: File name too long"),
        ("a\0.json", b"", "no file can be called"),
    ],
)
def test_mistakes_in_tables(tmp_path: Path, name: str, contents: bytes, told: str) -> None:
    """They name the file, and nothing that is not in it (SE-1)."""
    if contents:
        (tmp_path / name).write_bytes(contents)
    with pytest.raises(UsageError) as caught:
        FakeViam(seed=1).load(tmp_path / name)
    assert f": {told}" in str(caught.value)
    assert "readings[" not in str(caught.value)


def test_numbers_as_times(tmp_path: Path) -> None:
    """By their unit (SE-9)."""
    (tmp_path / "t.csv").write_text("time,v\n1769860800000,1\n")
    seed = read_any(tmp_path / "t.csv", {"time_unit": "ms"})
    assert seed.series[0].readings[0].time_requested == NOON


def test_other_parts_and_datasets(tmp_path: Path) -> None:
    """`part` and `dataset` take the place of what an export says; boxes are cut (SE-9)."""
    known = described(boxes=(box(x_max_normalized=1.5),), dataset_ids=["d1"])
    for name, writer in (("out", FolderWriter), ("lines", JsonlWriter)):
        export_all(tmp_path / name, writer, [(known, png())])
        with pytest.raises(seeds.SeedError, match=r"1\.5.*use the option clip"):
            read_any(tmp_path / name)
        seed = read_any(tmp_path / name, {"clip": True, "part": "cam", "dataset": "dogs"})
        (file,) = seed.files
        assert (file.capture.part, file.datasets, seed.parts) == ("cam", ("dogs",), ())
        assert file.boxes[0].x_max_normalized == 1
        assert [(one.name, one.organization) for one in seed.datasets] == [("dogs", "")]
