"""`fakeviam export`, against a running server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fakeviam import FakeViam, UsageError, seeds
from fakeviam.commands.export import export
from fakeviam.exchange import FORMATS, FolderWriter, exporting, read_any
from fakeviam.exchange.exporting import ExportError

from .samples import described, png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam(seed=1) as cloud:
        yield cloud


def run(cloud: FakeViam, dest: Path, dataset: str, form: str) -> Result:
    arguments = [str(dest), "--dataset", dataset, "--format", form, "--target", cloud.target]
    return CliRunner().invoke(export, arguments)


def apply(cloud: FakeViam) -> str:
    """A dataset of two images; another image is not in it."""
    document = {
        "datasets": ["dogs"],
        "images": [
            {"name": f"{name}.png", "data": PNG, **marks}
            for name, marks in (
                ("a", {"datasets": ["dogs"], "tags": ["t"], "time": "2026-01-31"}),
                ("b", {"datasets": ["dogs"], "time": "2026-01-30"}),
                ("c", {}),
            )
        ],
    }
    return seeds.apply_seed(seeds.from_document(document), cloud._cloud).datasets["dogs"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_dataset_of_a_server(cloud: FakeViam, tmp_path: Path, form: str) -> None:
    """Over gRPC, oldest first, and it can be read again (SE-5)."""
    done = run(cloud, tmp_path / "out", apply(cloud), form)
    told = f"Exported 2 files to {tmp_path / 'out'}"
    told += "; COCO has no place for their parts" if form == "coco" else ""
    assert (done.exit_code, done.output) == (0, f"{told}\n")
    place = tmp_path / "out"
    seed = read_any(place / "annotations.json" if form == "coco" else place)
    assert [(one.file_name, one.tags) for one in seed.files] == [("b", ()), ("a", ("t",))]
    assert [each.name for each in seed.datasets] == ["dogs"]


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_comes_back_from_wherever_it_is_read(
    cloud: FakeViam, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, sources and datasets, also where paths in it begin with its folder (SE-5)."""
    source = {"component": "cam", "component_type": "camera", "method": "ReadImage"}
    images = [{"name": "a.png", "data": PNG, "datasets": ["dogs"], **source}] * 2
    cloud.load({"datasets": ["dogs"], "images": images})
    monkeypatch.chdir(tmp_path)
    assert run(cloud, Path("out"), "dogs", form).exit_code == 0
    seed = read_any("out")
    assert [f"{each.file_name}{each.file_ext}" for each in seed.files] == ["a.png", "a.png"]
    for each in seed.files:
        capture = each.capture
        assert (capture.component, capture.method) == ("cam", "ReadImage")
        assert capture.component_type == "camera"
    with FakeViam(load="out") as other:
        assert [each.name for each in other.datasets] == ["dogs"]


def test_an_export_says_whose_dataset_it_meets(cloud: FakeViam, tmp_path: Path) -> None:
    """That of another organization is told from one with another id (SE-2)."""
    robots = [{"name": "r", "parts": ["p"]}]
    acme = {"name": "acme", "locations": [{"name": "l", "robots": robots}]}
    images = [{"name": "a.png", "data": PNG, "datasets": ["dogs"]}]
    cloud.load({"organizations": [acme], "datasets": ["dogs"], "images": images})
    assert run(cloud, tmp_path / "out", "dogs", "coco").exit_code == 0
    with pytest.raises(UsageError, match="in the organization 'fake-org' of part"):
        cloud.load(tmp_path / "out")
    cloud.load(tmp_path / "out", part="p")
    assert len(cloud.files) == 2


def test_what_can_be_wrong(cloud: FakeViam, tmp_path: Path) -> None:
    """Nothing is left where the export was to be (SE-6)."""
    dataset = apply(cloud)
    unknown = run(cloud, tmp_path / "out", "nothing", "coco")
    assert unknown.exit_code == 1
    assert "no dataset has the name or id 'nothing'; expected one of " in unknown.output
    taken = run(cloud, tmp_path.parent, dataset, "coco")
    assert taken.exit_code == 2
    assert "already exists; choose a new or empty folder" in taken.output
    nowhere = run(cloud, tmp_path / "no/out", dataset, "coco")
    assert "does not exist; create it first" in nowhere.output
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """It appears when it is complete, and not before (SE-6)."""

    def fail() -> None:
        with exporting(tmp_path / "out", FolderWriter) as made:
            made.add(described(), png())
            assert not (tmp_path / "out").exists()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    """And one with something in it may not (SE-6)."""
    with exporting(tmp_path, FolderWriter) as made:
        made.add(described(), png())
    assert {path.name for path in tmp_path.iterdir()} == {"data", "metadata"}
    with pytest.raises(ExportError, match="already exists"), exporting(tmp_path, FolderWriter):
        pass
