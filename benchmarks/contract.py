"""How many calls a second the contract kit makes of a fake: fixed checks, and random programs.

Server, client, drawing and comparing share one thread and one event loop, as in `fakeviam
contract run --self`. Rounds alternate; the figure is the median, beside it the least and the most,
and the median by CPU time, which says more on a machine with other things to do.
"""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.checks.base import possible
from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.run_config import RunConfig

from benchmarks.figures import Table


class Rate(NamedTuple):
    """Calls a second, by the clock on the wall and by that of the CPU."""

    wall: float
    cpu: float


class Watch:
    """Both clocks, from now on."""

    def __init__(self) -> None:
        """Start."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def rate(self, calls: int) -> Rate:
        """What so many calls come to."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Rate(calls / wall, calls / cpu)


def fixed(policy: str) -> Rate:
    """Calls a second of all fixed checks."""
    fake = open_subject(RunConfig(policy=policy))
    calls, watch = 0, Watch()
    for check in possible(CHECKS, fake.missing):
        session = fake.open_session()
        check.run(session)
        fake.close_session(session)
        calls += len(session.wire.calls)
    rate = watch.rate(calls)
    fake.close()
    return rate


def random(policy: str, *, seed: int, seconds: float) -> Rate:
    """Calls a second of random programs, Hypothesis included."""
    fake = open_subject(RunConfig(policy=policy))
    watch = Watch()
    done = run_programs(fake, seed=seed, until=time.monotonic() + seconds, progress=lambda _: None)
    rate = watch.rate(done.rpcs)
    fake.close()
    if done.failed is not None:
        raise SystemExit(f"the fake breaks the contract: {done.failed.broken}")
    return rate


def measure(policy: str, rounds: int, seconds: float) -> dict[str, list[Rate]]:
    """All rounds of both."""
    found: dict[str, list[Rate]] = {"fixed checks": [], "random programs": []}
    for number in range(rounds):
        found["fixed checks"].append(fixed(policy))
        found["random programs"].append(random(policy, seed=number * 1000, seconds=seconds))
    return found


def measured(policy: str, rounds: int, seconds: float) -> Table:
    """All rounds of both, as a table."""
    found = measure(policy, rounds, seconds)
    table = Table(
        "The contract kit",
        f"Policy {policy}, Unix socket, one thread, {rounds} rounds.",
        ["what", "calls a second", "least", "most", "a CPU second"],
        raw=dict(found),
    )
    for name, rates in found.items():
        walls = [rate.wall for rate in rates]
        cpu = statistics.median(rate.cpu for rate in rates)
        figures = (statistics.median(walls), min(walls), max(walls), cpu)
        table.rows.append([name, *(f"{figure:.0f}" for figure in figures)])
    return table
