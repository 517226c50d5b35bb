"""The committed outputs of scripts/compile_protos.py are current."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from fakeviam import wire

if TYPE_CHECKING:
    from types import ModuleType

WIRE = Path(wire.__file__).parent
SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
STUBS = [
    *("app", "auth", "data", "datapipelines", "dataset", "datasync", "health", "reflection"),
    *("status", "well_known"),
]


def committed() -> bytes:
    return (WIRE / "descriptors.binpb").read_bytes()


@pytest.fixture
def compile_protos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, with a copy of the outputs to work on and protoc's answer at hand."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    script = importlib.import_module("compile_protos")
    copied = shutil.copytree(WIRE, tmp_path / "fakeviam" / "wire")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "WIRE", copied)
    monkeypatch.setattr(script, "DESCRIPTORS", copied / "descriptors.binpb")
    monkeypatch.setattr(script, "compile_descriptors", committed)
    return script


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["compile_protos.py", *arguments])
    status: int = script.main()
    return status


def test_stubs_are_what_the_generator_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    proto_stubs = importlib.import_module("proto_stubs")
    wanted = proto_stubs.generate(FileDescriptorSet.FromString(committed()))
    assert sorted(wanted) == [f"{name}.pyi" for name in STUBS]
    for name, text in wanted.items():
        assert (WIRE / name).read_text(encoding="utf-8") == text, f"{name} is not current"


def test_descriptors_stand_in_import_order() -> None:
    seen: set[str] = set()
    for name, content in wire.files().items():
        file = FileDescriptorProto.FromString(content)
        assert set(file.dependency) <= seen
        assert not file.HasField("source_code_info")
        seen.add(name)


def test_check_passes_on_current_outputs(
    compile_protos: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(compile_protos, monkeypatch, "--check") == 0


@pytest.mark.parametrize("name", ["data.pyi", "descriptors.binpb"])
def test_check_fails_on_a_changed_output_and_leaves_it(
    compile_protos: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    path: Path = compile_protos.WIRE / name
    path.write_bytes(path.read_bytes() + b"#")
    changed = path.read_bytes()
    assert run(compile_protos, monkeypatch, "--check") == 1
    assert f"not current: fakeviam/wire/{name}" in capsys.readouterr().out
    assert path.read_bytes() == changed


def test_check_fails_on_a_missing_output(
    compile_protos: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (compile_protos.WIRE / "auth.pyi").unlink()
    assert run(compile_protos, monkeypatch, "--check") == 1


def test_without_check_the_outputs_are_written(
    compile_protos: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (compile_protos.WIRE / "auth.pyi").unlink()
    assert run(compile_protos, monkeypatch) == 0
    assert run(compile_protos, monkeypatch, "--check") == 0
