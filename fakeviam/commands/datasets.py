"""`fakeviam datasets`: the datasets of any server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import columns, details, show
from fakeviam.program import Verbs, client_options, find, format_options

if TYPE_CHECKING:
    from fakeviam_client._their_datasets import OwnedDataset
    from fakeviam_client._transfers import TargetServer
    from fakeviam_client.client import DataClient


@click.group("datasets", cls=Verbs)
def command() -> None:
    """List the datasets of a fake, or of any server, with their ids."""


@command.command("list")
@client_options
@format_options
def list_(**options: object) -> None:
    """List the datasets of all organizations, by name."""
    _run(_list, options)


@command.command("show")
@click.argument("dataset", metavar="NAME")
@client_options
@format_options
def show_(*, dataset: str, **options: object) -> None:
    """Show the dataset with this name or id, and how much is in it."""
    _run(_show, options, dataset)


def _run(work: Any, options: dict[str, Any], *arguments: str) -> None:
    from fakeviam_client._transfers import TargetServer, run  # noqa: PLC0415 - as `--help` needs none

    run(work(TargetServer.of(options), *arguments))


async def _list(server: TargetServer) -> None:
    from fakeviam_client._their_datasets import all_datasets  # noqa: PLC0415 - likewise

    async with server.connect() as data:
        found = [_fields(each) for each in await all_datasets(data)]
    rows = [tuple(each.values()) for each in sorted(found, key=lambda each: each["name"])]
    head = ("NAME", "TYPE", "CREATED", "ORGANIZATION", "ID")
    show(server.form, {"datasets": found}, columns([head, *rows]) if rows else ["no datasets"])


async def _show(server: TargetServer, key: str) -> None:
    from fakeviam_client._their_datasets import all_datasets  # noqa: PLC0415 - likewise

    async with server.connect() as data:
        found = {each.dataset.id: each for each in await all_datasets(data)}
        id_ = find("dataset", key, [(id_, each.dataset.name) for id_, each in found.items()])
        shown = {**_fields(found[id_]), **await _contents(data, id_)}
    show(server.form, shown, details(shown))


async def _contents(data: DataClient, dataset_id: str) -> dict[str, int]:
    totals = await data.binary_data_by_filter(
        data.create_filter(dataset_id=dataset_id), count_only=True
    )
    return {"files": totals.total, "bytes": totals.total_size_bytes}


def _fields(owned: OwnedDataset) -> dict[str, str]:
    from fakeviam_client._records import moment_of  # noqa: PLC0415 - likewise

    from fakeviam.wire.dataset import DatasetType  # noqa: PLC0415 - likewise

    dataset = owned.dataset
    type_ = DatasetType.Name(dataset.type).removeprefix("DATASET_TYPE_").lower().replace("_", " ")
    return {
        "name": dataset.name,
        "type": type_,
        "created": moment_of(dataset.time_created).isoformat(timespec="seconds"),
        "organization": owned.organization,
        "id": dataset.id,
    }
