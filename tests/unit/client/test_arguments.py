"""Wrong arguments: TypeError or ValueError naming the parameter, before anything is sent."""

from __future__ import annotations

import inspect
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from fakeviam_client import DataClient, DownloadError
from grpclib.testing import ChannelFor

from fakeviam.wire import data

from .servers import Script, scripted
from .test_signatures import NEWEST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio

Scripted = tuple[DataClient, Script]

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
PAIR = (NOW, NOW)

# What is wrong for which kind of parameter. An optional one takes None as well.
TEXT = (5, b"bytes", ["text"], True)
TEXTS = ("one string", b"bytes", 5, [5], [None], {"a": "b"})
FLAG = (1, 0, "yes", None)
NUMBER = ("0.5", None, True, Decimal("0.5"), 1j)
WHOLE = (1.5, "1", True, Decimal(1))
TIME = ("2026-03-10", 5, date(2026, 3, 10))
PAIR_OF_TIMES = (5, NOW, (NOW,), (NOW, NOW, NOW), ("a", "b"), (NOW, None), "ab")
PAYLOAD = ("text", None, 5, [1, 2])
FILTER: tuple[Any, ...] = (5, "filter", {}, data.BinaryID(), data.DeleteTabularFilter())
IDS = (None, "o/l/f", b"bytes", 5, [5], [None], [data.Filter()], {"o/l/f": 1}, data.BinaryID())
ID = (None, 5, b"bytes", ["o/l/f"], data.Filter())
PATH = (5, b"bytes", ["path"])
MAPPING = (5, "text", [("a", 1)])
READINGS = (None, 5, "text", {"a": 1}, [5], [None], [[("a", 1)]])
TIMES = (5, PAIR, [None], [NOW], "text")
CALLABLE = (5, "text")

OPTIONAL_TEXTS = {"tags": TEXTS, "dataset_ids": TEXTS}
SOURCE = {"component_type": TEXT, "component_name": TEXT, "method_name": TEXT}
PAGING = {"sort_order": (1.5, "asc", True), "last": TEXT, "include_internal_data": FLAG}

# For each method: a call that is right, and what is wrong for each of its parameters.
CALLS: dict[str, tuple[dict[str, Any], dict[str, tuple[Any, ...]]]] = {
    "tabular_data_by_filter": (
        {},
        {
            "filter": FILTER,
            "dest": PATH,
            "limit": WHOLE,
            "count_only": FLAG,
            "progress": CALLABLE,
            **PAGING,
        },
    ),
    "binary_data_by_filter": (
        {},
        {
            "filter": FILTER,
            "dest": PATH,
            "include_file_data": FLAG,
            "num_files": WHOLE,
            "limit": WHOLE,
            "count_only": FLAG,
            "progress": CALLABLE,
            **PAGING,
        },
    ),
    "iter_tabular_data_by_filter": ({}, {"filter": FILTER, **PAGING}),
    "iter_binary_data_by_filter": (
        {},
        {"filter": FILTER, "include_file_data": FLAG, **PAGING},
    ),
    "binary_data_by_ids": (
        {"binary_ids": ["o/l/f"]},
        {"binary_ids": IDS, "dest": PATH, "include_file_data": FLAG},
    ),
    "download": (
        {"binary_id": "o/l/f", "dest": "f"},
        {"binary_id": ID, "dest": PATH, "resume": FLAG, "progress": CALLABLE},
    ),
    "delete_tabular_data": (
        {"organization_id": "o", "delete_older_than_days": 1},
        {
            "organization_id": (None, *TEXT),
            "delete_older_than_days": (None, *WHOLE),
            "filter": (5, "filter", data.Filter()),
        },
    ),
    "delete_binary_data_by_filter": (
        {"filter": None},
        {"filter": FILTER, "include_internal_data": FLAG},
    ),
    "delete_binary_data_by_ids": ({"binary_ids": []}, {"binary_ids": IDS}),
    "add_tags_to_binary_data_by_ids": (
        {"tags": ["t"], "binary_ids": ["o/l/f"]},
        {"tags": (None, *TEXTS), "binary_ids": IDS},
    ),
    "add_tags_to_binary_data_by_filter": (
        {"tags": ["t"]},
        {"tags": (None, *TEXTS), "filter": FILTER},
    ),
    "remove_tags_from_binary_data_by_ids": (
        {"tags": ["t"], "binary_ids": ["o/l/f"]},
        {"tags": (None, *TEXTS), "binary_ids": IDS},
    ),
    "remove_tags_from_binary_data_by_filter": (
        {"tags": ["t"]},
        {"tags": (None, *TEXTS), "filter": FILTER},
    ),
    "tags_by_filter": ({}, {"filter": FILTER}),
    "add_bounding_box_to_image_by_id": (
        {
            "binary_id": "o/l/f",
            "label": "dog",
            "x_min_normalized": 0,
            "y_min_normalized": 0.25,
            "x_max_normalized": Fraction(1, 2),
            "y_max_normalized": 1,
        },
        {
            "binary_id": ID,
            "label": (None, *TEXT),
            "x_min_normalized": NUMBER,
            "y_min_normalized": NUMBER,
            "x_max_normalized": NUMBER,
            "y_max_normalized": NUMBER,
            "confidence": ("1", True),
        },
    ),
    "remove_bounding_box_from_image_by_id": (
        {"bbox_id": "b", "binary_id": "o/l/f"},
        {"bbox_id": (None, *TEXT), "binary_id": ID},
    ),
    "bounding_box_labels_by_filter": ({}, {"filter": FILTER}),
    "get_database_connection": ({"organization_id": "o"}, {"organization_id": (None, *TEXT)}),
    "configure_database_user": (
        {"organization_id": "o", "password": "p"},
        {"organization_id": (None, *TEXT), "password": (None, *TEXT)},
    ),
    "create_dataset": (
        {"name": "n", "organization_id": "o"},
        {"name": (None, *TEXT), "organization_id": (None, *TEXT), "type": ("binary", 0.5, True)},
    ),
    "list_dataset_by_ids": ({"ids": ["d"]}, {"ids": (None, *TEXTS)}),
    "list_datasets_by_organization_id": (
        {"organization_id": "o"},
        {"organization_id": (None, *TEXT), "dataset_type": ("binary", 0.5, True)},
    ),
    "rename_dataset": ({"id": "d", "name": "n"}, {"id": (None, *TEXT), "name": (None, *TEXT)}),
    "delete_dataset": ({"id": "d"}, {"id": (None, *TEXT)}),
    "add_binary_data_to_dataset_by_ids": (
        {"binary_ids": ["o/l/f"], "dataset_id": "d"},
        {"binary_ids": IDS, "dataset_id": (None, *TEXT)},
    ),
    "remove_binary_data_from_dataset_by_ids": (
        {"binary_ids": ["o/l/f"], "dataset_id": "d"},
        {"binary_ids": IDS, "dataset_id": (None, *TEXT)},
    ),
    "binary_data_capture_upload": (
        {
            "binary_data": b"bytes",
            "part_id": "p",
            "component_type": "camera",
            "component_name": "eye",
            "method_name": "GetImages",
            "file_extension": ".jpg",
        },
        {
            "binary_data": PAYLOAD,
            "part_id": (None, *TEXT),
            "component_type": (None, *TEXT),
            "component_name": (None, *TEXT),
            "method_name": (None, *TEXT),
            "file_extension": (None, *TEXT),
            "method_parameters": (*MAPPING, {5: "a"}),
            "data_request_times": PAIR_OF_TIMES,
            "mime_type": TEXT,
            **OPTIONAL_TEXTS,
        },
    ),
    "tabular_data_capture_upload": (
        {
            "tabular_data": [{"a": 1}],
            "part_id": "p",
            "component_type": "sensor",
            "component_name": "s",
            "method_name": "Readings",
        },
        {
            "tabular_data": READINGS,
            "part_id": (None, *TEXT),
            "component_type": (None, *TEXT),
            "component_name": (None, *TEXT),
            "method_name": (None, *TEXT),
            "method_parameters": (*MAPPING, {5: "a"}),
            "tags": TEXTS,
            "data_request_times": (5, [None], [NOW], "t", [(NOW,)]),
        },
    ),
    "streaming_data_capture_upload": (
        {"data": b"bytes", "part_id": "p", "file_ext": "jpg"},
        {
            "data": PAYLOAD,
            "part_id": (None, *TEXT),
            "file_ext": (None, *TEXT),
            "method_parameters": (*MAPPING, {5: "a"}),
            "data_request_times": PAIR_OF_TIMES,
            "mime_type": TEXT,
            **SOURCE,
            **OPTIONAL_TEXTS,
        },
    ),
    "file_upload": (
        {"part_id": "p", "data": b"bytes"},
        {
            "part_id": (None, *TEXT),
            "data": PAYLOAD,
            "file_name": TEXT,
            "method_parameters": (*MAPPING, {5: "a"}),
            "file_extension": TEXT,
            "mime_type": TEXT,
            **SOURCE,
            **OPTIONAL_TEXTS,
        },
    ),
    "file_upload_from_path": (
        {"filepath": __file__, "part_id": "p"},
        {
            "filepath": (None, *PATH),
            "part_id": (None, *TEXT),
            "method_parameters": (*MAPPING, {5: "a"}),
            "file_name": TEXT,
            "mime_type": TEXT,
            "progress": CALLABLE,
            **SOURCE,
            **OPTIONAL_TEXTS,
        },
    ),
}

FILTER_FIELDS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        (
            "component_name", "component_type", "method", "robot_name", "robot_id", "part_name",
            "part_id", "dataset_id",
        ),
        TEXT,
    ),
    **dict.fromkeys(
        ("location_ids", "organization_ids", "mime_type", "tags", "bbox_labels"), TEXTS
    ),
    "start_time": TIME,
    "end_time": TIME,
    "tagged": (1, "yes"),
}  # fmt: skip

PARAMETERS = [(name, parameter) for name, (_, wrong) in CALLS.items() for parameter in wrong]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as both:
        yield both


async def call(client: DataClient, name: str, arguments: dict[str, Any]) -> Any:
    result = getattr(client, name)(**arguments)
    return await result if inspect.isawaitable(result) else [record async for record in result]


async def test_the_table_has_every_parameter_of_every_method() -> None:
    never_sent = {"delete_tabular_data_by_filter", "create_filter", "iter_tabular_data"}
    never_sent |= {"iter_data_pipeline_runs"}
    methods = {name for name in dir(DataClient) if name[0].islower()} - never_sent
    methods -= NEWEST.keys()  # these have tests of their own
    assert methods == CALLS.keys()
    for name, (_, parameters) in CALLS.items():
        wanted = set(inspect.signature(getattr(DataClient, name)).parameters) - {"self"}
        assert parameters.keys() == wanted, name
    assert inspect.signature(DataClient.create_filter).parameters.keys() == FILTER_FIELDS.keys()


@pytest.mark.parametrize("name", CALLS)
async def test_right_arguments_are_sent(name: str, server: Scripted) -> None:
    """So the calls below are refused for their one wrong argument and nothing else."""
    client, script = server
    with suppress(DownloadError):  # no file has any id here
        await call(client, name, CALLS[name][0])
    assert len(script.asked) == 1


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
@pytest.mark.thinned(4)
async def test_a_wrong_type_names_the_parameter_and_sends_nothing(
    name: str, parameter: str, server: Scripted
) -> None:
    client, script = server
    right, wrong = CALLS[name]
    for value in wrong[parameter]:
        with pytest.raises(TypeError) as caught:
            await call(client, name, {**right, parameter: value})
        assert str(caught.value).startswith(parameter)
        assert "must be" in str(caught.value)
    assert script.asked == []


@pytest.mark.parametrize("field", FILTER_FIELDS)
async def test_filter_fields_of_the_wrong_type(field: str) -> None:
    for value in FILTER_FIELDS[field]:
        with pytest.raises(TypeError, match=f"^{field}.* must be"):
            DataClient.create_filter(**{field: value})


@pytest.mark.parametrize("name", ["iter_tabular_data_by_filter", "iter_binary_data_by_filter"])
async def test_iterators_refuse_at_the_call_already(name: str, server: Scripted) -> None:
    client, _ = server
    with pytest.raises(TypeError, match=r"^filter must be"):
        getattr(client, name)(5)


async def test_the_constructor_checks_too() -> None:
    with pytest.raises(TypeError, match=r"^channel must be"):
        DataClient("localhost:8080", {})  # type: ignore[arg-type]
    async with ChannelFor([Script({})]) as channel:
        for wrong in (None, "token", {"authorization": 5}, {5: "token"}):
            with pytest.raises(TypeError, match=r"^metadata"):
                DataClient(channel, wrong)  # type: ignore[arg-type]


async def test_a_password_never_shows_in_an_error(server: Scripted) -> None:
    client, script = server
    with pytest.raises(TypeError, match=r"^password must be a string, got bytes$"):
        await client.configure_database_user("o", b"secret")  # type: ignore[arg-type]
    assert script.asked == []


# Values that are of the right type, and still no good -------------------------------------

TOO_DEEP: dict[str, Any] = {}
_inner = TOO_DEEP
for _ in range(100):
    _inner["a"] = {}
    _inner = _inner["a"]

READING_VALUES: list[tuple[Any, str]] = [
    ({"a": 2**53 + 1}, "a: an integer beyond"),
    ({"a": -(2**53) - 1}, "a: an integer beyond"),
    ({"a": [1, {"b": float("nan")}]}, "a[1].b: nan"),
    ({"a": float("inf")}, "a: inf"),
    ({"a": {"b": NOW}}, "a.b: datetime"),
    ({"a": [b"bytes"]}, "a[0]: bytes"),
    ({"a": (1, 2)}, "a: tuple"),
    ({"a": {1}}, "a: set"),
    ({"a": {"x y": {5: 1}}}, "a['x y'][5]: the key 5 is not a string"),
    ({"dotted.key": object()}, "['dotted.key']: object"),
    ({"a": "\ud800"}, "a: text that cannot be encoded"),
    (TOO_DEEP, "nested so deeply"),
]


@pytest.mark.parametrize(("reading", "text"), READING_VALUES)
async def test_a_reading_that_would_change_is_refused_with_the_path(
    reading: dict[str, Any], text: str, server: Scripted
) -> None:
    client, script = server
    with pytest.raises(ValueError, match=r"^tabular_data\[1\]: ") as caught:
        await client.tabular_data_capture_upload([{}, reading], "p", "c", "n", "m")
    assert text in str(caught.value)
    assert script.asked == []


async def test_method_parameters_that_would_change_are_refused_with_the_path(
    server: Scripted,
) -> None:
    client, script = server
    with pytest.raises(ValueError, match=r"^method_parameters: a\.b: bytes"):
        await client.file_upload("p", b"", method_parameters={"a": {"b": b"bytes"}})
    assert script.asked == []


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("binary_data_by_filter", {"num_files": -1}, "num_files must not be negative"),
        ("binary_data_by_filter", {"limit": -1}, "limit must not be negative"),
        ("binary_data_by_filter", {"limit": 2**64}, "limit must be less than"),
        ("binary_data_by_filter", {"limit": 1, "num_files": 1}, "cannot be combined"),
        ("binary_data_by_filter", {"sort_order": 3}, "sort_order must be one of"),
        ("binary_data_by_filter", {"sort_order": -1}, "sort_order must not be negative"),
        ("binary_data_by_filter", {"dest": "f", "count_only": True}, "nothing"),
        ("binary_data_by_filter", {"dest": ""}, "dest must be a path"),
        ("binary_data_by_filter", {"dest": "a\0b"}, "dest must be a path"),
        ("binary_data_by_filter", {"last": "\ud800"}, "last cannot be encoded"),
        ("tabular_data_by_filter", {"limit": -1}, "limit must not be negative"),
        ("tabular_data_by_filter", {"limit": -1, "count_only": True}, "limit must not be"),
        ("tabular_data_by_filter", {"dest": "f", "count_only": True}, "nothing"),
        ("iter_tabular_data_by_filter", {"sort_order": 3}, "sort_order must be one of"),
        ("binary_data_by_ids", {"dest": ""}, "dest must be a path"),
        ("binary_data_by_ids", {"binary_ids": ["\ud800"]}, r"binary_ids\[0\] cannot be"),
        ("delete_tabular_data", {"delete_older_than_days": -1}, "must not be negative"),
        ("delete_tabular_data", {"delete_older_than_days": 2**32}, "must be less than"),
        ("create_dataset", {"type": 7}, "type must be one of DATASET_TYPE"),
        ("list_datasets_by_organization_id", {"dataset_type": 7}, "dataset_type must be one of"),
        ("add_tags_to_binary_data_by_filter", {"tags": ["a", "\ud800"]}, r"tags\[1\] cannot be"),
        ("tabular_data_capture_upload", {"data_request_times": []}, "0 entries for 1 readings"),
        (
            "tabular_data_capture_upload",
            {"data_request_times": [PAIR, PAIR]},
            "2 entries for 1 readings",
        ),
        (
            "binary_data_capture_upload",
            {"data_request_times": (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), NOW)},
            r"data_request_times\[0\]: ",
        ),
    ],
)
async def test_values_that_are_no_good_are_refused_before_any_call(
    name: str, arguments: dict[str, Any], text: str, server: Scripted
) -> None:
    client, script = server
    with pytest.raises(ValueError, match=text):
        await call(client, name, {**CALLS[name][0], **arguments})
    assert script.asked == []


async def test_tagged_cannot_be_combined_with_tags() -> None:
    with pytest.raises(ValueError, match="tagged"):
        DataClient.create_filter(tags=["a"], tagged=False)


async def test_a_file_that_is_not_there(server: Scripted, tmp_path: Path) -> None:
    client, script = server
    with pytest.raises(FileNotFoundError, match="missing"):
        await client.file_upload_from_path(str(tmp_path / "missing.bin"), "p")
    with pytest.raises(IsADirectoryError):
        await client.file_upload_from_path(str(tmp_path), "p")
    assert script.asked == []


@pytest.mark.parametrize(
    "name", ["tabular_data_by_filter", "binary_data_by_filter", "binary_data_by_ids"]
)
async def test_a_dest_that_cannot_be_written_is_refused_before_any_call(
    name: str, server: Scripted, tmp_path: Path
) -> None:
    client, script = server
    (tmp_path / "mine").write_text("precious")
    for dest, kind in (
        (tmp_path, FileExistsError),
        (tmp_path / "missing" / "file", FileNotFoundError),
        (tmp_path / "mine" / "file", OSError),
        (tmp_path / ("x" * 300), OSError),
    ):
        with pytest.raises(kind):
            await call(client, name, {**CALLS[name][0], "dest": str(dest)})
    assert script.asked == []


async def test_the_deprecated_delete_names_its_successor(server: Scripted) -> None:
    client, script = server
    with pytest.raises(NotImplementedError, match=r"use delete_tabular_data$"):
        await client.delete_tabular_data_by_filter(None)
    assert script.asked == []


# Values that are meant generously ---------------------------------------------------------


async def test_any_collection_of_strings_is_a_list_of_them(server: Scripted) -> None:
    client, script = server
    await client.add_tags_to_binary_data_by_ids(("a", "b"), iter(["o/l/f"]))  # type: ignore[arg-type]
    (request,) = script.requests("AddTagsToBinaryDataByIDs")
    assert list(request.tags) == ["a", "b"]
    assert list(request.binary_data_ids) == ["o/l/f"]


@pytest.mark.parametrize(
    "payload",
    [
        b"bytes",
        bytearray(b"bytes"),
        memoryview(b"bytes"),
        memoryview(b"b-y-t-e-s")[::2],
        memoryview(b"bytes").cast("b"),
    ],
)
async def test_bytes_of_every_kind(payload: Any, server: Scripted) -> None:
    client, script = server
    await client.binary_data_capture_upload(payload, "p", "c", "n", "m", "")
    (request,) = script.requests("DataCaptureUpload")
    assert request.sensor_contents[0].binary == b"bytes"
    await client.streaming_data_capture_upload(payload, "p", "")
    _, contents = script.requests("StreamingDataCaptureUpload")
    assert contents.data == b"bytes"


async def test_a_path_may_be_a_path(server: Scripted, tmp_path: Path) -> None:
    client, script = server
    file = tmp_path / "scan.a.pcd"
    file.write_bytes(b"points")
    await client.file_upload_from_path(file, "p")  # type: ignore[arg-type]
    opening, _ = script.requests("FileUpload")
    assert (opening.metadata.file_name, opening.metadata.file_extension) == ("scan.a", ".pcd")
    await client.tabular_data_by_filter(dest=tmp_path / "readings.json")  # type: ignore[arg-type]
    assert (tmp_path / "readings.json").read_text() == "[\n]\n"
