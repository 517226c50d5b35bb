"""Names for files whose own names may be anything."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

# What some file system does not take, and what separates or ends paths somewhere.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')

# Devices on Windows, whatever extension follows.
_RESERVED = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$"}).union(
    f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"
)

# File systems take 255 bytes; this leaves room for a number.
_STEM_BYTES = 180
_SUFFIX_BYTES = 50


class Names:
    """Gives out file names that stay in their directory and differ, also where case is ignored."""

    def __init__(self, *reserved: str) -> None:
        """Give out none of these names."""
        self._taken = {_key(name) for name in reserved}
        self._counts: dict[str, int] = {}

    def unused(self, name: str, ext: str = "") -> str:
        """A name as near as possible to `name`, with the extension `ext` if it is not there yet."""
        stem, suffix = _safe(name, ext)
        candidate = f"{stem}{suffix}"
        first = _key(candidate)
        while _key(candidate) in self._taken:
            # Counting on, instead of from the start, keeps many equal names cheap.
            self._counts[first] = self._counts.get(first, 1) + 1
            candidate = f"{stem}-{self._counts[first]}{suffix}"
        self._taken.add(_key(candidate))
        return candidate


def _safe(name: str, ext: str) -> tuple[str, str]:
    """Stem and suffix of a name that is safe on every system."""
    # Only the last part of a path counts, whichever system wrote it.
    last = re.split(r"[/\\]", name)[-1]
    if not last.endswith(ext):
        last = f"{last.strip('. ') or 'file'}{ext}"
    plain = PurePosixPath(_UNSAFE.sub("_", last).strip(". ") or "file")
    stem, suffix = _cut(plain.stem, _STEM_BYTES), _cut(plain.suffix, _SUFFIX_BYTES)
    if stem.split(".")[0].rstrip().casefold() in _RESERVED:
        stem = f"_{stem}"
    return stem, suffix.rstrip(". ")


def _cut(text: str, size: int) -> str:
    """As much of a text as fits into so many bytes."""
    return text.encode()[:size].decode(errors="ignore")


def _key(name: str) -> str:
    """The same for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
