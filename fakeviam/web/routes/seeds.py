"""Seeds: what a test wants to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam import seeds
from fakeviam.seeds import SeedError
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import Problem
from fakeviam.web.reading import JSON_TYPE, json_of
from fakeviam.web.schema import listed, shape, table, text, whole

if TYPE_CHECKING:
    from fakeviam.seeds import Seed
    from fakeviam.web.endpoint import Ask

#: A seed with the contents of its files, a thing a line; what `fakeviam seed` sends.
LINES_TYPE = "application/x-ndjson"

#: What texts of errors call a seed that has no file.
_NAME = "seed"


async def _apply_seed(ask: Ask) -> dict[str, Any]:
    """Read all of it, then apply it in one step."""
    read = bytearray()
    async for piece in ask.stream:
        read += piece
    try:
        seed = _read(bytes(read), ask.content_type)
        applied = seeds.apply_seed(seed, ask.cloud)
    except SeedError as error:
        field = error.diagnostics[0].location.field or None
        raise Problem(422, str(error), field=field, hint=_hint(ask)) from error
    return applied.as_document()


def _read(read: bytes, content_type: str) -> Seed:
    if content_type == JSON_TYPE:
        return seeds.from_document(json_of(read), name=_NAME)
    return seeds.read_inlined(read.split(b"\n"), name=_NAME)


def _hint(ask: Ask) -> str | None:
    if ask.content_type == JSON_TYPE:
        return "files are not looked for here; `fakeviam seed FILE` sends them along"
    return None


_IDS = table(text())

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/seed",
        title="Apply a seed: all of it, or nothing",
        act=_apply_seed,
        streams=(LINES_TYPE, JSON_TYPE),
        answer=shape(
            {
                "organizations": _IDS,
                "parts": _IDS,
                "datasets": _IDS,
                "files": _IDS,
                "binary_data_ids": listed(text()),
                "readings": whole(),
            }
        ),
        status=201,
    ),
)
