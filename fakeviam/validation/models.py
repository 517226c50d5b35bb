"""The base of all models, and how a value is checked against one."""

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

#: Types of errors that are ours, not pydantic's.
CUSTOM = frozenset({"expected", "invalid", "refused", "unknown_field"})

M = TypeVar("M", bound="Model")


class Model(BaseModel):
    """A value from outside: no unknown fields, no conversions between types, finite numbers."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    @model_validator(mode="wrap")
    @classmethod
    def _name_known_fields(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Add to errors of unknown fields which ones there are; pydantic does not tell."""
        try:
            return handler(value)
        except ValidationError as error:
            known = [field.alias or name for name, field in cls.model_fields.items()]
            details = [_detail(each, known) for each in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, details) from None


def _detail(error: Any, known: list[str]) -> InitErrorDetails:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        kind, context = "unknown_field", {"known": known}
    if kind in CUSTOM:
        kind = PydanticCustomError(kind, "{kind}", context)
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=context)


def field(description: str, *examples: object, default: Any = ..., **more: Any) -> Any:
    """A field with what documents of the model say about it.

    Args:
        description: What it is, in one sentence.
        examples: Values that it takes, at least one.
        default: Its value if it is absent; by default it must be there.
        more: Bounds and the like; see `pydantic.Field`.
    """
    if "default_factory" not in more:
        more["default"] = default
    return Field(description=description, examples=list(examples), **more)


def validate(model: type[M], value: object, *, words: Words = JSON_WORDS, subject: str = "") -> M:
    """The model of a value, which may be shared: models are frozen.

    Args:
        model: What it must be.
        value: Dictionaries, lists, text and numbers.
        words: How texts name types.
        subject: What the text of the error says the value is, if that is not clear.

    Raises:
        InvalidError: It breaks the rules of the model, with all problems.
    """
    return checked(lambda: model.model_validate(value), words=words, subject=subject)


def checked(make: Callable[[], M], *, words: Words = JSON_WORDS, subject: str = "") -> M:
    """What `make` returns, a model.

    Raises:
        InvalidError: A `ValidationError` ended it.
    """
    try:
        return make()
    except ValidationError as error:
        problems = problems_of(error.errors(include_url=False), words)
        raise InvalidError(problems, subject=subject) from None
