"""Types of the fields of seed files."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from fakeviam.model.datasets import check_dataset_name
from fakeviam.model.names import check_tags
from fakeviam.model.timestamps import nanos_from_text
from fakeviam.seeds.yaml_scalars import resolved
from fakeviam.validation.scalars import Unquoted
from fakeviam.validation.types import (
    Accepted,
    Expected,
    Name,
    Number,
    Parsed,
    Text,
    invalid,
)

VERSION = 1


#: Stands for a file's own modification time.
MODIFIED = "modified"


def _check_slash(name: str) -> str:
    if "/" in name:
        raise invalid(f"must not contain a slash, which separates the names in paths, got {name!r}")
    return name


def _file_time(value: object) -> int | str | None:
    if value == MODIFIED:
        return MODIFIED
    return nanos_from_text(value) if isinstance(value, str) else None


def _delimiter(value: object) -> str | None:
    return str(value) if isinstance(value, str) and re.fullmatch(r'[^"\r\n]', value) else None


def _version(value: object) -> int | None:
    number = value.number if isinstance(value, Unquoted) else value
    return VERSION if number == VERSION and number is not True else None


Delimiter = Annotated[
    str,
    Parsed(
        _delimiter,
        "one character, such as ; or a tab",
        {"type": "string", "pattern": r'^[^"\r\n]$'},
    ),
]


Version = Annotated[int, Parsed(_version, str(VERSION), {"const": VERSION})]


PathName = Annotated[Name, AfterValidator(_check_slash)]


Tag = Annotated[Text, Accepted(lambda tag: check_tags([tag]))]


DatasetName = Annotated[Text, Accepted(check_dataset_name)]


Fraction = Annotated[
    Number,
    Expected("a number from 0 to 1"),
    Field(json_schema_extra={"minimum": 0, "maximum": 1}),
]


FileTime = Annotated[
    int | str,
    Parsed(
        _file_time,
        f"a time like 2026-01-31T12:00:00Z, or {MODIFIED}",
        {"type": "string", "pattern": rf"^\s*\d{{4}}-\d{{2}}-\d{{2}}|^{MODIFIED}$"},
    ),
]


Row = Annotated[dict[str, Any], AfterValidator(resolved)]
