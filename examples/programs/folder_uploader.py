"""Upload every file of a folder, tagged with the folder it was in."""

import asyncio
import sys
from pathlib import Path

from connection import connected, part
from viam.utils import create_filter


def files_below(top: Path) -> list[Path]:
    """Every file of a folder and of those in it."""
    return sorted(path for path in top.rglob("*") if path.is_file())


async def main(folder: str) -> None:
    top = Path(folder)
    async with connected() as client:
        data = client.data_client
        for path in files_below(top):
            tags = [path.parent.name] if path.parent != top else []
            await data.file_upload_from_path(str(path), part(), tags=tags)
        for tag in await data.tags_by_filter(create_filter(part_id=part())):
            chosen = create_filter(part_id=part(), tags=[tag])
            _, count, _ = await data.binary_data_by_filter(chosen, count_only=True)
            print(f"{tag}: {count}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: folder_uploader.py FOLDER")
    asyncio.run(main(sys.argv[1]))
