"""Phrases that nobody must read again: understandable, but not what an engineer writes.

The search is literal. `PHRASES` covers messages, help texts and the pages written by hand, and
`IN_COMMENTS` covers docstrings and comments. A phrase belongs here only if no good sentence
contains it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
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
    "; there are none": "; none exist",
    "nobody has looked": "not triaged yet",
    "a careful engineer would": "questionable",
    "what is named as only": "recognized by the names",
    "Show what became of": "Show how ... is covered",
    "a fake of our own": "an in-process fake",
    "because somebody": "because it was",
    "the file makes no sense": "the file is invalid",
    "Only tell what": "Print what",
    "that breaks off goes on": "resumes an interrupted download",
}

#: Each was once in a docstring or a comment.
IN_COMMENTS = {
    "whoever": "the caller, the client",
    " shall ": "must, will",
    "becomes of it": "its outcome",
    "what became of": "the outcome of",
    "in the making": "incomplete, being created",
    "no good": "invalid",
    "get their turn": "let other calls run",
    "have their turn": "let other calls run",
    "gave away": "generated, issued",
    "the text says": "the message explains",
    "It is none.": "It is invalid.",
    "makes no sense": "is invalid",
    "has said all": "has sent the whole request",
    "come what may": "always",
    "an order, not an error": "control flow rather than an error",
    "goes its own way": "is independent afterwards",
    "holds the same now": "an independent copy",
    "each in the place of that": "replacing those",
    "are good for those": "are valid for callers",
    "That of another event loop": "A transport of another event loop",
    "rests on is less": "depends on weaker evidence",
    "To close with bytes unread": "Closing a socket with unread input",
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


def _comments(source: str) -> str:
    """The docstrings and comments of a module."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token.string.lstrip("#: ") for token in tokens if token.type == tokenize.COMMENT]
    docstrings = [
        node.value.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    return " ".join(" ".join([*comments, *docstrings]).split())


def _in_comments(path: Path) -> list[str]:
    source = path.read_text(encoding="utf-8")
    flat = " ".join(source.replace("\n", " ").replace("#", " ").split())
    near = [phrase for phrase in IN_COMMENTS if phrase in flat]
    commented = _comments(source) if near else ""  # tokenizing is slow, and rarely necessary
    return [
        f"{path.relative_to(ROOT)}: {each!r}; write {IN_COMMENTS[each]!r}"
        for each in near
        if each in commented
    ]


def test_the_old_dialect_of_comments_does_not_come_back() -> None:
    packages = ("fakeviam", "client", "contracts")
    paths = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    assert len(paths) > 100
    problems = [line for path in paths for line in _in_comments(path)]
    assert not problems, "\n".join(problems)


def test_what_is_searched_in_comments() -> None:
    """Docstrings and comments over several lines, but not messages."""
    module = '"""It is no\ngood."""\n# no\n# good\nraise ValueError("no good")\n'
    assert _comments(module) == "no good It is no good."


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
