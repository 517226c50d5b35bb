"""The published example is a good seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import yaml

from fakeviam import seeds

if TYPE_CHECKING:
    from fakeviam import FakeViam

EXAMPLE = Path(__file__).parents[3] / "examples" / "seed" / "lab.yaml"


def test_the_example_can_be_applied(cloud: FakeViam) -> None:
    """With everything that it names (SE-1)."""
    applied = seeds.apply_seed(seeds.read(EXAMPLE), cloud._cloud)
    assert list(applied.files) == ["photos/bench.png", "photos/door.png"]
    assert set(applied.parts) == {"rover-main", "acme/lab/rover/rover-main"}
    assert set(applied.datasets) == {"furniture", "acme/furniture"}
    assert applied.readings == 3


def test_editors_find_it_right_too() -> None:
    """The JSON schema says the same as the reader."""
    document = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    # YAML 1.1 makes a datetime of a time, the schema and the reader have text.
    document["images"][0]["time"] = "2026-01-31T12:00:00Z"
    checker = jsonschema.Draft202012Validator(seeds.json_schema())
    checker.check_schema(seeds.json_schema())
    assert not list(checker.iter_errors(document))
    document["images"][0]["tgas"] = []
    (error,) = checker.iter_errors(document)
    assert "tgas" in error.message
    assert json.dumps(seeds.json_schema())
