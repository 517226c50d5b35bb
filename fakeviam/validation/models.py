"""The base class of all models, and validation against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from fakeviam.validation.problems import JSON_WORDS, InvalidError, Words, problems_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.functional_validators import ModelWrapValidatorHandler
    from typing_extensions import Self

#: Error types that pydantic does not define.
CUSTOM = frozenset({"expected", "invalid", "refused", "unknown_field"})

M = TypeVar("M", bound="Model")


class Model(BaseModel):
    """Outside input: no unknown fields, no implicit conversions, finite numbers."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    @model_validator(mode="wrap")
    @classmethod
    def _name_known_fields(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Add the known fields to errors about unknown ones; pydantic does not."""
        try:
            return handler(value)
        except ValidationError as error:
            names = [field.alias or name for name, field in cls.model_fields.items()]
            details = [_detail(each, names) for each in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, details) from None


def _detail(error: Any, names: list[str]) -> InitErrorDetails:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        kind, context = "unknown_field", {"known": names}
    if kind in CUSTOM:
        kind = PydanticCustomError(kind, "{kind}", context)
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=context)


def field(description: str, *examples: object, default: Any = ..., **more: Any) -> Any:
    """A documented field.

    Args:
        description: One sentence.
        examples: Valid values, at least one.
        default: Its value if absent; without one, the field is required.
        more: Constraints; see `pydantic.Field`.
    """
    if "default_factory" not in more:
        more["default"] = default
    return Field(description=description, examples=list(examples), **more)


def validate(model: type[M], value: object, *, words: Words = JSON_WORDS, subject: str = "") -> M:
    """Validate a value.

    Args:
        model: The expected model.
        value: Dictionaries, lists, text and numbers.
        words: Names of types in texts.
        subject: How the error refers to the value.

    Raises:
        InvalidError: It is invalid; carries all problems.
    """
    return checked(lambda: model.model_validate(value), words=words, subject=subject)


def checked(make: Callable[[], M], *, words: Words = JSON_WORDS, subject: str = "") -> M:
    """Return the model that `make` returns.

    Raises:
        InvalidError: A `ValidationError` ended it.
    """
    try:
        return make()
    except ValidationError as error:
        problems = problems_of(error.errors(include_url=False), words)
        raise InvalidError(problems, subject=subject) from None
