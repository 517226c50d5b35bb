"""The result of a run, for people and to be committed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from campaigns import results
from campaigns.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from campaigns.fuzz.run import Score

_LAWS = """Laws, for each input: the answer is never INTERNAL, UNKNOWN or 500 by accident; there is
an answer within a minute; no handler crashes and nothing escapes into the event loop; a
neighbour on another connection is answered; a refusal names its clause, or the field or file that
is wrong; what is refused or only read leaves the state as it was; and every call in the journal
can be shown as JSON."""


def table(scores: Mapping[str, Score]) -> str:
    """What became of the inputs, by target."""
    rows = []
    for name, score in scores.items():
        words = Counter[str]()
        clauses = set()
        for outcome, count in score.outcomes.items():
            status, _, clause = outcome.partition(" ")
            words[status] += count
            if clause:
                clauses.add(clause)
        counts = ", ".join(f"{word} {count:,}" for word, count in words.most_common(4))
        rows.append(
            (
                name,
                TARGETS[name].takes,
                score.inputs,
                len(score.failures),
                round(score.seconds),
                len(clauses) or "",
                counts,
            )
        )
    head = ("target", "inputs are", "inputs", "broken laws", "seconds", "clauses", "outcomes")
    return results.table(head, rows)


def write(scores: Mapping[str, Score], *, seed: int, command: str) -> Path:
    """Write `campaigns/results/fuzz.md`."""
    inputs = sum(score.inputs for score in scores.values())
    failures = sum(len(score.failures) for score in scores.values())
    lines = [
        f"- {failure.law}: {failure.what[:300]} (`--only {failure.target} --round {failure.round}`)"
        for score in scores.values()
        for failure in score.failures[:5]
    ]
    return results.write(
        "fuzz",
        "# The last run of `make fuzz`",
        f"{inputs:,} inputs, {failures:,} broken laws, seed {seed}. `{command}`. "
        f"{results.machine()}",
        _LAWS,
        table(scores),
        *(["Broken:", "\n".join(lines)] if lines else []),
    )
