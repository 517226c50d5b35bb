"""Field types."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

from fakeviam.model.durations import seconds_from
from fakeviam.model.errors import Refusal
from fakeviam.model.names import LONGEST_NAME, wrong_name
from fakeviam.model.text import is_text
from fakeviam.model.timestamps import nanos_from_text
from fakeviam.validation.json_text import unfit_part
from fakeviam.validation.scalars import Unquoted

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
P = ParamSpec("P")
Schema = dict[str, Any]


# Errors ---------------------------------------------------------------------------------------


def expected(what: str) -> PydanticCustomError:
    """The error of a validator whose text is "must be {what}, got {value}"."""
    return PydanticCustomError("expected", "expected", {"what": what})


def invalid(text: str) -> PydanticCustomError:
    """The error of a validator whose text is a predicate: "must not be blank"."""
    return PydanticCustomError("invalid", "invalid", {"text": text})


def refused(text: str) -> PydanticCustomError:
    """The error of a validator that phrases the whole sentence."""
    return PydanticCustomError("refused", "refused", {"text": text})


def refusable(check: Callable[P, T]) -> Callable[P, T]:
    """Make refusals of the domain, like ValueErrors, errors of the field."""

    @wraps(check)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return check(*args, **kwargs)
        except Refusal as refusal:
            raise refused(refusal.text) from None

    return checked


# Building blocks ------------------------------------------------------------------------------


def Accepted(check: Callable[[Any], object]) -> AfterValidator:  # noqa: N802 - used as a type
    """Apply a check of the domain, so that the rule exists only once."""

    @refusable
    def accept(value: object) -> object:
        check(value)
        return value

    return AfterValidator(accept)


@dataclass(frozen=True)
class Expected:
    """Replaces every error about the value by what is expected."""

    what: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """See pydantic."""
        return core_schema.custom_error_schema(
            handler(source),
            custom_error_type="expected",
            custom_error_message="expected",
            custom_error_context={"what": self.what},
        )


@dataclass(frozen=True)
class Parsed:
    """Converts the value with `parse`, which returns None for invalid input."""

    parse: Callable[[Any], object]
    expected: str
    schema: Schema = field(hash=False)

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """See pydantic."""
        del source, handler

        def parse(value: object) -> object:
            result = self.parse(value)
            if result is None:
                raise expected(self.expected)
            return result

        return core_schema.no_info_plain_validator_function(parse)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        """See pydantic."""
        del schema, handler
        return dict(self.schema)


class _NotNull:
    """Turns `T | None` into T: None means absent, null is not accepted."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        nullable: Any = handler(source)
        inner: core_schema.CoreSchema = nullable["schema"]
        return inner


class _Alone:
    """Wraps a single element in a list."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: value if isinstance(value, list | tuple) else (value,), handler(source)
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


@dataclass(frozen=True)
class Shorthand:
    """Expands text to a model with only the named field."""

    name: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """See pydantic."""
        return core_schema.no_info_before_validator_function(self._expand, handler(source))

    def _expand(self, value: object) -> object:
        is_text = isinstance(value, str) and not (isinstance(value, Unquoted) and value.is_null)
        return {self.name: value} if is_text else value

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        """See pydantic."""
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(schema)]}


#: An optional field that does not accept null: `name: Omittable[Text] = None`.
Omittable = Annotated[T | None, _NotNull()]
#: A list.
Many = Annotated[tuple[T, ...], Strict(False)]
#: A list; a single element may be given without one.
OneOrMany = Annotated[tuple[T, ...], Strict(False), _Alone()]
#: A non-empty `OneOrMany`.
OneOrMore = Annotated[tuple[T, ...], Strict(False), Field(min_length=1), _Alone()]


# Text -----------------------------------------------------------------------------------------


def _text(value: object, check: ValidatorFunctionWrapHandler) -> str:
    if isinstance(value, Unquoted) and value.is_null:
        raise PydanticKnownError("string_type")
    text: str = check(value)
    if not is_text(text):
        raise PydanticKnownError("string_unicode")
    return text


def _named(value: str) -> str:
    if wrong := wrong_name(value):
        raise invalid(wrong)
    return value


#: Text that UTF-8 can encode.
Text = Annotated[str, WrapValidator(_text)]
#: Text that is a name.
Name = Annotated[
    Text,
    AfterValidator(_named),
    Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_NAME, "pattern": r"\S"}),
]


# Numbers and flags ----------------------------------------------------------------------------


def _number(value: object) -> object:
    number = value.number if isinstance(value, Unquoted) else None
    return value if number is None else number


def _finite(value: object, check: ValidatorFunctionWrapHandler) -> object:
    number = _number(value)
    check(number)
    return number


def _flag(value: object) -> object:
    flag = value.flag if isinstance(value, Unquoted) else None
    return value if flag is None else flag


#: Converts unquoted text to a number, for number types with other constraints.
UNQUOTED_NUMBER = BeforeValidator(_number)
#: A finite number; integers stay integers.
Number = Annotated[float, WrapValidator(_finite)]
#: A 64-bit integer.
Integer = Annotated[int, Field(ge=-(2**63), le=2**63 - 1), UNQUOTED_NUMBER]
#: An integer from 0.
Size = Annotated[int, Field(ge=0, le=2**63 - 1), UNQUOTED_NUMBER]
#: How far something was counted: from there one can go on counting in 64 bits.
Counted = Annotated[int, Field(ge=0, le=2**53), UNQUOTED_NUMBER]
#: An integer from 1.
Count = Annotated[int, Field(ge=1, le=2**63 - 1), UNQUOTED_NUMBER]
#: True or false.
Flag = Annotated[bool, BeforeValidator(_flag)]


# Times and bytes ------------------------------------------------------------------------------


def _nanos(value: object) -> int | None:
    return nanos_from_text(value) if isinstance(value, str) else None


def _bytes(value: object) -> bytes | None:
    try:
        return b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        return None


#: ISO 8601 text within the years 1 to 9999, as nanoseconds since 1970.
Time = Annotated[
    int,
    Parsed(
        _nanos,
        "a time like 2026-01-31T12:00:00Z",
        {
            "type": "string",
            "pattern": r"^\s*\d{4}-\d{2}-\d{2}",
            "examples": ["2026-01-31T12:00:00Z"],
        },
    ),
]
#: A number of seconds, or text such as 250ms, 40s or 2m, as seconds.
Duration = Annotated[
    float,
    Parsed(
        seconds_from,
        "seconds, or text such as 250ms, 40s or 2m, from 0 to a hundred years",
        {"type": ["number", "string"], "minimum": 0, "examples": ["250ms", 40]},
    ),
]
#: Bytes in base64.
Base64 = Annotated[
    bytes,
    Parsed(_bytes, "bytes in base64", {"type": "string", "contentEncoding": "base64"}),
]


# Documents ------------------------------------------------------------------------------------


def _json_object(value: dict[str, object]) -> dict[str, object]:
    unfit = unfit_part(value)
    if unfit:
        raise invalid(f"holds {unfit}")
    return value


#: Any JSON object.
JsonObject = Annotated[dict[str, object], AfterValidator(_json_object)]
