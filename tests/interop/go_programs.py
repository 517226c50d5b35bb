"""Programs in Go, built from tests/interop/go and from what the Go module proxy has.

Messages and stubs are made of the fake's own descriptors, under the import paths that Viam's API
has in Go: the programs would be the same with Viam's modules.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from .environments import ENVIRONMENTS, ROOT, clean_environ, only_one, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = ENVIRONMENTS / "go"
BIN = FOLDER / "bin"
SOURCE = Path(__file__).parent / "go"
ADAPTER = Path(__file__).parent / "go_adapter"
DESCRIPTORS = ROOT / "fakeviam" / "wire" / "descriptors.binpb"

#: What runs, as `go install` wants it; the stubs' generators come first.
TOOLS = {
    "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
    "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
    "grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4",
    "grpc-health-probe": "github.com/grpc-ecosystem/grpc-health-probe@v0.4.62",
}

#: Where Viam's API lies in Go, by the beginning of a proto file's path, and what is not its own.
MODULES = {"proto/": "go.viam.com/utils", "": "go.viam.com/api"}
FOREIGN = ("google/", "grpc/")
KNOWN = {
    "google/protobuf/any.proto": "google.golang.org/protobuf/types/known/anypb",
    "google/protobuf/duration.proto": "google.golang.org/protobuf/types/known/durationpb",
    "google/protobuf/field_mask.proto": "google.golang.org/protobuf/types/known/fieldmaskpb",
    "google/protobuf/struct.proto": "google.golang.org/protobuf/types/known/structpb",
    "google/protobuf/timestamp.proto": "google.golang.org/protobuf/types/known/timestamppb",
    "google/rpc/status.proto": "google.golang.org/genproto/googleapis/rpc/status",
}


def why_not() -> str:
    """Why no program in Go can be built here; empty if one can."""
    go = shutil.which("go")
    if go is None:
        return "Go is not installed here: the programs in tests/interop/go are not tried"
    asked = re.search(r"(?m)^go (\S+)", (SOURCE / "go.mod").read_text(encoding="utf-8"))
    assert asked
    here = run(go, "env", "GOVERSION").strip().removeprefix("go")
    if _numbers(here) < _numbers(asked[1]):
        return f"Go {here} is older than {asked[1]}: the programs in tests/interop/go are not tried"
    return ""


@cache
def programs() -> Path:
    """The folder with `interop` and the tools, built once and again when a source changed."""
    with only_one(ENVIRONMENTS / "go.lock"):
        for name, package in TOOLS.items():
            installed = BIN / f"{name}.installed"
            if not installed.exists() or installed.read_text(encoding="utf-8") != package:
                _go("install", package, cwd=FOLDER)
                installed.write_text(package, encoding="utf-8")
        for module, files in _stubs().items():
            _write(FOLDER / module, {"go.mod": f"module {module}\n\ngo 1.25\n", **files})
        sources = {path.name: path.read_text(encoding="utf-8") for path in SOURCE.iterdir()}
        _write(FOLDER / "interop", sources)
        _go("build", "-o", str(BIN / "interop"), ".", cwd=FOLDER / "interop")
    return BIN


@cache
def adapter() -> Path:
    """The contract kit's adapter in Go, built."""
    programs()
    with only_one(ENVIRONMENTS / "go.lock"):
        source = (ADAPTER / "main.go").read_text(encoding="utf-8")
        _write(FOLDER / "adapter", {"main.go": source, **_module("adapter")})
        _go("build", "-mod=mod", "-o", str(BIN / "adapter"), ".", cwd=FOLDER / "adapter")
    return BIN / "adapter"


def ran(text: str) -> str:
    """What a program prints that imports what those of tests/interop/go do."""
    programs()
    with only_one(ENVIRONMENTS / "go.lock"):
        _write(FOLDER / "one", {"main.go": text, **_module("one")})
        return run("go", "run", "-mod=mod", ".", cwd=FOLDER / "one", environ=_environ())


def _module(name: str) -> dict[str, str]:
    """The files that make a module of a program, which requires what `interop` does."""
    module = (SOURCE / "go.mod").read_text(encoding="utf-8")
    return {
        "go.mod": re.sub(r"(?m)^module .*", f"module {name}", module),
        "go.sum": (SOURCE / "go.sum").read_text(encoding="utf-8"),
    }


def _stubs() -> dict[str, dict[str, str]]:
    """The generated files of each module, by their paths in it."""
    files = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file
    own = [file.name for file in files if not file.name.startswith(FOREIGN)]
    paths = {**KNOWN, **{name: _import_path(name) for name in own}}
    wanted = CodeGeneratorRequest(
        file_to_generate=own,
        proto_file=files,
        parameter=",".join(f"M{name}={path}" for name, path in paths.items()),
    )
    made: dict[str, dict[str, str]] = {module: {} for module in MODULES.values()}
    for plugin in ("protoc-gen-go", "protoc-gen-go-grpc"):
        answer = subprocess.run(
            [BIN / plugin], input=wanted.SerializeToString(), stdout=subprocess.PIPE, check=True
        )
        for file in CodeGeneratorResponse.FromString(answer.stdout).file:
            module = next(each for each in made if file.name.startswith(each + "/"))
            made[module][file.name.removeprefix(module + "/")] = file.content
    return made


def _import_path(name: str) -> str:
    module = next(module for start, module in MODULES.items() if name.startswith(start))
    return f"{module}/{name.rpartition('/')[0]}"


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Make a folder hold these files, and touch none that does already."""
    for path in _files_in(folder):
        if str(path.relative_to(folder)) not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _go(*arguments: str, cwd: Path) -> None:
    cwd.mkdir(parents=True, exist_ok=True)
    run("go", *arguments, cwd=cwd, environ=_environ())


def _environ() -> dict[str, str]:
    # The programs lie in a repository, which has nothing to say of their version.
    flags = " ".join(filter(None, [os.environ.get("GOFLAGS", ""), "-buildvcs=false"]))
    return {**clean_environ(), "GOBIN": str(BIN), "GOFLAGS": flags}
