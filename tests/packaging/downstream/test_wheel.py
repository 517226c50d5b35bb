"""The wheel holds what it must, and nothing else."""

from __future__ import annotations

import configparser
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from .environments import EVERYTHING, ROOT, environment, run, wheel, wheel_sources

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1000),
]  # the first run builds, and installs viam-sdk


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    with zipfile.ZipFile(wheel()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def meta(contents: dict[str, bytes], name: str) -> str:
    (found,) = [path for path in contents if path.endswith(f".dist-info/{name}")]
    return contents[found].decode()


def test_it_holds_every_file_of_the_packages_and_nothing_else(contents: dict[str, bytes]) -> None:
    places = {"fakeviam": 0, "client": 1, "contracts": 1}  # how deep its packages are in a folder
    expected = {
        "/".join(path.parts[places[path.parts[0]] :])
        for path in wheel_sources()
        if path.parts[0] in places
    }
    assert {name for name in contents if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "name",
    [
        "fakeviam/py.typed",
        "fakeviam/wire/descriptors.binpb",
        "fakeviam/wire/data.pyi",
        "fakeviam/wire/datasync.pyi",
        "fakeviam/pytest_plugin/__init__.py",
        "fakeviam_client/py.typed",
    ],
)
def test_it_holds_what_is_easily_forgotten(contents: dict[str, bytes], name: str) -> None:
    assert name in contents


def test_it_holds_the_licence(contents: dict[str, bytes]) -> None:
    assert meta(contents, "licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert Parser().parsestr(meta(contents, "METADATA"))["License-Expression"] == "Apache-2.0"


def test_its_entry_points(contents: dict[str, bytes]) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(meta(contents, "entry_points.txt"))
    assert parser["console_scripts"]["fakeviam"] == "fakeviam.cli:main"
    assert parser["pytest11"]["fakeviam"] == "fakeviam.pytest_plugin"


def test_it_runs_on_every_python_and_pins_nothing(contents: dict[str, bytes]) -> None:
    metadata = Parser().parsestr(meta(contents, "METADATA"))
    assert metadata["Requires-Python"] == ">=3.10"
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert not [line for line in needed if "==" in line or "viam" in line]
    assert "Tag: py3-none-any" in meta(contents, "WHEEL")


def test_it_gets_along_with_viam_sdk() -> None:
    python = environment("sdk", *EVERYTHING)
    assert "No broken requirements found" in run(
        sys.executable, "-m", "pip", "--python", python, "check"
    )


def test_the_source_distribution_has_no_strays(tmp_path: Path) -> None:
    python = environment("build", "build", "hatchling")
    run(python, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, ROOT)
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    sources = {path for path in wheel_sources() if path.name not in {"README.md", "pyproject.toml"}}
    generated = {"PKG-INFO", ".gitignore"}  # hatchling adds them
    rest = {"pyproject.toml", "README.md", "ARCHITECTURE.md", "CHANGELOG.md"}
    assert names == sources | {Path(name) for name in generated | rest}
