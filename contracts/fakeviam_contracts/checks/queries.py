"""Queries over readings, and the latest reading."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts import mql, queries, random_queries, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.queries import check_query
from fakeviam_contracts.random_queries import IN, INNER, LIST, NUMBER, UNIQUE, WORD
from fakeviam_contracts.session import Ground

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

RPC = "TabularDataByMQL"
LATEST = "GetLatestTabularData"
DAY = 86_400 * SECOND


def _world(session: Session, *, seed: int = 7, count: int = 9) -> None:
    """Readings of two components and two parts, on three days, in arbitrary order."""
    random, last = Random(seed), len(session.place.parts) - 1  # noqa: S311 - not a secret
    for at in range(count):
        moment = BASE + (at * 7 % count) * DAY // 4 + at * 1_300_000
        writes.upload_rows(
            session,
            part=at % 2 and last,
            rows=[_varied(random_queries.reading(random, at), at)],
            # Some are received on another day, which is not that of their capture.
            times=[(moment, moment + 3 * SECOND + at % 2 * DAY)],
            component=("cam", "sensor")[at % 2],
            component_type="sensor",
            method=("Readings", "", "Other")[at % 3],
            tags=(["dog"], [], ["Dog", "dog"])[at % 3],
        )


def _varied(reading: dict[str, Any], at: int) -> dict[str, object]:
    """A reading with fields of each type, any of which may be missing."""
    fields = dict(reading["readings"])
    fields["word"] = ("a", "b", "B", "", "ab", "a", None, "1", "ba")[at % 9]
    if at % 5 == 2:
        del fields["word"]
    if at % 4 == 3:
        fields.pop("number", None)
    return {"readings": fields}


@check("MQ-1", "MQ-2", "MQ-5")
def readings_as_documents(session: Session) -> None:
    """Each reading is a document with all fields; without readings there are no documents."""
    check_query(session, [])
    _world(session)
    check_query(session, [])
    check_query(session, [{"$match": {"component_name": "nobody"}}])
    check_query(session, [{"$match": {"component_name": "nobody"}}, {"$count": "n"}])
    writes.delete_rows(session, 0, FilterSpec(tags=("Dog",)))
    check_query(session, [])


#: Each stage, and each operator that is easy to get wrong.
PIPELINES: tuple[queries.Stages, ...] = (
    [{"$match": {NUMBER: 1}}],
    [{"$match": {NUMBER: None}}],
    [{"$match": {NUMBER: {"$ne": 1}}}],
    [{"$match": {NUMBER: {"$gte": 1}}}],
    [{"$match": {NUMBER: {"$lt": 1, "$gt": -2}}}],
    [{"$match": {NUMBER: {"$exists": True}}}],
    [{"$match": {WORD: {"$gt": "a"}}}],
    [{"$match": {WORD: {"$in": ["a", None]}}}],
    [{"$match": {WORD: {"$regex": "^[ab]$"}}}],
    [{"$match": {WORD: {"$regex": "^a"}}}],
    [{"$match": {WORD: {"$regex": "b"}}}],
    [{"$match": {LIST: 2}}],
    [{"$match": {LIST: [1, 2]}}],
    [{"$match": {LIST: {"$size": 2}}}],
    [{"$match": {f"{LIST}.number": 2}}],
    [{"$match": {"tags": "dog"}}],
    [{"$match": {"tags": {"$nin": ["dog"]}}}],
    [{"$match": {"$or": [{NUMBER: 1}, {WORD: "a"}], "component_name": {"$ne": ""}}}],
    [{"$match": {"$nor": [{NUMBER: 1}, {WORD: "a"}]}}],
    [{"$match": {"$expr": {"$gt": [f"${NUMBER}", f"${INNER}.number"]}}}],
    [{"$match": {UNIQUE: {"$not": {"$gt": 3}}}}],
    [{"$match": {UNIQUE: {"$gt": 2}}}, {"$match": {UNIQUE: {"$lt": 6}}}],
    [{"$sort": {UNIQUE: 1}}],
    [{"$sort": {UNIQUE: -1}}],
    [{"$sort": {NUMBER: 1, UNIQUE: -1}}],
    [{"$sort": {NUMBER: -1, UNIQUE: 1}}],
    [{"$sort": {WORD: 1, UNIQUE: 1}}],
    [{"$sort": {"time_requested": -1, UNIQUE: 1}}],
    [{"$sort": {"time_requested": 1, UNIQUE: 1}}, {"$limit": 3}],
    [{"$sort": {UNIQUE: 1}}, {"$skip": 3}, {"$limit": 2}],
    [{"$sort": {UNIQUE: 1}}, {"$limit": 3}, {"$skip": 1}],
    [{"$sort": {UNIQUE: 1}}, {"$limit": 100}],
    [{"$sort": {UNIQUE: 1}}, {"$limit": 4}, {"$match": {NUMBER: {"$exists": True}}}],
    [{"$limit": 4}, {"$count": "n"}],
    [{"$skip": 4}, {"$count": "n"}],
    [{"$count": "n"}],
    [{"$project": {UNIQUE: 1}}],
    [{"$project": {"_id": 0, UNIQUE: 1, WORD: 1}}],
    [{"$project": {NUMBER: 0, "tags": 0}}],
    [{"$project": {"_id": 0, "copy": f"${NUMBER}", "sum": {"$add": [f"${UNIQUE}", 1]}}}],
    [{"$project": {"_id": 0, "time_requested": 1, "hour": {"$hour": "$time_requested"}}}],
    [{"$set": {"twice": {"$multiply": [f"${NUMBER}", 2]}}}],
    [{"$set": {"six": {"$multiply": [f"${NUMBER}", 2, 3]}}}],
    [{"$set": {"more": {"$add": [f"${NUMBER}", f"${UNIQUE}", 1]}}}],
    [{"$addFields": {f"{IN}new": {"$ifNull": [f"${WORD}", "none"]}}}],
    [{"$set": {NUMBER: {"$add": [f"${NUMBER}", f"${UNIQUE}"]}}}, {"$match": {NUMBER: {"$gt": 1}}}],
    [{"$unset": NUMBER}],
    [{"$unset": [NUMBER, "component_name"]}],
    [{"$unwind": "$tags"}],
    [{"$unwind": {"path": "$tags", "preserveNullAndEmptyArrays": True}}],
    [{"$unwind": f"${LIST}"}, {"$match": {LIST: 2}}],
    [{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}],
    [{"$group": {"_id": None, "n": {"$sum": 1}}}],
    [{"$group": {"_id": None, "sum": {"$sum": f"${NUMBER}"}, "mean": {"$avg": f"${NUMBER}"}}}],
    [{"$group": {"_id": "$component_name", "n": {"$count": {}}, "most": {"$max": f"${UNIQUE}"}}}],
    [{"$group": {"_id": f"${NUMBER}", "least": {"$min": f"${UNIQUE}"}}}],
    [{"$group": {"_id": {"c": "$component_name", "m": "$method_name"}, "n": {"$sum": 2}}}],
    [{"$group": {"_id": "$capture_day", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}],
    [{"$sort": {UNIQUE: -1}}, {"$group": {"_id": None, "first": {"$first": f"${UNIQUE}"}}}],
    [{"$sort": {UNIQUE: 1}}, {"$group": {"_id": None, "last": {"$last": f"${UNIQUE}"}}}],
    [{"$sort": {UNIQUE: 1}}, {"$group": {"_id": "$part_id", "all": {"$push": f"${NUMBER}"}}}],
    [{"$match": {"component_name": "nobody"}}, {"$group": {"_id": None, "n": {"$sum": 1}}}],
    [{"$sortByCount": "$component_name"}],
    [{"$replaceRoot": {"newRoot": "$data"}}],
    [{"$replaceRoot": {"newRoot": {"u": f"${UNIQUE}", "lists": f"${LIST}.number"}}}],
)  # fmt: skip


@check("MQ-1")
def pipelines(session: Session) -> None:
    """Every stage and operator behaves as MongoDB's manual specifies."""
    _world(session)
    for stages in PIPELINES:
        check_query(session, stages)


@check("MQ-1")
def random_pipelines(session: Session) -> None:
    """Random sequences of stages."""
    _world(session, seed=11)
    random = Random(3)  # noqa: S311 - not a secret
    for _ in range(150):
        check_query(session, random_queries.pipeline(random))


@check("MQ-1")
def many_readings_are_queried(session: Session) -> None:
    """More readings than one page, in one reply."""
    writes.upload_many_rows(session, 120)
    check_query(session, [])
    check_query(session, [{"$count": "n"}])
    check_query(session, [{"$group": {"_id": "$capture_day", "sum": {"$sum": "$data.readings.n"}}}])


@check("MQ-1", "MQ-6")
def queries_by_time(session: Session) -> None:
    """Times are compared as dates; without $sort, readings are in order of time."""
    _world(session)
    for moment in (BASE, BASE + DAY, BASE + DAY + 1_300_000, BASE - DAY):
        for name in ("time_requested", "time_received", "capture_day"):
            for kind in ("$gte", "$lt", "$gt", "$lte", "$eq"):
                asked = {name: {kind: mql.time_of(moment)}}
                check_query(session, [{"$match": asked}])
    times = [document["time_requested"] for document in queries.asked(session, [])]
    session.expect("MQ-6", "times of a query without a sort", sorted(times), times, legal=True)


@check("MQ-3")
def stages_that_are_not_served(session: Session) -> None:
    """Stages that write, read elsewhere or do not exist are refused."""
    _world(session, count=2)
    stage: dict[str, Any]
    for stage in (
        {"$out": "elsewhere"},
        {"$merge": {"into": "elsewhere"}},
        {"$collStats": {"count": {}}},
        {"$indexStats": {}},
        {"$currentOp": {}},
        {"$nothing": {}},
        {"match": {}},
    ):
        raw.refuse(session, "MQ-3", "INVALID_ARGUMENT", RPC, queries.request(session, [stage]))
    check_query(session, [])


@check("MQ-4", "MQ-8", "MQ-10", "MQ-11", "MQ-7", "DT-1")
def queries_that_nobody_can_run(session: Session) -> None:
    """Invalid pipelines, invalid BSON, and unknown data sources."""
    _world(session, count=3)
    for stage in (
        {"$limit": -1},
        {"$group": {"n": {"$sum": 1}}},
        {"$match": {NUMBER: {"$nothing": 1}}},
        {"$project": {NUMBER: 1, WORD: 0}},
        {"$sort": {NUMBER: 2}},
        {"$unwind": "tags"},
    ):
        raw.refuse(session, "MQ-4", "INVALID_ARGUMENT", RPC, queries.request(session, [stage]))
    request = queries.request(session, [])
    for garbage in (b"", b"\x00", b"no document", b"\x05\x00\x00\x00\x01"):
        request.mql_binary[:] = [garbage]
        raw.refuse(session, "MQ-10", "INVALID_ARGUMENT", RPC, request)
    _ask_elsewhere(session)


def _ask_elsewhere(session: Session) -> None:
    sink = data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK
    for pipeline_id, status in (("", "INVALID_ARGUMENT"), (raw.NOBODY, "NOT_FOUND")):
        request = queries.request(session, [])
        request.data_source.type = sink
        if pipeline_id:
            request.data_source.pipeline_id = pipeline_id
        raw.refuse(session, "MQ-8", status, RPC, request)
    everything = len(session.model.rows)
    request = queries.request(session, [])
    request.data_source.type = data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
    answer = session.wire.call(RPC, request)
    hot = session.outcome("MQ-7", RPC, answer)
    if hot is not None:
        session.expect("MQ-7", "readings of the hot store", everything, len(hot.raw_data))
    _ask_recent(session, everything)
    moment = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc).isoformat().replace("+00:00", "Z")
    asked = {"time_requested": {"$gte": {"$date": moment}}}
    answer = session.wire.call(RPC, queries.request(session, [{"$match": asked}]))
    ground = Ground("MQ-11", point="extended_json", accepting="expand")
    dated = session.outcome("MQ-11", RPC, answer, [ground])
    if dated is not None:
        session.expect("MQ-11", "readings since a $date", everything, len(dated.raw_data))
    if hot is not None and hot.raw_data:
        writes.delete_rows(session, 0, FilterSpec())
        hot = session.answered("DT-1", RPC, session.wire.call(RPC, request))
        # Where others have data nothing was deleted.
        left, what = len(session.model.rows), "readings of the hot store after a delete"
        session.expect("DT-1", what, left, len(hot.raw_data))


def _ask_recent(session: Session, everything: int) -> None:
    """The older spelling of the hot store, and stages over it."""
    recent = queries.request(session, [{"$skip": 1}, {"$count": "n"}])
    hot = data.TabularDataByMQLRequest(mql_binary=recent.mql_binary)
    hot.organization_id = recent.organization_id
    hot.data_source.type = data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
    recent.use_recent_data = True
    for asking in (recent, hot):
        reply = session.outcome("MQ-7", RPC, session.wire.call(RPC, asking))
        if reply is not None:
            counted = queries.decoded(reply)
            session.expect("MQ-7", "count of all but one", [{"n": everything - 1}], counted)


# The latest ------------------------------------------------------------------------------


def _latest(session: Session, **changes: Any) -> Any:
    fields = {
        "part_id": session.place.parts[0].part_id,
        "resource_name": session.place.component or "sensor",
        "resource_subtype": "rdk:component:sensor",
        "method_name": "Readings",
        **changes,
    }
    request = data.GetLatestTabularDataRequest(**fields)
    return raw.call(session, "GL-1", LATEST, request)


def _captured(session: Session, value: float, moment: int, **changes: Any) -> None:
    how = {"component": "sensor", "component_type": "rdk:component:sensor", "method": "Readings"}
    rows = [{"readings": {"n": value}}]
    part = changes.pop("part", 0)
    writes.upload_rows(
        session, part=part, rows=rows, times=[(moment, moment + SECOND)], **{**how, **changes}
    )


@check("GL-1", "GL-3")
def the_latest_reading(session: Session) -> None:
    """The most recently captured reading of a resource, regardless of the order of arrival."""
    reply = _latest(session)
    session.expect("GL-3", "what was captured last of nothing", {}, mapping_from(reply.payload))
    last = BASE + 9 * SECOND + 250_000_001
    for value, moment in ((1.0, BASE + 5 * SECOND), (3.0, last), (2.0, last - 1)):
        _captured(session, value, moment)
    reply = _latest(session)
    payload = {"readings": {"n": 3.0}}
    session.expect("GL-1", "what was captured last", payload, mapping_from(reply.payload))
    captured = nanos_from(reply.time_captured)
    session.expect("GL-1", "when it was captured", last, captured)
    _expect_synced_now(session, reply)
    _captured(session, 4.0, BASE, method=session.name)
    found = mapping_from(_latest(session, method_name=session.name).payload)
    session.expect("GL-1", "the latest by a long method", {"readings": {"n": 4.0}}, found)
    for changes in ({"method_name": "None"}, {"resource_name": "nobody"}, {"part_id": raw.NOBODY}):
        reply = _latest(session, **changes)
        session.expect("GL-3", "what nobody captured", {}, mapping_from(reply.payload))
    # Whoever remembers replies must forget this one.
    again = mapping_from(_latest(session).payload)
    session.expect("GL-1", "what was captured last, beside others", payload, again)
    writes.delete_rows(session, 0, FilterSpec())
    if not session.model.rows:
        session.expect("GL-3", "what was deleted", {}, mapping_from(_latest(session).payload))


def _expect_synced_now(session: Session, reply: data.GetLatestTabularDataResponse) -> None:
    if session.place.now is not None:
        late = abs(session.place.now() - nanos_from(reply.time_synced))
        near = late <= session.place.skew + 60 * SECOND
        session.expect("GL-1", "it was synced just now", expected=True, observed=near)


@check("GL-1")
def the_latest_of_one_resource(session: Session) -> None:
    """Later readings that differ in part, component, type or method are ignored."""
    later = BASE + 60 * SECOND  # later than the readings of earlier checks
    _captured(session, 3.0, BASE)
    _captured(session, 4.0, later, method="Other")
    _captured(session, 5.0, later, component_type="rdk:component:camera")
    if len(session.place.parts) > 1:
        _captured(session, 6.0, later, part=1)
    if not session.place.component:
        _captured(session, 7.0, later, component="sensor2")
    found = mapping_from(_latest(session).payload)
    session.expect("GL-1", "the latest of one resource", {"readings": {"n": 3.0}}, found)


@check("GL-1", "GL-2")
def the_latest_of_long_ago(session: Session) -> None:
    """Readings synced more than a year ago are ignored; the capture time does not matter."""
    _captured(session, 1.0, BASE - 3 * 365 * DAY)
    reply = _latest(session)
    found = mapping_from(reply.payload)
    session.expect("GL-2", "captured long ago, synced now", {"readings": {"n": 1.0}}, found)
    if session.place.advance is None:
        return
    session.place.advance(360 * DAY)
    session.expect("GL-2", "synced 360 days ago", True, bool(_latest(session).payload.fields))  # noqa: FBT003
    session.place.advance(8 * DAY)
    session.expect("GL-2", "synced 368 days ago", {}, mapping_from(_latest(session).payload))
    _captured(session, 2.0, BASE - 2 * 365 * DAY)
    reply = _latest(session)
    found = mapping_from(reply.payload)
    session.expect("GL-1", "synced now beside one of old", {"readings": {"n": 2.0}}, found)
    _expect_synced_now(session, reply)


@check("GL-4", "A34")
def the_latest_of_what(session: Session) -> None:
    """All four fields are required; empty parameters are those of a capture without any."""
    _captured(session, 1.0, BASE)
    for name in ("part_id", "resource_name", "resource_subtype", "method_name"):
        request = data.GetLatestTabularDataRequest(
            part_id=session.place.parts[0].part_id,
            resource_name=session.place.component or "sensor",
            resource_subtype="rdk:component:sensor",
            method_name="Readings",
        )
        request.ClearField(name)
        raw.refuse(session, "GL-4", "INVALID_ARGUMENT", LATEST, request)
    for parameters, count in (({}, 1), ({"a": "b"}, 0)):
        reply = _latest(session, additional_parameters=struct_from(parameters))
        found = len(reply.payload.fields)
        session.expect("A34", f"what was captured last with {parameters}", count, found)


CHECKS = (
    readings_as_documents,
    pipelines,
    random_pipelines,
    many_readings_are_queried,
    queries_by_time,
    stages_that_are_not_served,
    queries_that_nobody_can_run,
    the_latest_reading,
    the_latest_of_one_resource,
    the_latest_of_long_ago,
    the_latest_of_what,
)
