"""Measure everything, and write RESULTS.md, results.json and growth.svg.

python -m benchmarks [--quick] [--only transport,life] [--into DIRECTORY]
"""
# ruff: noqa: T201 - it talks to people

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import attacks, contract, growth, life, page, pipelines, queries, streams, transport
from benchmarks.figures import Table, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INTRODUCTION = """# Results

The last run of each section of `make bench`. Compare within one table only; docs/performance.md
says what limits what. {machine}
"""


class Effort(NamedTuple):
    """How thoroughly to measure."""

    records: int
    calls: int
    rounds: int
    sizes: tuple[int, ...]


THOROUGH = Effort(10_000, 60, 11, (10_000, 100_000, 1_000_000))
QUICK = Effort(2_000, 20, 3, (10_000,))


def _transport(effort: Effort) -> Iterator[Table]:
    yield transport.measure(effort.records, effort.calls, effort.rounds)
    yield transport.measure_options(effort.records, effort.calls, effort.rounds)
    table = transport.measure_handlers(effort.records)
    share = transport.journal_share(effort.records, effort.calls, effort.rounds * 2)
    table.rows.append(["the journal's share of a page of 50, Unix socket", f"{share:.1%}", "", ""])
    yield table


def _streams(effort: Effort) -> Iterator[Table]:
    yield streams.measure(effort.rounds)
    yield streams.measure_memory()


def _life(effort: Effort) -> Iterator[Table]:
    yield life.measure(effort.sizes[-1] // 10 or 1000, effort.rounds)


def _queries(effort: Effort) -> Iterator[Table]:
    for n in effort.sizes:
        yield queries.table_of(n, queries.figures_of(n))
    for n in effort.sizes[:2]:
        yield pipelines.measure(n)


def _contract(effort: Effort) -> Iterator[Table]:
    yield contract.measured("documented", rounds=min(effort.rounds, 4), seconds=5.0)


def _attacks(effort: Effort) -> Iterator[Table]:
    yield attacks.measure(seconds=1.0 if effort is QUICK else 2.0)


def _page(effort: Effort) -> Iterator[Table]:
    yield page.measure(effort.records, effort.records * 10, effort.rounds)


_SECTIONS: dict[str, Callable[[Effort], Iterator[Table]]] = {
    "transport": _transport,
    "streams": _streams,
    "life": _life,
    "queries": _queries,
    "contract": _contract,
    "attacks": _attacks,
    "page": _page,
}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, small stores")
    parser.add_argument("--only", default=",".join([*_SECTIONS, "growth"]), help="sections")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    effort = QUICK if options.quick else THOROUGH
    options.into.mkdir(parents=True, exist_ok=True)
    text, kept = _INTRODUCTION.format(machine=machine()), options.into / "results.json"
    before = json.loads(kept.read_text())["tables"] if kept.exists() else []
    # What is not measured now stays as it was.
    tables = {each["title"]: Table(**each) for each in before}
    wanted = options.only.split(",")

    def add(table: Table) -> None:
        print(f"{table.markdown()}\n", flush=True)
        tables[table.title] = table

    for name, measure in _SECTIONS.items():
        for table in measure(effort) if name in wanted else ():
            add(table)
    if "growth" in wanted:
        sizes = [n for n in (1_000, 10_000, 100_000, 1_000_000) if n <= effort.sizes[-1]]
        add(growth.measure(sizes))
        growth.plot(tables["How it grows"], options.into / "growth.svg")
    if "How it grows" in tables:
        text += "\n![How it grows](growth.svg)\n"
    parts = [text, *(table.markdown() for table in tables.values())]
    (options.into / "RESULTS.md").write_text("\n".join(f"{part}\n" for part in parts))
    document = {"machine": machine(), "tables": [table.to_json() for table in tables.values()]}
    kept.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
