"""The commands of the command line, which transfer files."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.program import CommandError, check_ca_file
from fakeviam.wire.data import ORDER_ASCENDING
from fakeviam_client._bars import bar, silent, size_text
from fakeviam_client._destination import folder
from fakeviam_client._http import DownloadError
from fakeviam_client._paging import PagingError
from fakeviam_client._plain import json_text, plain
from fakeviam_client._records import moment_of, name_of
from fakeviam_client._service import LOGGER
from fakeviam_client._their_datasets import dataset_id
from fakeviam_client.client import DataClient, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from fakeviam.target import Target
    from fakeviam.wire.data import Filter
    from fakeviam_client._progress import Progress
    from fakeviam_client._records import BinaryData, TabularData

Found = TypeVar("Found")


#: The metadata key that selects a session of a fake.
SESSION = "fakeviam-session"


@dataclass(frozen=True, slots=True)
class TargetServer:
    """The server, and how to display results."""

    target: Target
    ca_file: str
    api_key: str | None
    api_key_id: str | None
    session: str
    form: str

    @classmethod
    def of(cls, options: dict[str, Any]) -> TargetServer:
        """Parse the options; removes them from the dictionary."""
        server = cls(*(options.pop(name) for name in cls.__slots__))
        if (server.api_key is None) != (server.api_key_id is None):
            raise click.UsageError("--api-key and --api-key-id must be used together")
        check_ca_file(server.target, server.ca_file)
        return server

    @property
    def as_json(self) -> bool:
        return self.form == "json"

    def connect(self) -> AbstractAsyncContextManager[DataClient]:
        metadata = {SESSION: self.session} if self.session else {}
        return connect(
            self.target.text,
            api_key=self.api_key,
            api_key_id=self.api_key_id,
            metadata=metadata,
            ca_file=self.ca_file,
        )

    def bar(self, what: str) -> AbstractContextManager[Progress]:
        # JSON output may go to the same terminal.
        return nullcontext(silent) if self.as_json else bar(what, sys.stderr)


@dataclass(frozen=True, slots=True)
class FileSelection:
    """The selection of files."""

    filter: Filter
    sort_order: int | None
    limit: int | None

    @classmethod
    def of(cls, options: dict[str, Any]) -> FileSelection:
        """Parse the options."""
        limit, oldest_first = options.pop("limit"), options.pop("oldest_first")
        try:
            filter_ = DataClient.create_filter(**options)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return cls(filter_, ORDER_ASCENDING if oldest_first else None, limit)

    async def find_dataset(self, data: DataClient) -> None:
        """Replace the name of a dataset by its id."""
        if self.filter.dataset_id:
            self.filter.dataset_id = await dataset_id(data, self.filter.dataset_id)

    async def files(self, data: DataClient, *, with_bytes: bool) -> AsyncIterator[BinaryData]:
        """The selected files, one by one."""
        stream = data.iter_binary_data_by_filter(
            self.filter, include_file_data=with_bytes, sort_order=self.sort_order
        )
        async for file in _first(stream, self.limit):
            yield file

    async def readings(self, data: DataClient) -> AsyncIterator[TabularData]:
        """The selected readings, one by one."""
        stream = data.iter_tabular_data_by_filter(self.filter, sort_order=self.sort_order)
        async for reading in _first(stream, self.limit):
            yield reading


async def _first(records: AsyncIterator[Found], limit: int | None) -> AsyncIterator[Found]:
    number = 0
    async for each in records:
        yield each
        number += 1
        if number == limit:
            return


async def upload(
    server: TargetServer, source: Path, *, dataset_ids: tuple[str, ...], **options: Any
) -> None:
    files, others = _entries_below(source)
    total = sum(size for _, size in files)
    count = 0
    async with server.connect() as data:
        options["dataset_ids"] = [await dataset_id(data, each) for each in dataset_ids]
        with server.bar("Uploading") as show:
            for number, (path, size) in enumerate(files):
                inside = path.relative_to(source).as_posix()
                with named(f"{inside} (file {number + 1} of {len(files)})", **options):
                    binary_data_id = await data.file_upload_from_path(
                        str(path),
                        file_name=inside.removesuffix(path.suffix),
                        progress=_part(show, count, total),
                        **options,
                    )
                count += size
                if server.as_json:
                    line = {"path": inside, "binary_data_id": binary_data_id, "bytes": size}
                    click.echo(json_text(line))
    for other in others:
        why = "a broken link" if other.is_symlink() else "not a file"
        click.echo(f"Skipped {other.relative_to(source).as_posix()}: {why}", err=True)
    click.echo(f"Uploaded {_count(len(files))}, {size_text(count)}", err=True)


async def list_files(server: TargetServer, selection: FileSelection) -> None:
    count = 0
    async with server.connect() as data:
        await selection.find_dataset(data)
        async for file in selection.files(data, with_bytes=False):
            count += 1
            as_json = server.as_json
            click.echo(json_text({"metadata": plain(file.metadata)}) if as_json else _row(file))
    _say_if_none("files", count)


async def list_readings(server: TargetServer, selection: FileSelection) -> None:
    count = 0
    async with server.connect() as data:
        async for reading in selection.readings(data):
            count += 1
            line = {
                "data": reading.data,
                "metadata": plain(reading.metadata),
                "time_requested": reading.time_requested.isoformat(),
                "time_received": reading.time_received.isoformat(),
            }
            click.echo(json_text(line) if server.as_json else _reading_row(reading))
    _say_if_none("readings", count)


def _say_if_none(kind: str, count: int) -> None:
    """Report on stderr that nothing is listed; stdout stays empty for programs."""
    if not count:
        click.echo(f"no {kind} match", err=True)


async def download(server: TargetServer, dest: Path, selection: FileSelection) -> None:
    number = size = 0
    async with server.connect() as data:
        await selection.find_dataset(data)
        totals = await data.binary_data_by_filter(selection.filter, count_only=True)
        if not totals.total:
            _keep_earlier(dest)
        everything = selection.limit is None or selection.limit >= totals.total
        total = totals.total_size_bytes if everything else None
        with server.bar("Downloading") as show, folder(dest) as directory:
            async for file in selection.files(data, with_bytes=True):
                name = directory.add(file)
                number, size = number + 1, size + len(file.data)
                show(size, total)
                if server.as_json:
                    click.echo(json_text({"file": name, "metadata": plain(file.metadata)}))
    click.echo(f"Downloaded {_count(number)}, {size_text(size)}, to {dest}", err=True)


def _keep_earlier(dest: Path) -> None:
    """Refuse to replace an earlier download by nothing."""
    if dest.exists():
        raise CommandError(f"no files match; {dest} is as it was")


async def show(server: TargetServer, binary_data_id: str) -> None:
    """Print everything known about a file."""
    metadata = plain((await _file(server, binary_data_id, with_bytes=False)).metadata)
    if server.as_json:
        click.echo(json_text({"metadata": metadata}))
        return
    captured = metadata.pop("capture_metadata", {})
    rows = {
        key: value for key, value in {**metadata, **captured}.items() if value not in ("", [], {})
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        text = value if isinstance(value, str) else json_text(value)
        click.echo(f"{name.replace('_', ' '):<{width}}  {text}")


async def get(server: TargetServer, binary_data_id: str, output: str) -> None:
    """Write the bytes of a file to a file, or to stdout if that is `-`."""
    if output == "-":
        file = await _file(server, binary_data_id, with_bytes=True)
        with click.open_file(output, "wb") as to:
            to.write(file.data)
        return
    async with server.connect() as data:
        with server.bar("Downloading") as show, _without_notes():
            file = await data.download(binary_data_id, output, progress=show)
    line = {"file": output, "metadata": plain(file.metadata)}
    size = size_text(file.metadata.file_size_bytes)
    click.echo(json_text(line) if server.as_json else f"{output}: {size}")


async def _file(server: TargetServer, binary_data_id: str, *, with_bytes: bool) -> BinaryData:
    async with server.connect() as data:
        with _without_notes():
            files = await data.binary_data_by_ids([binary_data_id], include_file_data=with_bytes)
    if not files:
        raise CommandError(f"no file has the id {binary_data_id!r}; `data list` shows the ids")
    return files[0]


def _entries_below(source: Path) -> tuple[list[tuple[Path, int]], list[Path]]:
    """All files with their sizes, and everything else; links to folders are not followed."""
    files, others = [], []
    for place, folders, names in os.walk(source):
        folders.sort()
        for path in (Path(place, name) for name in sorted(names)):
            if path.is_file():
                files.append((path, path.stat().st_size))
            else:
                others.append(path)
    return files, others


@contextmanager
def _without_notes() -> Iterator[None]:
    """Suppress logging of errors that this command reports itself."""
    LOGGER.disabled = True
    try:
        yield
    finally:
        LOGGER.disabled = False


def _row(file: BinaryData) -> str:
    """A file as a line of text."""
    metadata = file.metadata
    return "  ".join(
        (
            moment_of(metadata.time_requested).isoformat(timespec="seconds"),
            f"{size_text(metadata.file_size_bytes):>9}",
            metadata.capture_metadata.mime_type or "-",
            name_of(metadata) or "-",
            ",".join(metadata.capture_metadata.tags) or "-",
            metadata.binary_data_id,
        )
    )


def _reading_row(reading: TabularData) -> str:
    """A reading as a line of text."""
    source = f"{reading.metadata.component_name}.{reading.metadata.method_name}".strip(".")
    return f"{reading.time_requested.isoformat()}  {source or '-'}  {json_text(reading.data)}"


def _part(show: Progress, before: int, total: int) -> Progress:
    """The progress of one file as part of the total."""
    return lambda done, _: show(before + done, total)


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command, and report errors on one line."""
    with named(""):
        asyncio.run(work)


@contextmanager
def named(what: str, *, part_id: str = "", **_: object) -> Iterator[None]:
    """Prefix errors with `what`, and with the part, if one is named."""
    prefix = f"{what}: " if what else ""
    try:
        yield
    except GRPCError as error:
        hint = ""
        if error.status is Status.UNAUTHENTICATED:
            hint = "; pass --api-key and --api-key-id, or set VIAM_API_KEY and VIAM_API_KEY_ID"
        elif part_id and error.message and "no robot part found" in error.message:
            hint = f" with the id {part_id!r}; `fakeviam parts list` shows those of a fake"
        raise CommandError(f"{prefix}{error.status.name}: {error.message}{hint}") from error
    except (OSError, ValueError, PagingError, DownloadError) as error:
        if getattr(error, "errno", None) is not None:
            raise  # an error of a local file or of stdout; `program.run` reports it
        hint = "; `fakeviam serve` starts a fake" if _nobody_listens(error) else ""
        raise CommandError(f"{prefix}{error}{hint}") from error


def _nobody_listens(error: Exception) -> bool:
    return isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError)
