"""Safe file names for files with arbitrary names."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

# Characters that some file system rejects, or that separate or end paths.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')

# Device names on Windows, which are reserved with any extension.
_RESERVED = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$"}).union(
    f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"
)

# File systems allow 255 bytes; this leaves room for a number.
_STEM_BYTES = 180
_SUFFIX_BYTES = 50


class Names:
    """Generates distinct file names that stay in their directory, even if case is ignored."""

    def __init__(self, *reserved: str) -> None:
        """Exclude these names."""
        self._taken = {_key(name) for name in reserved}
        self._counts: dict[str, int] = {}

    def unused(self, name: str, ext: str = "") -> str:
        """A name similar to `name`, with the extension `ext`."""
        stem, suffix = _safe(name, ext)
        candidate = f"{stem}{suffix}"
        first = _key(candidate)
        while _key(candidate) in self._taken:
            # Continue counting, because starting at 1 is slow with many equal names.
            self._counts[first] = self._counts.get(first, 1) + 1
            candidate = f"{stem}-{self._counts[first]}{suffix}"
        self._taken.add(_key(candidate))
        return candidate


def _safe(name: str, ext: str) -> tuple[str, str]:
    """Stem and suffix of a name that is safe on all systems."""
    # Use only the last component of a path, with the separators of any system.
    last = re.split(r"[/\\]", name)[-1]
    if not last.endswith(ext):
        last = f"{last.strip('. ') or 'file'}{ext}"
    plain = PurePosixPath(_UNSAFE.sub("_", last).strip(". ") or "file")
    stem, suffix = _cut(plain.stem, _STEM_BYTES), _cut(plain.suffix, _SUFFIX_BYTES)
    if stem.split(".")[0].rstrip().casefold() in _RESERVED:
        stem = f"_{stem}"
    return stem, suffix.rstrip(". ")


def _cut(text: str, size: int) -> str:
    """Truncate a text to a number of bytes."""
    return text.encode()[:size].decode(errors="ignore")


def _key(name: str) -> str:
    """A key that is equal for names that some file system treats as equal."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
