"""ARCHITECTURE.md is short and true: the files and names that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

#: Lines on two printed pages.
TWO_PAGES = 145

#: Names that it makes up.
EXAMPLES = frozenset({"RenameTag"})

_DRAWING, _EXAMPLE = re.findall(r"^```\w*\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
_PROSE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))
_FILE = re.compile(r"[a-z\d_/]+\.(?:py|txt|md)|[a-z_]+(?:/[a-z_]+)+/?|[a-z_]+/")
_NAME = re.compile(r"(?:[a-z/]+\.)?[A-Za-z_]+(?:\.\w+)*")


def _exists(file: str) -> bool:
    """Whether the page's short name of a file or folder is the end of a path."""
    name = file.rstrip("/")
    ends = (
        f"{folder}/**/{name}{suffix}" for folder in ("fakeviam", "tests") for suffix in ("", ".py")
    )
    places = (ROOT / folder / name for folder in ("", "client", "contracts"))
    return any(place.exists() for place in places) or any(any(ROOT.glob(end)) for end in ends)


def test_its_files_are_there() -> None:
    files = {each for each in (*_PROSE, *_DRAWING.split()) if _FILE.fullmatch(each)}
    assert len(files) > 60
    assert sorted(each for each in files if not _exists(each)) == []


def test_its_names_are_there() -> None:
    """Those of classes, functions and fields stand somewhere in the sources."""
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("fakeviam", "client", "contracts")
        for path in (ROOT / folder).rglob("*.py")
    )
    words = set(re.findall(r"\w+", sources))
    named = {each for each in _PROSE if _NAME.fullmatch(each) and not _FILE.fullmatch(each)}
    assert len(named) > 20
    missing = {each for each in named - EXAMPLES if each.rpartition(".")[2] not in words}
    assert missing == set()


def test_a_new_rpc_is_added_as_the_others_are() -> None:
    """The example is declared as its neighbours in that module are."""
    tags = (ROOT / "fakeviam/server/services/data/tags.py").read_text(encoding="utf-8")
    (grounds,) = re.findall(r"grounds=(\w+)", _EXAMPLE)
    assert re.search(rf"^@rpc\(\"\w+\", rests_on=\[.*\], grounds={grounds}\)$", tags, re.MULTILINE)
    assert re.search(
        r"^def \w+\(\n?\s*call: Call, request: data\.\w+Request\n?\) -> ", tags, re.MULTILINE
    )


def test_it_fits_on_two_pages() -> None:
    assert len(TEXT.splitlines()) <= TWO_PAGES
