"""Displays BSON as JSON that can be sent again: MongoDB's Extended JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def plain(documents: Iterable[bytes]) -> list[Any]:
    """Documents as JSON values."""
    from bson import json_util  # noqa: PLC0415 - with the first query

    from fakeviam.query.bson_documents import decode  # noqa: PLC0415

    return [json.loads(json_util.dumps(decode(each))) for each in documents]


def stages_text(stages: Iterable[bytes]) -> str:
    """The stages of a pipeline, in the form of the editor."""
    return json.dumps(plain(stages), indent=2, ensure_ascii=False)
