"""A program for the morning meeting: what has to be looked at?

VIAM_API_KEY=… VIAM_API_KEY_ID=… python -m robot_lab.report
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from viam.app.viam_client import ViamClient
from viam.utils import create_filter

from robot_lab.archive import images
from robot_lab.station import REVIEW

if TYPE_CHECKING:
    from viam.proto.app.data import BinaryMetadata


async def _lines(url: str | None) -> list[str]:
    client = await ViamClient.create_from_env_vars(app_url=url)
    try:
        chosen = create_filter(tags=[REVIEW])
        return [_line(image) async for image in images(client.data_client, chosen)]
    finally:
        client.close()


def _line(image: BinaryMetadata) -> str:
    labels = ", ".join(box.label for box in image.annotations.bboxes)
    return f"{image.time_requested.ToDatetime():%Y-%m-%d %H:%M} {labels}"


def report(url: str | None = None) -> str:
    """One line per image that a person should look at."""
    lines = asyncio.run(_lines(url))
    return "\n".join([f"{len(lines)} images need a review", *lines])


if __name__ == "__main__":
    print(report(*sys.argv[1:2]))
