"""Wrong servers: sequences and their datasets."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from grpclib.const import Status

from fakeviam import MemoryStore
from fakeviam.model.entities import Sequence
from fakeviam.model.filters import Query
from fakeviam_contracts.mutants.access import LOGIN, empty_reply, first_key
from fakeviam_contracts.mutants.base import (
    Mutant,
    in_each,
    on_refusal,
    on_reply,
    on_request,
    only_first,
    refusing,
    with_store,
)
from fakeviam_contracts.mutants.entities import changing, in_list, undeletable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.entities import Entity
    from fakeviam.store.values import Page
    from fakeviam_contracts.mutants.base import Memory

CREATE, GET, UPDATE = "CreateSequence", "GetSequence", "UpdateSequence"
LIST, MEMBERS, INSIDE = "ListSequences", "SequencesByDatasetID", "GetSequenceBinaryData"
ADD, REMOVE = "AddSequencesToDataset", "RemoveSequencesFromDataset"
IMAGES = frozenset({"image/jpeg", "image/png"})
SECOND = 1_000_000_000

#: Edits of each sequence, and of each file, in a reply.
_sequence = partial(in_each, "sequences", "sequence")
_file = partial(in_each, "data", "")


def _looking(change: Callable[[Query], Query]) -> type[MemoryStore]:
    """A store that selects other files for sequences."""

    class Looking(MemoryStore):
        def binary_page(self, query: Query, **how: Any) -> Page[Any]:
            is_inside = query.part_id and query.mime_types == IMAGES
            return super().binary_page(change(query) if is_inside else query, **how)

    return Looking


def _widened(query: Query) -> Query:
    interval = query.interval
    if interval.start is None or interval.end is None:
        return query
    wide = replace(interval, start=interval.start - SECOND, end=interval.end + SECOND)
    return replace(query, interval=wide)


class _DeletesSequenceData(MemoryStore):
    def drop_entities(self, *entities: Entity) -> None:
        super().drop_entities(*entities)
        for each in entities:
            if isinstance(each, Sequence):
                super().delete_binary_matching(Query(part_id=each.part_id))


class _DeletesEmptied(MemoryStore):
    """A sequence is deleted with its data."""

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        count = super().delete_binary(file_ids)
        if not any(True for _ in self.binary_rows()):
            self.drop_entities(*self.entities(Sequence))
        return count


class _MergeMovesSequences(MemoryStore):
    """Merging datasets removes the sequences from the sources."""

    def add_dataset(self, dataset: Dataset, *, members_of: Iterable[str] = ()) -> bool:
        ids = list(members_of)
        is_added = super().add_dataset(dataset, members_of=ids)
        moved = [e for e in self.entities(Sequence) if is_added and ids and e.dataset_ids]
        self.put_entities(*(replace(each, dataset_ids=(dataset.id,)) for each in moved))
        return is_added


def _changes_all(store: MemoryStore, sequence: Sequence) -> Sequence:
    if store.entity(Sequence, sequence.id) is not None:
        others = store.entities(Sequence, sequence.owner)
        MemoryStore.put_entities(store, *(replace(one, tags=sequence.tags) for one in others))
    return sequence


def _never_leaves(store: MemoryStore, sequence: Sequence) -> Sequence:
    old = store.entity(Sequence, sequence.id)
    joined = dict.fromkeys([*(old.dataset_ids if old else ()), *sequence.dataset_ids])
    return replace(sequence, dataset_ids=tuple(joined))


def _leaves_all(store: MemoryStore, sequence: Sequence) -> Sequence:
    old = store.entity(Sequence, sequence.id)
    left = old is not None and len(old.dataset_ids) > len(sequence.dataset_ids)
    return replace(sequence, dataset_ids=()) if left else sequence


def _in_one(_: MemoryStore, sequence: Sequence) -> Sequence:
    return replace(sequence, dataset_ids=sequence.dataset_ids[-1:])


def _first_part(message: Any, memory: Memory) -> None:
    message.part_id = memory.setdefault("part", message.part_id)


def _whole_seconds(message: Any, _: Memory) -> None:
    for name in ("start_time", "end_time"):
        if message.HasField(name):
            getattr(message, name).ClearField("nanos")


def _swap_ends(message: Any, _: Memory) -> None:
    start, end = message.start_time.ToNanoseconds(), message.end_time.ToNanoseconds()
    if message.HasField("start_time") and message.HasField("end_time") and start > end:
        message.start_time.FromNanoseconds(end)
        message.end_time.FromNanoseconds(start)


def _all_paths(message: Any, _: Memory) -> None:
    if message.HasField("end_time"):
        message.field_mask.paths[:] = ["resources", "sequence_tags", "start_time", "end_time"]


def _first_path(message: Any, _: Memory) -> None:
    del message.field_mask.paths[1:]


def _no_empty_lists(message: Any, _: Memory) -> None:
    if not message.sequence_tags and "sequence_tags" in message.field_mask.paths:
        message.field_mask.paths.remove("sequence_tags")


def _only_known(message: Any, _: Memory) -> None:
    message.sequence_ids[:] = [each for each in message.sequence_ids if each != "0" * 24]


def _copies(request: Any, reply: Any, memory: Memory) -> None:
    """Returns the files that a sequence first had."""
    copy = type(reply)()
    copy.CopyFrom(reply)
    reply.CopyFrom(memory.setdefault((request.sequence_id, request.page_token), copy))


def _never_ends(_: object, reply: Any, __: Memory) -> None:
    reply.next_page_token = reply.next_page_token or "more"


def _no_token(_: object, reply: Any, __: Memory) -> None:
    reply.ClearField("next_page_token")


def _of_first_method(entries: list[Any]) -> None:
    entries[:] = [
        entry for entry in entries if entry.metadata.capture_metadata.method_name == "ReadImage"
    ]


#: Servers that deviate without breaking a binding clause.
LEGAL: tuple[Mutant, ...] = (
    on_reply("lists the newest sequence first", "SQ-13",
             in_list("sequences", list.reverse), LIST, MEMBERS),
    on_reply("gives the newest file of a sequence first", "SQ-15", in_list("data", list.reverse),
             INSIDE),
    on_refusal("calls sequences of nobody UNKNOWN", "SQ-12", refusing(Status.UNKNOWN)),
    on_request("adds the sequences that it knows", "SQ-10", _only_known, ADD, REMOVE),
)  # fmt: skip


def _both_ends(message: Any, _: Memory) -> None:
    if list(message.field_mask.paths) == ["start_time"] and message.HasField("end_time"):
        message.field_mask.paths.append("end_time")


def _count_later(request: Any, reply: Any, _: Memory) -> None:
    if request.page_token:
        reply.count = len(reply.sequences)


MUTANTS: tuple[Mutant, ...] = (
    with_store("keeps sequences that were deleted", "SQ-1", undeletable(Sequence)),
    on_request("keeps the first resource of a sequence alone", "SQ-1", only_first("resources"),
               CREATE),
    on_request("has all sequences of one part", "SQ-1", _first_part, CREATE),
    on_request("cuts windows of sequences to seconds", "SQ-1", _whole_seconds, CREATE),
    on_request("forgets tags of sequences", "SQ-1", lambda m, _: m.ClearField("sequence_tags"),
               CREATE),
    on_reply("does not say when sequences were created", "SQ-1",
             _sequence(lambda s: s.ClearField("created_at")), GET, LIST),
    on_reply("lists sequences without resources", "SQ-1",
             _sequence(lambda s: s.ClearField("resources")), LIST),
    on_reply("lists all sequences but the last", "SQ-1",
             in_list("sequences", lambda s: s and s.pop()), LIST),
    on_request("changes all of a sequence", "SQ-2", _all_paths, UPDATE),
    on_request("changes one field of a sequence at a time", "SQ-2", _first_path, UPDATE),
    on_request("cannot empty tags of sequences", "SQ-2", _no_empty_lists, UPDATE),
    with_store("changes all sequences at once", "SQ-2", changing(Sequence, _changes_all)),
    with_store("deletes data with its sequence", "SQ-3", _DeletesSequenceData),
    with_store("deletes sequences with their data", "SQ-3", _DeletesEmptied),
    on_reply("copies data into sequences", "SQ-3", _copies, INSIDE),
    with_store("leaves the end of a window outside", "SQ-4", _looking(
        lambda q: replace(q, interval=replace(q.interval, end_inside=False)))),
    with_store("looks a second beyond windows", "SQ-4", _looking(_widened)),
    with_store("looks at anything until the end", "SQ-4", _looking(
        lambda q: replace(q, interval=replace(q.interval, start=None)))),
    on_reply("has one page of sequences", "SQ-5", _no_token, LIST),
    on_reply("has one page of sequences of a dataset", "SQ-5", _no_token, MEMBERS),
    on_reply("has one page of files of a sequence", "SQ-5", _no_token, INSIDE),
    on_reply("never ends lists of sequences", "SQ-5", _never_ends, MEMBERS),
    on_request("begins lists of sequences again", "SQ-5", lambda m, _: m.ClearField("page_token"),
               MEMBERS, INSIDE),
    on_reply("counts the sequences of a page", "SQ-6",
             lambda _, r, __: setattr(r, "count", len(r.sequences)), MEMBERS),
    on_request("lists sequences that are to be counted", "SQ-6",
               lambda m, _: setattr(m, "count_only", False), MEMBERS),
    on_request("has one size of pages of a dataset", "SQ-6",
               lambda m, _: setattr(m, "page_size", 100), MEMBERS),
    with_store("has files of all parts inside", "SQ-7", _looking(lambda q: replace(q, part_id=""))),
    on_reply("has files of the first resource inside", "SQ-7",
             in_list("data", _of_first_method), INSIDE),
    on_request("has one size of pages of files", "SQ-7",
               lambda m, _: setattr(m, "page_size", 100), INSIDE),
    on_reply("tells the names of files inside alone", "SQ-7",
             _file(lambda e: e.metadata.ClearField("capture_metadata")), INSIDE),
    with_store("has files of any kind inside", "SQ-8",
               _looking(lambda q: replace(q, mime_types=frozenset()))),
    with_store("has JPEG inside alone", "SQ-8",
               _looking(lambda q: replace(q, mime_types=frozenset({"image/jpeg"})))),
    on_request("adds the first sequence alone", "SQ-9", only_first("sequence_ids"), ADD),
    on_request("removes the first sequence alone", "SQ-9", only_first("sequence_ids"), REMOVE),
    with_store("never removes sequences", "SQ-9", changing(Sequence, _never_leaves)),
    with_store("removes sequences from all datasets", "SQ-9", changing(Sequence, _leaves_all)),
    with_store("has each sequence in one dataset", "SQ-9", changing(Sequence, _in_one)),
    on_reply("does not say where sequences are", "SQ-9",
             _sequence(lambda s: s.ClearField("dataset_ids")), GET),
    on_refusal("adds no sequences", "SQ-10", empty_reply),
    on_refusal("has sequences of nothing", "SQ-11", empty_reply),
    on_request("turns windows round", "SQ-11", _swap_ends, CREATE),
    on_refusal("has sequences of nobody", "SQ-12", empty_reply),
    on_refusal("takes any token for sequences", "SQ-13", empty_reply),
    on_refusal("has sequences in datasets of files", "SQ-14", empty_reply),
    on_reply("gives bytes of files inside", "SQ-15", _file(lambda e: setattr(e, "binary", b"x")),
             INSIDE),
    on_request("takes machines for owners of sequences", "SQ-16", first_key, LOGIN),
    on_request("merges sequences of the first dataset", "SQ-17", only_first("dataset_ids"),
               "MergeDatasets"),
    with_store("moves sequences that are merged", "SQ-17", _MergeMovesSequences),
    on_request("changes both ends of a window", "SQ-2", _both_ends, UPDATE),
    with_store("sorts tags of sequences", "SQ-1",
               changing(Sequence, lambda _, s: replace(s, tags=tuple(sorted(s.tags))))),
    on_reply("lists sequences without their datasets", "SQ-9",
             _sequence(lambda s: s.ClearField("dataset_ids")), MEMBERS),
    on_reply("counts the sequences of later pages", "SQ-6", _count_later, MEMBERS),
    *LEGAL,
)  # fmt: skip
