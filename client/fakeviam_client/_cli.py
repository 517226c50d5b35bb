"""The command line: one line for every error, exit status 1 for refusals and 2 for misuse."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from grpclib.exceptions import GRPCError

from fakeviam.wire.data import ORDER_ASCENDING
from fakeviam_client._bars import bar, silent, size_text
from fakeviam_client._destination import check_destination, folder
from fakeviam_client._paging import PagingError
from fakeviam_client._plain import json_text, plain
from fakeviam_client._records import moment_of
from fakeviam_client.client import DataClient, address_of, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from fakeviam.wire.data import Filter
    from fakeviam_client._progress import Progress
    from fakeviam_client._records import BinaryData

    Command = TypeVar("Command", bound=Callable[..., Any])


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    The one place where what went wrong becomes one line and an exit status.
    """
    try:
        commands.main(args=arguments, prog_name="python -m fakeviam_client", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(0)
    except click.ClickException as error:
        line = " ".join(error.format_message().split())
        click.echo(f"fakeviam_client: error: {line}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:  # Ctrl-C
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """A time in ISO 8601; without an offset it is UTC."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no time like 2026-01-31T12:00:00Z") from error


def _target(_: click.Context, __: click.Parameter, value: str) -> str:
    """An address that `connect` takes."""
    try:
        address_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_server_options = _options(
    click.option(
        "--target",
        required=True,
        callback=_target,
        metavar="HOST:PORT|PATH",
        help="The server: an address, a URL, or the path of a Unix socket.",
    ),
    click.option("--api-key", envvar="VIAM_API_KEY", show_envvar=True, help="The API key."),
    click.option("--api-key-id", envvar="VIAM_API_KEY_ID", show_envvar=True, help="Its id."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object a file, on stdout."),
)

_filter_options = _options(
    click.option("--component", "component_name", help="Name of the component."),
    click.option("--component-type", help="Type of the component."),
    click.option("--method", help="Name of the capture method."),
    click.option("--robot", "robot_name", help="Name of the robot."),
    click.option("--robot-id", help="Id of the robot."),
    click.option("--part", "part_name", help="Name of the part."),
    click.option("--part-id", help="Id of the part."),
    click.option("--location", "location_ids", multiple=True, help="Id of a location."),
    click.option("--organization", "organization_ids", multiple=True, help="Id of one."),
    click.option("--mime-type", multiple=True, help="MIME type, such as image/jpeg."),
    click.option(
        "--start", "start_time", callback=_moment, metavar="TIME", help="Captured then or later."
    ),
    click.option(
        "--end", "end_time", callback=_moment, metavar="TIME", help="Captured then or earlier."
    ),
    click.option("--tag", "tags", multiple=True, help="A tag; several: any of them."),
    click.option("--tagged/--untagged", default=None, help="With any tag, or without."),
    click.option("--label", "bbox_labels", multiple=True, help="Label of a bounding box."),
    click.option("--dataset", "dataset_id", help="Id of a dataset."),
    click.option("--oldest-first", is_flag=True, help="Instead of the server's own order."),
    click.option("--limit", type=click.IntRange(min=1), help="The first so many files."),
)


@click.group(no_args_is_help=False)
def commands() -> None:
    """Upload to Viam's data cloud, or a fake of it, list what is there, and download it."""


@commands.command()
@click.argument("source", metavar="FOLDER", type=click.Path(exists=True, file_okay=False))
@click.option("--part-id", required=True, help="The part that the files belong to.")
@click.option("--tag", "tags", multiple=True, help="A tag to put on every file.")
@click.option("--dataset", "dataset_ids", multiple=True, help="Id of a dataset to put them in.")
@_server_options
def upload(source: str, **options: Any) -> None:
    """Upload all files in FOLDER and the folders below it.

    Their names in the cloud are their paths within FOLDER.
    """
    _run(_upload(_Server.of(options), Path(source), **options))


@commands.command(name="list")
@_filter_options
@_server_options
def list_(**options: Any) -> None:
    """List the files that all options select."""
    _run(_list(_Server.of(options), _Selection.of(options)))


@commands.command()
@click.argument("dest")
@_filter_options
@_server_options
def download(dest: str, **options: Any) -> None:
    """Download the files that all options select into a folder DEST.

    Its manifest.json says what each of them is. A folder that an earlier download made is replaced.
    """
    try:
        path = check_destination(dest)
    except (ValueError, OSError) as error:
        raise click.BadParameter(str(error), param_hint="DEST") from error
    if path is None:
        raise AssertionError(dest)
    _run(_download(_Server.of(options), path, _Selection.of(options)))


@dataclass(frozen=True, slots=True)
class _Server:
    """Where to go, and how to talk about it."""

    target: str
    api_key: str | None
    api_key_id: str | None
    as_json: bool

    @classmethod
    def of(cls, options: dict[str, Any]) -> _Server:
        """What the options say; takes them out."""
        server = cls(*(options.pop(name) for name in cls.__slots__))
        if (server.api_key is None) != (server.api_key_id is None):
            raise click.UsageError("--api-key and --api-key-id go together")
        return server

    def connect(self) -> AbstractAsyncContextManager[DataClient]:
        return connect(self.target, api_key=self.api_key, api_key_id=self.api_key_id)

    def bar(self, what: str) -> AbstractContextManager[Progress]:
        # JSON may go to the same terminal.
        return nullcontext(silent) if self.as_json else bar(what, sys.stderr)


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which files are meant."""

    filter: Filter
    sort_order: int | None
    limit: int | None

    @classmethod
    def of(cls, options: dict[str, Any]) -> _Selection:
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
        number = 0
        async for file in found:
            yield file
            number += 1
            if number == self.limit:
                return


async def _upload(server: _Server, source: Path, **options: Any) -> None:
    files = [(path, path.stat().st_size) for path in _files_below(source)]
    total = sum(size for _, size in files)
    sent = 0
    async with server.connect() as data:
        with server.bar("Uploading") as show:
            for number, (path, size) in enumerate(files):
                inside = path.relative_to(source).as_posix()
                with _named(f"{inside} (file {number + 1} of {len(files)})"):
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


async def _list(server: _Server, selection: _Selection) -> None:
    async with server.connect() as data:
        async for file in selection.files(data, with_bytes=False):
            as_json = server.as_json
            click.echo(json_text({"metadata": plain(file.metadata)}) if as_json else _row(file))


async def _download(server: _Server, dest: Path, selection: _Selection) -> None:
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


def _run(work: Coroutine[Any, Any, None]) -> None:
    with _named(""):
        asyncio.run(work)


@contextmanager
def _named(what: str) -> Iterator[None]:
    """What goes wrong inside becomes a line about `what`."""
    prefix = f"{what}: " if what else ""
    try:
        yield
    except GRPCError as error:
        raise click.ClickException(f"{prefix}{error.status.name}: {error.message}") from error
    except BrokenPipeError:
        raise  # our own output, see main
    except (OSError, ValueError, PagingError) as error:
        raise click.ClickException(f"{prefix}{error}") from error
