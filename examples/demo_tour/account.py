"""The account that the demo gives: headings, sentences, tables, and the check behind them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class DemoError(Exception):
    """Something that the account was about to say is not so."""


def claim(holds: object, what: str) -> None:
    """Stop the demo unless it holds."""
    if not holds:
        raise DemoError(what)


@contextmanager
def section(title: str) -> Iterator[None]:
    """A heading with a line below it, and at the end the time that the section took."""
    print(f"\n{title}\n{'-' * len(title)}")
    start = time.perf_counter()
    yield
    print(f"  ({time.perf_counter() - start:.2f} s)")


def say(text: str) -> None:
    """Print a sentence of the section."""
    print(f"  {text}")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows in columns; columns of numbers are set to the right."""
    values = [list(row) for row in rows]
    body = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in values]
    columns = list(zip(head, *body, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numbers = [
        all(isinstance(row[place], int | float) for row in values) for place in range(len(head))
    ]
    for cells in (head, ["-" * width for width in widths], *body):
        shown = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(cells, widths, numbers, strict=True)
        )
        print(("  " + "  ".join(shown)).rstrip())
