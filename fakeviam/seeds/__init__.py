"""Seeds: what a fake holds from the start, written in a YAML or JSON file.

    from fakeviam import seeds

    applied = seeds.apply_seed(seeds.read("lab.yaml"), cloud)

`read` checks everything before anything is applied; `apply_seed` puts all of it in, or nothing.
`inlined` and `read_inlined` carry a seed with the contents of its files to a running server.
"""

from __future__ import annotations

from fakeviam.model.applied_seed import AppliedSeed
from fakeviam.seeds.diagnostics import Diagnostic, SeedError, SourceLocation
from fakeviam.seeds.draft import apply_seed
from fakeviam.seeds.inline import inlined, read_inlined
from fakeviam.seeds.loader import from_document, of_document, read, read_readings
from fakeviam.seeds.models import json_schema
from fakeviam.seeds.values import Seed

__all__ = [
    "AppliedSeed",
    "Diagnostic",
    "Seed",
    "SeedError",
    "SourceLocation",
    "apply_seed",
    "from_document",
    "inlined",
    "json_schema",
    "of_document",
    "read",
    "read_inlined",
    "read_readings",
]
