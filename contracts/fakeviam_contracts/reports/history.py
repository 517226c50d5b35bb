"""The history of earlier runs with the same report folder."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import TYPE_CHECKING

from fakeviam_contracts.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fakeviam_contracts.results import Result

HISTORY = "history.jsonl"
#: The number of runs in the history.
MOST = 50


def remember(results: Sequence[Result], path: Path) -> list[dict[str, object]]:
    """Add the results to the history in a file; returns the history, latest last."""
    when = dt.datetime.now(tz=dt.timezone.utc).isoformat(timespec="seconds")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines += [json.dumps(_entry(result, when)) for result in results]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [json.loads(line) for line in lines[-MOST:]]


def _entry(result: Result, when: str) -> dict[str, object]:
    return {
        "when": when,
        "subject": result.subject,
        "policy": result.policy,
        "exit_status": result.exit_status,
        "totals": dict(Counter(clause.verdict.value for clause in result.clauses)),
        "broken": [c.clause for c in result.clauses if c.verdict is Verdict.BROKEN],
    }
