"""Seeds: what a fake holds from the start, written in a YAML or JSON file.

    from fakeviam import seeds

    sown = seeds.apply(seeds.read("lab.yaml"), cloud)

`read` checks everything before anything is applied; `apply` puts all of it in, or nothing.
`inlined` and `read_inlined` carry a seed with the contents of its files to a running server.
"""

from __future__ import annotations

from fakeviam.model.applied_seed import AppliedSeed
from fakeviam.seeds.inline import inlined, read_inlined
from fakeviam.seeds.mistakes import Mistake, Place, SeedError
from fakeviam.seeds.reading import read
from fakeviam.seeds.schema import json_schema
from fakeviam.seeds.sowing import apply
from fakeviam.seeds.values import Seed

__all__ = [
    "AppliedSeed",
    "Mistake",
    "Place",
    "Seed",
    "SeedError",
    "apply",
    "inlined",
    "json_schema",
    "read",
    "read_inlined",
]
