"""Wrong servers of the newer RPCs: values, long lists, schedules, and what a change leaves."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fakeviam import MemoryStore
from fakeviam.model.entities import DataPipeline, Sequence
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.mutants.base import Mutant, on_reply, on_request, with_store
from fakeviam_contracts.mutants.entities import in_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.entities import Entity
    from fakeviam_contracts.mutants.base import Memory, RequestEdit

# Texts ------------------------------------------------------------------------------------


def _text(name: str, change: Callable[[str], str]) -> RequestEdit:
    """Changes a text of a request, or each text of a list."""

    def edit(message: Any, _: Memory) -> None:
        value = getattr(message, name)
        if isinstance(value, str):
            setattr(message, name, change(value))
        else:
            value[:] = map(change, value)

    return edit


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _one_blank(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _plain(text: str) -> str:
    return "".join(character for character in text if ord(character) < 0x10000)


def _cut(text: str) -> str:
    return text[:255]


def _cut_resources(message: Any, _: Memory) -> None:
    for each in message.resources:
        each.resource_name = each.resource_name.strip()


def _metadata(change: Callable[[Any], Any]) -> RequestEdit:
    """Changes each mapping and list in metadata, the inner ones first."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return change({name: changed(inner) for name, inner in value.items()})
        return change([changed(inner) for inner in value]) if isinstance(value, list) else value

    def edit(message: Any, _: Memory) -> None:
        message.data.CopyFrom(struct_from(changed(mapping_from(message.data))))

    return edit


def _no_strange_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if not name.startswith("$")}
    return value


def _no_empty_lists(value: Any) -> Any:
    return {k: v for k, v in value.items() if v != []} if isinstance(value, dict) else value


def _never_empty(message: Any, memory: Memory) -> None:
    """An update without anything keeps what there was."""
    if message.data.fields:
        memory["last"] = mapping_from(message.data)
    else:
        message.data.CopyFrom(struct_from(memory.get("last", {})))


METADATA = [f"Update{of}Metadata" for of in ("Organization", "Location", "Robot", "RobotPart")]


# What a change leaves -----------------------------------------------------------------------


def _after(kind: type[Any], change: Callable[[Any, Any], Any]) -> type[MemoryStore]:
    """A store that changes more of an entity than it was asked to; gets it before and after."""

    class After(MemoryStore):
        def _changed(self, entity: Entity) -> Any:
            before = self.entity(kind, entity.id) if isinstance(entity, kind) else None
            return entity if before is None else change(before, entity)

        def put_entities(self, *entities: Entity) -> bool:
            return super().put_entities(*map(self._changed, entities))

    return After


def _enabled_by_name(before: DataPipeline, after: DataPipeline) -> DataPipeline:
    return replace(after, enabled=True) if before.name != after.name else after


def _unfilled_by(field: str, before: DataPipeline, after: DataPipeline) -> DataPipeline:
    changed = getattr(before, field) != getattr(after, field)
    return replace(after, backfills=False, time_filled=None) if changed else after


def _first_stage(before: DataPipeline, after: DataPipeline) -> DataPipeline:
    return replace(after, stages=after.stages[:1]) if after.enabled > before.enabled else after


def _new_by_toggling(before: DataPipeline, after: DataPipeline) -> DataPipeline:
    is_toggled = before.enabled != after.enabled
    return replace(after, time_created=after.time_updated) if is_toggled else after


def _leaves_datasets(before: Sequence, after: Sequence) -> Sequence:
    return replace(after, dataset_ids=()) if before.dataset_ids == after.dataset_ids else after


def _untagged_member(before: Sequence, after: Sequence) -> Sequence:
    return replace(after, tags=()) if len(after.dataset_ids) > len(before.dataset_ids) else after


def _new_member(before: Sequence, after: Sequence) -> Sequence:
    is_new = len(after.dataset_ids) > len(before.dataset_ids)
    return replace(after, time_created=after.time_created + 1_000_000_000) if is_new else after


# Schedules --------------------------------------------------------------------------------


def _schedule(change: Callable[[list[str]], list[str]]) -> type[MemoryStore]:
    """A store whose pipelines run by another schedule than they say."""
    from fakeviam.model.schedules import schedule_of  # noqa: PLC0415 - with the first pipeline

    class Other(MemoryStore):
        def put_entities(self, *entities: Entity) -> bool:
            return super().put_entities(*map(self._scheduled, entities))

        def _scheduled(self, entity: Entity) -> Entity:
            if not isinstance(entity, DataPipeline):
                return entity
            before = self.entity(DataPipeline, entity.id)
            tick = entity.time_created if before is None else before.time_next
            if tick >= entity.time_next:
                return entity
            # The next tick is that of the other schedule, if it comes before.
            other = schedule_of(" ".join(change(entity.schedule.split())))
            return replace(entity, time_next=min(entity.time_next, other.after(tick)))

    return Other


def _every(at: int) -> Callable[[list[str]], list[str]]:
    """One field of the schedule is ignored."""
    return lambda fields: [*fields[:at], "*", *fields[at + 1 :]]


def _no_steps(fields: list[str]) -> list[str]:
    return [re.sub(r"(\d+-\d+)/\d+", r"\1", field) for field in fields]


def _at_most(number: int) -> Callable[[list[Any]], None]:
    return lambda entries: entries.__delitem__(slice(number, None))


MUTANTS: tuple[Mutant, ...] = (
    on_request("composes names of saved queries", "SA-1", _text("name", _composed),
               "CreateSavedQuery"),
    on_request("cuts names of saved queries at 255", "SA-1", _text("name", _cut),
               "CreateSavedQuery"),
    on_request("joins blanks in new names of saved queries", "SA-1", _text("name", _one_blank),
               "UpdateSavedQuery"),
    on_request("decodes names of saved queries before queries", "MQ-12",
               _text("query_prefix_name", unquote), "TabularDataByMQL"),
    on_request("escapes names of pipelines", "DP-1", _text("name", html.escape),
               "CreateDataPipeline"),
    on_request("cuts names of pipelines at 255", "DP-1", _text("name", _cut),
               "CreateDataPipeline"),
    on_request("drops pictures from new names of pipelines", "DP-1", _text("name", _plain),
               "RenameDataPipeline"),
    on_request("lowers tags of sequences", "SQ-1", _text("sequence_tags", str.lower),
               "CreateSequence"),
    on_request("strips new tags of sequences", "SQ-2", _text("sequence_tags", _one_blank),
               "UpdateSequence"),
    on_request("strips resources of sequences", "SQ-1", _cut_resources, "CreateSequence"),
    on_request("composes methods of the latest", "GL-1", _text("method_name", _composed),
               "GetLatestTabularData"),
    on_request("decodes methods of exports", "EX-1", _text("method_name", unquote),
               "ExportTabularData"),
    on_request("composes statements", "SL-1", _text("sql_query", _composed), "TabularDataBySQL"),
    on_request("composes tags by filter", "TA-3", _text("tags", _composed),
               "AddTagsToBinaryDataByFilter"),
    on_request("escapes new labels", "BU-1", _text("label", html.escape), "UpdateBoundingBox"),
    on_request("drops keys of metadata with a dollar", "AP-7", _metadata(_no_strange_keys),
               *METADATA),
    on_request("drops empty lists of metadata", "AP-7", _metadata(_no_empty_lists), *METADATA),
    on_request("never empties metadata", "AP-7", _never_empty, METADATA[3]),
    on_reply("lists 50 saved queries at most", "SA-1", in_list("queries", _at_most(50)),
             "ListSavedQueries"),
    on_reply("lists 100 pipelines at most", "DP-1", in_list("data_pipelines", _at_most(100)),
             "ListDataPipelines"),
    with_store("enables pipelines by a new name", "DP-1", _after(DataPipeline, _enabled_by_name)),
    with_store("does not back-fill after a new name", "DP-7",
               _after(DataPipeline, partial(_unfilled_by, "name"))),
    with_store("does not back-fill after a pause", "DP-7",
               _after(DataPipeline, partial(_unfilled_by, "enabled"))),
    with_store("enables the first stage of pipelines alone", "DP-1",
               _after(DataPipeline, _first_stage)),
    with_store("calls pipelines new when they are toggled", "DP-1",
               _after(DataPipeline, _new_by_toggling)),
    with_store("takes sequences that change out of datasets", "SQ-9",
               _after(Sequence, _leaves_datasets)),
    with_store("takes the tags of sequences that join datasets", "SQ-1",
               _after(Sequence, _untagged_member)),
    with_store("calls sequences new that join datasets", "SQ-1", _after(Sequence, _new_member)),
    with_store("runs pipelines whatever the day of the week", "DP-1", _schedule(_every(4))),
    with_store("runs pipelines whatever the day of the month", "DP-1", _schedule(_every(2))),
    with_store("runs pipelines whatever the month", "DP-1", _schedule(_every(3))),
    with_store("runs pipelines by ranges without their steps", "DP-1", _schedule(_no_steps)),
)  # fmt: skip
