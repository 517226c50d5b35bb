"""JSON Schema of models."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.validation.models import Model

Schema = dict[str, Any]


# Constraint names that pydantic does not translate if a validator precedes the constraint.
_KEYWORDS = MappingProxyType(
    {
        "ge": "minimum",
        "gt": "exclusiveMinimum",
        "le": "maximum",
        "lt": "exclusiveMaximum",
    }
)


class _Generator(GenerateJsonSchema):
    """Omits field titles, which only repeat names, and keeps all constraints."""

    def default_schema(self, schema: Any) -> Schema:
        document = super().default_schema(schema)
        # Placeholders for an absent value, which are often invalid as values.
        if document.get("default", True) in (None, "", [], {}):
            del document["default"]
        return document

    def generate_inner(self, schema: Any) -> Schema:
        document = super().generate_inner(schema)
        return {_KEYWORDS.get(key, key): value for key, value in document.items()}

    def field_title_should_be_set(self, schema: object) -> bool:
        del schema
        return False


def json_schema(model: type[Model], **top: object) -> Schema:
    """The JSON Schema of a model; `top` adds top-level keys."""
    document = model.model_json_schema(schema_generator=_Generator)
    return {"$schema": _Generator.schema_dialect, **document, **top}


def json_schemas(
    models: Sequence[type[Model]], *, ref_template: str = "#/components/schemas/{model}"
) -> dict[str, Schema]:
    """The JSON Schemas of several models by name, for OpenAPI."""
    _, document = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=ref_template,
        schema_generator=_Generator,
    )
    schemas: dict[str, Schema] = document.get("$defs", {})
    return schemas
