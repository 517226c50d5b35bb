"""Every clause, with what supports it, how strictly it binds, and what proves it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import TYPE_CHECKING

from fakeviam.model.catalogue import CATALOGUE as SERVED
from fakeviam_contracts.catalogue import history, triage
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.clauses import Leniency, own_clauses, table
from fakeviam_contracts.clients.obligations import OBLIGATIONS
from fakeviam_contracts.mutants import statements
from fakeviam_contracts.mutants.clients import CLIENTS
from fakeviam_contracts.mutants.servers import SERVERS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from fakeviam.model.evidence import Clause

#: What the random programs of the state machine do and compare.
MACHINE = "machine"
#: Before the names of what clients owe.
CLIENT = "client:"

_CLIENTS = "CL-"
_PROMISE = "fakeviam's own promise, which binds no other server; its unit tests prove it"
_CLAUSE = re.compile(r"[A-Z]{2}-\d+|A\d+")
_COMPARED_BY_MACHINE = (
    "descriptions.py",
    "interpretation.py",
    "pages.py",
    "reads.py",
    "selection.py",
    "writes/datasets.py",
    "writes/deletes.py",
    "writes/annotations.py",
    "writes/uploads.py",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A clause and everything that is known about it.

    Attributes:
        clause: Its id, sentence, source and evidence.
        leniency: How strictly it binds.
        note: What is allowed besides, or why it does not bind.
        sentences: The documented sentences behind it.
        checks: The checks that name it: of a server, `machine`, or `client:` and an obligation.
        mutants: The wrong servers that break it, or wrong clients where it binds clients.
        reason: Why nothing shows that it can be broken, where nothing can.
    """

    clause: Clause
    leniency: Leniency
    note: str
    sentences: tuple[triage.TriagedSentence, ...]
    checks: tuple[str, ...]
    mutants: tuple[str, ...]
    reason: str = ""

    @property
    def id(self) -> str:
        """The clause's."""
        return self.clause.id

    @property
    def sentence(self) -> str:
        """The clause in our words."""
        return self.clause.text

    @property
    def evidence(self) -> str:
        """The name of its level."""
        return self.clause.evidence.label

    @property
    def family(self) -> str:
        """The letters of its id."""
        return self.id.rstrip("0123456789").rstrip("-")

    @property
    def of_clients(self) -> bool:
        """Whether it binds clients, not servers."""
        return self.id.startswith(_CLIENTS)

    @property
    def looked_at(self) -> bool:
        """Whether a check looks at those whom it binds."""
        return any(self.of_clients or not name.startswith(CLIENT) for name in self.checks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """All clauses, and all sentences that were triaged for them.

    Attributes:
        entries: By id.
        rows: The sentences of the DataClient documentation, in its order.
        sdk: Those of a newer viam-sdk: docstrings, and comments of protos.
        problems: What does not fit together; empty if all is well.
    """

    entries: Mapping[str, Entry]
    rows: tuple[triage.TriagedSentence, ...]
    problems: tuple[str, ...]
    sdk: tuple[triage.TriagedSentence, ...] = ()

    @property
    def unproven(self) -> list[str]:
        """Clauses that no mutant breaks: nothing shows that their checks can fail."""
        return [entry.id for entry in self.entries.values() if not entry.mutants]

    @property
    def unchecked(self) -> list[str]:
        """Clauses that no check looks at; what clients do shows nothing about a server."""
        return [entry.id for entry in self.entries.values() if not entry.looked_at]


def catalogue() -> Catalogue:
    """The catalogue of the kit as it stands."""
    own = own_clauses()
    joined_catalogue = joined(
        clauses={**SERVED, **own},
        rows=triage.load(),
        checks=checks_by_clause(),
        mutants=_mutants(),
        leniency={n: (bound, note) for n, bound, note in table("leniency.tsv")},
    )
    sdk = triage.load(triage.SDK)
    reasons = _reasons(joined_catalogue.entries)
    entries = {
        name: replace(entry, reason=reasons.get(name, ""))
        for name, entry in joined_catalogue.entries.items()
    }
    problems = [
        *(f"{name} stands in two tables of clauses" for name in own if name in SERVED),
        *(
            f"{name} says why no mutant breaks it, and one does"
            for name in reasons
            if name in entries and entries[name].mutants
        ),
        *(f"{row.where} is untriaged" for row in sdk if not row.triaged),
        *_duplicates(row.where for row in sdk),
        *_unknown_clauses("the sentence", {row.where: row.clauses for row in sdk}, entries),
        *_unknown_clauses("the table of the unproven", {"": tuple(reasons)}, entries),
        *history.problems(history.load(), {n: entry.sentence for n, entry in entries.items()}),
    ]
    return replace(
        joined_catalogue, entries=entries, sdk=sdk, problems=(*problems, *joined_catalogue.problems)
    )


def joined(
    *,
    clauses: Mapping[str, Clause],
    rows: tuple[triage.TriagedSentence, ...],
    checks: Mapping[str, list[str]],
    mutants: Mapping[str, list[str]],
    leniency: Mapping[str, tuple[str, str]],
) -> Catalogue:
    """Entries made of their parts, and what does not fit between the parts."""
    sentences: dict[str, list[triage.TriagedSentence]] = defaultdict(list)
    for row in rows:
        for name in row.clauses:
            sentences[name].append(row)
    entries = {}
    for name, clause in clauses.items():
        bound, note = leniency.get(name, ("", ""))
        entries[name] = Entry(
            clause=clause,
            leniency=Leniency(bound) if bound else _implied(clause),
            note=note,
            sentences=tuple(sentences[name]),
            checks=tuple(checks.get(name, ())),
            mutants=tuple(mutants.get(name, ())),
        )
    problems = [
        *(f"{row.where} is untriaged" for row in rows if not row.triaged),
        *_duplicates(row.where for row in rows),
        *_unknown_clauses("the sentence", {row.where: row.clauses for row in rows}, clauses),
        *_unknown_clauses("the check", _turned(checks), clauses),
        *_unknown_clauses("the mutant", _turned(mutants), clauses),
        *_unknown_clauses("the table of leniency", {"": tuple(leniency)}, clauses),
        *(
            f"{name} rests on the documentation of viam-sdk 0.15.0, and no sentence of it"
            for name, clause in clauses.items()
            if clause.source == "seed" and not sentences[name]
        ),
    ]
    return Catalogue(entries=entries, rows=rows, problems=tuple(problems))


def _implied(clause: Clause) -> Leniency:
    assumed = clause.evidence.label == "assumed"
    return Leniency.UNSPECIFIED if assumed else Leniency.EXACT


def _duplicates(names: Iterable[str]) -> Iterator[str]:
    earlier: set[str] = set()
    for name in names:
        if name in earlier:
            yield f"{name} stands twice among the sentences"
        earlier.add(name)


def _unknown_clauses(
    what: str, names: Mapping[str, Iterable[str]], clauses: Container[str]
) -> Iterator[str]:
    for name, ids in names.items():
        for one in ids:
            if one not in clauses:
                yield " ".join(f"{what} {name} names {one}, which is no clause".split())


def _turned(by_clause: Mapping[str, list[str]]) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = defaultdict(list)
    for clause, names in by_clause.items():
        for name in names:
            turned[name].append(clause)
    return turned


# The parts -----------------------------------------------------------------------------


def _reasons(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Clause id → why no mutant breaks it."""
    rows = dict(table("unproven.tsv"))
    patterns = {pattern: rows.pop(pattern) for pattern in [*rows] if "*" in pattern}
    shared = {}
    for name, entry in entries.items():
        fitting = [reason for pattern, reason in patterns.items() if fnmatchcase(name, pattern)]
        if entry.clause.source == "fake":
            fitting.append(_PROMISE)
        if fitting and not entry.mutants:
            shared[name] = fitting[0]
    clients = {row[0]: row[4] for row in table("clauses.tsv") if row[4]}
    return {**shared, **rows, **clients}


def _mutants() -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for mutant in (*SERVERS, *statements.MUTANTS):
        names[mutant.clause].append(mutant.name)
    for name, obligations in _shown_by_clients().items():
        if name.startswith(_CLIENTS):
            names[name] += [one.name for one in CLIENTS if one.obligation in obligations]
    return names


def checks_by_clause() -> dict[str, list[str]]:
    """Clause id → the checks that name it."""
    names: dict[str, list[str]] = defaultdict(list)
    for check in CHECKS:
        for name in dict.fromkeys(check.clauses):
            names[name].append(check.name)
    kit = files("fakeviam_contracts")
    trees = [ast.parse((kit / file).read_text(encoding="utf-8")) for file in _COMPARED_BY_MACHINE]
    compared = {name for tree in trees for name in _literals(tree)}
    for name in sorted(compared):
        names[name].append(MACHINE)
    for name, obligations in _shown_by_clients().items():
        names[name] += [f"{CLIENT}{obligation}" for obligation in obligations]
    return names


def _shown_by_clients() -> dict[str, list[str]]:
    """Clause id → what clients owe that names it."""
    obligations: dict[str, list[str]] = {}
    for obligation in OBLIGATIONS:
        for name in obligation.clauses:
            obligations.setdefault(name, []).append(obligation.id)
    return obligations


def _literals(tree: ast.AST) -> Iterator[str]:
    """The strings of a program that are ids of clauses and nothing else."""
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if isinstance(node, ast.Constant) and isinstance(value, str) and _CLAUSE.fullmatch(value):
            yield value
