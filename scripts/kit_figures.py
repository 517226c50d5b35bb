"""Measure what the contract kit finds: docs/kit-figures.md, from tests/quality/kit_runs.tsv.

    python -m scripts.kit_figures               # legal servers, and every eighth wrong one
    python -m scripts.kit_figures --every 1     # all wrong ones
    python -m scripts.kit_figures --again       # forget what was measured before
    python -m scripts.kit_figures --page        # only the page, from the tables

The table is written after each server, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from fakeviam_contracts.mutants.servers import SERVERS
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from campaigns.detection import Detection
from campaigns.false_alarms import Quiet
from campaigns.kit_figures import Run, calls_by_check, measure, page
from campaigns.tables import read, write
from tests.quality.legal_servers import LEGAL

ROOT = Path(__file__).resolve().parent.parent
QUALITY, PAGE = ROOT / "tests" / "quality", ROOT / "docs" / "kit-figures.md"
TABLE = QUALITY / "kit_runs.tsv"

_PARKS = {"legal": LEGAL, "wrong": SERVERS}


def main() -> int:
    """Measure; the exit status is 1 if a legal server was failed, or a wrong one was not."""
    parser = argparse.ArgumentParser(prog="scripts.kit_figures")
    parser.add_argument("--every", type=int, default=8, help="which of the wrong servers")
    parser.add_argument("--again", action="store_true", help="keep no row")
    parser.add_argument("--page", action="store_true", help="measure nothing but the right server")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    arguments = parser.parse_args()
    wanted = [("legal", at) for at in range(len(LEGAL))]
    wanted += [("wrong", at) for at in range(0, len(SERVERS), arguments.every)]
    named = {(kind, _PARKS[kind][at].name): (kind, at) for kind, at in wanted}
    before = [] if arguments.again or not TABLE.exists() else read(TABLE, Run)
    known = {_key(row): row for row in before if _key(row) in named}
    missing = [] if arguments.page else [at for key, at in named.items() if key not in known]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for done in as_completed([pool.submit(_measure, at) for at in missing]):
            row = done.result()
            print(f"{row.kind}: {row.server}: {row.status}", flush=True)
            known[_key(row)] = row
            write(TABLE, Run, [known[key] for key in named if key in known])
    found = read(QUALITY / "campaign.tsv", Detection)
    quiet = read(QUALITY / "false_alarms.tsv", Quiet)
    rows = list(known.values())
    calls = calls_by_check(run(RunConfig(programs=0)))
    PAGE.write_text(page(rows, found, quiet, calls), encoding="utf-8")
    return 1 if any(row.kind == "legal" and row.status for row in rows) else 0


def _key(row: Run) -> tuple[str, str]:
    return row.kind, row.server


def _measure(which: tuple[str, int]) -> Run:
    # By number: a mutant is made of functions, which do not travel.
    kind, at = which
    return measure(_PARKS[kind][at], kind=kind)


if __name__ == "__main__":
    sys.exit(main())
