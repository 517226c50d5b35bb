"""Phrases that users must not read again: understandable, but not what an engineer writes.

The search is literal and covers messages, help texts and the pages written by hand, not docstrings
or comments. A phrase belongs here only if no good sentence contains it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Each was once in a message, a help text or a page; the second text is what to write instead.
PHRASES = {
    "is no YAML": "is not YAML",
    "no time like": "not a time such as",
    "says nothing more": "goes silent",
    "calls fitted": "calls matched",
    "call fitted": "call matched",
    "no cloud can be made of": "invalid settings",
    "which says everything itself": "which is complete",
    "for lack of room": "because ... is full",
    "is of no use here": "does not apply here",
    "exclude each other": "cannot be combined",
    "is open already": "is already open",
    "is no good": "is invalid",
    "are no good": "are invalid",
    "worth nothing from now on": "revoked",
    "its moment came": "it could fire",
    "test did not meet them": "test did not exercise them",
    "whoever sees it sees all": "appears atomically",
    "sends them along": "uploads them",
    "neither are there": "is empty too",
    "it is no time that can be read": "it is not a recognizable time",
    "no span of time": "not a duration",
    "can be made fail": "can be made to fail",
    "comes from a later fakeviam": "was written by a later fakeviam",
    "how soon each wrong": "how quickly",
    "how many there were as JSON": "the counts as JSON",
}

# Where a string literal goes on in the next line.
_SEAM = re.compile(r'"\s*\n\s*[frb]*"')


def _messages(source: str) -> list[str]:
    """The strings of a module, f-strings in pieces, without its docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


def _found(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    joined = " ".join(_SEAM.sub("", text).split())
    near = [phrase for phrase in PHRASES if phrase in joined]
    if near and path.suffix == ".py":  # parsing is slow, and hardly a module needs it
        told = "\n".join(" ".join(each.split()) for each in _messages(text))
        near = [phrase for phrase in near if phrase in told]
    return [f"{path.relative_to(ROOT)}: {each!r}; write {PHRASES[each]!r}" for each in near]


def test_the_old_dialect_does_not_come_back() -> None:
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    for package in ("fakeviam", "client", "contracts"):
        paths += (ROOT / package).rglob("*.py")
    assert len(paths) > 100
    found = [line for path in paths for line in _found(path)]
    assert not found, "\n".join(found)


def test_what_is_searched() -> None:
    """Messages in one or several pieces, but neither docstrings nor comments."""
    module = '"""It is no good."""\n# it is no good\nraise ValueError(f"{1} is "\n    "no good")\n'
    assert "is no good" in " ".join(_messages(module))
    assert " is no good" not in " ".join(_messages(module.split("\nraise", maxsplit=1)[0]))
