"""Run the contract kit against the right fake, and write what it says: false_alarms.tsv.

    python -m scripts.false_alarms                        # every way and policy, 20 seeds of each
    python -m scripts.false_alarms --seeds 3 --programs 2
    python -m scripts.false_alarms --only tls --only tcp  # these ways; the other rows stay

The table is in tests/quality; each row is written when it is measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from campaigns.false_alarms import POLICIES, WAYS, measure, read, write

TABLE = Path(__file__).resolve().parent.parent / "tests" / "quality" / "false_alarms.tsv"


def main() -> int:
    """Measure; the exit status is 1 if the kit said anything."""
    parser = argparse.ArgumentParser(prog="scripts.false_alarms")
    parser.add_argument("--seeds", type=int, default=20, help="how many for each way and policy")
    parser.add_argument("--programs", type=int, default=5, help="how many of each seed")
    parser.add_argument("--only", action="append", choices=WAYS, help="a way; all by default")
    arguments = parser.parse_args()
    rows = {(row.way, row.policy): row for row in read(TABLE)} if TABLE.exists() else {}
    for way, policy in ((w, p) for w in arguments.only or WAYS for p in POLICIES):
        with tempfile.TemporaryDirectory() as folder:
            row = measure(
                way, policy, Path(folder), seeds=arguments.seeds, programs=arguments.programs
            )
        print(f"{way}, {policy}: {row.alarms or 'nothing'}", file=sys.stderr)
        rows[way, policy] = row
        write(TABLE, [rows[w, p] for w in WAYS for p in POLICIES if (w, p) in rows])
    return 1 if any(row.alarms for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
