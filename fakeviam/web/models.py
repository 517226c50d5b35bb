"""Common parts of the models of the control API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fakeviam.validation.models import Model
from fakeviam.validation.models import field as declare
from fakeviam.validation.types import Text

#: A missing value in a body, as opposed to null.
ABSENT: object = None

NonEmpty = Annotated[Text, Field(min_length=1)]
TimeText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Nothing(Model):
    """A request without fields."""


class Forgotten(Model):
    """How much was forgotten."""

    forgotten: int = declare("The number of items.", 2)


class ErrorDetail(Model):
    """What is wrong with a request."""

    what: str = declare("A description of the problem.", "name must not be empty")
    field: str | None = declare("The field of the request.", "name", default=ABSENT)
    value: object = declare("The value of the field.", "", default=ABSENT)
    hint: str | None = declare("What to do instead.", "did you mean freeze?", default=ABSENT)


class Error(Model):
    """A request that was refused; it changed nothing."""

    error: ErrorDetail = declare("What is wrong.", {"what": "name must not be empty"})
