"""Compile the project's .proto files into what `fakeviam.wire` ships.

    python scripts/compile_protos.py            # write descriptors.binpb and the .pyi stubs
    python scripts/compile_protos.py --check    # exit 1 if a committed output is not current

The compiler comes from grpcio-tools. That package asks for a protobuf of its own choice, which
need not be the one that the project's environment holds (viam-sdk pins it exactly). So unless
the wanted release happens to be importable, it runs from a throw-away environment under build/.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import proto_stubs
from google.protobuf.descriptor_pb2 import FileDescriptorSet

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
WIRE = ROOT / "fakeviam" / "wire"
PROTOS = WIRE / "protos"
DESCRIPTORS = WIRE / "descriptors.binpb"

# Pinned, because the output is compared byte for byte: the well-known types come from here.
GRPCIO_TOOLS = "1.76.0"


def _has_compiler() -> bool:
    try:
        return importlib.metadata.version("grpcio-tools") == GRPCIO_TOOLS
    except importlib.metadata.PackageNotFoundError:
        return False


def _compiler() -> Path:
    """Return a Python that can run the wanted protoc, making an environment if there is none."""
    if _has_compiler():
        return Path(sys.executable)
    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    folder = ROOT / "build" / f"protoc-{GRPCIO_TOOLS}-{version}"
    python = folder / "bin" / "python"
    stamp = folder / "complete"  # a stopped installation must not be taken for an environment
    if not stamp.exists():
        print(f"making {folder.relative_to(ROOT)} with grpcio-tools {GRPCIO_TOOLS}")
        venv.create(folder, with_pip=True, clear=True)
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        # protoc's Python front end still asks for pkg_resources, which newer setuptools dropped.
        subprocess.run([*pip, f"grpcio-tools=={GRPCIO_TOOLS}", "setuptools<81"], check=True)
        stamp.touch()
    return python


def _run_protoc(python: Path, target: Path) -> None:
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    subprocess.run(
        [
            *(python, "-m", "grpc_tools.protoc", f"--proto_path={PROTOS}"),
            *("--include_imports", f"--descriptor_set_out={target}", *sources),
        ],
        check=True,
    )


def compile_descriptors() -> bytes:
    """Return the serialized FileDescriptorSet of all our files, imports first."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "set.binpb"
        _run_protoc(_compiler(), target)
        files = FileDescriptorSet.FromString(target.read_bytes())
    for file in files.file:
        # Where Go, Java or C# code would go: nothing at run time asks for it.
        file.ClearField("options")
    return files.SerializeToString(deterministic=True)


def outputs() -> dict[Path, bytes]:
    """Return every generated file with the content it should have."""
    descriptors = compile_descriptors()
    stubs = proto_stubs.generate(FileDescriptorSet.FromString(descriptors))
    contents = {WIRE / name: text.encode() for name, text in stubs.items()}
    return {DESCRIPTORS: descriptors, **contents}


def _outdated(contents: Mapping[Path, bytes]) -> list[Path]:
    return [
        path
        for path, content in contents.items()
        if not path.exists() or path.read_bytes() != content
    ]


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Compile the protos of fakeviam.wire.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if not current")
    check = parser.parse_args().check
    contents = outputs()
    stale = _outdated(contents)
    for path in stale:
        print(f"{'not current' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_bytes(contents[path])
    if check and stale:
        print("run: python scripts/compile_protos.py")
        return 1
    if not stale:
        print(f"current: {len(contents)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
