"""The JSON Schema of seed files, for completion in editors."""

from __future__ import annotations

from typing import Any

from fakeviam.seeds.tables import SEED


def json_schema() -> dict[str, Any]:
    """The schema, made of the tables that also check seeds."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Seed of fakeviam",
        **SEED.schema(),
    }
