"""`fakeviam export`: a dataset of any server as COCO, a folder or JSON lines."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from fakeviam.program import HELP, CommandError, target_option

if TYPE_CHECKING:
    from fakeviam.exchange.exporting import Exported
    from fakeviam.target import Target

# As in fakeviam.exchange.FORMATS, which is not imported for --help.
_FORMATS = ("coco", "folder", "jsonl")


@click.command(context_settings=HELP)
@click.argument("outdir", type=click.Path())
@click.option("--dataset", "dataset_id", required=True, metavar="ID", help="The dataset id.")
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(_FORMATS),
    help="COCO; a folder as written by `viam data export`; dataset.jsonl for training.",
)
@target_option()
@click.option("--api-key", envvar="VIAM_API_KEY", show_envvar=True, help="The API key.")
@click.option("--api-key-id", envvar="VIAM_API_KEY_ID", show_envvar=True, help="Its id.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def export(
    *,
    outdir: str,
    dataset_id: str,
    form: str,
    target: Target,
    api_key: str | None,
    api_key_id: str | None,
    as_json: bool,
) -> None:
    """Write a dataset into OUTDIR, which must be new or empty.

    Works with any server of Viam's data cloud. OUTDIR appears once the export is complete.
    """
    from fakeviam_client import PagingError  # noqa: PLC0415
    from grpclib.exceptions import GRPCError  # noqa: PLC0415 - `--help` needs none of this

    if (api_key is None) != (api_key_id is None):
        raise click.UsageError("--api-key and --api-key-id must be used together")
    try:
        done = asyncio.run(
            _export(outdir, dataset_id, form, target=target.told, key=api_key, key_id=api_key_id)
        )
    except GRPCError as error:
        raise CommandError(f"{error.status.name}: {error.message}") from error
    except (OSError, PagingError) as error:
        cause = error.__cause__
        lost = isinstance(cause, ConnectionRefusedError | FileNotFoundError)
        hint = "; `fakeviam serve` starts a fake" if lost else ""
        raise CommandError(f"{error}{hint}") from error
    if as_json:
        receipt = {"folder": outdir, "files": done.files, "skipped": done.skipped}
        click.echo(json.dumps(receipt, ensure_ascii=False))
        return
    skipped = f"; skipped {_count(done.skipped)} not possible in {form}" if done.skipped else ""
    click.echo(f"Exported {_count(done.files)} to {outdir}{skipped}", err=True)


async def _export(
    outdir: str, dataset_id: str, form: str, *, target: str, key: str | None, key_id: str | None
) -> Exported:
    from fakeviam_client import ORDER_ASCENDING, connect  # noqa: PLC0415

    from fakeviam.exchange import FORMATS, exporting  # noqa: PLC0415

    async with connect(target, api_key=key, api_key_id=key_id) as data:
        if not await data.list_dataset_by_ids([dataset_id]):
            message = f"no dataset {dataset_id!r} on {target}; --dataset expects an id"
            raise click.UsageError(message)
        chosen = data.create_filter(dataset_id=dataset_id)
        with exporting(outdir, FORMATS[form]) as made:
            # Oldest first, so that the same dataset always gives the same folder.
            async for file in data.iter_binary_data_by_filter(chosen, sort_order=ORDER_ASCENDING):
                made.add(file.metadata, file.data)
    return made.done


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"
