"""Damage to files, as disks, editors and copies do it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from campaigns.dice import Dice

KINDS = ("flip", "cut", "cut a line", "drop", "double", "zeros", "garbage", "empty", "gone")


def files_of(place: Path) -> list[Path]:
    """The files of a directory that hold something of it."""
    return sorted(path for path in place.rglob("*") if path.is_file() and path.name != "lock")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileDamage:
    """One file, as it was and as it is to be.

    Attributes:
        path: The file.
        kind: One of `KINDS`.
        at: Where.
        before: What is in it.
        after: What will be; None if it is gone.
    """

    path: Path
    kind: str
    at: int
    before: bytes
    after: bytes | None

    @classmethod
    def random(cls, dice: Dice, place: Path) -> FileDamage:
        """Damage to any file of a directory, the largest logs most often."""
        files = files_of(place)
        logs = [path for path in files if path.suffix == ".jsonl"]
        path = dice.choice(logs if logs and dice.chance(0.6) else files)
        return cls.of(dice, path, dice.choice(KINDS))

    @classmethod
    def of(cls, dice: Dice, path: Path, kind: str) -> FileDamage:
        """Damage of a kind to a file, at a place by chance."""
        before = path.read_bytes()
        at = dice.randrange(len(before)) if before else 0
        return cls(path=path, kind=kind, at=at, before=before, after=_after(dice, kind, at, before))

    @property
    def changed(self) -> bool:
        """Whether it makes a difference."""
        return self.after != self.before

    def __str__(self) -> str:
        return f"{self.path.name}: {self.kind} at {self.at} of {len(self.before)} bytes"

    @contextmanager
    def done(self) -> Iterator[None]:
        """Damage the file, and undo that."""
        if self.after is None:
            self.path.unlink()
        else:
            self.path.write_bytes(self.after)
        try:
            yield
        finally:
            self.path.write_bytes(self.before)


def _after(dice: Dice, kind: str, at: int, before: bytes) -> bytes | None:
    text = bytearray(before)
    size = dice.choice((1, 10, 1000))
    if kind == "flip" and text:
        text[at] ^= dice.choice((1, 2, 16, 32, 128, 255))
    elif kind == "cut":
        del text[at:]
    elif kind == "cut a line":
        del text[text.rfind(b"\n", 0, at) + 1 :]
    elif kind == "drop":
        del text[at : at + size]
    elif kind == "double":
        text[at:at] = text[at : at + size]
    elif kind == "zeros":
        text[at : at + size] = bytes(size)
    elif kind == "garbage":
        text[at : at + size] = dice.randbytes(size)
    elif kind == "empty":
        text.clear()
    elif kind == "gone":
        return None
    return bytes(text)
