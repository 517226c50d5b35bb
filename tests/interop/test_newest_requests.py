"""Methods that came after the documented client: both send the same requests."""

from __future__ import annotations

import inspect
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import DataClient
from viam.app.data_client import DataClient as OfficialClient

from fakeviam import FakeViam

from .test_client_requests import PROGRAMS, Program, given, recorded, run_ours, run_theirs

if TYPE_CHECKING:
    from collections.abc import Mapping

ORGANIZATION = FakeViam.default_part.organization_id
PART = FakeViam.default_part.id
NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
RESOURCE = ("thermometer", "rdk:component:sensor", "Readings")
STAGES = [{"$match": {"time_received": {"$gte": NOON}}}, {"$limit": 3}]
ID = "6b08f540e68d6c01fe000001"
OF_RESOURCE = {
    "part_id": PART,
    "resource_name": RESOURCE[0],
    "resource_api": RESOURCE[1],
    "method_name": RESOURCE[2],
}

NEWEST: Mapping[str, Program] = MappingProxyType(
    {
        "an export": Program(
            method="export_tabular_data",
            arguments=given(
                **OF_RESOURCE, start_time=NOON, end_time=NOON, additional_params={"a": 1}
            ),
        ),
        "the latest": Program(
            method="get_latest_tabular_data",
            arguments=given(**OF_RESOURCE, additional_params={"a": [True, None]}),
        ),
        "MQL": Program(
            method="tabular_data_by_mql",
            arguments=given(
                organization_id=ORGANIZATION,
                query=STAGES,
                tabular_data_source_type=2,
                query_prefix_name="p",
            ),
        ),
        "MQL of a pipeline": Program(
            method="tabular_data_by_mql",
            arguments=given(
                organization_id=ORGANIZATION,
                query=STAGES,
                tabular_data_source_type=3,
                pipeline_id=ID,
            ),
        ),
        "SQL": Program(
            method="tabular_data_by_sql",
            arguments=given(organization_id=ORGANIZATION, sql_query="SELECT * FROM readings"),
        ),
        "a pipeline": Program(
            method="create_data_pipeline",
            arguments=given(
                organization_id=ORGANIZATION,
                name="p",
                mql_binary=STAGES,
                schedule="0 * * * *",
                enable_backfill=True,
            ),
        ),
        "its name": Program(method="rename_data_pipeline", arguments=given(id=ID, name="q")),
        "one pipeline": Program(method="get_data_pipeline", arguments=given(id=ID)),
        "all pipelines": Program(
            method="list_data_pipelines", arguments=given(organization_id=ORGANIZATION)
        ),
        "its runs": Program(method="list_data_pipeline_runs", arguments=given(id=ID, page_size=3)),
        "no pipeline": Program(method="delete_data_pipeline", arguments=given(id=ID)),
        "an index": Program(
            method="create_index",
            arguments=given(
                organization_id=ORGANIZATION,
                collection_type=2,
                index_spec={"keys": {"a": 1}},
                pipeline_name="p",
            ),
        ),
        "all indexes": Program(
            method="list_indexes", arguments=given(organization_id=ORGANIZATION, collection_type=1)
        ),
        "no index": Program(
            method="delete_index",
            arguments=given(organization_id=ORGANIZATION, collection_type=1, index_name="a_1"),
        ),
        "a sequence": Program(
            method="create_sequence",
            arguments=given(
                part_id=PART, resources=[], start_time=NOON, end_time=NOON, sequence_tags=["t"]
            ),
        ),
        "a change of a sequence": Program(
            method="update_sequence",
            arguments=given(id=ID, sequence_tags=["t"], end_time=NOON),
        ),
        "one sequence": Program(method="get_sequence", arguments=given(id=ID)),
        "no sequence": Program(method="delete_sequence", arguments=given(id=ID)),
        "all sequences": Program(
            method="list_sequences", arguments=given(organization_id=ORGANIZATION, page_size=2)
        ),
        "its files": Program(
            method="get_sequence_binary_data",
            arguments=given(sequence_id=ID, page_token="t", page_size=2),  # noqa: S106 - no secret
        ),
        "sequences of a dataset": Program(
            method="sequences_by_dataset_id", arguments=given(dataset_id=ID, count_only=True)
        ),
        "members": Program(
            method="add_sequences_to_dataset", arguments=given(dataset_id=ID, sequence_ids=[ID])
        ),
        "no members": Program(
            method="remove_sequences_from_dataset",
            arguments=given(dataset_id=ID, sequence_ids=[ID]),
        ),
        "a job": Program(method="start_sequence_dataset_export", arguments=given(dataset_id=ID)),
        "its state": Program(method="get_sequence_dataset_export", arguments=given(job_id=ID)),
    }
)

#: What the official client has nothing to compare with.
OURS_ALONE = {"delete_tabular_data_by_filter", "download"}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", NEWEST)
@pytest.mark.thinned(3)
async def test_the_same_requests_arrive(name: str) -> None:
    """To the last field (EX-1, MQ-1, SL-1, DP-1, IX-1, SQ-1, EJ-1)."""
    program = NEWEST[name]
    _, there, _ = await recorded(run_theirs, program)
    _, here, _ = await recorded(run_ours, program)
    assert there
    assert here == there


def test_every_method_is_compared() -> None:
    """All that both have."""
    public = {
        name
        for name, _ in inspect.getmembers(DataClient, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    compared = {program.method for program in [*PROGRAMS.values(), *NEWEST.values()]}
    assert compared == public - OURS_ALONE
    gone: Any = {name for name in OURS_ALONE if hasattr(OfficialClient, name)}
    assert gone <= {"delete_tabular_data_by_filter"}
