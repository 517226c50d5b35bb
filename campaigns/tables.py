"""Tables of what was measured: a heading, and a line for each value of a frozen dataclass."""

from __future__ import annotations

import csv
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = TypeVar("Row")


def write(path: Path, kind: type[Row], rows: Iterable[Row]) -> None:
    """Write rows of one kind."""
    heading = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # a dataclass
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        out.writerows([heading, *(astuple(row) for row in rows)])  # type: ignore[call-overload]


def read(path: Path, kind: type[Row]) -> list[Row]:
    """Read a table of one kind, whose fields are texts and whole numbers."""
    of_field: dict[str, Any] = {
        field.name: int if field.type in (int, "int") else str
        for field in fields(kind)  # type: ignore[arg-type]  # a dataclass
    }
    with path.open(encoding="utf-8", newline="") as file:
        return [
            kind(**{name: of(row[name]) for name, of in of_field.items()})
            for row in csv.DictReader(file, delimiter="\t")
        ]
