"""What each clause said, ever: ids never change their meaning, and this file only grows.

Each line holds a hash of its content and of the line of that clause before it, so that one that is
changed or taken out is noticed. A clause that goes leaves a line that says so, and its id is never
used again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from fakeviam_contracts.clauses import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TABLE = "history.tsv"
WITHDRAWN = "withdrawn"


class Line(NamedTuple):
    """One line: what a clause said from a day on.

    Attributes:
        id: The clause.
        date: When it first said so.
        digest: The hash of its sentence, or "withdrawn".
        note: Why it was reworded, with the same meaning.
        chain: The hash of this line and those of the clause before it.
    """

    id: str
    date: str
    digest: str
    note: str
    chain: str


_HOW = "`python -m fakeviam_contracts.catalogue history` adds it"


def load() -> list[Line]:
    """The history, the oldest line first."""
    return [Line(*cells) for cells in table(TABLE)]


def digest_of(sentence: str) -> str:
    """What a sentence comes to."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:16]


def problems(lines: Iterable[Line], sentences: Mapping[str, str]) -> list[str]:
    """What the history and the clauses of today do not agree on."""
    texts, latest = list[str](), dict[str, Line]()
    for line in lines:
        before = latest.get(line.id)
        if line.chain != chained(before, *line[:4]):
            texts.append(f"the history of {line.id} was changed: a line of {line.date}")
        if before is not None and before.digest == WITHDRAWN:
            texts.append(f"{line.id} was withdrawn, and its id is used again")
        latest[line.id] = line
    for name, sentence in sentences.items():
        if name not in latest:
            texts.append(f"{name} is not in the history of clauses: {_HOW}")
        elif latest[name].digest != digest_of(sentence):
            texts.append(f"{name} says something else than its history: {_HOW}")
    for name, line in latest.items():
        if name not in sentences and line.digest != WITHDRAWN:
            texts.append(f"{name} is gone, and its history does not say so: {_HOW}")
    return texts


def chained(before: Line | None, *cells: str) -> str:
    """The hash of a line that follows another of the same clause."""
    chain = before.chain if before is not None else ""
    return hashlib.sha256("\t".join([chain, *cells]).encode()).hexdigest()[:16]


def grown(
    lines: Iterable[Line], sentences: Mapping[str, str], date: str, note: str = ""
) -> list[Line]:
    """The lines to add so that the history holds what the clauses say today.

    Raises:
        ValueError: A clause says something else, and no note says that it means the same.
    """
    latest = {line.id: line for line in lines}
    changes = [(name, digest_of(text)) for name, text in sentences.items()]
    changes += [(name, WITHDRAWN) for name in latest if name not in sentences]
    changes = [c for c in changes if c[0] not in latest or latest[c[0]].digest != c[1]]
    old = [name for name, _ in changes if name in latest]
    if old and not note:
        raise ValueError(
            f"{', '.join(old)} changed: a clause keeps its meaning; if it does, --note says why"
        )
    new = []
    for name, digest in changes:
        cells = (name, date, digest, note if name in latest else "")
        new.append(Line(*cells, chained(latest.get(name), *cells)))
    return new
