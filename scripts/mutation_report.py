"""Write tests/quality/mutation.md from what `mutmut run` left in `mutants/`.

    python -m scripts.mutation_report            # fail if a module is below its floor

A mutant that survives is either a gap in the tests or equivalent: it does what the original does.
Those stand in tests/quality/equivalent_mutants.tsv, with the reason.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
QUALITY = ROOT / "tests" / "quality"
EQUIVALENT, RESULT = QUALITY / "equivalent_mutants.tsv", QUALITY / "mutation.md"

#: Of the mutants of each module that are not equivalent, so many are killed.
FLOOR = 0.95

#: How mutmut ends: the tests passed; no test reached it; it was not tested.
_SURVIVED, _UNREACHED = 0, 33
#: Its names of methods.
_MARK = "ǁ"


class Mutant(NamedTuple):
    """A mutant, as a person would name it: its number changes with the code around it."""

    module: str
    function: str
    before: str
    after: str


class Score(NamedTuple):
    """What became of the mutants of a module."""

    module: str
    mutants: int
    killed: int
    equivalent: int
    survivors: list[Mutant]

    @property
    def share(self) -> float:
        """The killed ones among those that can be."""
        return self.killed / max(1, self.mutants - self.equivalent)


def scores(mutants: Path, equivalents_: set[Mutant]) -> list[Score]:
    """The score of each module that was tested."""
    result = []
    for path in sorted(mutants.rglob("*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        tested = {name: code for name, code in codes.items() if code is not None}
        if not tested:
            continue
        module = str(path.relative_to(mutants)).removesuffix(".py.meta")
        alive = [name for name, code in tested.items() if code in (_SURVIVED, _UNREACHED)]
        survivors = [mutant_of(module, name, cwd=mutants.parent) for name in alive]
        equivalent = sum(each in equivalents_ for each in survivors)
        result.append(
            Score(
                module,
                len(tested),
                len(tested) - len(alive),
                equivalent,
                [each for each in survivors if each not in equivalents_],
            )
        )
    return result


def mutant_of(module: str, name: str, *, cwd: Path) -> Mutant:
    """The mutant of that name, by what `mutmut show` says of it."""
    command = [str(Path(sys.executable).with_name("mutmut")), "show", name]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd).stdout
    lines = Counter[str]()
    sides = {"-": "", "+": ""}
    for line in output.splitlines():
        if line[:1] in sides and line[:3] not in ("---", "+++"):
            lines[line[0]] += 1
            sides[line[0]] = " ".join([sides[line[0]], line[1:].strip()]).strip()
    function = re.sub(r"__mutmut_\d+$", "", name.rpartition(".")[2]).removeprefix("x")
    function = function.replace(_MARK, ".").strip(".").removeprefix("_")
    return Mutant(module, function, sides["-"], sides["+"])


def equivalents() -> dict[Mutant, str]:
    """Mutants that do what the original does, with the reason."""
    with EQUIVALENT.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return {Mutant(*row[:4]): row[4] for row in rows}


def report(results: list[Score]) -> str:
    """The result, as Markdown."""
    lines = [
        "# Mutants of the core",
        "",
        f"The last run of `make mutation`. At least {FLOOR:.0%} of the mutants of each module are",
        "killed, besides those that do what the original does:",
        "[equivalent_mutants.tsv](equivalent_mutants.tsv) gives the reasons.",
        "",
        "| module | mutants | killed | equivalent | survived | killed of those that can be |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.module} | {each.mutants} | {each.killed} | {each.equivalent} "
        f"| {len(each.survivors)} | {each.share:.1%} |"
        for each in results
    ]
    survivors = [mutant for each in results for mutant in each.survivors]
    if survivors:
        lines += ["", "Survivors:", ""]
        lines += [f"- {m.module} `{m.function}`: `{m.before}` → `{m.after}`" for m in survivors]
    return "\n".join([*lines, ""])


def main() -> int:
    """Write the result; the status is 1 if a module is below the floor."""
    results = scores(ROOT / "mutants", set(equivalents()))
    RESULT.write_text(report(results), encoding="utf-8")
    low = [each for each in results if each.share < FLOOR]
    for each in low:
        print(f"{each.module}: {each.share:.1%} of its mutants are killed, below {FLOOR:.0%}")
    print(f"written to {RESULT}")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
