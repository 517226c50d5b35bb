"""DataClient's shape: every documented method, parameter, order, default."""

from __future__ import annotations

import inspect
import logging
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fakeviam_client
import pytest
import viam.app.data_client as official
from fakeviam_client import BinaryData, DataClient, Records, TabularData, client

from fakeviam.model.catalogue import CATALOGUE
from fakeviam.wire import data

# What viam-sdk 0.15.0's documentation lists, in its order. All but create_filter are async.
DOCUMENTED = {
    "tabular_data_by_filter": "filter=None, dest=None",
    "binary_data_by_filter": "filter=None, dest=None, include_file_data=True, num_files=None",
    "binary_data_by_ids": "binary_ids, dest=None",
    "delete_tabular_data": "organization_id, delete_older_than_days",
    "delete_tabular_data_by_filter": "filter",
    "delete_binary_data_by_filter": "filter",
    "delete_binary_data_by_ids": "binary_ids",
    "add_tags_to_binary_data_by_ids": "tags, binary_ids",
    "add_tags_to_binary_data_by_filter": "tags, filter=None",
    "remove_tags_from_binary_data_by_ids": "tags, binary_ids",
    "remove_tags_from_binary_data_by_filter": "tags, filter=None",
    "tags_by_filter": "filter=None",
    "add_bounding_box_to_image_by_id": (
        "binary_id, label, x_min_normalized, y_min_normalized, x_max_normalized, y_max_normalized"
    ),
    "remove_bounding_box_from_image_by_id": "bbox_id, binary_id",
    "bounding_box_labels_by_filter": "filter=None",
    "get_database_connection": "organization_id",
    "configure_database_user": "organization_id, password",
    "create_dataset": "name, organization_id",
    "list_dataset_by_ids": "ids",
    "list_datasets_by_organization_id": "organization_id",
    "rename_dataset": "id, name",
    "delete_dataset": "id",
    "add_binary_data_to_dataset_by_ids": "binary_ids, dataset_id",
    "remove_binary_data_from_dataset_by_ids": "binary_ids, dataset_id",
    "binary_data_capture_upload": (
        "binary_data, part_id, component_type, component_name, method_name, file_extension, "
        "method_parameters=None, tags=None, data_request_times=None"
    ),
    "tabular_data_capture_upload": (
        "tabular_data, part_id, component_type, component_name, method_name, "
        "method_parameters=None, tags=None, data_request_times=None"
    ),
    "streaming_data_capture_upload": (
        "data, part_id, file_ext, component_type=None, component_name=None, method_name=None, "
        "method_parameters=None, data_request_times=None, tags=None"
    ),
    "file_upload": (
        "part_id, data, component_type=None, component_name=None, method_name=None, "
        "file_name=None, method_parameters=None, file_extension=None, tags=None"
    ),
    "file_upload_from_path": (
        "filepath, part_id, component_type=None, component_name=None, method_name=None, "
        "method_parameters=None, tags=None"
    ),
    "create_filter": (
        "component_name=None, component_type=None, method=None, robot_name=None, robot_id=None, "
        "part_name=None, part_id=None, location_ids=None, organization_ids=None, mime_type=None, "
        "start_time=None, end_time=None, tags=None, bbox_labels=None, dataset_id=None"
    ),
}

# What came later, and what is ours: keyword-only, with defaults that change nothing.
_PAGE = "sort_order=None, last=None"
NEWER = {
    "tabular_data_by_filter": (
        f"limit=None, {_PAGE}, count_only=False, include_internal_data=False, progress=None"
    ),
    "binary_data_by_filter": (
        f"limit=None, {_PAGE}, count_only=False, include_internal_data=False, progress=None"
    ),
    "binary_data_by_ids": "include_file_data=True",
    "delete_tabular_data": "filter=None",
    "delete_binary_data_by_filter": "include_internal_data=False",
    "add_bounding_box_to_image_by_id": "confidence=None",
    "create_dataset": "type=None",
    "list_datasets_by_organization_id": "dataset_type=None",
    "binary_data_capture_upload": "dataset_ids=None, mime_type=None",
    "streaming_data_capture_upload": "dataset_ids=None, mime_type=None",
    "file_upload": "dataset_ids=None, mime_type=None",
    "file_upload_from_path": "file_name=None, dataset_ids=None, mime_type=None, progress=None",
    "create_filter": "tagged=None",
}

# Ours alone.
OWN = {
    "iter_tabular_data_by_filter": f"filter=None, *, {_PAGE}, include_internal_data=False",
    "iter_binary_data_by_filter": (
        f"filter=None, *, include_file_data=True, {_PAGE}, include_internal_data=False"
    ),
    "iter_data_pipeline_runs": "id",
    "iter_tabular_data": (
        "part_id, resource_name, resource_api, method_name, *, start_time=None, end_time=None, "
        "additional_params=None"
    ),
    "download": "binary_id, dest, *, resume=True, progress=None",
}

# Methods that the documentation does not have, as viam-sdk 0.85.1 has them.
_RESOURCE = "part_id, resource_name, resource_api, method_name"
_PAGES = "page_token=None, page_size=None, timeout=None"
NEWEST = {
    "get_latest_tabular_data": f"{_RESOURCE}, additional_params=None",
    "tabular_data_by_sql": "organization_id, sql_query",
    "tabular_data_by_mql": (
        "organization_id, query, use_recent_data=None, tabular_data_source_type=1, "
        "pipeline_id=None, query_prefix_name=None"
    ),
    "create_data_pipeline": (
        "organization_id, name, mql_binary, schedule, enable_backfill, data_source_type=1"
    ),
    "get_data_pipeline": "id",
    "list_data_pipelines": "organization_id",
    "rename_data_pipeline": "id, name",
    "delete_data_pipeline": "id",
    "list_data_pipeline_runs": "id, page_size=10",
    "create_sequence": (
        "part_id, resources, start_time, end_time, sequence_tags=None, timeout=None"
    ),
    "get_sequence": "id, timeout=None",
    "update_sequence": (
        "id, resources=None, sequence_tags=None, start_time=None, end_time=None, timeout=None"
    ),
    "delete_sequence": "id, timeout=None",
    "list_sequences": f"organization_id, {_PAGES}",
    "sequences_by_dataset_id": (
        "dataset_id, page_token=None, page_size=None, count_only=None, timeout=None"
    ),
    "get_sequence_binary_data": f"sequence_id, {_PAGES}",
    "add_sequences_to_dataset": "dataset_id, sequence_ids, timeout=None",
    "remove_sequences_from_dataset": "dataset_id, sequence_ids, timeout=None",
    "start_sequence_dataset_export": "dataset_id, timeout=None",
    "get_sequence_dataset_export": "job_id, timeout=None",
    "create_index": "organization_id, collection_type, index_spec, pipeline_name=None",
    "list_indexes": "organization_id, collection_type, pipeline_name=None",
    "delete_index": "organization_id, collection_type, index_name, pipeline_name=None",
    "export_tabular_data": (f"{_RESOURCE}, start_time=None, end_time=None, additional_params=None"),
}

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


def plain_signature(method: Any) -> str:
    """The parameters without `self` and without types."""
    signature = inspect.signature(method)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return text[1:-1]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_parameters_are_those_of_the_documentation_then_the_newer_ones(name: str) -> None:
    wanted = DOCUMENTED[name] + (f", *, {NEWER[name]}" if name in NEWER else "")
    assert plain_signature(getattr(DataClient, name)) == wanted


@pytest.mark.parametrize("name", NEWEST)
def test_newer_methods_are_those_of_the_newest_release(name: str) -> None:
    assert plain_signature(getattr(DataClient, name)) == NEWEST[name]
    assert inspect.iscoroutinefunction(getattr(DataClient, name))
    theirs = getattr(official.DataClient, name)
    assert plain_signature(theirs).split(", ") == [
        parameter for parameter in NEWEST[name].split(", ") if parameter != "*"
    ]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_methods_are_async_and_create_filter_is_static(name: str) -> None:
    method = inspect.getattr_static(DataClient, name)
    if name == "create_filter":
        assert isinstance(method, staticmethod)
        assert isinstance(DataClient.create_filter(), data.Filter)
    else:
        assert inspect.iscoroutinefunction(method)


@pytest.mark.parametrize("name", OWN)
def test_methods_of_our_own_take_what_others_take(name: str) -> None:
    assert plain_signature(getattr(DataClient, name)) == OWN[name]


def test_there_are_no_other_methods() -> None:
    public = {
        name
        for name in dir(DataClient)
        if not name.startswith("_")
        and name not in ("TabularData", "TabularDataPoint", "BinaryData")
    }
    assert public == DOCUMENTED.keys() | OWN.keys() | NEWEST.keys()


@pytest.mark.parametrize("name", [*DOCUMENTED, *OWN, *NEWEST])
def test_every_parameter_is_in_the_docstring(name: str) -> None:
    method = getattr(DataClient, name)
    text = inspect.getdoc(method) or ""
    if name == "delete_tabular_data_by_filter":
        assert "delete_tabular_data`" in text
        return
    for parameter in inspect.signature(method).parameters:
        assert parameter == "self" or f"\n    {parameter}: " in text, parameter
    assert "Raises:" in text
    assert "TypeError" in text


def test_every_clause_that_the_client_names_exists() -> None:
    sources = Path(fakeviam_client.__file__).parent.glob("*.py")
    named = {
        name
        for source in sources
        for name in re.findall(r"\b(?:[A-Z]{2}-\d+|A\d+)\b", source.read_text(encoding="utf-8"))
    }
    assert len(named) > 40
    assert named <= CATALOGUE.keys()


def test_the_constructor_takes_a_channel_and_metadata() -> None:
    assert plain_signature(DataClient) == "channel, metadata"


def test_the_classes_of_records_are_attributes() -> None:
    assert DataClient.TabularData is TabularData
    assert DataClient.BinaryData is BinaryData
    assert plain_signature(TabularData) == "data, metadata, time_requested, time_received"
    assert plain_signature(BinaryData) == "data, metadata"


def test_the_module_has_its_logger() -> None:
    assert isinstance(client.LOGGER, logging.Logger)
    assert client.LOGGER.name == "fakeviam_client"


def test_everything_public_is_there_and_says_what_it_is() -> None:
    for name in fakeviam_client.__all__:
        assert hasattr(fakeviam_client, name)
    for named in (BinaryData, DataClient, Records, TabularData, fakeviam_client.connect):
        assert inspect.getdoc(named)


# Records ----------------------------------------------------------------------------------


def reading(**changes: Any) -> TabularData:
    source = data.CaptureMetadata(component_name="thermometer", method_name="Readings")
    values: dict[str, Any] = {
        "data": {"celsius": 21.5},
        "metadata": source,
        "time_requested": NOW,
        "time_received": NOW + timedelta(seconds=1),
        **changes,
    }
    return TabularData(**values)


def file(**changes: Any) -> BinaryData:
    metadata = data.BinaryMetadata(
        binary_data_id="o/l/f", file_name="dog", file_ext=".jpg", file_size_bytes=5
    )
    metadata.capture_metadata.mime_type = "image/jpeg"
    return BinaryData(**{"data": b"bytes", "metadata": metadata, **changes})


def test_readings_are_equal_if_all_their_parts_are() -> None:
    """A reading has its data, its times and its metadata (TD-3)."""
    assert reading() == reading()
    assert reading() != reading(data={"celsius": 21})
    assert reading() != reading(metadata=data.CaptureMetadata())
    assert reading() != reading(time_requested=NOW + timedelta(microseconds=1))
    assert reading() != reading(time_received=NOW)
    assert reading() != file()
    assert reading() != "reading"


def test_files_are_equal_if_bytes_and_metadata_are() -> None:
    assert file() == file()
    assert file() != file(data=b"other")
    assert file() != file(metadata=data.BinaryMetadata())
    assert file() != reading()
    assert file() != b"bytes"


def test_records_read_well() -> None:
    assert str(reading()) == ("2026-03-10T12:00:00+00:00 thermometer.Readings {'celsius': 21.5}")
    assert str(reading(metadata=data.CaptureMetadata())) == (
        "2026-03-10T12:00:00+00:00 reading {'celsius': 21.5}"
    )
    assert str(file()) == "o/l/f dog.jpg image/jpeg 5 bytes"
    assert str(file(metadata=data.BinaryMetadata())) == " unnamed unknown type 0 bytes"
    assert repr(reading()) == f"<TabularData {reading()}>"
    assert repr(file()) == f"<BinaryData {file()}>"


def test_records_cannot_be_hashed_since_they_can_be_changed() -> None:
    for record in (reading(), file()):
        with pytest.raises(TypeError, match="unhashable"):
            hash(record)


def test_a_list_of_records_is_a_list() -> None:
    """The list knows where to continue (PG-3), and how much there was."""
    records = Records([reading()], last="token", total=7, total_size_bytes=70)
    assert records == [reading()]
    assert isinstance(records, list)
    assert (records.last, records.total, records.total_size_bytes) == ("token", 7, 70)
    empty: Records[TabularData] = Records()
    assert (empty.last, empty.total, empty.total_size_bytes) == ("", 0, 0)
