"""The type of checks, and the small world that many of them use."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam_contracts import writes

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from fakeviam_contracts.session import Session

#: 2024-01-01T00:00:00Z in ns.
BASE = 1_704_067_200 * 1_000_000_000
SECOND = 1_000_000_000


class Need(enum.Enum):
    """A requirement of a check."""

    EXCLUSIVE = "the whole organization for itself"
    CLOCK = "a clock that can be read"
    INTERNAL = "a part whose data counts as internal"
    FOREIGN = "a part of another organization"
    LOGIN = "logins with any key"
    KEYS = "API keys of every kind"
    HOURS = "a clock that can be moved by hours"
    RESTART = "a way to restart the server"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A program, and the clauses that it tests."""

    name: str
    clauses: tuple[str, ...]
    run: Callable[[Session], None]
    needs: frozenset[Need] = frozenset()


def possible(checks: Iterable[Check], missing: Container[Need]) -> list[Check]:
    """The checks that need nothing that a subject is missing."""
    return [check for check in checks if not any(need in missing for need in check.needs)]


def check(
    *clauses: str, needs: tuple[Need, ...] = ()
) -> Callable[[Callable[[Session], None]], Check]:
    """Turn a function into a check with the function's name."""

    def made(run: Callable[[Session], None]) -> Check:
        return Check(name=run.__name__, clauses=clauses, run=run, needs=frozenset(needs))

    return made


def small_world(session: Session, *, files: int = 6, rows: int = 4) -> None:
    """Upload six files and four readings, or fewer, that differ in every field of a filter.

    Files 0 and 1 have the same time; file 5 has neither tags nor a component. Several tags of
    file 0 and of reading 0 may match one filter, which counts each of them once all the same.
    """
    last = len(session.place.parts) - 1
    for at, (component, kind, method, ext, tags) in enumerate(
        (
            ("cam", "camera", "ReadImage", ".jpg", ["dog", "cat"]),
            ("cam-1", "camera", "ReadImage", ".png", ["dog"]),
            ("cam", "rdk:component:camera", "NextPointCloud", ".pcd", ["Dog"]),
            ("Cam", "camera", "readimage", ".jpeg", ["bird"]),
            ("lidar", "camera", "ReadImage", ".txt", []),
            ("", "", "", "", []),
        )[:files]
    ):
        time = BASE + max(at - 1, 0) * SECOND
        writes.upload(
            session,
            way=("DataCaptureUpload", "StreamingDataCaptureUpload")[at % 2],
            part=at % 2 and last,
            chunks=[b"x" * (at + 1)],
            times=(time, time + 7),
            component=component,
            component_type=kind,
            method=method,
            extension=ext,
            tags=tags,
        )
    for at, (component, tags) in enumerate(
        (("cam", ["dog", "row"]), ("sensor", ["Dog"]), ("sensor", []), ("", ["row"]))[:rows]
    ):
        time = BASE + at * SECOND
        writes.upload_rows(
            session,
            part=at % 2 and last,
            rows=[{"readings": {"n": float(at)}}],
            times=[(time, time + 7)],
            component=component,
            component_type="sensor",
            method="Readings",
            tags=tags,
        )
