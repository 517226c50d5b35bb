"""Wrong servers: correct for a single client, wrong for concurrent ones.

After a write, a server is busy for a few iterations of the event loop: the next request of the
same client arrives later than that, those of other clients arrive earlier.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fakeviam import Interceptor, MemoryStore
from fakeviam.wire import data
from fakeviam_contracts.mutants.base import PAGES, Mutant, on_exchange, with_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.values import TagRemoval
    from fakeviam_contracts.mutants.base import Memory, PageReply, PageRequest

BINARY = PAGES[0]
#: Iterations of the event loop; a client needs more between two calls.
ROUNDS = 2


def after(rounds: int, work: Callable[[], object]) -> None:
    """Call a function after a number of iterations of the event loop."""
    loop = asyncio.get_running_loop()
    if rounds:
        loop.call_soon(after, rounds - 1, work)
    else:
        work()


class Busy(MemoryStore):
    """Remembers the writes in progress, and the state when they started."""

    def begun(self, key: object, before: object = None) -> Any:
        """The state when this write started, or None if it starts now."""
        doing: dict[Any, Any] = vars(self).setdefault("_doing", {})
        if key in doing:
            return doing[key]
        doing[key] = before
        after(ROUNDS, lambda: doing.pop(key, None))
        return None

    def tags_of(self, file_ids: list[str]) -> dict[str, tuple[str, ...]]:
        return {r.file_id: r.tags for r in self.find_binary(file_ids) if r is not None}


class _LosesTags(Busy):
    """Writes back the list of tags as it was read, with the new ones: the last write wins."""

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        ids = list(file_ids)
        before = self.begun("tags", self.tags_of(ids))
        for one, old in (before or {}).items():
            late = [tag for tag in self.tags_of([one]).get(one, ()) if tag not in old]
            super().remove_tags([one], late)
        return super().add_tags(ids, tags)


class _LosesRemovals(Busy):
    """A removal that is concurrent with an addition is lost."""

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        self.begun("tags", True)  # noqa: FBT003 - the state
        return super().add_tags(file_ids, tags)

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        if self.begun("tags"):
            return super().remove_tags([], tags)
        return super().remove_tags(file_ids, tags)


class _Halves(Busy):
    """Tags one half of the matching files now, and the other half later."""

    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        page = self.binary_page(query, after=None, limit=1000, descending=False)
        ids = [record.file_id for record in page.records]
        half = len(ids) // 2
        after(ROUNDS, lambda: MemoryStore.add_tags(self, ids[half:], tags))
        super().add_tags(ids[:half], tags)
        return len(ids)


class _LateTags(Busy):
    """With concurrent writes, acknowledges immediately and writes later."""

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        ids = list(file_ids)
        if self.begun("tags", True) is None:  # noqa: FBT003 - the state
            return super().add_tags(ids, tags)
        after(60, lambda: MemoryStore.add_tags(self, ids, tags))
        return len(ids)


class _LosesMembers(Busy):
    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        if self.begun((dataset_id, "members"), True):  # noqa: FBT003 - the state
            return 0
        return super().add_members(dataset_id, file_ids)


class _LosesBoxes(Busy):
    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        if self.begun((file_id, "boxes"), True):  # noqa: FBT003 - the state
            return True
        return super().add_box(file_id, box)


class _CountsTwice(Busy):
    """Counts what existed at the start, even if another call has deleted it since."""

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        there = [r.file_id for r in self.find_binary(ids) if r is not None]
        before = self.begun("deletes", there)
        count = super().delete_binary(ids)
        return count if before is None else len(before)


class _CountsTagsTwice(Busy):
    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        key = ("removed", tuple(tags))
        doing: dict[object, TagRemoval] = vars(self).setdefault("_answers", {})
        first = self.begun(key, True) is None  # noqa: FBT003 - the state
        answer = super().remove_tags(file_ids, tags)
        doing[key] = answer if first else doing[key]
        return doing[key]


class _SameNames(Busy):
    """Checks whether a name is taken before concurrent calls have stored theirs."""

    def _is_taken(self, organization_id: str, name: str) -> bool:
        result = super()._is_taken(organization_id, name)
        before = self.begun((organization_id, name), "taken" if result else "free")
        return result if before is None else before == "taken"


class _SameNewNames(_SameNames):
    """The same, but only when datasets are renamed."""

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if any(one.name == dataset.name for one in self.datasets(dataset.organization_id)):
            return False
        return super().add_dataset(dataset, members_of=members_of)


class _LosesUploads(Busy):
    """Of concurrent uploads only the first is stored, but all are acknowledged."""

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        if self.begun("uploads", True) is None:  # noqa: FBT003 - the state
            super().add_binary(records)
        else:
            after(10_000, lambda: None)


class _SameContents(Busy):
    """Concurrent uploads all get the bytes of the first."""

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        first = self.begun("bytes", records[0][1] if records else b"")
        super().add_binary([(r, payload if first is None else first) for r, payload in records])


class _Confused(Interceptor):
    """Concurrent reads get the reply to the first of them."""

    fired = True

    def __init__(self, rpc: str) -> None:
        self._rpc, self._answer = rpc, b""

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        if rpc != self._rpc:
            return message
        if self._answer:
            return type(message).FromString(self._answer)
        self._answer = message.SerializeToString()
        after(ROUNDS, self._forget)
        return message

    def _forget(self) -> None:
        self._answer = b""


class _SameBoxId(Interceptor):
    """Concurrent boxes get the id of the first."""

    fired = True
    _id = ""

    def reply(self, rpc: str, request: object, message: object) -> Any:
        del request
        if isinstance(message, data.AddBoundingBoxToImageByIDResponse) and rpc:
            if self._id:
                message.bbox_id = self._id
            else:
                self._id = message.bbox_id
                after(ROUNDS, self._forget)
        return message

    def _forget(self) -> None:
        self._id = ""


def _one_cursor(message: PageRequest, memory: Memory) -> None:
    """Continues from the last page that any client received."""
    if message.data_request.last:
        message.data_request.last = memory.get("last", message.data_request.last)


def _moves(_: object, reply: PageReply, memory: Memory) -> None:
    if reply.last:
        memory["last"] = reply.last


def _hooked(name: str, clause: str, interceptor: Callable[[], Interceptor]) -> Mutant:
    return Mutant(name=name, clause=clause, interceptor=interceptor)


MUTANTS: tuple[Mutant, ...] = (
    with_store("loses tags that are added at once", "TA-1", _LosesTags),
    with_store("forgets removals beside additions", "TR-1", _LosesRemovals),
    with_store("tags what a filter finds in halves", "A71", _Halves),
    with_store("acknowledges tags before it writes them", "TA-1", _LateTags),
    with_store("loses members that join at once", "DM-1", _LosesMembers),
    with_store("loses boxes that come at once", "BX-5", _LosesBoxes),
    with_store("counts what others deleted meanwhile", "DI-1", _CountsTwice),
    with_store("counts tags that others removed meanwhile", "TR-2", _CountsTagsTwice),
    with_store("gives one name to datasets at once", "DS-8", _SameNames),
    with_store("renames several datasets to one name at once", "DS-8", _SameNewNames),
    with_store("loses uploads that come at once", "UP-9", _LosesUploads),
    with_store("mixes bytes of uploads at once", "FU-3", _SameContents),
    _hooked("gives pages to whoever asked first", "PG-3", lambda: _Confused(BINARY)),
    _hooked("gives files to whoever asked first", "BI-1", lambda: _Confused("BinaryDataByIDs")),
    _hooked("gives boxes at once one id", "BX-1", _SameBoxId),
    on_exchange("has one cursor for all clients", "PG-3", {BINARY: _one_cursor},
                {BINARY: _moves}),
)  # fmt: skip
