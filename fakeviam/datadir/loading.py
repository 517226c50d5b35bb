"""From the files of a data directory to the state they tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fakeviam.archive.lines import Fields, check_version, damaged
from fakeviam.archive.reader import read_tables
from fakeviam.datadir.log import entries_of
from fakeviam.datadir.ops import Cleared, Coder, KeysSet, PartPut
from fakeviam.model.ids import Counters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakeviam.archive.blobs import Blobs
    from fakeviam.archive.contents import Contents
    from fakeviam.datadir.ops import Step
    from fakeviam.store.base import Store

LOG = "fakeviam log"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files tell.

    Attributes:
        contents: The state.
        entries: How many whole entries the last log has.
        coder: Knows the sources that the last log told.
    """

    contents: Contents
    entries: int
    coder: Coder


def load(state: Path, logs: list[Path], blobs: Blobs, make_store: Callable[[], Store]) -> Loaded:
    """Read a state, and what the logs say came since.

    Raises:
        UsageError: There is damage, or a later fakeviam wrote it; the text says where (DD-3).
    """
    loader = _Loader(read_tables(state, blobs, make_store()), make_store)
    entries, coder = 0, Coder(blobs)
    for path in logs:
        entries, coder = 0, Coder(blobs)
        for fields in entries_of(path, is_last=path == logs[-1]):
            if entries == 0:
                check_version(fields, name=LOG, version=VERSION)
                fields.done()
            else:
                loader.take(fields, coder)
            entries += 1
    return Loaded(loader.contents, entries, coder)


class _Loader:
    def __init__(self, contents: Contents, make_store: Callable[[], Store]) -> None:
        self.contents = contents
        self._make_store = make_store

    def take(self, fields: Fields, coder: Coder) -> None:
        """Do what one entry says."""
        for row in fields.items("do"):
            for step in coder.steps(Fields(row, fields.where)):
                self._do(step, fields.where)
        if fields.holds("ids"):
            counters = fields.inner("ids")
            self._replace(counters=Counters(*(counters.number(name) for name in Counters._fields)))
            counters.done()
        fields.done()

    def _do(self, step: Step, where: str) -> None:
        match step:
            case PartPut(part):
                self._replace(fleet=self.contents.fleet.with_part(part))
            case KeysSet(keys):
                self._replace(keys=keys)
            case Cleared():
                self._replace(store=self._make_store())
            case _:
                try:
                    self.contents.store.apply([step])
                except LookupError as error:
                    raise damaged(where, f"names what is not there: {error}") from None

    def _replace(self, **changes: object) -> None:
        self.contents = replace(self.contents, **changes)  # type: ignore[arg-type]
