"""Models of other programs' JSON, where null and an empty value mean that there is none."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from fakeviam.validation.models import Model

#: What to do about boxes that reach beyond their image.
CLIP = "give the option clip to cut such boxes off"


class Lenient(Model, extra="ignore"):
    """A model of which null, "", [] and {} are absent fields."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: each for key, each in value.items() if each not in (None, "", [], {})}
