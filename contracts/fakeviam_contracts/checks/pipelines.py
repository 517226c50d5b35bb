"""Data pipelines: created, listed, renamed, toggled and deleted; none of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datapipelines
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import queries
from fakeviam_contracts.assertions import AnyError, AnyOf
from fakeviam_contracts.awkward_values import LONG_NAME
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import SECOND, Need, check
from fakeviam_contracts.checks.roles import as_holder, keyed_of, status_of
from fakeviam_contracts.descriptions import pipeline_seen
from fakeviam_contracts.session import permission
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session

CREATE, GET, LIST = "CreateDataPipeline", "GetDataPipeline", "ListDataPipelines"
RENAME, DELETE, RUNS = "RenameDataPipeline", "DeleteDataPipeline", "ListDataPipelineRuns"
STANDARD = data.TABULAR_DATA_SOURCE_TYPE_STANDARD
HOT = data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
SINK = data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK

#: Once a year, so that no server runs these pipelines.
YEARLY = "0 0 1 1 *"
COUNT: queries.Stages = [{"$group": {"_id": None, "n": {"$sum": 1}}}]
TWO_STAGES: queries.Stages = [{"$match": {"data.readings.n": 1}}, *COUNT]


def creation(
    session: Session,
    name: str,
    stages: queries.Stages = COUNT,
    *,
    schedule: str = YEARLY,
    **more: Any,
) -> datapipelines.CreateDataPipelineRequest:
    """The request to create a pipeline over the session's readings."""
    return datapipelines.CreateDataPipelineRequest(
        organization_id=session.place.organization_id,
        name=name,
        schedule=schedule,
        mql_binary=queries.encoded(session, stages),
        **more,
    )


def create(session: Session, name: str, *args: Any, **how: Any) -> str:
    """Create a pipeline; returns its id."""
    request = creation(session, name, *args, **how)
    return str(raw.call(session, "DP-1", CREATE, request).id)


def change(session: Session, what: str, pipeline_id: str, clause: str = "DP-1") -> None:
    """Enable, disable or delete a pipeline."""
    request = getattr(datapipelines, f"{what}DataPipelineRequest")(id=pipeline_id)
    raw.call(session, clause, f"{what}DataPipeline", request)


def _get(session: Session, pipeline_id: str) -> datapipelines.DataPipeline:
    request = datapipelines.GetDataPipelineRequest(id=pipeline_id)
    pipeline: datapipelines.DataPipeline = raw.call(session, "DP-1", GET, request).data_pipeline
    return pipeline


def in_list(session: Session, ids: Collection[str]) -> list[dict[str, Any]]:
    """The entries of the list with these ids."""
    organization_id = session.place.organization_id
    request = datapipelines.ListDataPipelinesRequest(organization_id=organization_id)
    listed = raw.call(session, "DP-1", LIST, request).data_pipelines
    return [pipeline_seen(pipeline) for pipeline in listed if pipeline.id in ids]


@check("DP-1")
def pipelines_are_kept(session: Session) -> None:
    """Pipelines are listed as created."""
    expected: dict[str, dict[str, Any]] = {}
    for name, stages, schedule, source in (
        ("zebras", COUNT, YEARLY, None),
        ("apes", TWO_STAGES, "30 4 1 1 *", STANDARD),
        (session.name, COUNT, YEARLY, HOT),
    ):
        request = creation(session, name, stages, schedule=schedule)
        if source is not None:
            request.data_source_type = source
        made = raw.call(session, "DP-1", CREATE, request).id
        expected[made] = {
            "id": made,
            "organization": session.place.organization_id,
            "name": name,
            "stages": queries.encoded(session, stages),
            "schedule": schedule,
            "enabled": True,
            "source": source or AnyOf(STANDARD, data.TABULAR_DATA_SOURCE_TYPE_UNSPECIFIED),
            "dated": True,
        }
        found = pipeline_seen(_get(session, made))
        for aspect, value in expected[made].items():
            session.expect("DP-1", f"{aspect} of a pipeline", value, found[aspect])
    session.expect("DP-1", "ids of pipelines", 3, len(expected))
    listed = sorted(in_list(session, [*expected]), key=lambda each: str(each["name"]))
    wanted = sorted(expected.values(), key=lambda each: str(each["name"]))
    session.expect("DP-1", "pipelines in the list", wanted, listed)
    answer = session.wire.call(CREATE, creation(session, LONG_NAME))
    if (reply := session.outcome("DP-1", CREATE, answer, [permission("NM-1")])) is not None:
        session.expect("DP-1", "a long name", LONG_NAME, _get(session, reply.id).name)


@check("DP-1")
def pipelines_are_renamed(session: Session) -> None:
    """One pipeline is renamed; the other remains unchanged."""
    made, other = create(session, "zebras"), create(session, "apes")
    request = datapipelines.RenameDataPipelineRequest(id=made, name=session.name)
    _expect_changed(session, made, other, RENAME, request, {"name": session.name})


@check("DP-1")
def pipelines_are_toggled(session: Session) -> None:
    """One pipeline is disabled, renamed and enabled; the other remains unchanged."""
    made, other = create(session, "zebras", TWO_STAGES), create(session, "apes")
    for what, more, changed in (
        ("Disable", {}, {"enabled": False}),
        ("Rename", {"name": "bats"}, {"name": "bats"}),
        ("Enable", {}, {"enabled": True}),
    ):
        request = getattr(datapipelines, f"{what}DataPipelineRequest")(id=made, **more)
        _expect_changed(session, made, other, f"{what}DataPipeline", request, changed)


def _expect_changed(
    session: Session, made: str, other: str, rpc: str, request: Message, changed: dict[str, Any]
) -> None:
    before = {each["id"]: each for each in in_list(session, [made, other])}
    created = nanos_from(_get(session, made).created_on)
    if session.place.advance is not None:
        session.place.advance(SECOND)
    raw.call(session, "DP-1", rpc, request)
    after = {each["id"]: each for each in in_list(session, [made, other])}
    expected = {**before.get(made, {}), **changed}
    session.expect("DP-1", f"a pipeline after {rpc}", expected, after.get(made))
    session.expect("DP-1", f"another pipeline after {rpc}", before.get(other), after.get(other))
    found = _get(session, made)
    session.expect("DP-1", f"a pipeline by its id after {rpc}", expected, pipeline_seen(found))
    session.expect("DP-1", f"when a pipeline was created, after {rpc}", created,
                   nanos_from(found.created_on))  # fmt: skip


@check("DP-1", "DP-12")
def pipelines_are_deleted(session: Session) -> None:
    """One pipeline is deleted; the other remains."""
    made, other = create(session, "zebras"), create(session, "apes")
    change(session, "Delete", made)
    listed = [each["id"] for each in in_list(session, [made, other])]
    session.expect("DP-1", "pipelines after one was deleted", [other], listed)
    request = datapipelines.GetDataPipelineRequest(id=made)
    raw.refuse(session, "DP-12", "NOT_FOUND", GET, request)


@check("DP-1")
def pipelines_begin_anew(session: Session) -> None:
    """A pipeline inherits nothing from a deleted one with the same name."""
    first = create(session, "zebras", schedule="30 4 1 1 *")
    change(session, "Disable", first)
    change(session, "Delete", first)
    second = create(session, "zebras")
    found = pipeline_seen(_get(session, second))
    told = (found["enabled"], found["schedule"])
    session.expect("DP-1", "a new pipeline of an old name", (True, YEARLY), told)
    session.expect("DP-1", "its id", expected=True, observed=second != first)


@check("DP-3")
def names_of_pipelines(session: Session) -> None:
    """Names are unique, and become available again."""
    first, second = create(session, "zebras"), create(session, "apes")
    renaming = datapipelines.RenameDataPipelineRequest(id=second, name="zebras")
    for rpc, request in ((CREATE, creation(session, "zebras")), (RENAME, renaming)):
        answer = session.wire.call(rpc, request)
        # The status is not documented.
        session.expect("DP-3", f"status of {rpc} with a taken name", AnyError(), status_of(answer))
    names = [_get(session, each).name for each in (first, second)]
    session.expect("DP-3", "names after refusals", ["zebras", "apes"], names)
    renaming.name = "bats"
    raw.call(session, "DP-3", RENAME, renaming)
    renaming.id, renaming.name = first, "apes"
    raw.call(session, "DP-3", RENAME, renaming)
    change(session, "Delete", second, "DP-3")
    create(session, "bats")
    session.comparisons["DP-3"] += 1


@check("DP-11")
def pipelines_that_are_none(session: Session) -> None:
    """Invalid pipelines are refused, and not stored."""
    count = len(_all_ids(session))
    first = create(session, "apes")
    bad: tuple[dict[str, Any], ...] = (
        {"name": ""},
        {"name": "  "},
        {"schedule": ""},
        {"schedule": "hourly"},
        {"schedule": "61 * * * *"},
        {"schedule": "* * * * * *"},
        {"stages": [{"$nothing": {}}]},
        {"stages": [{"$out": "elsewhere"}]},
        {"data_source_type": SINK},
        {"data_source_type": 9},
    )
    for changes in bad:
        request = creation(session, **{"name": "mice", **changes})
        raw.refuse(session, "DP-11", "INVALID_ARGUMENT", CREATE, request)
    request = creation(session, "mice")
    for stages in ([], [b"no document"]):
        request.mql_binary[:] = stages
        raw.refuse(session, "DP-11", "INVALID_ARGUMENT", CREATE, request)
    renaming = datapipelines.RenameDataPipelineRequest(id=first, name=" ")
    raw.refuse(session, "DP-11", "INVALID_ARGUMENT", RENAME, renaming)
    session.expect("DP-11", "a name after a refusal", "apes", _get(session, first).name)
    if session.place.exclusive:
        kept = len(_all_ids(session)) - count
        session.expect("DP-11", "pipelines kept after refusals", 1, kept)


def _all_ids(session: Session) -> list[str]:
    organization_id = session.place.organization_id
    request = datapipelines.ListDataPipelinesRequest(organization_id=organization_id)
    return [each.id for each in raw.call(session, "DP-1", LIST, request).data_pipelines]


@check("DP-12")
def pipelines_of_nobody(session: Session) -> None:
    """Every request with an unknown id is NOT_FOUND."""
    for nobody in (raw.NOBODY, "no id"):
        for what in ("Get", "Rename", "Delete", "Enable", "Disable"):
            request = getattr(datapipelines, f"{what}DataPipelineRequest")(id=nobody)
            if what == "Rename":
                request.name = "mice"
            raw.refuse(session, "DP-12", "NOT_FOUND", f"{what}DataPipeline", request)
        listing = datapipelines.ListDataPipelineRunsRequest(id=nobody)
        raw.refuse(session, "DP-12", "NOT_FOUND", RUNS, listing)


@check("DP-15", "DP-13")
def pipelines_are_toggled_twice(session: Session) -> None:
    """Enabling an enabled pipeline, or disabling a disabled one, has no effect."""
    made = create(session, "apes")
    for what, enabled in (("Enable", True), ("Disable", False), ("Disable", False)):
        request = getattr(datapipelines, f"{what}DataPipelineRequest")(id=made)
        rpc = f"{what}DataPipeline"
        answer = session.wire.call(rpc, request)
        session.outcome("DP-15", rpc, answer)
        found = _get(session, made).enabled
        session.expect("DP-15", f"enabled after {what}", enabled, found)
    listing = datapipelines.ListDataPipelineRunsRequest(id=made, page_token="no token")  # noqa: S106
    raw.refuse(session, "DP-13", "INVALID_ARGUMENT", RUNS, listing)


def _as_others(session: Session, made: str) -> list[Message]:
    organization_id = session.place.organization_id
    return [
        data.ListIndexesRequest(
            organization_id=organization_id, collection_type=data.INDEXABLE_COLLECTION_HOT_STORE
        ),
        data.ListSavedQueriesRequest(organization_id=organization_id),
        datapipelines.ListDataPipelinesRequest(organization_id=organization_id),
        creation(session, "mice"),
        datapipelines.GetDataPipelineRequest(id=made),
        datapipelines.ListDataPipelineRunsRequest(id=made),
        datapipelines.RenameDataPipelineRequest(id=made, name="bats"),
        datapipelines.DisableDataPipelineRequest(id=made),
        datapipelines.DeleteDataPipelineRequest(id=made),
    ]


@check("DP-17", needs=(Need.KEYS,))
def pipelines_are_owners(session: Session) -> None:
    """Operators and owners of other organizations have no access to pipelines."""
    known = keyed_of(session)
    owner = as_holder(session, known, "owner")
    request = creation(session, "apes")
    request.organization_id = known.here.organization_id
    made = session.answered("DP-1", CREATE, owner.call(CREATE, request)).id
    for who in ("operator", "machine", "foreign"):
        holder = as_holder(session, known, who)
        for asked in _as_others(session, made):
            if "organization_id" in asked.DESCRIPTOR.fields_by_name:
                asked.organization_id = known.here.organization_id  # type: ignore[attr-defined]
            rpc = asked.DESCRIPTOR.name.removesuffix("Request")
            status = status_of(holder.call(rpc, asked))
            session.expect("DP-17", f"status of {rpc} of the key {who}", AnyError(), status)
    answer = owner.call(GET, datapipelines.GetDataPipelineRequest(id=made))
    kept = not isinstance(answer, Refused) and answer.data_pipeline.name == "apes"
    session.expect("DP-17", "the pipeline is as it was", expected=True, observed=kept)


@check("DP-19", "SA-7", needs=(Need.KEYS,))
def machines_and_queries_of_owners(session: Session) -> None:
    """A machine's key cannot query sinks or saved queries."""
    known = keyed_of(session)
    owner, machine = (as_holder(session, known, key) for key in ("owner", "machine"))
    creating = creation(session, "apes")
    creating.organization_id = known.here.organization_id
    made = session.answered("DP-1", CREATE, owner.call(CREATE, creating)).id
    saving = data.CreateSavedQueryRequest(
        organization_id=known.here.organization_id, name="apes", mql_binary=creating.mql_binary
    )
    session.answered("SA-1", "CreateSavedQuery", owner.call("CreateSavedQuery", saving))
    of_sink = data.TabularDataSource(type=SINK, pipeline_id=made)
    for clause, how in (
        ("DP-19", data.TabularDataByMQLRequest(data_source=of_sink)),
        ("SA-7", data.TabularDataByMQLRequest(query_prefix_name="apes")),
    ):
        request = data.TabularDataByMQLRequest(
            organization_id=known.here.organization_id, mql_binary=creating.mql_binary
        )
        request.MergeFrom(how)
        session.answered(clause, queries.RPC, owner.call(queries.RPC, request))
        status = status_of(machine.call(queries.RPC, request))
        session.expect(clause, "a query of the key of a machine", AnyError(), status)


CHECKS = (
    pipelines_are_kept,
    pipelines_are_renamed,
    pipelines_are_toggled,
    pipelines_are_deleted,
    pipelines_begin_anew,
    names_of_pipelines,
    pipelines_that_are_none,
    pipelines_of_nobody,
    pipelines_are_toggled_twice,
    pipelines_are_owners,
    machines_and_queries_of_owners,
)
