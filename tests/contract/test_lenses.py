"""Lenses: which part of an answer shows what a claim is about."""

from __future__ import annotations

import ast
from pathlib import Path

from fakeviam_contracts import reads
from fakeviam_contracts.lenses import lens

#: Claims of single checks, which compare several answers in words of their own. A script for them
#: compares the answers as a whole.
WHOLE = {
    "0 is cut before",
    "MIME type of the upload",
    "a dataset has a time of creation",
    "boxes of the upload",
    "bytes of a large file",
    "classifications of the upload",
    "datasets of a type",
    "datasets of another organization",
    "datasets that are known",
    "distinct metadata of readings",
    "every file, once",
    "files by a part of their id",
    "files by both forms",
    "files by message",
    "files by pages of 0",
    "files by text",
    "files of tags 0",
    "files that are known",
    "how many files in all",
    "how many of tags 0",
    "its organization",
    "its type",
    "last moves on",
    "names of parameters",
    "organization, location and file id",
    "parameters",
    "readings by pages of 0",
    "said that it is too large",
    "state after 0 was cut before and tried again",
    "tags seen and not listed",
    "the first page",
    "the host once more",
    "the id answered",
    "the page after that",
    "the same times in both orders",
    "their metadata",
    "there are ",
    "there is a host",
    "there is a token",
    "there is a user",
    "time of an upload without",
    "times and sizes",
    "times of the file",
    "times that ascend",
    "times that descend",
}


def _claimed() -> set[str]:
    """What the kit's claims are called, with a sample for what is put in when it runs."""
    samples = {"rpc": "TagsByFilter", "file": "0", "name": "tags", "what": "", "when": "before"}
    found = set()
    for path in Path(reads.__file__).parent.rglob("*.py"):
        if {"mutants", "clients"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "expect":
                continue
            what = node.args[1]
            if isinstance(what, ast.Constant):
                found.add(str(what.value))
            elif isinstance(what, ast.JoinedStr):
                found.add("".join(_piece(part, samples) for part in what.values))
    return found


def _piece(part: ast.expr, samples: dict[str, str]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    names = [n.id for n in ast.walk(part.value) if isinstance(n, ast.Name)]
    return samples.get(names[0], "0")


def test_every_claim_has_a_lens_or_is_known_to_need_none() -> None:
    """No claim is forgotten: those of one check are compared as a whole, by name."""
    claimed = _claimed()
    assert len(claimed) > 50
    rpcs = ("BinaryDataByFilter", "TabularDataByFilter", "BinaryDataByIDs", "ListDatasetsByIDs")
    unseen = {what for what in claimed if not any(lens(what, rpc, 50) for rpc in rpcs)}
    assert unseen - WHOLE == set()
