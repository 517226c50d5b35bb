"""`fakeviam archive`."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from fakeviam.commands.options import details, show, with_server
from fakeviam.model.errors import UsageError
from fakeviam.program import CommandError, Verbs, format_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.commands.control import Control

_TYPE = "application/x-tar"
_PIECE = 1 << 20


@click.group("archive", cls=Verbs)
def command() -> None:
    """Save the complete state of a running fake in a folder, and load it again."""


@command.command("save")
@with_server
@click.argument("folder", type=click.Path())
@format_options
def save(*, server: Control, folder: str, form: str) -> None:
    """Write an archive into FOLDER, which must not exist yet. Archives diff well.

    `fakeviam serve --load FOLDER` starts from it.
    """
    path = Path(folder)
    if path.exists():
        raise UsageError(f"{folder} already exists; choose a new folder")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"cannot create {path.name}: there is no folder {path.absolute().parent}")
    with tempfile.TemporaryFile() as packed:
        size = server.download("/archive", packed)
        packed.seek(0)
        _unpack(packed, path)
    show(form, {"folder": folder, "bytes": size}, [f"saved {folder}"])


@command.command("load")
@with_server
@click.argument("folder", type=click.Path(exists=True))
@format_options
def load(*, server: Control, folder: str, form: str) -> None:
    """Replace the state of a running fake with the archive FOLDER, a folder or a .tar file."""
    from fakeviam import archive  # noqa: PLC0415 - `--help` needs none of it

    path = Path(folder)
    if not (archive.is_archive(path) if path.is_dir() else tarfile.is_tarfile(path)):
        raise UsageError(f"{folder} is not an archive; `fakeviam seed` loads other files")
    result = server.stream("/archive", _TYPE, _packed(path))
    show(form, result, details(result))


def _unpack(packed: IO[bytes], path: Path) -> None:
    """Extract the only folder in the tar to `path`; it appears atomically."""
    try:
        with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".fakeviam-") as place:
            with tarfile.open(fileobj=packed) as tar:
                # Older Pythons cannot filter; the server is our own.
                safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                tar.extractall(place, **safely)  # type: ignore[arg-type]  # noqa: S202
            (folder,) = Path(place).iterdir()
            folder.rename(path)
    except (OSError, tarfile.TarError) as error:
        raise CommandError(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}"
        ) from error


def _packed(path: Path) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as packed:
        try:
            if path.is_dir():
                with tarfile.open(fileobj=packed, mode="w") as tar:
                    tar.add(path, arcname="archive")
                packed.seek(0)
                yield from iter(lambda: packed.read(_PIECE), b"")
            else:
                with path.open("rb") as file:
                    yield from iter(lambda: file.read(_PIECE), b"")
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
