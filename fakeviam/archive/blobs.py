"""Contents of files, stored by their hash."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from fakeviam.archive.files import Files
from fakeviam.archive.lines import damaged

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


_NAME = re.compile("[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """The hash of bytes."""
    return sha256(data).hexdigest()


class Blobs:
    """A folder with files `ab/abcdef…`."""

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        """Use `folder`, which need not exist yet."""
        self.folder = folder
        self._files = Files() if files is None else files
        self._known: set[str] = set()
        self._unnamed: list[str] = []

    def put(self, data: bytes) -> str:
        """Store bytes, once for equal contents; returns their hash.

        Raises:
            OSError: They cannot be written.
        """
        name = digest_of(data)
        if name not in self._known:
            # An existing file that has not been verified may have any contents.
            path = self._path(name)
            self._files.make_folder(path.parent)
            self._unnamed.append(name)
            self._files.put(path, data)
            self._known.add(name)
        return name

    def settle(self) -> None:
        """Keep all bytes since the last call, because something persistent refers to them."""
        self._unnamed.clear()

    def undo(self) -> None:
        """Remove all bytes since the last `settle`, because nothing refers to them."""
        for name in self._unnamed:
            self._known.discard(name)
            self._files.discard(self._path(name))
        self._unnamed.clear()

    def get(self, name: str, where: str) -> bytes:
        """The bytes with a hash that is used at `where`.

        Raises:
            DamageError: They are missing or differ.
        """
        if not _NAME.fullmatch(name):
            raise damaged(where, f"sha256 must be 64 hex digits, got {name!r}")
        path = self._path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            text = f"sha256 names the file {path}, which cannot be read ({error.strerror})"
            raise damaged(where, text) from None
        if digest_of(data) != name:
            text = f"does not match its hash: {len(data)} bytes, named in {where}"
            raise damaged(str(path), text)
        self._known.add(name)
        return data

    def keep_only(self, names: Collection[object]) -> None:
        """Delete all others; one that cannot be deleted only wastes space."""
        for path in self.folder.glob("*/*"):
            if path.name not in names:
                self._files.discard(path)
        self._known = {name for name in self._known if name in names}

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name
