"""Why a record was in an answer, or was not."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import Policy, UsageError
from fakeviam.wire import data

from .driver import (
    DEFAULT_PART,
    ORGANIZATION,
    RefusedError,
    Viam,
    at,
    id_of,
    interval,
    reading,
    signed_in,
    tagged,
)
from .test_queries import ask
from .test_sequences import create as create_sequence
from .test_sequences import photo

if TYPE_CHECKING:
    from fakeviam import Explanation

    from .conftest import Start

pytestmark = pytest.mark.asyncio


def told(explanation: Explanation) -> dict[str, str]:
    """Outcome and reasons by the name of the file, or the id of a reading."""
    return {
        verdict.name or verdict.id: " | ".join(
            [verdict.outcome, *map(str, verdict.reasons), *([verdict.note] if verdict.note else [])]
        )
        for verdict in explanation.verdicts
    }


def last(viam: Viam, **options: Any) -> Explanation:
    return viam.cloud.explain(viam.cloud.calls.last(), **options)


async def test_every_field_of_a_filter_says_what_it_wanted(viam: Viam) -> None:
    """And what the record has (WY-1)."""
    dataset = await viam.create_dataset()
    fits = await viam.upload(
        "a", requested=at(1), component_name="cam", tags=["x"], dataset_ids=[dataset]
    )
    await viam.add_box(fits, "cat")
    await viam.upload("b", requested=at(1, nanos=1), component_name="arm", tags=["y"])
    wanted = data.Filter(
        component_name="cam",
        part_id=DEFAULT_PART.id,
        location_ids=["elsewhere", DEFAULT_PART.location_id],
        mime_type=["image/jpeg"],
        interval=interval(at(0), at(1)),
        tags_filter=data.TagsFilter(tags=["x", "z"]),
        bbox_labels=["cat"],
        dataset_id=dataset,
    )
    await viam.binary(wanted)
    assert told(last(viam)) == {
        "a": "included",
        "b": "excluded"
        " | component_name: wanted 'cam', it has 'arm'"
        " | interval.end: wanted until 2026-03-10T12:00:01Z,"
        " it has time_requested 2026-03-10T12:00:01.000000001Z"
        " | tags_filter: wanted one of 'x', 'z', it has 'y'"
        " | bbox_labels: wanted 'cat', it has no boxes"
        f" | dataset_id: wanted {dataset!r}, it has no datasets",
    }


async def test_the_text_of_an_explanation(viam: Viam) -> None:
    """For people, and the same as JSON (WY-1)."""
    one = await viam.upload("a", requested=at(1), tags=["x"])
    two = await viam.upload("b", requested=at(2))
    await viam.binary(tagged("x"))
    explanation = last(viam)
    assert str(explanation) == (
        "call 3 (BinaryDataByFilter): 1 excluded, 1 included\n"
        f"  {two} 'b': excluded, tags_filter: wanted 'x', it has no tags\n"
        f"  {one} 'a': included"
    )
    assert json.loads(json.dumps(explanation.to_json())) == {
        "call": "call 3 (BinaryDataByFilter)",
        "notes": [],
        "verdicts": [
            {
                "id": two,
                "name": "b",
                "outcome": "excluded",
                "reasons": [{"field": "tags_filter", "wanted": "'x'", "actual": "no tags"}],
                "answered": False,
                "note": "",
            },
            {
                "id": one,
                "name": "a",
                "outcome": "included",
                "reasons": [],
                "answered": True,
                "note": "",
            },
        ],
    }


async def test_pages_end_at_their_limit_and_begin_behind_their_token(viam: Viam) -> None:
    """Matching is not enough (WY-1)."""
    for number in range(4):
        await viam.upload(str(number), requested=at(number))
    first = await viam.binary(limit=1, sort_order=data.ORDER_ASCENDING)
    await viam.binary(limit=2, last=first.last, sort_order=data.ORDER_ASCENDING)
    assert told(last(viam)) == {
        "0": "other page | it is before the token in last",
        "1": "included",
        "2": "included",
        "3": "other page | it is after the limit",
    }
    await viam.binary(count_only=True)
    assert set(told(last(viam)).values()) == {"included"}


async def test_totals_have_no_pages(viam: Viam) -> None:
    """Limit and token of a call that asks for totals alone are not looked at (WY-1, PG-8)."""
    for number in range(3):
        await viam.upload(str(number), requested=at(number))
    first = await viam.binary(limit=2)
    viam.cloud.policy = "strict"
    await viam.binary(limit=101, last=first.last, count_only=True)
    assert last(viam).notes == ()
    assert set(told(last(viam)).values()) == {"included"}


async def test_what_has_changed_since_is_said(viam: Viam) -> None:
    """By the ids in the answer that was given (WY-2)."""
    names = {name: await viam.upload(name, tags=["x"]) for name in ("stays", "untagged", "gone")}
    late = await viam.upload("late")
    await viam.binary(tagged("x"))
    call = viam.cloud.calls.last()
    remove = data.RemoveTagsFromBinaryDataByIDsRequest(
        binary_data_ids=[names["untagged"]], tags=["x"]
    )
    await viam.rpc("RemoveTagsFromBinaryDataByIDs", remove)
    await viam.rpc(
        "DeleteBinaryDataByIDs", data.DeleteBinaryDataByIDsRequest(binary_data_ids=[names["gone"]])
    )
    await viam.add_tags(late, tags=["x"])
    viam.cloud.clock.advance(seconds=1)
    await viam.upload("later", tags=["x"])
    assert told(viam.cloud.explain(call)) == {
        "stays": "included",
        "untagged": "excluded | tags_filter: wanted 'x', it has no tags"
        " | it was in the reply; the data or the policy has changed since",
        "late": "included | it was not in the reply; the data, the policy or the record "
        "has changed since",
        "later": "included | it arrived after the call",
        names["gone"]: "gone | it was in the reply and has been deleted since",
    }


async def test_what_is_not_visible_is_said(start: Start) -> None:
    """Of a lag, of internal data, of another organization's (WY-1)."""
    viam = await start(auth="keys", policy=Policy(visibility_lag=timedelta(seconds=9)))
    fleet = viam.cloud.fleet
    inside, other = fleet.add_part("in", internal=True), fleet.add_part("o", organization="acme")
    key = viam.cloud.add_api_key(organizations=[ORGANIZATION, other.organization_id])
    everyone, ours = await signed_in(viam, key.id, key.key), await signed_in(viam)
    await everyone.upload("internal", part_id=inside.id)
    await everyone.upload("theirs", part_id=other.id)
    viam.cloud.clock.advance(seconds=10)
    await everyone.upload("new")
    await ours.binary()
    assert told(last(viam)) == {
        "internal": "excluded | include_internal_data: wanted true for it, it has internal data",
        "theirs": f"excluded | API key: wanted {ORGANIZATION!r},"
        f" it has organization {other.organization_id!r}",
        "new": "excluded | not visible yet: wanted stored until 2026-03-10T12:00:01+00:00,"
        " it has 2026-03-10T12:00:10+00:00",
    }


async def test_readings_are_explained_too(viam: Viam) -> None:
    """For pages, tags and deletes (WY-1)."""
    await viam.upload_readings(reading({"n": 1}, at(1)), component_name="one")
    await viam.upload_readings(reading({"n": 2}, at(2)), component_name="two", tags=["x"])
    await viam.upload("file", component_name="two")
    await viam.tabular(data.Filter(component_name="two"))
    outcomes = [verdict.outcome for verdict in last(viam).verdicts]
    assert outcomes == ["included", "excluded"]
    await viam.tabular(data.Filter(dataset_id="d"))
    reasons = {str(reason) for verdict in last(viam).verdicts for reason in verdict.reasons}
    assert reasons == {"dataset_id: wanted 'd', it has a reading"}
    await viam.tags_by_filter(data.Filter(component_name="two"))
    assert len(last(viam).of("included")) == 2
    request = data.DeleteTabularDataRequest(
        organization_id=ORGANIZATION, filter=data.DeleteTabularFilter(component_name="two")
    )
    await viam.rpc("DeleteTabularData", request)
    (left,) = last(viam).verdicts
    assert str(left).endswith("excluded, component_name: wanted 'two', it has 'one'")
    assert last(viam).notes == ("it changed the records it selected; this is their current state",)


async def test_ids_are_explained(viam: Viam) -> None:
    """Unknown, malformed, twice, in another organization's name (WY-1)."""
    one = await viam.upload("a")
    stranger = f"acme/{id_of(one).location_id}/{id_of(one).file_id}"
    await viam.by_ids(one, "x", one, stranger, one[:-1])
    assert [str(verdict) for verdict in last(viam).verdicts] == [
        f"{one} 'a': included",
        "x: unknown id, id: wanted organization/location/file, it has 'x'",
        f"{one} 'a': duplicate id",
        f"{stranger}: unknown id, organization: wanted 'acme', it has {ORGANIZATION!r}",
        f"{one[:-1]}: unknown id, file id: wanted {id_of(one).file_id[:-1]!r}, it has no record",
    ]
    await viam.rpc(
        "AddBoundingBoxToImageByID",
        data.AddBoundingBoxToImageByIDRequest(
            binary_id=id_of(one), label="x", x_max_normalized=1, y_max_normalized=1
        ),
    )
    assert told(last(viam)) == {"a": "included"}


async def test_one_record_can_be_asked_for(viam: Viam) -> None:
    """By either id; one that nobody has is gone (WY-1)."""
    one = await viam.upload("a")
    await viam.upload("b")
    await viam.binary()
    for asked in (one, id_of(one).file_id):
        assert told(last(viam, file_id=asked)) == {"a": "included"}
    (verdict,) = last(viam, file_id="x").verdicts
    assert str(verdict) == (
        "x: unknown id — nothing with that id is stored; it was deleted, or never existed"
    )


async def test_calls_without_an_answer_are_explained(viam: Viam) -> None:
    """Refused ones say so; what selects nothing cannot be explained (WY-1)."""
    await viam.upload("a")
    with suppress(RefusedError):
        await viam.binary(sort_order=9)
    assert [note.partition(":")[0] for note in last(viam).notes] == [
        "it failed",
        "it would now be refused",
    ]
    await viam.create_dataset()
    with pytest.raises(UsageError, match="CreateDataset selects no data; explain supports"):
        last(viam)
    viam.cloud.replies.on("TagsByFilter").respond({"tags": ["x"]})
    await viam.tags_by_filter()
    assert last(viam).notes == ("its reply was scripted and independent of the data",)


async def test_explaining_leaves_no_trace(viam: Viam) -> None:
    """Neither in the journal nor among the clauses that answers rested on (WY-2)."""
    await viam.upload("a")
    await viam.binary(tagged("x"))
    before = viam.cited(), len(viam.cloud.calls), viam.contents()
    cited = viam.cloud.calls.last().clauses
    last(viam)
    assert (viam.cited(), len(viam.cloud.calls), viam.contents()) == before
    assert viam.cloud.calls.last().clauses == cited


# Queries ------------------------------------------------------------------------------------------


async def upload_four(viam: Viam) -> dict[str, str]:
    """The ids of four readings, by component and number."""
    for number, component in enumerate("aaab"):
        values = {"n": number, "list": [1] * number}
        await viam.upload_readings(
            reading(values, at(number), at(9 - number)), component_name=component
        )
    return {
        record.id: f"{record.source.component_name}{at_}"
        for at_, record in enumerate(row.record for row in viam.cloud._cloud.store.tabular_rows())
    }


async def judged(viam: Viam, *stages: dict[str, Any], **fields: Any) -> dict[str, str]:
    names = await upload_four(viam)
    await ask(viam, *stages, **fields)
    return {names[name]: text for name, text in told(last(viam)).items()}


async def test_the_stages_of_a_query_are_gone_through(viam: Viam) -> None:
    """WY-3: what the store decides, conditions of the first stage and of others, cuts, groups."""
    verdicts = await judged(
        viam,
        {"$match": {"component_name": "a", "data.n": {"$gte": 1}, "tags": {"$size": 0}}},
        {"$unwind": "$data.list"},
        {"$sort": {"data.n": -1}},
        {"$limit": 2},
        {"$group": {"_id": None, "n": {"$sum": 1}}},
    )
    assert verdicts == {
        "a0": "excluded | data.n: wanted {'$gte': 1} in stage 0, it has data.n = 0.0",
        "a1": "other page | stage 3 ($limit: 2) leaves it out",
        "a2": "included | it goes into stage 4 ($group)",
        "b3": "excluded | component_name: wanted 'a', it has 'b'",
    }
    assert viam.cloud.calls.last().plan == (
        "store: component_name = 'a'; stages: $match $unwind $sort $limit $group"
    )


async def test_what_a_query_makes_of_a_reading_is_looked_at(viam: Viam) -> None:
    """WY-3: later stages see computed fields; the store's order counts for cuts."""
    verdicts = await judged(
        viam,
        {"$sort": {"time_received": -1}},
        {"$limit": 3},
        {"$project": {"_id": 0, "double": {"$multiply": ["$data.n", 2]}, "list": "$data.list"}},
        {"$match": {"double": {"$gt": 2}}},
        {"$unwind": "$list"},
    )
    assert verdicts == {
        "a0": "excluded | double: wanted {'$gt': 2} in stage 3, it has double = 0.0",
        "a1": "excluded | double: wanted {'$gt': 2} in stage 3, it has double = 2.0",
        "a2": "included",
        "b3": "other page | stage 1 ($limit: 3) leaves it out",
    }
    assert viam.cloud.calls.last().plan == (
        "store: latest time_received first, at most 3; stages: $limit $project $match $unwind"
    )


async def test_nothing_is_judged_after_documents_are_made_anew(viam: Viam) -> None:
    """WY-3: what a later stage keeps are groups, and no readings."""
    verdicts = await judged(
        viam,
        {"$sort": {"data.n": 1}},
        {"$skip": 1},
        {"$group": {"_id": None, "n": {"$sum": 1}}},
        {"$match": {"n": 99}},
        {"$count": "n"},
    )
    assert verdicts == {
        "a0": "other page | stage 1 ($skip: 1) leaves it out",
        **dict.fromkeys(("a1", "a2", "b3"), "included | it goes into stage 2 ($group)"),
    }


async def test_of_several_documents_the_first_is_told(viam: Viam) -> None:
    """WY-3: where a stage leaves all that was made of a reading out."""
    verdicts = await judged(
        viam,
        {"$unwind": {"path": "$data.list", "includeArrayIndex": "at"}},
        {"$match": {"at": {"$gt": 5}}},
    )
    assert verdicts == {
        "a0": "excluded | stage 0 ($unwind) leaves nothing of it",
        **dict.fromkeys(
            ("a1", "a2", "b3"), "excluded | at: wanted {'$gt': 5} in stage 1, it has at = 0"
        ),
    }


async def test_statements_are_explained_too(start: Start) -> None:
    """WY-3: by the conditions of WHERE, and by the policy on bounds."""
    viam = await start()
    names = await upload_four(viam)
    where = "component_name = 'a' AND data.n > 0 AND data.n < 9"
    statement = f"SELECT data.n FROM readings WHERE {where} LIMIT 1"  # noqa: S608
    request = data.TabularDataBySQLRequest(organization_id=ORGANIZATION, sql_query=statement)
    await viam.rpc("TabularDataBySQL", request)
    assert {names[name]: text for name, text in told(last(viam)).items()} == {
        "a0": "excluded | WHERE: wanted a condition that is true, it has data.n = 0.0",
        "a1": "included",
        "a2": "other page | stage 2 ($limit: 1) leaves it out",
        "b3": "excluded | component_name: wanted 'a', it has 'b'",
    }
    request.sql_query = "SELECT 1 AS one"
    await viam.rpc("TabularDataBySQL", request)
    assert last(viam).verdicts == ()  # no reading is looked at
    request.sql_query = statement
    await viam.rpc("TabularDataBySQL", request)
    viam.cloud.policy = Policy(sql_needs_time_bound=True)
    assert all("lower bound on time_received" in text for text in told(last(viam)).values())


async def test_queries_that_select_no_readings(viam: Viam) -> None:
    """WY-3: refused ones, those of other organizations' keys, and those of sinks."""
    names = await upload_four(viam)
    with suppress(RefusedError):
        await ask(viam, {"$lookup": {}})
    explanation = last(viam)
    assert explanation.verdicts == ()
    assert any("would now be refused" in note for note in explanation.notes)
    part = viam.cloud.fleet.add_part("arm", organization="acme")
    request = data.TabularDataByMQLRequest(organization_id=part.organization_id)
    await viam.rpc("TabularDataByMQL", request)
    assert set(names) == {verdict.id for verdict in last(viam).of("excluded")}


async def test_the_images_of_a_sequence_are_explained(viam: Viam) -> None:
    """WY-3."""
    await photo(viam, "in", 1)
    await photo(viam, "late", 99)
    await viam.upload("other", requested=at(1), component_name="arm", method_name="GetImages")
    made = await create_sequence(viam)
    await viam.rpc("GetSequenceBinaryData", data.GetSequenceBinaryDataRequest(sequence_id=made))
    verdicts = told(last(viam))
    assert verdicts["in"] == "included"
    assert verdicts["late"].startswith("excluded | interval.end: wanted until")
    assert "resources: wanted cam/ReadImage, it has arm/GetImages" in verdicts["other"]
