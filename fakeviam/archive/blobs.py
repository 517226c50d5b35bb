"""Bytes of files, each under the name of its hash."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from fakeviam.archive.lines import damaged

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


_NAME = re.compile("[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """The name of bytes."""
    return sha256(data).hexdigest()


class Blobs:
    """A folder of files `ab/abcdef…`."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which need not exist yet."""
        self.folder = folder
        self._known: set[str] = set()

    def put(self, data: bytes) -> str:
        """Keep bytes, once however often they come; answer their name."""
        name = digest_of(data)
        if name not in self._known:
            path = self._path(name)
            if not path.exists():
                self._write(path, data)
            self._known.add(name)
        return name

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Under its name stands all of it or nothing, whenever the process ends.
        temporary = path.with_suffix(".part")
        temporary.write_bytes(data)
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace makes another Path first

    def get(self, name: str, where: str) -> bytes:
        """The bytes of a name that stands at `where`.

        Raises:
            DamageError: They are not there, or are others.
        """
        if not _NAME.fullmatch(name):
            raise damaged(where, f"sha256 must be 64 hex digits, got {name!r}")
        path = self._path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            told = f"sha256 names the file {path}, which cannot be read ({error.strerror})"
            raise damaged(where, told) from None
        if digest_of(data) != name:
            told = f"is not what its name says: {len(data)} bytes, named in {where}"
            raise damaged(str(path), told)
        self._known.add(name)
        return data

    def keep_only(self, names: Collection[str]) -> None:
        """Delete all others."""
        for path in self.folder.glob("*/*"):
            if path.name not in names:
                path.unlink()
        self._known.intersection_update(names)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name
