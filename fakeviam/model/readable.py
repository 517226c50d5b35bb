"""Ids that people can read, for tests that print or compare them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from fakeviam.model.ids import Ids

if TYPE_CHECKING:
    from fakeviam.model.clock import Clock


class ReadableIds(Ids):
    """Numbered ids such as `file-000001`, which keep a format that clients check (CK-4).

    All except ObjectIDs share one counter, so that a number identifies one thing. Secrets are as
    unpredictable as ever.
    """

    def __init__(self, *, seed: int | str, clock: Clock) -> None:
        """Start at 1; `seed` determines the secrets."""
        super().__init__(seed=seed, clock=clock)
        self._count = itertools.count(1)

    def fork(self, name: str, *, clock: Clock) -> Ids:
        """The factory of a session, which continues at the current counter."""
        twin = ReadableIds(seed=self.seed_of(name), clock=clock)
        twin.rewind(self.counters)
        return twin

    def uuid(self) -> str:
        """`00000000-0000-4000-8000-000000000001`."""
        return f"00000000-0000-4000-8000-{next(self._count) % 10**12:012}"

    def location_id(self) -> str:
        """`loc0000001`."""
        return f"loc{next(self._count) % 10**7:07}"

    def file_id(self) -> str:
        """`file-000001`."""
        return f"file-{next(self._count):06}"

    def object_id(self, at: int | None = None) -> str:  # noqa: ARG002 - it contains no time
        """`000000000000000000000001`."""
        return f"{next(self._objects) % 10**24:024}"
