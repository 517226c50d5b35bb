"""The steps of a program, recorded so that it can be displayed, replayed and shrunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class HandleCounts(NamedTuple):
    """How many of each kind of thing have been created so far."""

    files: int
    boxes: int
    datasets: int
    queries: int = 0
    pipelines: int = 0
    indexes: int = 0
    sequences: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a function of `reads` or `writes`, or a `wait`.

    Attributes:
        name: The function.
        args: Its arguments after the session.
        kwargs: Its keyword arguments.
        before: What existed at its start; the handles it creates are numbered from there.
    """

    name: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    before: HandleCounts
