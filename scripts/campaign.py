"""Find every wrong server, and write how: tests/quality/campaign.tsv, and kill_power.tsv by it.

    python -m scripts.campaign                 # write it; fail if a promise is broken
    python -m scripts.campaign --new           # only what the table does not know yet, and programs
                                               # on servers that they were not tried on
    python -m scripts.campaign --check         # write nothing

Which random program finds a server depends on the release of Hypothesis, so that not the numbers
are compared but the promises: `campaigns.detection` says which.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fakeviam_contracts.kill_power import TABLE as KILL_POWER
from fakeviam_contracts.mutants.servers import SERVERS
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from campaigns.detection import (
    UNTRIED,
    Detection,
    broken_promises,
    kill_power,
    note_tried,
    out_of_reach,
    search,
)
from campaigns.tables import read, write

QUALITY = Path(__file__).resolve().parent.parent / "tests" / "quality"
TABLE, OUT_OF_REACH = QUALITY / "campaign.tsv", QUALITY / "out_of_reach.tsv"


def main() -> int:
    """Measure; the exit status is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="scripts.campaign")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("--new", action="store_true", help="keep the rows that are known")
    arguments = parser.parse_args()
    known = {row.mutant: row for row in read(TABLE, Detection)} if arguments.new else {}
    rows = list(known.values())
    untried = {name for name, reason in out_of_reach(OUT_OF_REACH) if reason == UNTRIED}
    missing = [
        (at, known.get(server.name))
        for at, server in enumerate(SERVERS)
        if server.name not in known or server.name in untried
    ]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for row in pool.map(_search, *zip(*missing, strict=True)) if missing else ():
            print(f"{row.mutant}: {row.check}, program {row.programs}", file=sys.stderr)
            known[row.mutant] = row
            rows = [known[server.name] for server in SERVERS if server.name in known]
            if not arguments.check:
                # Each row at once: --new goes on where this was stopped.
                write(TABLE, Detection, rows)
                note_tried(OUT_OF_REACH, row)
    if not arguments.check:
        calls = {check.name: check.rpcs for check in run(RunConfig(programs=0)).checks}
        KILL_POWER.write_text(kill_power(rows, calls), encoding="utf-8")
    promises = broken_promises(rows, dict(out_of_reach(OUT_OF_REACH)))
    print("\n".join([*promises, f"{len(rows)} wrong servers, {len(promises)} broken promises"]))
    return 1 if promises else 0


def _search(number: int, known: Detection | None) -> Detection:
    # By number: a mutant is made of functions, which do not travel.
    return search(SERVERS[number], known)


if __name__ == "__main__":
    sys.exit(main())
