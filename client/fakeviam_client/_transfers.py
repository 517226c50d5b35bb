"""What the command line does: it moves files between a server and this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from grpclib.exceptions import GRPCError

from fakeviam.program import CommandError
from fakeviam.wire.data import ORDER_ASCENDING
from fakeviam_client._bars import bar, silent, size_text
from fakeviam_client._destination import folder
from fakeviam_client._paging import PagingError
from fakeviam_client._plain import json_text, plain
from fakeviam_client._records import moment_of
from fakeviam_client.client import DataClient, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from fakeviam.target import Target
    from fakeviam.wire.data import Filter
    from fakeviam_client._progress import Progress
    from fakeviam_client._records import BinaryData, TabularData

Found = TypeVar("Found")


#: The metadata key that chooses a session of a fake.
SESSION = "fakeviam-session"


@dataclass(frozen=True, slots=True)
class Server:
    """Where to go, and how to talk about it."""

    target: Target
    api_key: str | None
    api_key_id: str | None
    session: str
    as_json: bool

    @classmethod
    def of(cls, options: dict[str, Any]) -> Server:
        """What the options say; takes them out."""
        server = cls(*(options.pop(name) for name in cls.__slots__))
        if (server.api_key is None) != (server.api_key_id is None):
            raise click.UsageError("--api-key and --api-key-id must be used together")
        return server

    def connect(self) -> AbstractAsyncContextManager[DataClient]:
        metadata = {SESSION: self.session} if self.session else {}
        return connect(
            self.target.told,
            api_key=self.api_key,
            api_key_id=self.api_key_id,
            metadata=metadata,
        )

    def bar(self, what: str) -> AbstractContextManager[Progress]:
        # JSON may go to the same terminal.
        return nullcontext(silent) if self.as_json else bar(what, sys.stderr)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files are meant."""

    filter: Filter
    sort_order: int | None
    limit: int | None

    @classmethod
    def of(cls, options: dict[str, Any]) -> Selection:
        """What the options say."""
        limit, oldest_first = options.pop("limit"), options.pop("oldest_first")
        try:
            chosen = DataClient.create_filter(**options)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return cls(chosen, ORDER_ASCENDING if oldest_first else None, limit)

    async def files(self, data: DataClient, *, with_bytes: bool) -> AsyncIterator[BinaryData]:
        """Those files, one by one."""
        found = data.iter_binary_data_by_filter(
            self.filter, include_file_data=with_bytes, sort_order=self.sort_order
        )
        async for file in _first(found, self.limit):
            yield file

    async def readings(self, data: DataClient) -> AsyncIterator[TabularData]:
        """The readings that are meant, one by one."""
        found = data.iter_tabular_data_by_filter(self.filter, sort_order=self.sort_order)
        async for reading in _first(found, self.limit):
            yield reading


async def _first(found: AsyncIterator[Found], limit: int | None) -> AsyncIterator[Found]:
    number = 0
    async for each in found:
        yield each
        number += 1
        if number == limit:
            return


async def upload(server: Server, source: Path, **options: Any) -> None:
    files = [(path, path.stat().st_size) for path in _files_below(source)]
    total = sum(size for _, size in files)
    sent = 0
    async with server.connect() as data:
        with server.bar("Uploading") as show:
            for number, (path, size) in enumerate(files):
                inside = path.relative_to(source).as_posix()
                with named(f"{inside} (file {number + 1} of {len(files)})"):
                    binary_data_id = await data.file_upload_from_path(
                        str(path),
                        file_name=inside.removesuffix(path.suffix),
                        progress=_part(show, sent, total),
                        **options,
                    )
                sent += size
                if server.as_json:
                    line = {"path": inside, "binary_data_id": binary_data_id, "bytes": size}
                    click.echo(json_text(line))
    click.echo(f"Uploaded {_count(len(files))}, {size_text(sent)}", err=True)


async def list_files(server: Server, selection: Selection) -> None:
    count = 0
    async with server.connect() as data:
        async for file in selection.files(data, with_bytes=False):
            count += 1
            as_json = server.as_json
            click.echo(json_text({"metadata": plain(file.metadata)}) if as_json else _row(file))
    _say_if_none("files", count)


async def list_readings(server: Server, selection: Selection) -> None:
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
            click.echo(json_text(line) if server.as_json else str(reading))
    _say_if_none("readings", count)


def _say_if_none(kind: str, count: int) -> None:
    """Say on stderr that nothing is listed; stdout stays empty for programs."""
    if not count:
        click.echo(f"no {kind} match", err=True)


async def download(server: Server, dest: Path, selection: Selection) -> None:
    number = size = 0
    async with server.connect() as data:
        counted = await data.binary_data_by_filter(selection.filter, count_only=True)
        everything = selection.limit is None or selection.limit >= counted.total
        total = counted.total_size_bytes if everything else None
        with server.bar("Downloading") as show, folder(dest) as made:
            async for file in selection.files(data, with_bytes=True):
                name = made.add(file)
                number, size = number + 1, size + len(file.data)
                show(size, total)
                if server.as_json:
                    click.echo(json_text({"file": name, "metadata": plain(file.metadata)}))
    click.echo(f"Downloaded {_count(number)}, {size_text(size)}, to {dest}", err=True)


async def show(server: Server, binary_data_id: str) -> None:
    """Print everything known about a file."""
    known = plain((await _file(server, binary_data_id, with_bytes=False)).metadata)
    if server.as_json:
        click.echo(json_text({"metadata": known}))
        return
    captured = known.pop("capture_metadata", {})
    rows = {key: value for key, value in {**known, **captured}.items() if value not in ("", [], {})}
    width = max(map(len, rows))
    for name, value in rows.items():
        shown = value if isinstance(value, str) else json_text(value)
        click.echo(f"{name.replace('_', ' '):<{width}}  {shown}")


async def get(server: Server, binary_data_id: str, output: str) -> None:
    """Write the bytes of a file to a file, or to stdout if that is `-`."""
    file = await _file(server, binary_data_id, with_bytes=True)
    with click.open_file(output, "wb") as to:
        to.write(file.data)
    if output != "-":
        line = {"file": output, "metadata": plain(file.metadata)}
        size = size_text(len(file.data))
        click.echo(json_text(line) if server.as_json else f"{output}: {size}")


async def _file(server: Server, binary_data_id: str, *, with_bytes: bool) -> BinaryData:
    async with server.connect() as data:
        found = await data.binary_data_by_ids([binary_data_id], include_file_data=with_bytes)
    if not found:
        raise CommandError(f"no file has the id {binary_data_id!r}; `list` shows the ids")
    return found[0]


def _files_below(source: Path) -> Iterator[Path]:
    """All regular files, in the order of their paths; links to folders are not followed."""
    for place, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file():
                yield path


def _row(file: BinaryData) -> str:
    """One file as a line for people."""
    known = file.metadata
    return "  ".join(
        (
            moment_of(known.time_requested).strftime("%Y-%m-%d %H:%M:%S"),
            f"{size_text(known.file_size_bytes):>9}",
            known.capture_metadata.mime_type or "-",
            f"{known.file_name}{known.file_ext}" or "-",
            ",".join(known.capture_metadata.tags) or "-",
            known.binary_data_id,
        )
    )


def _part(show: Progress, before: int, total: int) -> Progress:
    """Shows the progress of one file as a part of all."""
    return lambda done, _: show(before + done, total)


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do it, and turn what goes wrong into a line."""
    with named(""):
        asyncio.run(work)


@contextmanager
def named(what: str) -> Iterator[None]:
    """What goes wrong inside becomes a line about `what`."""
    prefix = f"{what}: " if what else ""
    try:
        yield
    except GRPCError as error:
        raise CommandError(f"{prefix}{error.status.name}: {error.message}") from error
    except (OSError, ValueError, PagingError) as error:
        if getattr(error, "errno", None) is not None:
            raise  # a file or our own output; `program.run` says it in the system's words
        hint = "; `fakeviam serve` starts a fake" if _nobody_listens(error) else ""
        raise CommandError(f"{prefix}{error}{hint}") from error


def _nobody_listens(error: Exception) -> bool:
    return isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError)
