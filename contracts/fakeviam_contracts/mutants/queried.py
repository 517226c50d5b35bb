"""Wrong servers: queries over readings, and the latest reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.wire import data
from fakeviam_contracts.mutants.access import empty_reply
from fakeviam_contracts.mutants.base import Mutant, on_exchange, on_refusal, on_reply, on_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.wire import datasync
    from fakeviam_contracts.mutants.base import Memory, QueryReply, ReplyEdit, RequestEdit

MQL, LATEST, UPLOAD = "TabularDataByMQL", "GetLatestTabularData", "DataCaptureUpload"


def stages_of(message: Any) -> list[dict[str, Any]]:
    """The stages of a query; none if they are no documents."""
    import bson  # noqa: PLC0415 - with the first query
    from bson.errors import BSONError  # noqa: PLC0415

    try:
        return [bson.decode(stage) for stage in message.mql_binary]
    except BSONError:
        return []


def _send(message: Any, stages: list[dict[str, Any]]) -> None:
    import bson  # noqa: PLC0415

    message.mql_binary[:] = [bson.encode(stage) for stage in stages]


def _pipeline(change: Callable[[list[dict[str, object]]], object]) -> RequestEdit:
    """An edit of the stages of a query."""

    def edit(message: object, _: Memory) -> None:
        if stages := stages_of(message):
            change(stages)
            _send(message, stages)

    return edit


def _stage(name: str, change: Callable[[Any], Any]) -> Any:
    """An edit of the specification of each stage of a kind."""

    def edit(stages: list[dict[str, object]]) -> None:
        for stage in stages:
            if name in stage:
                stage[name] = change(stage[name])

    return _pipeline(edit)


def _everywhere(change: Callable[[str, object], tuple[str, object]]) -> object:
    """An edit of each name and value at any depth."""

    def walked(value: object) -> Any:
        if isinstance(value, dict):
            return dict(change(name, walked(inner)) for name, inner in value.items())
        return [walked(inner) for inner in value] if isinstance(value, list) else value

    def edit(stages: list[dict[str, Any]]) -> None:
        stages[:] = [walked(stage) for stage in stages]

    return _pipeline(edit)


def renamed(old: str, new: str) -> Any:
    """An edit that takes one operator for another."""
    return _everywhere(lambda name, value: (new if name == old else name, value))


def operator_edit(name: str, change: Callable[[Any], Any]) -> Any:
    """An edit of the operands of an operator, wherever it is."""
    return _everywhere(lambda key, value: (key, change(value) if key == name else value))


def edited_documents(change: Callable[[list[dict[str, Any]]], object]) -> ReplyEdit:
    """An edit of the documents in a reply."""

    def edit(_: object, reply: QueryReply, __: Memory) -> None:
        import bson  # noqa: PLC0415
        from bson.codec_options import CodecOptions  # noqa: PLC0415

        options = CodecOptions[dict[str, Any]](tz_aware=True)
        documents = [bson.decode(each, options) for each in reply.raw_data]
        change(documents)
        reply.raw_data[:] = [bson.encode(each) for each in documents]

    return edit


def _each(change: Callable[[dict[str, Any]], object]) -> Any:
    def edit(documents: list[dict[str, object]]) -> None:
        for document in documents:
            change(document)

    return edited_documents(edit)


def _in_seconds(document: dict[str, Any]) -> None:
    for name in ("time_requested", "time_received"):
        if name in document and hasattr(document[name], "replace"):
            document[name] = document[name].replace(microsecond=0)


def _without_sort(request: object, reply: QueryReply, _: Memory) -> None:
    if not any("$sort" in stage for stage in stages_of(request)):
        reply.raw_data.reverse()


def _counts_more(document: dict[str, object]) -> None:
    if len(document) == 1:
        ((name, value),) = document.items()
        document[name] = value + 1 if isinstance(value, int) else value


def _null_is_there(spec: dict[str, object]) -> dict[str, Any]:
    return {name: {"$type": "null"} if value is None else value for name, value in spec.items()}


def _nowhere(message: data.TabularDataByMQLRequest, _: Memory) -> None:
    if message.data_source.type == data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE:
        _send(message, [{"$match": {"part_id": "nobody"}}])


# The latest ------------------------------------------------------------------------------

_NAMES = ("part_id", "component_name", "component_type", "method_name")
_ASKED = ("part_id", "resource_name", "resource_subtype", "method_name")


def _keep(message: datasync.DataCaptureUploadRequest, memory: Memory) -> None:
    """Remember every uploaded reading."""
    names = [getattr(message.metadata, name) for name in _NAMES]
    for content in message.sensor_contents:
        if content.HasField("struct"):
            memory.setdefault("readings", []).append((names, content))


def _by_memory(ignored: str = "", *, by_arrival: bool = False) -> ReplyEdit:
    """Reply from memory, ignoring one of the fields, or in order of arrival."""

    def edit(request: Any, reply: Any, memory: Memory) -> None:
        if not all(getattr(request, name) for name in _ASKED):
            return
        wanted = [getattr(request, name) for name in _ASKED]
        contents = [
            content
            for names, content in memory.get("readings", ())
            if all(n == w or a == ignored for n, w, a in zip(names, wanted, _ASKED, strict=True))
        ]
        if not by_arrival:
            contents.sort(key=lambda content: content.metadata.time_requested.ToNanoseconds())
        if contents:
            reply.payload.CopyFrom(contents[-1].struct)
            reply.time_captured.CopyFrom(contents[-1].metadata.time_requested)

    return edit


def _latest(name: str, clause: str, edit: Any) -> Mutant:
    return on_exchange(name, clause, {UPLOAD: _keep}, {LATEST: edit})


def _of_late(_: object, reply: Any, __: Memory) -> None:
    if reply.time_captured.seconds < 1_690_000_000:
        reply.Clear()


def _not_found(_: object, reply: Any, __: Memory) -> None:
    if not reply.payload.fields:
        raise GRPCError(Status.NOT_FOUND, "nothing was captured")


def _before_all(stage: dict[str, object]) -> RequestEdit:
    """Has a stage run over the readings before those of the query."""

    def edit(message: data.TabularDataByMQLRequest, _: Memory) -> None:
        import bson  # noqa: PLC0415

        if message.data_source.type != data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK:
            message.mql_binary.insert(0, bson.encode(stage))

    return edit


def _more_in_rows(request: data.TabularDataBySQLRequest, reply: QueryReply, _: Memory) -> None:
    if request.sql_query.startswith("SELECT *"):
        _each(lambda row: row.update(version=1, _id=str(row["_id"])))(request, reply, _)


#: Servers that deviate in undocumented points.
LEGAL: tuple[Mutant, ...] = (
    on_request("finds the newest readings first", "MQ-6",
               _before_all({"$sort": {"time_requested": -1}}), MQL),
    on_request("has more fields in documents", "MQ-2", _before_all(
        {"$set": {"version": 1, "synced": {"by": "$part_id", "at": "$time_received"}}}), MQL),
    on_request("has texts as ids of documents", "MQ-2",
               _before_all({"$set": {"_id": {"$toString": "$_id"}}}), MQL),
    on_reply("has more in rows of SQL", "MQ-2", _more_in_rows, "TabularDataBySQL"),
)  # fmt: skip

MUTANTS: tuple[Mutant, ...] = (
    on_request("leaves the last stage out", "MQ-1", _pipeline(lambda s: s.pop()), MQL),
    on_request("runs stages backwards", "MQ-1", _pipeline(lambda s: s.reverse()), MQL),
    on_request("limits to one more", "MQ-1", _stage("$limit", lambda n: n + 1), MQL),
    on_request("skips nothing", "MQ-1", _stage("$skip", lambda _: 0), MQL),
    on_request("sorts upwards alone", "MQ-1", _stage("$sort", lambda s: dict.fromkeys(s, 1)), MQL),
    on_request("sorts by the last key alone", "MQ-1",
               _stage("$sort", lambda s: dict([list(s.items())[-1]])), MQL),
    on_request("finds null only where it is", "MQ-1", _stage("$match", _null_is_there), MQL),
    on_request("takes $or for $and", "MQ-1", renamed("$or", "$and"), MQL),
    on_request("takes $gte for $gt", "MQ-1", renamed("$gte", "$gt"), MQL),
    on_request("takes $lte for $lt", "MQ-1", renamed("$lte", "$lt"), MQL),
    on_request("looks at the first of $in", "MQ-1", operator_edit("$in", lambda v: v[:1]), MQL),
    on_request("takes $nor for the first alone", "MQ-1",
               operator_edit("$nor", lambda v: v[:1]), MQL),
    on_request("takes $exists for true", "MQ-1", operator_edit("$exists", lambda _: True), MQL),
    on_request("averages null as zero", "MQ-1",
               operator_edit("$avg", lambda v: {"$ifNull": [v, 0]}), MQL),
    on_request("takes $max for $min", "MQ-1", renamed("$max", "$min"), MQL),
    on_request("takes $last for $first", "MQ-1", renamed("$last", "$first"), MQL),
    on_request("groups everything", "MQ-1", _stage("$group", lambda s: {**s, "_id": None}), MQL),
    on_request("drops what has nothing to unwind", "MQ-1",
               _stage("$unwind", lambda s: s if isinstance(s, str) else s["path"]), MQL),
    on_request("keeps what has nothing to unwind", "MQ-1",
               _stage("$unwind", lambda s: {"path": s if isinstance(s, str) else s["path"],
                                            "preserveNullAndEmptyArrays": True}), MQL),
    on_request("keeps ids in projections", "MQ-1",
               _stage("$project", lambda s: {k: v for k, v in s.items() if k != "_id"}), MQL),
    on_request("unsets the first alone", "MQ-1",
               _stage("$unset", lambda s: s if isinstance(s, str) else s[:1]), MQL),
    on_request("adds the first two alone", "MQ-1",
               operator_edit("$multiply", lambda v: v[:2]), MQL),
    on_request("evaluates $literal", "MQ-1", renamed("$literal", "$ifNull"), MQL),
    on_reply("counts one more in queries", "MQ-1", _each(_counts_more), MQL),
    on_reply("gives 100 documents at most", "MQ-1",
             edited_documents(lambda d: d.__delitem__(slice(100, None))), MQL),
    on_reply("gives documents twice", "MQ-1", edited_documents(lambda d: d.extend(d[:1])), MQL),
    on_reply("has no tags in documents", "MQ-2", _each(lambda d: d.pop("tags", None)), MQL),
    on_reply("has no capture_day", "MQ-2", _each(lambda d: d.pop("capture_day", None)), MQL),
    on_reply("names robots in documents", "MQ-2",
             _each(lambda d: "robot_id" in d and d.update(robot_name="rover")), MQL),
    on_reply("calls methods otherwise", "MQ-2",
             _each(lambda d: "method_name" in d and d.update(method=d.pop("method_name"))), MQL),
    on_reply("cuts times of documents to seconds", "MQ-2", _each(_in_seconds), MQL),
    on_reply("unpacks readings", "MQ-2",
             _each(lambda d: isinstance(d.get("data"), dict)
                   and d.update(data=d["data"].get("readings", d["data"]))), MQL),
    on_reply("has a document of nothing", "MQ-5",
             edited_documents(lambda d: d.extend([] if d else [{}])), MQL),
    on_refusal("takes stages that write", "MQ-3", empty_reply),
    on_refusal("answers pipelines without sense", "MQ-4", empty_reply),
    on_reply("starts queries with the newest", "MQ-6", _without_sort, MQL),
    on_request("has an empty hot store", "MQ-7", _nowhere, MQL),
    on_refusal("answers for pipelines of nobody", "MQ-8", empty_reply),
    on_refusal("reads bytes that are no document", "MQ-10", empty_reply),
    on_request("takes $date for a document", "MQ-11",
               operator_edit("$date", lambda _: "2999-01-01T00:00:00Z"), MQL),
    _latest("gives what came last, not what was captured last", "GL-1",
            _by_memory(by_arrival=True)),
    *(_latest(f"gives the latest of any {name}", "GL-1", _by_memory(name)) for name in _ASKED),
    on_reply("calls the time of sync that of capture", "GL-1",
             lambda _, r, __: r.time_captured.CopyFrom(r.time_synced), LATEST),
    on_reply("gives the latest an old time of sync", "GL-1",
             lambda _, r, __: r.time_synced.CopyFrom(r.time_captured), LATEST),
    _latest("looks at what was synced long ago", "GL-2", _by_memory()),
    on_reply("overlooks what was captured long ago", "GL-2", _of_late, LATEST),
    on_reply("calls it an error that nothing was captured", "GL-3", _not_found, LATEST),
    on_refusal("has a latest of nothing", "GL-4", empty_reply),
    on_request("ignores additional parameters", "A34",
               lambda m, _: m.ClearField("additional_parameters"), LATEST),
)  # fmt: skip
