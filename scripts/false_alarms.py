"""Run the contract kit against the right fake, and write what it says: false_alarms.tsv.

    python -m scripts.false_alarms                 # every way and policy, 20 seeds of 2 programs
    python -m scripts.false_alarms --only tls      # this way alone; the other rows stay
    python -m scripts.false_alarms --again         # forget what was measured before

The fixed checks, which no seed changes, are run once for each row; programs differ by their seeds,
so that many seeds of few programs see more than the other way round. The table is in tests/quality.
It is written after each few seeds of each row, so that a run that was stopped goes on where it was;
rows with an alarm or with fewer programs a seed begin again.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from campaigns.false_alarms import POLICIES, WAYS, Quiet, measure
from campaigns.tables import read, write

TABLE = Path(__file__).resolve().parent.parent / "tests" / "quality" / "false_alarms.tsv"


def main() -> int:
    """Measure; the exit status is 1 if the kit said anything."""
    parser = argparse.ArgumentParser(prog="scripts.false_alarms")
    parser.add_argument("--seeds", type=int, default=20, help="how many for each way and policy")
    parser.add_argument("--programs", type=int, default=2, help="how many of each seed")
    parser.add_argument("--step", type=int, default=10, help="seeds of a row before the next row")
    parser.add_argument("--only", action="append", choices=WAYS, help="a way; all by default")
    parser.add_argument("--again", action="store_true", help="keep no row of these ways")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    arguments = parser.parse_args()
    known = {(row.way, row.policy): row for row in read(TABLE, Quiet)} if TABLE.exists() else {}
    wanted = [(way, policy) for way in arguments.only or WAYS for policy in POLICIES]
    for key in wanted:
        row = known.get(key)
        if row is None or arguments.again or not row.goes_on(arguments.programs):
            known[key] = Quiet(way=key[0], policy=key[1])
    with ProcessPoolExecutor(arguments.jobs) as pool:
        # Some seeds of each row, so that a run that is stopped has looked at all of them.
        for seeds in range(arguments.step, arguments.seeds + arguments.step, arguments.step):
            most = min(seeds, arguments.seeds)
            rows = [known[key] for key in wanted if known[key].seeds < most]
            for row in pool.map(partial(_more, most, arguments.programs), rows):
                print(
                    f"{row.way}, {row.policy}, seed {most}: {row.alarms or 'nothing'}", flush=True
                )
                known[row.way, row.policy] = row
                every = [known.get((way, policy)) for way in WAYS for policy in POLICIES]
                write(TABLE, Quiet, [each for each in every if each is not None and each.seeds])
    return 1 if any(row.alarms for row in known.values()) else 0


def _more(most: int, programs: int, row: Quiet) -> Quiet:
    return measure(row, programs=programs, seeds=most - row.seeds)


if __name__ == "__main__":
    sys.exit(main())
