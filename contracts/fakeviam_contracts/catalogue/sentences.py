"""Documentation as Sphinx's autoapi writes it, cut into sentences that keep their names.

A sentence has a place (`DataClient.tags_by_filter`, or `module` for what stands outside of
everything), a section there and its number in that section. Sections:

- `signature`: first the line of a class, method or attribute, then its marks, such as `:async:`;
- `text`: paragraphs;
- `param x`, `type x`, `returns`, `rtype`, `raises X` and other fields;
- `heading`, `contents`: titles, and the entries of tables of contents.

Every word of the source is in one sentence; only underlines and the names of directives are not.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What stands outside of classes and functions.
MODULE = "module"

_OBJECT = re.compile(r"\.\. py:(\w+):: *(.*)")
_DIRECTIVE = re.compile(r"\.\. [\w:-]+::")
_FIELD = re.compile(r":(\w[^:]*):(?: +(.*))?$")
_UNDERLINE = re.compile(r"([=~\-^\"#*])\1{2,}$")
_END = re.compile(r"[.!?][\"')\]]*\s+(?=\S)")
_SHORT = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|etc|cf|vs|resp)\.$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, and where it stands."""

    place: str
    section: str
    number: int
    text: str

    @property
    def where(self) -> str:
        """Its name: `DataClient.tags_by_filter:param filter:2`."""
        return f"{self.place}:{self.section}:{self.number}"

    @property
    def digest(self) -> str:
        """What its words come to; the width of the lines does not matter."""
        return hashlib.sha256(" ".join(self.text.split()).encode()).hexdigest()[:16]


def sentences_of(source: str) -> list[Sentence]:
    """All sentences of a documentation, in its order."""
    counts: dict[tuple[str, str], int] = {}
    sentences = []
    for place, section, text in _pieces(source):
        whole = section in ("signature", "heading", "contents")
        for sentence in [text] if whole or not text else split(text):
            number = counts[place, section] = counts.get((place, section), 0) + 1
            sentences.append(Sentence(place, section, number, sentence))
    return sentences


def split(paragraph: str) -> Iterator[str]:
    """The sentences of a paragraph."""
    start = 0
    for match in _END.finditer(paragraph):
        following = paragraph[match.end()]
        ended = paragraph[start : match.start() + 1]
        if following in ".,;" or _SHORT.search(ended):
            continue
        yield paragraph[start : match.end()].strip()
        start = match.end()
    if paragraph[start:].strip():
        yield paragraph[start:].strip()


def _pieces(source: str) -> Iterator[tuple[str, str, str]]:
    """Place, section and text of each signature, mark, title and paragraph."""
    reader = _Reader()
    for group in _groups(source):
        for section, text in reader.read(group):
            yield reader.place, section, text


class _Reader:
    """Reads groups of lines, and knows what they stand in."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, str]] = []  # indent and name of the objects around us
        self._field: tuple[int, str] | None = None  # indent and section of the field around us
        self._contents: int | None = None  # indent of the table of contents around us

    @property
    def place(self) -> str:
        return ".".join(name for _, name in self._blocks) or MODULE

    def read(self, group: list[tuple[int, str]]) -> Iterator[tuple[str, str]]:
        """Section and text of each piece of a group."""
        indent, first = group[0]
        self._leave(indent)
        if match := _OBJECT.match(first):
            if match[1] != "module":
                self._blocks.append((indent, re.split(r"[\s(:=]", match[2], maxsplit=1)[0]))
            yield "signature", match[2]
            yield from (("signature", mark) for _, mark in group[1:])
        elif _DIRECTIVE.match(first):
            self._contents = indent
            yield from (("contents", line) for _, line in group[1:])
        elif self._contents is not None:
            yield from (("contents", line) for _, line in group)
        elif len(group) == 2 and _UNDERLINE.match(group[1][1]):
            yield "heading", first
        else:
            for section, at, text in _paragraphs(group, self._field):
                self._field = (at, section) if section != "text" else None
                yield section, text

    def _leave(self, indent: int) -> None:
        """Leave all that a line with that indent ends."""
        while self._blocks and self._blocks[-1][0] >= indent:
            self._blocks.pop()
        if self._contents is not None and indent <= self._contents:
            self._contents = None
        if self._field is not None and indent <= self._field[0]:
            self._field = None


def _groups(source: str) -> Iterator[list[tuple[int, str]]]:
    """Lines with their indents, in groups between blank lines."""
    group: list[tuple[int, str]] = []
    for line in [*source.expandtabs().splitlines(), ""]:
        text = line.strip()
        if text:
            group.append((len(line) - len(line.lstrip()), text))
        elif group:
            yield group
            group = []


def _paragraphs(
    group: list[tuple[int, str]], field: tuple[int, str] | None
) -> Iterator[tuple[str, int, str]]:
    """Section, indent and text of each paragraph or field."""
    at, section = field or (group[0][0], "text")
    lines: list[str] = []
    for indent, line in group:
        inside = section != "text" and indent > at
        begins = None if inside else _FIELD.match(line)
        if lines and (begins or (section != "text" and not inside)):
            yield section, at, " ".join(lines)
            lines = []
        if begins:
            section, at = begins[1], indent
        elif not inside:
            section, at = "text", indent
        lines.append((begins[2] or "") if begins else line)
    yield section, at, " ".join(lines).strip()
