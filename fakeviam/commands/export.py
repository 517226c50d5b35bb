"""`fakeviam export`: a dataset of any server as COCO, a folder or JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from fakeviam.model.text import counted
from fakeviam.program import CommandError, Verb, client_options

if TYPE_CHECKING:
    from fakeviam_client._transfers import TargetServer

    from fakeviam.exchange.exporting import Exported

# As in fakeviam.exchange.FORMATS, which is not imported for --help.
_FORMATS = ("coco", "folder", "jsonl")


@click.command("export", cls=Verb)
@click.argument("outdir", type=click.Path())
@click.option("--dataset", required=True, metavar="NAME", help="Name or id of the dataset.")
@click.option(
    "--format",
    "kind",
    required=True,
    type=click.Choice(_FORMATS),
    help="COCO; a folder as written by `viam data export`; dataset.jsonl for training.",
)
@client_options
@click.option("--json", "form", flag_value="json", default="", help="Print the counts as JSON.")
def export(*, outdir: str, dataset: str, kind: str, **options: object) -> None:
    """Write a dataset into OUTDIR, which must be new or empty.

    Works with any server of Viam's data cloud. OUTDIR appears once the export is complete.
    """
    from fakeviam_client._transfers import TargetServer, run  # noqa: PLC0415 - `--help` needs none

    run(_export(TargetServer.of(options), outdir, dataset, kind))


async def _export(server: TargetServer, outdir: str, dataset: str, kind: str) -> None:
    from fakeviam_client import ORDER_ASCENDING  # noqa: PLC0415 - as above
    from fakeviam_client._their_datasets import dataset_id  # noqa: PLC0415

    from fakeviam.exchange import FORMATS, ExportError, exporting  # noqa: PLC0415

    async with server.connect() as data:
        id_ = await dataset_id(data, dataset)
        found = await data.list_dataset_by_ids([id_])
        if not found:
            raise CommandError(f"no dataset {id_!r} on {server.target.text}")
        names = {each.id: each.name for each in found}
        filter_ = data.create_filter(dataset_id=id_)
        # Oldest first, so that the same dataset always gives the same folder.
        files = data.iter_binary_data_by_filter(filter_, sort_order=ORDER_ASCENDING)
        try:
            with exporting(outdir, FORMATS[kind], datasets=names) as made:
                async for file in files:
                    made.add(file.metadata, file.data)
        except ExportError as error:
            raise click.UsageError(str(error)) from error
    _report(made.done, outdir, kind, as_json=server.as_json)


def _report(result: Exported, outdir: str, kind: str, *, as_json: bool) -> None:
    if as_json:
        receipt = {"folder": outdir, "files": result.files, "skipped": result.skipped}
        click.echo(json.dumps(receipt, ensure_ascii=False))
        return
    files = counted(result.skipped, "file")
    skipped = f"; skipped {files} not possible in {kind}" if result.skipped else ""
    skipped += "; COCO has no place for their parts" if kind == "coco" else ""
    click.echo(f"Exported {counted(result.files, 'file')} to {outdir}{skipped}", err=True)
