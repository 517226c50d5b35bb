"""What each clause rests on and how strictly it binds: light enough to import for every run."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.model.catalogue import CATALOGUE
from fakeviam.model.evidence import Clause, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LEVELS = {
    "D": Evidence.DOCUMENTED,
    "R": Evidence.RELIED_ON,
    "O": Evidence.OBSERVED,
    "?": Evidence.ASSUMED,
}


class Leniency(enum.Enum):
    """How strictly a clause binds a server that is not ours."""

    EXACT = "exact"
    ONE_OF = "one of"
    ANY_ERROR = "any error"
    UNSPECIFIED = "unspecified"


class Severity(enum.IntEnum):
    """What it means that a server does otherwise, mildest first."""

    INTERPRETATION = 0
    CLIENTS = 1
    DOCUMENTATION = 2

    @property
    def label(self) -> str:
        """The verdict in words."""
        return _LABELS[self]


_LABELS = {
    Severity.DOCUMENTATION: "breaks documentation",
    Severity.CLIENTS: "breaks what shipping clients rely on",
    Severity.INTERPRETATION: "differs where nothing is documented",
}

#: The mildest severity that fails a run, by the value of `--min-evidence`.
THRESHOLDS: Mapping[str, Severity] = MappingProxyType(
    {
        "documented": Severity.DOCUMENTATION,
        "relied-on": Severity.CLIENTS,
        "assumed": Severity.INTERPRETATION,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A clause with its leniency; `note` says what else is allowed, or why it does not bind."""

    clause: Clause
    leniency: Leniency
    note: str = ""

    @property
    def severity(self) -> Severity:
        """What a server that does otherwise breaks."""
        if self.leniency is Leniency.UNSPECIFIED or self.clause.evidence < Evidence.RELIED_ON:
            return Severity.INTERPRETATION
        documented = self.clause.evidence is Evidence.DOCUMENTED
        return Severity.DOCUMENTATION if documented else Severity.CLIENTS


def table(name: str) -> Iterator[list[str]]:
    """The rows of one of the catalogue's tables, without its heading."""
    text = (files("fakeviam_contracts") / "catalogue" / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            yield line.split("\t")


def own_clauses() -> dict[str, Clause]:
    """Clauses that the fake does not decide: what clients owe, and RPCs it does not serve."""
    return {
        name: Clause(name, _LEVELS[level], source, text)
        for name, level, source, text, _ in table("clauses.tsv")
    }


@functools.cache
def rules() -> Mapping[str, Rule]:
    """Every clause by its id."""
    bounds = {name: (Leniency(bound), note) for name, bound, note in table("leniency.tsv")}
    by_clause = {}
    for name, clause in {**CATALOGUE, **own_clauses()}.items():
        assumed = clause.evidence is Evidence.ASSUMED
        implied = Leniency.UNSPECIFIED if assumed else Leniency.EXACT
        leniency, note = bounds.get(name, (implied, ""))
        by_clause[name] = Rule(clause=clause, leniency=leniency, note=note)
    return MappingProxyType(by_clause)


@functools.cache
def binding() -> frozenset[str]:
    """Clauses whose breach is more than another interpretation."""
    return frozenset(n for n, rule in rules().items() if rule.severity > Severity.INTERPRETATION)


def severity(clause: str) -> Severity:
    """What a server breaks that does not do as the clause says."""
    return rules()[clause].severity
