"""Keep a folder equal to a dataset: download what is missing, delete what is no longer there."""

import asyncio
import sys
from pathlib import Path

from connection import connected, organization
from viam.app.data_client import DataClient
from viam.utils import create_filter


async def mirror(data: DataClient, dataset_id: str, folder: Path) -> tuple[int, int]:
    """Make `folder` equal; how many files were downloaded and deleted."""
    wanted: dict[str, str] = {}
    last = None
    while True:
        chosen = create_filter(dataset_id=dataset_id)
        page, _, last = await data.binary_data_by_filter(
            chosen, limit=50, last=last, include_binary_data=False
        )
        for each in page:
            name = each.metadata.binary_data_id.rpartition("/")[2] + each.metadata.file_ext
            wanted[name] = each.metadata.binary_data_id
        if not page:
            break
    present = names_in(folder)
    for name in wanted.keys() - present:
        (found,) = await data.binary_data_by_ids([wanted[name]])
        (folder / name).write_bytes(found.binary)
    for name in present - wanted.keys():
        (folder / name).unlink()
    return len(wanted.keys() - present), len(present - wanted.keys())


def names_in(folder: Path) -> set[str]:
    """The names of a folder's files; the folder is made if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    return {path.name for path in folder.iterdir()}


async def main(folder: str) -> None:
    async with connected() as client:
        datasets = await client.data_client.list_datasets_by_organization_id(organization())
        dataset = next(each for each in datasets if each.name == "doors")
        downloaded, deleted = await mirror(client.data_client, dataset.id, Path(folder))
        print(f"{dataset.name}: {downloaded} downloaded, {deleted} deleted")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "mirror"))
