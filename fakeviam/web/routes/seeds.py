"""Loading seeds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fakeviam import seeds
from fakeviam.seeds import SeedError
from fakeviam.validation.models import Model, field
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import HttpProblem
from fakeviam.web.request_parsing import JSON_TYPE, json_of

if TYPE_CHECKING:
    from fakeviam.seeds import Seed
    from fakeviam.web.endpoint import ControlRequest

#: A seed with the contents of its files, one object per line, as `fakeviam seed` sends it.
LINES_TYPE = "application/x-ndjson"

#: The name of a seed without a file in error messages.
_NAME = "seed"


class LeftOutModel(Model):
    """Something of a file that has no place in the data cloud."""

    what: str = field("Its kind.", "annotations.segmentation")
    count: int = field("The number of occurrences.", 12)
    why: str = field("Why it was left out.", "the data cloud keeps boxes, not outlines")
    first: str = field("The first occurrence.", "val.json: annotations[0].segmentation")


class Applied(Model):
    """The ids of what a seed put there, by name."""

    organizations: dict[str, str] = field("Their ids by name.", {"acme": "a1"})
    parts: dict[str, str] = field("Their ids by name.", {"rover-main": "c1"})
    datasets: dict[str, str] = field("Their ids by name.", {"dogs": "d1"})
    files: dict[str, str] = field("Binary data ids by path or name.", {"dog.jpg": "a/b/c"})
    binary_data_ids: list[str] = field("The ids of all files, in the order of the seed.", ["a/b/c"])
    readings: int = field("The number of readings.", 100)
    boxes: int = field("The number of bounding boxes.", 3)
    classifications: int = field("The number of classifications.", 1)
    saved_queries: dict[str, str] = field("Their ids by name.", {"daily": "q1"})
    pipelines: dict[str, str] = field("Their ids by name.", {"hourly": "p1"})
    sequences: list[str] = field("The ids of all sequences, in the order of the seed.", ["s1"])
    indexes: int = field("The number of custom indexes.", 1)
    left_out: list[LeftOutModel] = field("What the data cloud cannot represent.", [])


async def _apply_seed(request: ControlRequest) -> dict[str, object]:
    """Read the whole seed, then apply it atomically."""
    read = bytearray()
    async for piece in request.stream:
        read += piece
    try:
        # In a thread: seeds are large, and other calls are served meanwhile.
        seed = await asyncio.to_thread(_read, bytes(read), request.content_type)
        applied = seeds.apply_seed(seed, request.cloud)
    except SeedError as error:
        field = error.diagnostics[0].location.field or None
        raise HttpProblem(422, str(error), field=field, hint=_hint(request)) from error
    return applied.as_document()


def _read(read: bytes, content_type: str) -> Seed:
    if content_type == JSON_TYPE:
        return seeds.from_document(json_of(read), name=_NAME)
    return seeds.read_inlined(read.split(b"\n"), name=_NAME)


def _hint(request: ControlRequest) -> str | None:
    if request.content_type == JSON_TYPE:
        return "files cannot be named here; `fakeviam seed FILE` uploads them"
    return None


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/seed",
        title="Load a seed, completely or not at all",
        tag="data",
        handler=_apply_seed,
        streams=(LINES_TYPE, JSON_TYPE),
        response=Applied,
        status=201,
    ),
)
