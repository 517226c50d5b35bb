"""The command line: one line for every error, exit status 1 for refusals and 2 for misuse."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from fakeviam.program import (
    Verbs,
    client_options,
    format_options,
    run,
    version_option,
)
from fakeviam_client import _transfers as transfers
from fakeviam_client._destination import check_destination
from fakeviam_client._transfers import FileSelection, TargetServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = TypeVar("Command", bound=Callable[..., Any])


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    run(commands, arguments, name="python -m fakeviam_client", error_name="fakeviam_client")


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """A time in ISO 8601; without an offset it is UTC."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a time such as 2026-01-31T12:00:00Z") from error


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_server_options = _options(client_options, format_options)

_capture_options = _options(
    click.option("--component", "component_name", help="Name of the component."),
    click.option("--component-type", help="Type of the component."),
    click.option("--method", help="Name of the capture method."),
    click.option("--robot", "robot_name", help="Name of the robot."),
    click.option("--robot-id", help="Id of the robot."),
    click.option("--part", "part_name", help="Name of the part."),
    click.option("--part-id", help="Id of the part."),
    click.option("--location-id", "location_ids", multiple=True, help="Id of a location."),
    click.option(
        "--organization-id", "organization_ids", multiple=True, help="Id of an organization."
    ),
    click.option(
        "--start",
        "start_time",
        callback=_moment,
        metavar="TIME",
        help="Captured at or after this time.",
    ),
    click.option(
        "--end",
        "end_time",
        callback=_moment,
        metavar="TIME",
        help="Captured at or before this time.",
    ),
    click.option("--tag", "tags", multiple=True, help="A tag; repeat to match any of several."),
    click.option("--tagged/--untagged", default=None, help="With any tag, or with none."),
    click.option("--oldest-first", is_flag=True, help="Sort order; by default the server's."),
    click.option("--limit", type=click.IntRange(min=1), help="At most this many."),
)

_filter_options = _options(
    _capture_options,
    click.option("--mime-type", multiple=True, help="MIME type, such as image/jpeg."),
    click.option("--label", "bbox_labels", multiple=True, help="Label of a bounding box."),
    click.option("--dataset", "dataset_id", metavar="NAME", help="Name or id of a dataset."),
)


_MEANT = {"ls": "list", "cat": "get", "put": "upload", "export": "download", "info": "show"}


@click.group(cls=Verbs, meant=_MEANT)
@version_option
def commands() -> None:
    """Upload to Viam's data cloud, or a fake of it, list what is there, and download it."""


@commands.command()
@click.argument("source", metavar="FOLDER", type=click.Path(exists=True, file_okay=False))
@click.option("--part-id", required=True, help="The part that the files belong to.")
@click.option("--tag", "tags", multiple=True, help="A tag to put on every file.")
@click.option(
    "--dataset",
    "dataset_ids",
    multiple=True,
    metavar="NAME",
    help="Name or id of a dataset to put them in.",
)
@_server_options
def upload(source: str, *, dataset_ids: tuple[str, ...], **options: Any) -> None:
    """Upload all files in FOLDER and the folders below it.

    A file's name in the cloud is its path relative to FOLDER. Anything that is not a regular file
    is skipped and reported.
    """
    server = TargetServer.of(options)
    transfers.run(transfers.upload(server, Path(source), dataset_ids=dataset_ids, **options))


@commands.command(name="list")
@_filter_options
@_server_options
def list_(**options: object) -> None:
    """List the files that all options select."""
    transfers.run(transfers.list_files(TargetServer.of(options), FileSelection.of(options)))


@commands.command()
@click.argument("dest")
@_filter_options
@_server_options
def download(dest: str, **options: object) -> None:
    """Download the files that all options select into a folder DEST.

    They are written side by side; manifest.json describes each and maps it to its path. A folder
    that an earlier download created is replaced, unless no file is selected.
    """
    try:
        path = check_destination(dest)
    except (ValueError, OSError) as error:
        raise click.BadParameter(str(error), param_hint="DEST") from error
    if path is None:
        raise AssertionError(dest)
    transfers.run(transfers.download(TargetServer.of(options), path, FileSelection.of(options)))


@commands.command()
@_capture_options
@_server_options
def readings(**options: Any) -> None:
    """List the sensor readings selected by all options."""
    transfers.run(transfers.list_readings(TargetServer.of(options), FileSelection.of(options)))


_id_argument = click.argument("binary_data_id", metavar="ID")


@commands.command()
@_id_argument
@_server_options
def show(binary_data_id: str, **options: object) -> None:
    """Show everything known about the file whose binary data id is ID."""
    transfers.run(transfers.show(TargetServer.of(options), binary_data_id))


@commands.command()
@_id_argument
@click.option(
    "--output",
    "-o",
    default="-",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="The file to write to; by default stdout.",
)
@_server_options
def get(binary_data_id: str, output: str, **options: Any) -> None:
    """Print the bytes of the file whose binary data id is ID.

    With --output, repeating the command resumes an interrupted download.
    """
    if output == "-" and options["form"] == "json":
        raise click.UsageError("--json requires --output, because the bytes go to stdout")
    transfers.run(transfers.get(TargetServer.of(options), binary_data_id, output))
