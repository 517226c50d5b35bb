"""The schema that editors read: as strict as the reader, and it explains every field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from fakeviam import seeds

if TYPE_CHECKING:
    from collections.abc import Iterator

BOX = dict.fromkeys(
    ("x_min_normalized", "y_min_normalized", "x_max_normalized", "y_max_normalized"), 0.5
)
FILE = {"name": "a.png", "data": ""}


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for model in (schema, *schema["$defs"].values()):
        for name, field in model["properties"].items():
            yield f"{model['title']}.{name}", field


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return seeds.json_schema()


def test_every_field_is_described_with_examples(schema: dict[str, Any]) -> None:
    for name, field in fields(schema):
        assert field.get("description", "").endswith("."), name
        assert field.get("examples"), name
        checker = jsonschema.Draft202012Validator({**field, "$defs": schema["$defs"]})
        for each in field["examples"]:
            assert checker.is_valid(each), (name, each)
    assert len(list(fields(schema))) > 50


def test_examples_of_the_first_level_are_right_together(schema: dict[str, Any]) -> None:
    document = {name: field["examples"][0] for name, field in schema["properties"].items()}
    with pytest.raises(seeds.SeedError) as caught:
        seeds.from_document(document)
    # Only that a document names no files.
    assert all("files cannot be named here" in str(one) for one in caught.value.diagnostics)


def test_a_default_is_a_value_that_could_be_given(schema: dict[str, Any]) -> None:
    for name, field in fields(schema):
        if "default" in field:
            assert jsonschema.Draft202012Validator(field).is_valid(field["default"]), name


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {"datasets": None},
        {"datasets": "dogs"},
        {"datasets": [{"organization": "acme"}]},
        {"datasets": [{"name": "d", "type": "video"}]},
        {"datasets": [{"name": "d", "organization": " "}]},
        {"datasets": [7]},
        {"data": []},
        {"version": 2},
        {"version": "1"},
        {"organizations": [{"name": "acme", "locations": []}]},
        {"organizations": [{"name": "acme"}]},
        {"files": [{**FILE, "every": -1}]},
        {"files": [{**FILE, "sidecars": "yes"}]},
        {"files": [{**FILE, "files": []}]},
        {"files": [{**FILE, "files": [" "]}]},
        {"files": [{**FILE, "tags": [7]}]},
        {"files": [{**FILE, "tags": {}}]},
        {"files": [{**FILE, "boxes": []}]},
        {"files": [{**FILE, "time": "yesterday"}]},
        {"files": [{**FILE, "received": "modified"}]},
        {"files": [{**FILE, "each": {"a.png": {"part": "p"}}}]},
        {"images": [{**FILE, "boxes": [{"label": "dog"}]}]},
        {"images": [{**FILE, "boxes": [{**BOX, "label": "dog", "x_max_normalized": 1.5}]}]},
        {"images": [{**FILE, "boxes": [{**BOX, "label": "dog", "confidence": None}]}]},
        {"images": [{**FILE, "classifications": [{"confidence": 1}]}]},
        {"readings": [{"rows": [7]}]},
        {"readings": [{"rows": {}}]},
        {"readings": [{"rows": [], "time_unit": "h"}]},
        {"readings": [{"rows": [], "under": ""}]},
    ],
)
def test_what_the_reader_refuses_an_editor_marks(schema: dict[str, Any], document: Any) -> None:
    assert not jsonschema.Draft202012Validator(schema).is_valid(document)
    with pytest.raises(seeds.SeedError):
        seeds.from_document(document)
