"""How each documented sentence is covered: its clauses, or why it has none.

The tables hold places, hashes and verdicts, never the sentences: those are Viam's. One is for the
DataClient documentation of viam-sdk 0.15.0, one for docstrings and proto comments of a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, TypeVar

from fakeviam_contracts.catalogue.sentences import Sentence
from fakeviam_contracts.clauses import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class TriagedSentence:
    """One sentence, known by its hash.

    Attributes:
        place: The class or method it belongs to.
        section: The part of that documentation, such as `param filter`.
        number: Which sentence of the section.
        digest: The hash of its words.
        clauses: The clauses it stands for.
        reason: Why it cannot be tested, if it has no clauses.
    """

    place: str
    section: str
    number: int
    digest: str
    clauses: tuple[str, ...]
    reason: str = ""

    @property
    def where(self) -> str:
        """Its name, as that of a `Sentence`."""
        return f"{self.place}:{self.section}:{self.number}"

    @property
    def triaged(self) -> bool:
        """Whether it was triaged."""
        return bool(self.clauses or self.reason)


#: The sentences of the DataClient documentation of viam-sdk 0.15.0, and those of a newer viam-sdk.
SEED, SDK = "sentences.tsv", "sentences_sdk.tsv"


def load(name: str = SEED) -> tuple[TriagedSentence, ...]:
    """One of the tables."""
    return tuple(map(_row, table(name)))


def _row(cells: list[str]) -> TriagedSentence:
    place, section, number, digest, verdict = cells
    reason = verdict[1:].strip() if verdict.startswith("!") else ""
    clauses = () if reason or verdict == "?" else tuple(verdict.split())
    return TriagedSentence(place, section, int(number), digest, clauses, reason)


def differences(rows: Iterable[TriagedSentence], source: Iterable[Sentence]) -> list[str]:
    """What a source says that the table does not know, and the reverse; one line each.

    Sections are compared as wholes, so that a sentence that goes does not change its followers.
    """
    triaged, current = _sections(rows), _sections(source)
    lines: list[str] = []
    for section in dict.fromkeys([*triaged, *current]):
        lines += _compared(triaged.get(section, []), current.get(section, []))
    return lines


_Item = TypeVar("_Item", TriagedSentence, Sentence)


def _sections(items: Iterable[_Item]) -> dict[tuple[str, str], list[_Item]]:
    sections: dict[tuple[str, str], list[_Item]] = {}
    for item in items:
        sections.setdefault((item.place, item.section), []).append(item)
    return sections


def _compared(triaged: list[TriagedSentence], current: list[Sentence]) -> Iterator[str]:
    old, new = [row.digest for row in triaged], [sentence.digest for sentence in current]
    for what, *span in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        before, after = triaged[span[0] : span[1]], current[span[2] : span[3]]
        for row, sentence in zip(before, after, strict=False):
            yield f"changed: {row.where}: {row.digest} is now {_sentence_text(sentence)}"
        for row in before[len(after) :]:
            yield f"vanished: {row.where}: {row.digest}"
        for sentence in after[len(before) :]:
            yield f"new: {sentence.where}: {_sentence_text(sentence)}"


def _sentence_text(sentence: Sentence) -> str:
    return f"{sentence.digest} {sentence.text!r}"
