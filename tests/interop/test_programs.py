"""examples/programs: each runs against a fake, and says what its seed makes worth saying."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from typing import TYPE_CHECKING

import pytest

from fakeviam import Clock, FakeViam

from .environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = ROOT / "examples" / "programs"

pytestmark = pytest.mark.slow

#: Program → what it prints, and the RPCs behind it, in the order of their first calls.
EXPECTED = {
    "dataset_mirror": (
        r"doors: 4 downloaded, 0 deleted\n",
        ["ListDatasetsByOrganizationID", "BinaryDataByFilter", "BinaryDataByIDs"],
    ),
    "replay_camera": (
        r"09:30 morning: 70 bytes\n11:15 delivery: .*\n13:40 afternoon: .*\n17:05 evening: .*\n",
        ["ListDatasetsByOrganizationID", "BinaryDataByFilter", "BinaryDataByIDs"],
    ),
    "sensor_history": (r"48 readings, 18\.0 to 22\.9 °C\n", ["TabularDataByFilter"]),
    "machine_monitor": (
        r"fake-robot-main: 48 readings, mean 20\.4 °C\n",
        [
            "ListOrganizations",
            "ListLocations",
            "ListRobots",
            "GetRobotParts",
            "ExportTabularData",
        ],
    ),
    "events": (
        r"17:30 locked: no picture\n17:05 closed: evening\n(?s:.*)2 old pictures deleted\n",
        ["TabularDataByMQL", "BinaryDataByFilter", "DeleteBinaryDataByIDs"],
    ),
    "auto_label": (
        r"labelled: door, handle\n",
        [
            "ListDatasetsByOrganizationID",
            "CreateDataset",
            "FileUpload",
            "AddBoundingBoxToImageByID",
            "AddBinaryDataToDatasetByIDs",
            "BoundingBoxLabelsByFilter",
        ],
    ),
    "folder_uploader": (
        r"(?s).*cellar: 2\n.*",
        ["FileUpload", "TagsByFilter", "BinaryDataByFilter"],
    ),
    "home": (
        r"fake-org\n  fake-location\n    fake-robot: 22\.7 °C\n",
        [
            "ListOrganizations",
            "ListLocations",
            "ListRobots",
            "GetRobotParts",
            "GetLatestTabularData",
        ],
    ),
    "message_log": (
        r"\+15550100: is the door open\?\n\+15550101: close it\nin the time zone .*\n",
        ["DataCaptureUpload", "TabularDataByMQL"],
    ),
    "trend": (r"48 readings; \+1\.\d\d °C an hour\n", ["TabularDataByFilter"]),
    "panel": (
        r"10:00 18\.\d\d °C\n11:00 19\.\d\d °C\n12:00 2\d\.\d\d °C\n13:00 22\.\d\d °C\n",
        ["ConfigureDatabaseUser", "GetDatabaseConnection"],
    ),
}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeViam]:
    """The workshop, in the evening of its only day; the environment leads to it."""
    clock = Clock.frozen("2026-03-10T20:00:00Z")
    with FakeViam(clock=clock, auth="keys", load=PROGRAMS / "workshop.yaml") as cloud:
        for name, value in cloud.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.syspath_prepend(PROGRAMS)
        yield cloud
        cloud.check()
        sys.modules.pop("connection", None)


def program(name: str, *arguments: str) -> None:
    """Run a program's main function."""
    spec = importlib.util.spec_from_file_location(f"programs_{name}", PROGRAMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    asyncio.run(module.main(*arguments))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_program(
    name: str, cloud: FakeViam, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its output, and its calls in their order (TD-1, BF-1, MQ-1, GL-1, UP-1, DB-7)."""
    arguments = []
    if name in ("dataset_mirror", "folder_uploader"):
        arguments = [str(tmp_path / "files")]
    if name == "folder_uploader":
        (tmp_path / "files" / "cellar").mkdir(parents=True)
        for file in ("a.txt", "cellar/b.txt", "cellar/c.txt"):
            (tmp_path / "files" / file).write_text(file, encoding="utf-8")
    program(name, *arguments)
    output, calls = EXPECTED[name]
    assert re.fullmatch(output, capsys.readouterr().out)
    assert list(dict.fromkeys(call.rpc for call in cloud.calls)) == calls


def test_a_mirror_is_kept(
    cloud: FakeViam, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no longer in the dataset goes, what is new comes (DM-1, DM-4)."""
    folder = tmp_path / "mirror"
    program("dataset_mirror", str(folder))
    (folder / "stray.txt").touch()
    next(folder.glob("*.png")).unlink()
    program("dataset_mirror", str(folder))
    assert "doors: 1 downloaded, 1 deleted" in capsys.readouterr().out
    assert sorted(path.stat().st_size for path in folder.iterdir()) == [
        file.size for file in cloud.datasets["doors"].files
    ]


def test_every_program_is_listed_and_tried() -> None:
    """In the README of the folder, and here (UP-1)."""
    names = {path.stem for path in PROGRAMS.glob("*.py")} - {"connection"}
    assert names == set(EXPECTED)
    page = (PROGRAMS / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}.py" in page for name in names)
