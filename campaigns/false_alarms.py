"""What the contract kit says against the fake that is right, in every way to reach it."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.remote import RemoteSubject
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from fakeviam import FakeViam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fakeviam_contracts.subject import Subject
    from typing_extensions import Self

POLICIES = ("documented", "observed", "strict")
#: How the fake is reached or keeps its data; `self` is the kit's own, in its process. At the Unix
#: socket there is no port besides. With `restarts` it is stopped and started again on its data
#: directory, in checks, in the middle of programs and before each seed.
WAYS = ("self", "tcp", "unix", "tls", "grpc-web", "connect", "data-dir", "restarts")
#: The scheme of an address, where it is not that of gRPC.
_SCHEMES = {"grpc-web": "web+http", "connect": "connect+http"}


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """What one way and policy came to; `alarms` should be empty.

    Attributes:
        way: How the fake was reached.
        policy: Its policy, and the kit's.
        seeds: How many seeds of random programs, from 1; the first after all fixed checks.
        programs: How many programs they were.
        calls: How many calls those and the fixed checks made.
        alarms: What was said against it, even what breaks nothing.
    """

    way: str
    policy: str
    seeds: int = 0
    programs: int = 0
    calls: int = 0
    alarms: str = ""

    def goes_on(self, programs: int) -> bool:
        """Whether seeds of so many programs may be added."""
        return not self.alarms and self.programs >= self.seeds * programs


def measure(row: Quiet, *, programs: int, seeds: int = 1, clauses: str = "*") -> Quiet:
    """A row after some seeds more: programs of each, and before the first the fixed checks.

    One fake and one set-up serve all of these seeds: programs make names of their own.
    """
    with tempfile.TemporaryDirectory() as folder, reached(row, Path(folder)) as where:
        config = RunConfig(policy=row.policy, clauses=clauses, programs=0, seed=1, **where)
        if not row.seeds:
            row = _after_checks(row, config)
        subject = open_subject(config)
        try:
            for _ in range(seeds):
                if isinstance(subject, RemoteSubject):
                    subject.restart()
                row = _after_programs(row, subject, programs)
        finally:
            subject.close()
        return _with(row, subject.left)


def _with(row: Quiet, alarms: Iterable[str]) -> Quiet:
    return replace(row, alarms="; ".join(filter(None, [row.alarms, *alarms])))


def _after_checks(row: Quiet, config: RunConfig) -> Quiet:
    """With what the fixed checks say."""
    result = run(config)
    told = [each.assertion for each in result.findings]
    told += [each.assertion for each in result.differences]
    alarms = [*(f"{each.clause}: {each.what}" for each in told), *result.problems, *result.left]
    row = replace(row, calls=row.calls + result.rpcs)
    return _with(row, [*alarms, result.error])


def _after_programs(row: Quiet, subject: Subject, programs: int) -> Quiet:
    """With what the programs of one seed say."""
    seed = row.seeds + 1
    done = run_programs(subject, seed=seed, wanted=programs)
    broken = done.failed.broken if done.failed is not None else None
    against = [*filter(None, [broken]), *done.differences.values()]
    alarms = [f"{each.clause}: {each.what} (seed {seed})" for each in against]
    programs, calls = row.programs + done.count, row.calls + done.rpcs
    return _with(replace(row, seeds=seed, programs=programs, calls=calls), alarms)


@contextlib.contextmanager
def reached(row: Quiet, folder: Path) -> Iterator[dict[str, Any]]:
    """A fake of a row's policy, by what a `RunConfig` needs to reach it."""
    if row.way == "self":
        yield {}
        return
    of_ways: dict[str, dict[str, Any]] = {
        "tls": {"tls": True},
        "unix": {"port": None},
        "data-dir": {"data_dir": folder},
        "restarts": {"data_dir": folder, "unix_socket": folder / "fake.sock", "port": None},
    }
    options = of_ways.get(row.way, {})
    with Restartable(lambda: FakeViam(seed=1, policy=row.policy, **options)) as started:
        cloud = started.cloud
        where: dict[str, Any] = {"target": cloud.target, "parts": (cloud.default_part.id,)}
        if row.way == "tls":
            port = cloud.target.rpartition(":")[2]
            where |= {"target": f"https://localhost:{port}", "ca_file": str(cloud.ca_file)}
        elif row.way in _SCHEMES:
            where["target"] = f"{_SCHEMES[row.way]}://{cloud.target}"
        elif row.way == "restarts":
            where["restart"] = started.restart
        yield where


class Restartable:
    """A fake in a thread, which must be without a crash each time that it ends."""

    def __init__(self, make: Callable[[], FakeViam]) -> None:
        """Start what `make` makes when it is entered."""
        self._make = make
        self.cloud = make()

    def restart(self) -> None:
        """Stop it, and start another on what it left."""
        self.__exit__()
        self.cloud = self._make()
        self.__enter__()

    def __enter__(self) -> Self:
        """Start it."""
        self.cloud.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop it."""
        if not any(raised):
            self.cloud.check()
        self.cloud.__exit__(None, None, None)
