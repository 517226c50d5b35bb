"""What every value from outside goes through."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import Field, model_validator

from fakeviam import UsageError
from fakeviam.model.errors import InvalidArgumentError
from fakeviam.validation.models import Model, validate
from fakeviam.validation.problems import JSON_WORDS, PYTHON_WORDS, YAML_WORDS, InvalidError, Words
from fakeviam.validation.scalars import Unquoted
from fakeviam.validation.schema import json_schema, json_schemas
from fakeviam.validation.types import (
    Accepted,
    Base64,
    Count,
    Duration,
    Expected,
    Flag,
    Integer,
    JsonObject,
    Many,
    Name,
    Number,
    Omittable,
    OneOrMany,
    OneOrMore,
    Shorthand,
    Size,
    Text,
    Time,
    refusable,
)


def _even(number: int) -> None:
    if number % 2:
        raise InvalidArgumentError(f"number must be even, got {number}", clause="X-1")


class Item(Model):
    name: Name
    even: Annotated[Integer, Accepted(_even)] = 0


class Tagged(Item):
    tags: Annotated[Many[Text], Field(min_length=1)]


class Cat(Model):
    kind: Literal["cat"]


class Dog(Model):
    kind: Literal["dog"]


class Everything(Model):
    schema_: Text = Field(default="", alias="$schema")
    text: Text = ""
    number: Number = 0
    least: Annotated[Number, Field(ge=0, lt=10)] = 0
    integer: Integer = 0
    size: Size = 0
    count: Count = 1
    flag: Flag = False
    time: Omittable[Time] = None
    duration: Omittable[Duration] = None
    data: Base64 = b""
    choice: Literal["one", "two", "three"] = "one"
    items: Many[Item] = ()
    tags: OneOrMany[Text] = ()
    some: Annotated[Many[Text], Field(min_length=1)] = ("x",)
    nested: Annotated[Many[Tagged], Field(min_length=1)] = (Tagged(name="x", tags=("y",)),)
    more: OneOrMore[Text] = ("x",)
    short: Omittable[Annotated[Item, Shorthand("name")]] = None
    fraction: Omittable[Annotated[Number, Expected("a number from 0 to 1")]] = None
    pet: Omittable[Annotated[Cat | Dog, Field(discriminator="kind")]] = None
    document: JsonObject = Field(default_factory=dict)

    @model_validator(mode="after")
    @refusable
    def _check(self) -> Everything:
        if self.text == "no":
            raise UsageError("no is not an answer")
        return self


def problems(value: object, words: Words = YAML_WORDS) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        validate(Everything, value, words=words)
    return [f"{each.field}: {each.text}" for each in caught.value.problems]


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (7, ": must be a mapping, got 7"),
        ({"text": 7}, "text: must be text, got 7"),
        ({"text": None}, "text: must be text, got nothing"),
        ({"text": Unquoted("~")}, "text: must be text, got ~"),
        ({"text": Unquoted("")}, "text: must be text, got nothing"),
        ({"text": "\ud800"}, "text: cannot be encoded as UTF-8"),
        ({"items": [{"name": "\udfff"}]}, "items[0].name: cannot be encoded as UTF-8"),
        ({"items": [{"name": " "}]}, "items[0].name: must not be blank, got ' '"),
        ({"items": [{}]}, "items[0].name: is missing"),
        ({"items": [{"name": "a", "even": 3}]}, "items[0].even: number must be even, got 3 [X-1]"),
        ({"items": "ab"}, "items: must be a list, got 'ab'"),
        ({"items": {}}, "items: must be a list, got a mapping"),
        ({"number": "1"}, "number: must be a number, got '1'"),
        ({"number": True}, "number: must be a number, got True"),
        ({"number": Unquoted("0x1")}, "number: must be a number, got 0x1"),
        ({"number": Unquoted("1e400")}, "number: must be a number, got 1e400"),
        ({"number": Unquoted("9" * 5000)}, f"number: must be a number, got {'9' * 60}…"),
        ({"number": float("nan")}, "number: must be a finite number, got nan"),
        ({"number": float("inf")}, "number: must be a finite number, got inf"),
        ({"number": 10**5000}, "number: must be a number, got an integer beyond 128 bits"),
        ({"least": -1}, "least: must be at least 0, got -1"),
        ({"least": 10.5}, "least: must be below 10, got 10.5"),
        ({"integer": 1.0}, "integer: must be a whole number, got 1.0"),
        (
            {"integer": 2**63},
            "integer: must be at most 9223372036854775807, got 9223372036854775808",
        ),
        ({"size": -1}, "size: must be at least 0, got -1"),
        ({"count": Unquoted("0")}, "count: must be at least 1, got 0"),
        ({"flag": 1}, "flag: must be true or false, got 1"),
        ({"flag": Unquoted("yes")}, "flag: must be true or false, got yes"),
        ({"time": None}, "time: must be a time like 2026-01-31T12:00:00Z, got nothing"),
        ({"time": 7}, "time: must be a time like 2026-01-31T12:00:00Z, got 7"),
        (
            {"time": "0001-01-01T00:00:00+01:00"},
            "time: must be a time like 2026-01-31T12:00:00Z, got '0001-01-01T00:00:00+01:00'",
        ),
        (
            {"duration": "1 day"},
            (
                "duration: must be seconds, or text such as 250ms, 40s or 2m, "
                "from 0 to a hundred years, got '1 day'"
            ),
        ),
        ({"data": "?"}, "data: must be bytes in base64, got '?'"),
        ({"choice": "four"}, "choice: must be one, two or three, got 'four'"),
        ({"tags": ["a", 7]}, "tags[1]: must be text, got 7"),
        ({"tags": 7}, "tags[0]: must be text, got 7"),
        ({"some": []}, "some: must not be empty"),
        ({"some": [7]}, "some[0]: must be text, got 7"),
        ({"nested": [{"name": "a", "tags": [7]}]}, "nested[0].tags[0]: must be text, got 7"),
        ({"more": []}, "more: must not be empty"),
        ({"short": ""}, "short.name: must not be blank, got ''"),
        ({"short": 7}, "short: must be a mapping, got 7"),
        ({"short": Unquoted("~")}, "short: must be a mapping, got ~"),
        ({"fraction": "a"}, "fraction: must be a number from 0 to 1, got 'a'"),
        ({"pet": {"kind": "cow"}}, "pet.kind: must be cat or dog, got 'cow'"),
        ({"pet": {}}, "pet.kind: is missing"),
        (
            {"document": {"a": [1, {"b": float("nan")}]}},
            "document: holds nan, which is not a JSON number, at a[1].b",
        ),
        (
            {"document": {"a": "\ud800"}},
            "document: holds text that cannot be encoded as UTF-8 at a",
        ),
        ({"document": {"a": b""}}, "document: holds a value of type bytes at a"),
        (
            {"document": {"a": 2**64}},
            "document: holds an integer that does not fit in 64 bits at a",
        ),
        ({"document": deep(500)}, "document: holds more than 100 levels"),
        ({"text": "no"}, ": no is not an answer"),
        ({"taxt": 1}, "taxt: unknown field 'taxt'"),
        ({"items": [{"name": "a", "nam": 1}]}, "items[0].nam: unknown field 'nam'"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_people(value: object, told: str) -> None:
    assert problems(value) == [told]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    value = {"items": [{"nam": 1, "even": "x"}, 7], "flag": 1, "xyz": 2}
    assert problems(value) == [
        "flag: must be true or false, got 1",
        "items[0].name: is missing",
        "items[0].even: must be a whole number, got 'x'",
        "items[0].nam: unknown field 'nam'",
        "items[1]: must be a mapping, got 7",
        "xyz: unknown field 'xyz'",
    ]


def test_an_unknown_field_comes_with_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidError) as caught:
        validate(Everything, {"taxt": 1, "schema": 2, "items": [{"name": "a", "zzz": 1}]})
    meant = {each.field: each.hint for each in caught.value.problems}
    assert meant == {
        "taxt": "did you mean text?",
        "schema": "did you mean $schema?",
        "items[0].zzz": "known fields: name, even",
    }


def test_json_names_types_and_python_shows_values() -> None:
    assert problems({"flag": "x", "items": 1, "choice": 2, "least": -1}, JSON_WORDS) == [
        "least: must be at least 0, got -1",
        "flag: must be true or false, got a string",
        "choice: must be one, two or three, got 2",
        "items: must be a list, got a number",
    ]
    with pytest.raises(UsageError, match=r"^everything: text must be a string, got None$"):
        validate(Everything, {"text": None}, words=PYTHON_WORDS, subject="everything")
    with pytest.raises(UsageError, match=r"^there is no field 'taxt'; did you mean text\?$"):
        validate(Everything, {"taxt": 1})
    with pytest.raises(UsageError, match=r"^items\[0\]\.name is missing$"):
        validate(Everything, {"items": [{}]})
    with pytest.raises(UsageError, match=r"^the body must be an object, got a list$"):
        validate(Everything, [])


def test_what_is_right_is_taken_as_it_is_meant() -> None:
    made = validate(
        Everything,
        {
            "text": Unquoted("007"),
            "number": Unquoted("-1.5e3"),
            "integer": Unquoted("+7"),
            "flag": Unquoted("True"),
            "time": Unquoted("2026-01-31"),
            "duration": "250ms",
            "data": "aGk=",
            "tags": "one",
            "short": "x",
            "items": [{"name": "n", "even": 2}],
            "document": {"a": [1.5, None, "\U0001f600", 2**64 - 1]},
        },
    )
    assert (made.text, type(made.text)) == ("007", str)
    assert (made.number, made.integer, made.flag) == (-1500, 7, True)
    assert (made.time, made.duration, made.data) == (1_769_817_600 * 10**9, 0.25, b"hi")
    assert (made.tags, made.short) == (("one",), Item(name="x"))
    assert made.items == (Item(name="n", even=2),)
    with pytest.raises(ValueError, match="frozen"):
        made.text = "other"


def test_the_schema_says_what_the_model_takes() -> None:
    schema = json_schema(Everything, title="All")
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(json.loads(json.dumps(schema)))
    assert schema["title"] == "All"
    assert "title" not in schema["properties"]["text"]
    for good in (
        {"$schema": "x", "tags": "a", "short": "x", "time": "2026-01-31", "duration": 1},
        {"tags": ["a"], "short": {"name": "x"}, "duration": "1s", "pet": {"kind": "dog"}},
    ):
        assert checker.is_valid(good)
        validate(Everything, good)
    wrong: tuple[dict[str, Any], ...] = (
        {"time": None},
        {"tags": 7},
        {"short": {}},
        {"short": {"name": " "}},
        {"size": -1},
        {"count": 0},
        {"integer": 2**63},
        {"least": -1},
        {"least": 10},
        {"more": []},
        {"some": []},
        {"choice": "four"},
        {"xyz": 1},
    )
    for bad in wrong:
        assert not checker.is_valid(bad), bad
        problems(bad)


def test_schemas_of_several_models_share_what_they_have_in_common() -> None:
    found = json_schemas([Everything, Item])
    assert set(found) >= {"Everything", "Item"}
    assert found["Everything"]["properties"]["items"]["items"] == {
        "$ref": "#/components/schemas/Item"
    }
