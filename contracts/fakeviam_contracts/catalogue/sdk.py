"""The sentences of viam-sdk: docstrings of its data client, and comments of the protos it carries.

Read as text from an installed package, so that nothing of it is imported. Code of examples is left
out. Sections are those of Google's style: `text`, `arg x`, `returns`, `raises`.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from fakeviam_contracts.catalogue.sentences import Sentence, split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The release whose sentences are triaged in `sentences_sdk.tsv`.
RELEASE = "0.85.1"

CLIENT = "app/data_client.py"
PROTOS = {
    "data": "gen/app/data/v1/data_pb2.pyi",
    "dataset": "gen/app/dataset/v1/dataset_pb2.pyi",
    "datasync": "gen/app/datasync/v1/data_sync_pb2.pyi",
}
_CODE = re.compile(r"::\n+(?:[ \t]+.*\n?|\n)+")
_HEADS = {"Args": "arg", "Returns": "returns", "Raises": "raises", "Yields": "returns"}
_ARGUMENT = re.compile(r"(\w+)(?: *\([^)]*\))?: ")


def sentences_of_sdk(package: Path) -> list[Sentence]:
    """All sentences of an installed `viam` package, the client's first."""
    counts: dict[tuple[str, str], int] = {}
    sentences = []
    for place, section, text in _pieces(package):
        for sentence in split(" ".join(text.split())):
            number = counts[place, section] = counts.get((place, section), 0) + 1
            sentences.append(Sentence(place, section, number, sentence))
    return sentences


def _pieces(package: Path) -> Iterator[tuple[str, str, str]]:
    tree = ast.parse((package / CLIENT).read_text(encoding="utf-8"))
    for place, text in _docstrings(tree, ""):
        yield from ((f"sdk {place}", section, piece) for section, piece in _sections(text))
    for name, file in PROTOS.items():
        tree = ast.parse((package / file).read_text(encoding="utf-8"))
        yield from ((place, "text", text) for place, text in _comments(tree, f"proto {name}"))


def _docstrings(node: ast.AST, above: str) -> Iterator[tuple[str, str]]:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{above}{inner.name}"
            text = ast.get_docstring(inner)
            if text:
                yield name, text
            yield from _docstrings(inner, f"{name}.")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The pieces of a docstring: paragraphs, and each argument by itself."""
    head, lines = "text", list[str]()
    for line in [*_CODE.sub("\n\n", text).splitlines(), ""]:
        begins = line.strip().rstrip(":")
        argument = _ARGUMENT.match(line.strip()) if head.startswith("arg") else None
        if lines and (not line.strip() or begins in _HEADS or argument):
            yield head, " ".join(lines)
            lines = []
        if begins in _HEADS and line.strip().endswith(":"):
            head = _HEADS[begins]
        elif line.strip():
            head = f"arg {argument[1]}" if argument else head
            lines.append(line.strip())


def _comments(node: ast.AST, place: str) -> Iterator[tuple[str, str]]:
    """The texts that stand in a class, or after the field that they are about."""
    last = place
    for inner in getattr(node, "body", ()):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef):
            last = f"{place}.{inner.name}"
            yield from _comments(inner, last)
        elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            last = f"{place}.{inner.target.id}"
        elif isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
            text = inner.value.value
            # The first text of a file names the generator alone.
            if isinstance(text, str) and not place.count(".") and "Copyright" in text:
                continue
            if isinstance(text, str) and "@generated" not in text:
                yield last, text
