"""`fakeviam seed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import columns, show, with_server
from fakeviam.model.applied_seed import LeftOut
from fakeviam.model.text import counted
from fakeviam.program import Verb, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control

_LINES_TYPE = "application/x-ndjson"


@click.command("seed", cls=Verb, may_be_empty=["dataset"])
@with_server
@click.argument("file", type=click.Path())
@click.option("--images", metavar="FOLDER", help="Folder of the images, if not next to FILE.")
@click.option("--dataset", metavar="NAME", help='Dataset to add the files to; "" for none.')
@click.option("--part", default="", metavar="NAME", help="Name or id of the part that captured it.")
@click.option("--component", default="", metavar="NAME", help="Component of the readings of a CSV.")
@click.option("--method", default="", metavar="NAME", help="Method of that component.")
@click.option("--clip", is_flag=True, help="Clip boxes to the edge of their image.")
@click.option("--delimiter", metavar="CHARACTER", help="Separator of a CSV file.")
@click.option("--time-format", metavar="FORM", help="Format of its times, for strptime.")
@click.option(
    "--time-unit",
    type=click.Choice(["s", "ms", "us", "ns"]),
    help="For times that are numbers since 1970.",
)
@format_options
def command(*, server: Control, file: str, form: str, **options: Any) -> None:
    """Load FILE into a running fake, completely or not at all.

    FILE is a seed file (YAML or JSON), a COCO file or a folder of them, a dataset.jsonl, a folder
    exported by the viam command line, or CSV. Files that it refers to are uploaded, so the server
    need not have access to them. An option that does not apply to FILE is refused.
    """
    from fakeviam import exchange, seeds  # noqa: PLC0415 - `--help` needs none of it

    seed = exchange.read_any(file, options)
    applied = server.stream("/seed", _LINES_TYPE, seeds.inlined(seed))
    show(form, applied, _lines(applied))


#: What has a name, by its field.
_NAMED = {
    **{f"{kind}s": kind for kind in ("organization", "part", "dataset", "file")},
    "saved_queries": "saved query",
    "pipelines": "pipeline",
}


def _lines(applied: dict[str, Any]) -> list[str]:
    # Things have a short and a full name; the first one will do.
    named = {(kind, ids): name for kind in _NAMED for name, ids in reversed(applied[kind].items())}
    rows = [(_NAMED[kind], name, ids) for (kind, ids), name in reversed(named.items())]
    rows += [("sequence", "", each) for each in applied["sequences"]]
    lines = columns(rows) if rows else []
    kinds = {"readings": "reading", "indexes": "index"}
    lines += [counted(applied[all_], one, all_) for all_, one in kinds.items() if applied[all_]]
    lines = lines or ["the seed is empty"]
    for each in applied.get("left_out", ()):
        lines.append(f"left out: {LeftOut(**each)}")
    return lines
