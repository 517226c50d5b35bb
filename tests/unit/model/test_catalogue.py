"""The catalogue of clauses against the code that cites it."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

import fakeviam
from fakeviam.model.catalogue import CATALOGUE
from fakeviam.model.evidence import Evidence
from fakeviam.model.policy import Policy

PACKAGE = Path(fakeviam.__file__).parent
SOURCES = sorted([*PACKAGE.glob("server/**/*.py"), *PACKAGE.glob("model/**/*.py")])
CLAUSE = re.compile(r"(?:[A-Z]{2}-|A)\d+")
SOURCE_NAMES = {"seed", "sdk", "api", "client", "web", "public", "us", "fake"}

#: Clauses that no line of code names in a literal, and why that is right.
UNCITED = {
    "FI-15": "an empty answer is what all the other clauses of a filter come to",
    "FI-3": "on the wire an empty string is no string: there is nothing to decide",
    "PG-7": "holds of every page that follows another; nothing tells that a row is gone",
    "UP-2": "A29 is cited where the type is refused",
    "AU-3": "a login looks at no earlier one",
    "PG-4": "holds of every page; PG-3 is cited where a client relies on it",
    "PG-5": "holds of every page past the end",
    "TM-2": "holds of every reply",
    "BI-4": "no client reads that count",
    "DF-2": "A16 decides between it and DF-1",
    "AU-2": "AU-4 is cited where a token is looked at",
    "A12": "the refusals cite the clause of the empty field: ID-5, TA-2, TR-1, DM-8",
    "A53": "the refusal cites BI-6, on which clients rely",
    "SV-9": "a stream that is reset has no answer; the journal's text names it",
    "SV-11": "a connection that ends has no answer; its GOAWAY and the log name it",
    "SV-12": "a call that was refused unseen has no answer",
    "SV-13": "a connection that ends has no answer",
    "ID-9": "holds of every id",
    "RE-1": "what was deleted is in no answer",
    "RE-2": "what was deleted is in no answer",
    "UP-13": "UP-6 is cited: the name is kept as sent",
    "QG-3": "QG-1 is cited, which has the text",
    "DL-1": "holds of downloads, which are no calls",
    "DL-2": "holds of downloads, which are no calls",
    "DL-3": "holds of downloads, which are no calls",
    "DL-4": "holds of downloads, which are no calls",
    "AC-4": "AU-4 is cited where a key or a token has ended",
    "AC-5": "holds of every answer; A51 is cited where a key is looked at",
    "AC-6": "nobody sees it in an answer",
    "AC-7": "no answer tells that the fake was started again",
    "DB-7": "holds of the database, whose commands are no calls",
    "DB-8": "holds of the database, whose commands are no calls",
    "DB-9": "holds of the database, whose commands are no calls",
    "DP-2": "what runs by itself is no call",
    "DP-6": "why a run failed stands in the run",
    "DP-7": "what runs by itself is no call",
    "DP-8": "why a run failed stands in the run",
    "DP-14": "what runs by itself is no call",
    "DP-16": "what runs by itself is no call",
    "DP-18": "what runs by itself is no call",
    "DP-20": "what runs by itself is no call",
    "EJ-3": "holds of downloads, which are no calls",
    "MQ-15": "what its documents look like, decided no answer",
    "SV-16": "connections are no calls",
    "SV-18": "holds of every call, and is in no answer",
    "SV-19": "holds of every call, and is in no answer",
    "EX-9": "a trailer says so; the answer is the empty one of EX-1",
}

#: Promises about the tool rather than answers of the service: nothing to cite in a call.
#: Journal, faults, replies, clock, sessions, snapshots, archives, data directories, databases,
#: HTTP, seeds, the page, TLS.
TOOL = (
    "JR-",
    "FT-",
    "RP-",
    "CK-",
    "SS-",
    "SN-",
    "AR-",
    "DD-",
    "MG-",
    "HT-",
    "SE-",
    "ST-",
    "WY-",
    "PT-",
    "PA-",
    "TL-",
)


def literals() -> set[str]:
    """String constants of the code that look like a clause, docstrings left out."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update([node.value] if CLAUSE.fullmatch(node.value) else [])
    return found


def test_what_is_cited_is_in_the_catalogue() -> None:
    """A typo in an id would let an assumption pass as if it were none (SV-5)."""
    assert literals() <= set(CATALOGUE)


def test_what_is_in_the_catalogue_is_cited() -> None:
    """Or there is a reason; a reason that no longer holds must go (SV-5)."""
    uncited = {name for name in set(CATALOGUE) - literals() if not name.startswith(TOOL)}
    assert uncited == set(UNCITED)


def test_what_the_comments_name_is_in_the_catalogue() -> None:
    """Docstrings and comments point at clauses too."""
    families = {re.sub(r"\d+$", "", name) for name in CATALOGUE}
    named = set()
    for path in SOURCES:
        for name in re.findall(rf"\b{CLAUSE.pattern}\b", path.read_text(encoding="utf-8")):
            if re.sub(r"\d+$", "", name) in families:
                named.add(name)
    # Points of the policy whose RPCs are not built yet have no clause yet.
    assert named - set(CATALOGUE) <= {"A34", "A36"}


def test_clauses_are_complete_sentences() -> None:
    for name, clause in CATALOGUE.items():
        assert clause.id == name
        assert CLAUSE.fullmatch(name)
        assert clause.source in SOURCE_NAMES
        assert clause.text.endswith(".")
        assert clause.text[0].isupper() or clause.text.split()[0].islower() or "_" in clause.text


def test_no_clause_is_listed_twice() -> None:
    """A table of lines could hold one id two times."""
    lines = (PACKAGE / "model" / "clauses.txt").read_text(encoding="utf-8").splitlines()
    ids = [line.split()[0] for line in lines if CLAUSE.match(line)]
    assert len(ids) == len(set(ids)) == len(CATALOGUE)


@pytest.mark.parametrize(
    ("source", "levels"),
    [
        ("seed", {Evidence.DOCUMENTED}),
        ("api", {Evidence.DOCUMENTED}),
        ("web", {Evidence.DOCUMENTED}),
        ("sdk", {Evidence.DOCUMENTED}),
        ("fake", {Evidence.DOCUMENTED}),
        ("client", {Evidence.RELIED_ON, Evidence.DOCUMENTED}),
        ("public", {Evidence.OBSERVED, Evidence.RELIED_ON}),
        ("us", {Evidence.ASSUMED}),
    ],
)
def test_the_level_fits_the_source(source: str, levels: set[Evidence]) -> None:
    """What we infer is assumed, what a text says is documented (SV-5)."""
    assert {c.evidence for c in CATALOGUE.values() if c.source == source} <= levels


def test_policies_that_clauses_name_exist() -> None:
    """`(policy count)` points at a field."""
    fields = {field.name for field in dataclasses.fields(Policy)}
    for clause in CATALOGUE.values():
        for listed in re.findall(r"\(policy ([a-z_0-9, ]+?)(?: for [a-z ]+)?\)", clause.text):
            assert set(listed.split(", ")) <= fields, clause
