"""How much the contract kit finds with how many calls, and what it leaves to those who use it."""

from __future__ import annotations

import statistics
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam_contracts import scripts
from fakeviam_contracts.mutants.servers import start
from fakeviam_contracts.profiles import PROFILES
from fakeviam_contracts.results import Verdict
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fakeviam_contracts.mutants.base import Mutant
    from fakeviam_contracts.results import Result

    from campaigns.detection import Detection
    from campaigns.false_alarms import Quiet

#: Calls after which is counted what was found; None is every fixed check.
BUDGETS = (100, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, None)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run against a server by its address.

    Attributes:
        kind: `legal` for a server that differs where nothing is documented: all fixed checks and
            four random programs. `wrong` for one of the park: the checks of the clause it breaks.
        server: Its name.
        status: The exit status.
        findings: How many failures were reported.
        differs: How many clauses differ where nothing is documented.
        calls: How many calls it took.
        lines: Of the longest script of a failure; 0 if there is none.
    """

    kind: str
    server: str
    status: int
    findings: int
    differs: int
    calls: int
    lines: int


def measure(server: Mutant, *, kind: str) -> Run:
    """Run the kit against a server."""
    how = {"programs": 4} if kind == "legal" else {"clauses": server.clause}
    # By its address a server is in real time: its delays pass by themselves.
    with start(server, clock=None) as cloud, tempfile.TemporaryDirectory() as folder:
        where, part = f"unix:{cloud.unix_socket}", cloud.default_part.id
        result = run(RunConfig(target=where, parts=(part,), exclusive=True, seed=1, **how))
        scripts.write_all(result, Path(folder))
        texts = [Path(each.script).read_text(encoding="utf-8") for each in result.findings]
    verdicts = Counter(each.verdict for each in result.clauses)
    return Run(
        kind=kind,
        server=server.name,
        status=result.exit_status,
        findings=len(result.findings),
        differs=verdicts[Verdict.DIFFERS],
        calls=result.rpcs,
        lines=max((len(text.splitlines()) for text in texts), default=0),
    )


def calls_by_check(result: Result) -> dict[str, int]:
    """How many calls a run had made at the end of each fixed check; no programs followed."""
    before = result.rpcs - sum(check.rpcs for check in result.checks)  # what is seen at once
    calls = accumulate((check.rpcs for check in result.checks), initial=before)
    return dict(zip((check.name for check in result.checks), islice(calls, 1, None), strict=True))


# The page --------------------------------------------------------------------------------

_PAGE = """\
# What the contract kit finds

Measured, and written by `make kit-figures`. The park is {park} deliberately wrong servers
(`contracts/fakeviam_contracts/mutants`); none of them is known to the checks.

## Wrong servers by calls

The fixed checks in their order, and about how many calls it takes at most until a finding:
half of the wrong servers are found within **{median:,} calls**, nine of ten within {ninth:,}.
`--max-calls` sets such a budget.

{budgets}

Every profile makes all of the checks, so that each finds the whole park; `quick` then makes
{quick} random programs, and `full` {full}. By themselves, without any fixed check, the first
{programs} find {by_programs} of the park, half of these with the first {median_program}; they are
there for what no check thinks of.

## Legal servers

Servers that decide otherwise where nothing is documented, or where the documents leave a choice.
Each of these ran against all fixed checks and four random programs, by its address.

{legal}

## What a finding looks like

{sampled} wrong servers, each run with the checks of its clause: the script of a failure has
{median_lines} lines in the middle and {most_lines} at most. {unbinding} of them break nothing that
fails a run, so that there is no script.

## False alarms

What was said against the right fake, in {ways} ways to reach it and under {policies} policies:
{alarms}. {seeds} seeds of random programs each, {programs_each} programs, {calls:,} calls together.
"""


def page(
    runs: Sequence[Run],
    found: Sequence[Detection],
    quiet: Sequence[Quiet],
    calls: Mapping[str, int],
) -> str:
    """Write the page from the tables.

    Args:
        runs: Of legal and wrong servers.
        found: How each wrong server of the park was found.
        quiet: What was said against the right fake.
        calls: What `calls_by_check` tells of the right fake.
    """
    needed = sorted(calls[row.check] for row in found)
    by_programs = [row.programs for row in found if row.programs]
    wrong = [row for row in runs if row.kind == "wrong"]
    lines = [row.lines for row in wrong if row.lines]
    alarms = sum(1 for row in quiet if row.alarms)
    return _PAGE.format(
        park=f"{len(found):,}",
        median=needed[len(needed) // 2],
        ninth=needed[len(needed) * 9 // 10],
        budgets=_budgets(needed, park=len(found), most=max(calls.values())),
        quick=PROFILES["quick"].programs,
        full=PROFILES["full"].programs,
        programs=max(by_programs),
        by_programs=len(by_programs),
        median_program=f"{statistics.median(by_programs):.0f}",
        legal=_legal([row for row in runs if row.kind == "legal"]),
        sampled=len(wrong),
        median_lines=f"{statistics.median(lines):.0f}",
        most_lines=max(lines),
        unbinding=len(wrong) - len(lines),
        ways=len({row.way for row in quiet}),
        policies=len({row.policy for row in quiet}),
        alarms=f"{alarms} alarms" if alarms else "**nothing**",
        seeds=min(row.seeds for row in quiet),
        programs_each=min(row.programs for row in quiet),
        calls=sum(row.calls for row in quiet),
    )


def _budgets(needed: Sequence[int], *, park: int, most: int) -> str:
    rows = ["| calls | found | of the park |", "| --: | --: | --: |"]
    for budget in BUDGETS:
        if budget is not None and budget >= most:
            continue
        count = sum(1 for each in needed if budget is None or each <= budget)
        name = f"{most:,} (all checks)" if budget is None else f"{budget:,}"
        rows.append(f"| {name} | {count} | {count / park:.0%} |")
    return "\n".join(rows)


def _legal(rows: Sequence[Run]) -> str:
    by_status: Mapping[int, int] = Counter(row.status for row in rows)
    least, most = min(row.differs for row in rows), max(row.differs for row in rows)
    calls = statistics.median(row.calls for row in rows)
    numbers = len(rows), by_status[1] + by_status[2], by_status[3]
    return "\n".join(
        (
            "| servers | failed | not all reached | clauses that differ | calls |",
            "| --: | --: | --: | --: | --: |",
            f"| {' | '.join(map(str, numbers))} | {least} to {most} | {calls:,.0f} |",
        )
    )
