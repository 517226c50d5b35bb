"""JSON Schema of models."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.validation.models import Model

Schema = dict[str, Any]


# What pydantic leaves as it is where a validator stands between a type and its bounds.
_KEYWORDS = MappingProxyType(
    {
        "ge": "minimum",
        "gt": "exclusiveMinimum",
        "le": "maximum",
        "lt": "exclusiveMaximum",
    }
)


class _Generator(GenerateJsonSchema):
    """Leaves out titles of fields, which only repeat their names, and keeps all bounds."""

    def default_schema(self, schema: Any) -> Schema:
        made = super().default_schema(schema)
        # Often no value that could be given, only what stands for an absent one.
        if made.get("default", True) in (None, "", [], {}):
            del made["default"]
        return made

    def generate_inner(self, schema: Any) -> Schema:
        made = super().generate_inner(schema)
        return {_KEYWORDS.get(key, key): value for key, value in made.items()}

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def json_schema(model: type[Model], **top: Any) -> Schema:
    """The JSON Schema of what `model` accepts; `top` are further keys of its first level."""
    made = model.model_json_schema(schema_generator=_Generator)
    return {"$schema": _Generator.schema_dialect, **made, **top}


def json_schemas(
    models: Sequence[type[Model]], *, ref_template: str = "#/components/schemas/{model}"
) -> dict[str, Schema]:
    """The JSON Schemas of several models by their names, as OpenAPI has them."""
    _, made = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=ref_template,
        schema_generator=_Generator,
    )
    schemas: dict[str, Schema] = made.get("$defs", {})
    return schemas
