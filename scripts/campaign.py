"""Find every wrong server, and write how: tests/quality/campaign.tsv.

    python -m scripts.campaign                 # write it; fail if a promise is broken
    python -m scripts.campaign --check         # write nothing

Which random program finds a server depends on the release of Hypothesis, so that not the numbers
are compared but the promises: `fakeviam_contracts.mutants.campaign` says which.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fakeviam_contracts.mutants.campaign import (
    Found,
    broken_promises,
    out_of_reach,
    search,
    write,
)
from fakeviam_contracts.mutants.servers import SERVERS

QUALITY = Path(__file__).resolve().parent.parent / "tests" / "quality"
TABLE, OUT_OF_REACH = QUALITY / "campaign.tsv", QUALITY / "out_of_reach.tsv"


def main() -> int:
    """Measure; the exit status is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="scripts.campaign")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    arguments = parser.parse_args()
    rows = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for row in pool.map(_search, range(len(SERVERS))):
            print(f"{row.mutant}: check {row.checks}, program {row.programs}", file=sys.stderr)
            rows.append(row)
    if not arguments.check:
        write(TABLE, rows)
    broken = broken_promises(rows, dict(out_of_reach(OUT_OF_REACH)))
    print("\n".join([*broken, f"{len(rows)} wrong servers, {len(broken)} broken promises"]))
    return 1 if broken else 0


def _search(number: int) -> Found:
    # By number: a mutant is made of functions, which do not travel.
    return search(SERVERS[number])


if __name__ == "__main__":
    sys.exit(main())
