"""Figures: how they are taken, and how they are shown."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_PACKAGES = ("fakeviam", "grpclib", "h2", "protobuf", "uvloop", "mongomock", "viam-sdk")


class Spread(NamedTuple):
    """A median and the quartiles around it."""

    low: float
    median: float
    high: float

    def __format__(self, form: str) -> str:
        """Median, and the quartiles in brackets."""
        return f"{self.median:{form}} ({self.low:{form}} to {self.high:{form}})"


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(ordered[last // 4], statistics.median(ordered), ordered[-(-last * 3 // 4)])


@dataclass(frozen=True, slots=True)
class Table:
    """One topic.

    Attributes:
        title: What it is about.
        note: What was measured, and how.
        columns: Names of the columns; the first names the rows.
        rows: Cells as text.
        raw: The same as numbers, for programs.
    """

    title: str
    note: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        """The table as people read it."""
        aligned = ["---", *("--:" for _ in self.columns[1:])]
        lines = [f"## {self.title}", "", self.note, ""]
        table = (self.columns, aligned, *self.rows)
        lines.extend(f"| {' | '.join(cells)} |" for cells in table)
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Everything in it."""
        return asdict(self)


async def per_call(call: Callable[[], Awaitable[Any]], calls: int) -> float:
    """Microseconds a call."""
    start = time.perf_counter()
    for _ in range(calls):
        await call()
    return (time.perf_counter() - start) / calls * 1e6


async def shares(
    ours: Callable[[], Awaitable[Any]],
    limit: Callable[[], Awaitable[Any]],
    *,
    calls: int,
    rounds: int,
) -> tuple[Spread, Spread, Spread]:
    """Microseconds of ours, of the limit, and the share of the limit that ours reaches.

    Rounds alternate, and each ratio is of two neighbours: what else the machine does falls on both.
    """
    mine, best = [], []
    for _ in range(rounds):
        mine.append(await per_call(ours, calls))
        best.append(await per_call(limit, calls))
    return spread(mine), spread(best), spread([b / m for b, m in zip(best, mine, strict=True)])


def milliseconds(work: Callable[[], object]) -> float:
    """What it takes once."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def machine() -> str:
    """Where and with what this was measured, and what else went on there."""
    names = {name: found for name in _PACKAGES if (found := _version(name))}
    parts = ", ".join(f"{name} {found}" for name, found in names.items())
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores of {_processor()}, Python {platform.python_version()}, {parts}. "
        f"Other work kept the machine at a load of {load:.1f} when this began."
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
