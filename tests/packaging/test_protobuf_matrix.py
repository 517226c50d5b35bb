"""scripts/test_matrix.py: it covers what the package promises, and it can fail."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import metadata, requires
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def matrix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    script = importlib.import_module("test_matrix")
    monkeypatch.setattr(script, "ENVIRONMENTS", tmp_path / ".envs")
    return script


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_pythons_are_the_promised_ones(matrix: ModuleType) -> None:
    promised = metadata("fakeviam").get_all("Classifier") or []
    prefix = "Programming Language :: Python :: "
    named = {line.removeprefix(prefix) for line in promised if line.startswith(f"{prefix}3.")}
    assert named == set(matrix.PYTHONS)
    assert metadata("fakeviam")["Requires-Python"] == f">={matrix.PYTHONS[0]}"


def test_the_oldest_protobuf_is_the_promised_floor(matrix: ModuleType) -> None:
    needed = [line for line in requires("fakeviam") or [] if re.match(r"protobuf\b", line)]
    assert needed == [f"protobuf>={matrix.PROTOBUFS[0]}"]


def test_no_cell_installs_viam_sdk(matrix: ModuleType) -> None:
    cell = matrix.Cell(python="3.10", protobuf="4.25")
    wanted = matrix.requirements(cell)
    assert "protobuf==4.25.*" in wanted
    assert not [name for name in wanted if name.startswith("viam")]
    assert not [
        line for line in requires("fakeviam") or [] if re.match(r"viam-sdk(?!.*extra)", line)
    ]


def test_warnings_are_ignored_only_for_named_protobufs(matrix: ModuleType) -> None:
    assert set(matrix.IGNORED_WARNINGS) <= set(matrix.PROTOBUFS)


def test_a_python_is_taken_only_if_it_runs_and_is_of_that_version(
    matrix: ModuleType, tmp_path: Path
) -> None:
    shim = program(tmp_path / "shims" / "python3.12", "exit 127")
    other = program(tmp_path / "other" / "python3.12", "echo 3.11")
    right = program(tmp_path / "right" / "python3.12", "echo 3.12")
    folders = [shim.parent, tmp_path / "nowhere", other.parent, right.parent]
    path = ":".join(str(folder) for folder in folders)
    environment = {"PATH": path, "HOME": str(tmp_path)}
    assert matrix.find_python("3.12", environment) == right
    assert matrix.find_python("3.13", environment) is None


@pytest.mark.parametrize("root", ["HOME", "PYENV_ROOT"])
def test_pyenv_is_asked_after_the_path(matrix: ModuleType, tmp_path: Path, root: str) -> None:
    folder = tmp_path / ".pyenv" if root == "HOME" else tmp_path
    found = program(folder / "versions" / "3.12.1" / "bin" / "python3.12", "echo 3.12")
    environment = {"PATH": "", "HOME": str(tmp_path / "nobody"), root: str(tmp_path)}
    assert matrix.find_python("3.12", environment) == found


@pytest.fixture
def staged(matrix: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script on a machine with one Python, on which nothing is really installed."""
    python = tmp_path / "python"

    def find(version: str, environment: object) -> Path | None:
        assert environment
        return python if version == "3.12" else None

    monkeypatch.setattr(matrix, "find_python", find)
    monkeypatch.setattr(matrix, "prepare", lambda cell, found: None)  # noqa: ARG005
    return matrix


def pretend(staged: ModuleType, protobuf: str, *, release: str, tests: str) -> None:
    """Give the cell an interpreter that answers so."""
    cell = staged.Cell(python="3.12", protobuf=protobuf)
    program(cell.interpreter, f'case "$1" in -c) echo {release};; *) {tests};; esac')


def test_all_cells_passing_is_success(
    staged: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(staged, "6.33", release="6.33.5", tests="echo '=== 3 passed ==='")
    assert staged.main(["--python", "3.12", "--protobuf", "6.33"]) == 0
    assert re.search(r"3\.12 +6\.33 +passed .* 6\.33\.5: 3 passed", capsys.readouterr().out)


def test_one_failing_cell_is_failure(
    staged: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(staged, "6.33", release="6.33.5", tests="echo '3 passed'")
    pretend(staged, "7", release="7.36.2", tests="echo '1 failed'; exit 1")
    assert staged.main(["--python", "3.12", "--protobuf", "6.33", "--protobuf", "7"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"3\.12 +7 +FAILED .* tests exited with 1: 1 failed", out)
    assert "passed" in out


def test_an_environment_with_another_protobuf_is_a_failure(
    staged: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(staged, "4.25", release="6.33.5", tests="echo '3 passed'")
    assert staged.main(["--python", "3.12", "--protobuf", "4.25"]) == 1
    assert "the environment holds protobuf 6.33.5" in capsys.readouterr().out


def test_absent_pythons_are_shown_and_do_not_fail_the_others(
    staged: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(staged, "6.33", release="6.33.5", tests="echo '3 passed'")
    chosen = ["--python", "3.12", "--python", "3.13", "--protobuf", "6.33"]
    assert staged.main(chosen) == 0
    assert re.search(r"3\.13 +6\.33 +absent", capsys.readouterr().out)


def test_nothing_to_run_is_a_failure(staged: ModuleType) -> None:
    assert staged.main(["--python", "3.13"]) == 1


def test_listing_runs_nothing(staged: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert staged.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(staged.PYTHONS) * len(staged.PROTOBUFS)


def test_pairs_take_each_python_and_each_protobuf_once(
    staged: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert staged.main(["--list", "--pairs"]) == 0
    names = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    pairs = zip(staged.PYTHONS, staged.PROTOBUFS, strict=True)
    assert names == [f"py{python}-protobuf{protobuf}" for python, protobuf in pairs]


def test_a_changed_requirement_makes_the_environment_anew(
    matrix: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps: list[str] = []

    def step(cell: object, name: str, command: object) -> str:
        assert command
        steps.append(name)
        matrix.ENVIRONMENTS.joinpath(cell.name).mkdir(parents=True, exist_ok=True)  # type: ignore[attr-defined]
        return ""

    monkeypatch.setattr(matrix, "_step", step)
    cell = matrix.Cell(python="3.12", protobuf="6.33")
    matrix.prepare(cell, tmp_path)
    matrix.prepare(cell, tmp_path)
    assert steps == ["venv", "install"]
    monkeypatch.setattr(matrix, "TOOLS", ("pytest>=9",))
    matrix.prepare(cell, tmp_path)
    assert steps == ["venv", "install"] * 2
