"""What the contract kit says against the fake that is right, in every way to reach it."""

from __future__ import annotations

import contextlib
import csv
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from fakeviam import FakeViam

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICIES = ("documented", "observed", "strict")
#: How the fake is reached or keeps its data; `self` is the kit's own, in its process.
WAYS = ("self", "tcp", "unix", "tls", "grpc-web", "data-dir")


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """What one way and policy came to; `alarms` should be empty.

    Attributes:
        way: How the fake was reached.
        policy: Its policy, and the kit's.
        seeds: How many seeds of random programs, after the fixed checks.
        programs: How many programs they were.
        calls: How many calls those and the fixed checks made.
        alarms: What was said against it, even what breaks nothing.
    """

    way: str
    policy: str
    seeds: int
    programs: int
    calls: int
    alarms: str


COLUMNS = [field.name for field in fields(Quiet)]


def measure(
    way: str, policy: str, folder: Path, *, seeds: int, programs: int, clauses: str = "*"
) -> Quiet:
    """Run the fixed checks once, then some programs of each seed."""
    with reached(way, policy, folder) as where:
        config = RunConfig(policy=policy, clauses=clauses, programs=0, seed=1, **where)
        result = run(config)
        told = [each.assertion for each in result.findings]
        told += [each.assertion for each in result.differences]
        alarms = [f"{each.clause}: {each.what}" for each in told]
        alarms += [*result.problems, *result.left, *filter(None, [result.error])]
        calls, count, subject = result.rpcs, 0, open_subject(config)
        try:
            for seed in range(1, seeds + 1):
                done = run_programs(subject, seed=1000 * seed, wanted=programs)
                broken = done.failed.broken if done.failed is not None else None
                against = [*filter(None, [broken]), *done.differences.values()]
                alarms += [f"{each.clause}: {each.what} (seed {1000 * seed})" for each in against]
                calls, count = calls + done.rpcs, count + done.count
        finally:
            subject.close()
    return Quiet(
        way=way, policy=policy, seeds=seeds, programs=count, calls=calls, alarms="; ".join(alarms)
    )


@contextlib.contextmanager
def reached(way: str, policy: str, folder: Path) -> Iterator[dict[str, Any]]:
    """A fake of a policy, by what a `RunConfig` needs to reach it."""
    if way == "self":
        yield {}
        return
    of_ways: dict[str, dict[str, Any]] = {
        "tls": {"tls": True},
        # A port besides: links to files lead to one.
        "unix": {"unix_socket": folder / "socket"},
        "data-dir": {"data_dir": folder / "data"},
    }
    options = of_ways.get(way, {})
    with FakeViam(seed=1, policy=policy, **options) as cloud:
        where: dict[str, Any] = {"target": cloud.target, "parts": (cloud.default_part.id,)}
        if way == "unix":
            where["target"] = f"unix:{folder / 'socket'}"
        elif way == "tls":
            port = cloud.target.rpartition(":")[2]
            where |= {"target": f"https://localhost:{port}", "ca_file": str(cloud.ca_file)}
        elif way == "grpc-web":
            where["target"] = f"web+http://{cloud.target}"
        yield where


def read(path: Path) -> list[Quiet]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Quiet(
                way=row["way"],
                policy=row["policy"],
                seeds=int(row["seeds"]),
                programs=int(row["programs"]),
                calls=int(row["calls"]),
                alarms=row["alarms"],
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


def write(path: Path, rows: list[Quiet]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in rows)
