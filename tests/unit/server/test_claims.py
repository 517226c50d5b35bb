"""A claim about calls that could only be false, or only be true, is refused."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import grpclib
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpclib.const import Status

from fakeviam import CallsError, UsageError
from fakeviam.model.fleet import DEFAULT_PART
from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam.wire.well_known import Any as Packed

from .driver import NOW, RefusedError, Viam, file_parts, interval, reading, upload_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam import FakeViam

pytestmark = pytest.mark.asyncio


class Kind(enum.Enum):
    """As programs write it."""

    FILE = 3


async def said(viam: Viam, *tags: str, **fields: Any) -> None:
    """Call AddTagsToBinaryDataByFilter, whose request holds two lists of tags."""
    request = data.AddTagsToBinaryDataByFilterRequest(
        filter=data.Filter(tags_filter=data.TagsFilter(tags=["cat"]), **fields), tags=tags
    )
    await viam.rpc("AddTagsToBinaryDataByFilter", request)


async def test_calls_are_counted_by_the_name_of_their_rpc(viam: Viam) -> None:
    """And looked for by it; a name that no RPC has is an error (JR-7)."""
    await viam.rpc("FileUpload", *file_parts(b"x", component_name="cam-1"))
    calls: Any = viam.cloud.calls
    assert "FileUpload" in calls
    assert "TagsByFilter" not in calls
    assert calls.count("FileUpload") == calls.count("File*", component="cam-1") == 1
    assert calls.count() == 1
    assert calls.count(calls.one()) == 1
    assert calls.one() in calls
    assert calls.one() not in calls.where("TagsByFilter")
    assert calls == [calls.one()]
    assert calls.where("TagsByFilter") == []
    for wrong in ("FielUpload", 7, Status.OK):
        with pytest.raises(UsageError):
            calls.count(wrong)
        with pytest.raises(UsageError):
            assert wrong not in calls


async def test_a_status_goes_by_its_name_or_as_an_enum(viam: Viam) -> None:
    """JR-7."""
    await viam.tags_by_filter()
    calls: Any = viam.cloud.calls
    for status in ("OK", Status.OK, grpclib.Status.OK, 0):
        assert len(calls.where(status=status)) == 1
        assert calls.count(status=status) == 1
    wrong: Any
    for wrong, text in (
        ("UNAVAILIBLE", "got 'UNAVAILIBLE'; did you mean 'UNAVAILABLE'?"),
        ("unavailable", "got 'unavailable'; did you mean 'UNAVAILABLE'?"),
        (99, "got 99"),
        (True, "got True"),
        (Kind.FILE, "got <Kind.FILE: 3>"),
    ):
        with pytest.raises(UsageError) as caught:
            calls.assert_not_called(status=wrong)
        said = str(caught.value).partition("; expected one of ")[0]
        assert said == f"status must be the name of a gRPC status, {text}"


async def test_parts_and_their_owners_go_by_name_too(viam: Viam) -> None:
    """As objects and as names; a name that is nearly one is an error (JR-7)."""
    cloud = viam.cloud
    arm = cloud.fleet.add_part("arm-main", robot="arm")
    await viam.rpc("FileUpload", *file_parts(b"x"))
    await viam.rpc("FileUpload", *file_parts(b"x", part_id=arm.id))
    with pytest.raises(RefusedError):
        await viam.rpc("FileUpload", *file_parts(b"x", part_id="amr-main"))
    calls = cloud.calls
    for part in (arm, arm.id, "arm-main", [arm], ["arm-main"]):
        assert calls.where(part=part).one().number == 2
        assert calls.where(part_id=part).one().number == 2
    assert calls.where(part="amr-main").one().number == 3  # a client sent just that
    with pytest.raises(UsageError) as caught:
        calls.where(part="arm-mian")
    assert str(caught.value) == "part: no part is named 'arm-mian'; did you mean 'arm-main'?"
    assert len(calls.where(part="nobody")) == 0
    cloud.fleet.add_part("arm-main", robot="other")
    with pytest.raises(UsageError, match="part: 2 have the name 'arm-main'; give the id instead"):
        calls.where(part="arm-main")
    with pytest.raises(UsageError, match=r"organization of .* must be text, got <Part"):
        calls.where(organization=arm)
    await viam.rpc(
        "TagsByFilter", data.TagsByFilterRequest(filter=data.Filter(location_ids=["fakelab001"]))
    )
    assert calls.where(location_ids=["fake-location"]).one().rpc == "TagsByFilter"


async def test_faults_and_replies_know_names_too(viam: Viam) -> None:
    """JR-7, FT-1, RP-1."""
    cloud = viam.cloud
    cloud.faults.on("FileUpload", part="fake-robot-main").once().status("UNAVAILABLE")
    cloud.faults.on("FileUpload", part=DEFAULT_PART, type=Kind.FILE).once().status("ABORTED")
    for status in ("UNAVAILABLE", "ABORTED"):
        with pytest.raises(RefusedError):
            await viam.rpc("FileUpload", *file_parts(b"x"))
        assert cloud.calls[-1].status == status
    cloud.replies.on("FileUpload", part="fake-robot-main").respond({"file_id": "scripted"})
    assert (await viam.rpc("FileUpload", *file_parts(b"x"))).file_id == "scripted"
    for plan in (cloud.faults.on, cloud.replies.on):
        with pytest.raises(UsageError, match="did you mean 'fake-robot-main'"):
            plan("FileUpload", part="fake-robt-main")
        with pytest.raises(UsageError, match="type of FileUpload must be one of DATA_TYPE_"):
            plan("FileUpload", type="DATA_TYPE_FIEL")


@pytest.mark.parametrize(
    ("rpc", "name", "value", "text"),
    [
        ("BinaryDataByFilter", "limit", "5", "a whole number, got '5'"),
        ("BinaryDataByFilter", "limit", True, "a whole number, got True"),
        ("BinaryDataByFilter", "limit", 5.5, "a whole number, got 5.5"),
        ("BinaryDataByFilter", "include_binary", "yes", "True or False, got 'yes'"),
        ("BinaryDataByFilter", "include_binary", 1, "True or False, got 1"),
        ("FileUpload", "component", 7, "text, got 7"),
        ("FileUpload", "component", False, "text, got False"),
        ("FileUpload", "component", ["a", "b"], "text, got ['a', 'b']"),
        ("FileUpload", "tags", ["a", 1], "text, got ['a', 1]"),
        ("FileUpload", "tags", {"a"}, "text, got {'a'}"),
        ("FileUpload", "file_create_time", "noon", "a time such as 2026-01-31T12:00:00Z, got"),
        ("FileUpload", "method_parameters", {"a": 1}, "the value of one key, as in method_para"),
        ("DataCaptureUpload", "struct", [1], "a dict, got [1]"),
        ("TabularDataByMQL", "mql_binary", "text", "bytes, got 'text'"),
        ("AddBoundingBoxToImageByID", "x_min_normalized", float("nan"), "a number, got nan"),
        ("FileUpload", "type", "FILE", "one of DATA_TYPE_UNSPECIFIED, DATA_TYPE_BINARY_SENSOR,"),
    ],
)
async def test_a_value_that_the_field_cannot_hold(
    viam: Viam, rpc: str, name: str, value: object, text: str
) -> None:
    """Says what it can hold (JR-7)."""
    with pytest.raises(UsageError) as caught:
        viam.cloud.calls.assert_not_called(rpc, **{name: value})
    assert str(caught.value).startswith(f"{name} of {rpc} must be {text}")


async def test_what_else_no_request_can_hold(viam: Viam) -> None:
    """None; the contents of a stream, which come after the message that is compared (JR-7)."""
    calls = viam.cloud.calls
    with pytest.raises(UsageError, match="part must not be None; an empty value means that it is"):
        calls.where(part=None)
    with pytest.raises(UsageError, match="requests of FileUpload have no field 'data'"):
        calls.where("FileUpload", data=b"x")
    with pytest.raises(UsageError, match="did you mean 'DATA_TYPE_FILE'"):
        calls.where("FileUpload", type="data_type_file")


async def test_times_are_compared_as_times(viam: Viam) -> None:
    """As datetime, or as ISO 8601 with any offset (JR-7)."""
    start = timestamp_from(NOW)
    request = data.TagsByFilterRequest(filter=data.Filter(interval=interval(start=start)))
    await viam.rpc("TagsByFilter", request)
    moment = datetime.fromtimestamp(NOW // 10**9, timezone.utc) + timedelta(
        microseconds=NOW % 10**9 // 1000
    )
    east = moment.astimezone(timezone(timedelta(hours=2)))
    for wanted in (moment, east, east.isoformat(), start.ToJsonString()):
        assert len(viam.cloud.calls.where(start=wanted)) == 1
    assert len(viam.cloud.calls.where(start=moment + timedelta(seconds=1))) == 0


async def test_lists_of_different_fields_stay_apart(viam: Viam) -> None:
    """And a name that begins with a dot is the field of the request itself (JR-7)."""
    await said(viam, "dog")
    with pytest.raises(RefusedError):
        await said(viam)
    calls: Any = viam.cloud.calls
    assert calls.where(tags=["dog"]).one().number == 1
    assert calls.where(tags=["cat"])[-1].number == 2
    assert len(calls.where(tags=["cat", "dog"])) == 0
    assert calls.where(**{".tags": "dog"}).one().number == 1
    assert calls.where(**{".tags": []}).one().number == 2
    assert len(calls.where(**{".tags": "cat"})) == 0
    assert len(calls.where(**{".filter.tags_filter.tags": "cat"})) == 2
    with pytest.raises(UsageError, match=r"have no field '.part_id'; did you mean 'part_id'"):
        calls.where("TagsByFilter", **{".part_id": "p"})


async def test_below_maps_and_structs(viam: Viam) -> None:
    """By the path of the key; an Any of a wrapper is its value (JR-7)."""
    packed = Packed()
    packed.Pack(StringValue(value="left"))
    metadata = upload_metadata(
        type=datasync.DATA_TYPE_TABULAR_SENSOR, method_parameters={"side": packed}
    )
    request = datasync.DataCaptureUploadRequest(
        metadata=metadata, sensor_contents=[reading({"room": {"temp": 21.5, "a.b": None}})]
    )
    await viam.rpc("DataCaptureUpload", request)
    find: Callable[..., int] = viam.cloud.calls.count
    assert find(**{"method_parameters.side": "left"}) == 1
    assert find(**{"method_parameters.side": "right"}) == 0
    assert find(**{"struct.room.temp": 21.5}) == find(
        **{"struct.room": {"temp": 21.5, "a.b": None}}
    )
    assert find(**{"struct.room.temp": 21.5}) == find(**{"struct.room.a.b": None}) == 1
    assert find(**{"struct.room.temp": 21}) == find(**{"struct.temp": 21.5}) == 0
    asked = data.ExportTabularDataRequest(additional_parameters=struct_from({"key": "x"}))
    with pytest.raises(RefusedError):
        await viam.rpc("ExportTabularData", asked)
    assert find(additional_parameters={"key": "x"}) == find(**{"additional_parameters.key": "x"})
    assert find(**{".additional_parameters.key": "x"}) == 1


async def test_numbers_of_calls_are_checked(viam: Viam) -> None:
    """And so is the time to wait (JR-7)."""
    calls = viam.cloud.calls
    for times in (-1, 1.5, "2", True):
        with pytest.raises(UsageError, match="times must be a whole number from 1"):
            calls.assert_called(times=times)  # type: ignore[arg-type] # a mistake
    calls.assert_called(times=0)
    with pytest.raises(UsageError, match="count must be a whole number from 1, got 0"):
        await calls.wait_for_async(count=0)
    for timeout in (-1, float("nan"), "5"):
        with pytest.raises(UsageError, match="timeout must be a number of seconds from 0, got"):
            await calls.wait_for_async(timeout=timeout)  # type: ignore[arg-type] # a mistake
    with pytest.raises(CallsError, match="waited 0 s for 1 call"):
        await calls.wait_for_async(timeout=timedelta(0))


async def test_a_fault_for_all_calls_hits_those_of_unknown_services(cloud_and_path: Any) -> None:
    """An outage is one for every RPC (FT-1)."""
    cloud, call = cloud_and_path
    cloud.faults.on("*").times(1).status("UNAVAILABLE")
    assert await call() is Status.UNAVAILABLE
    assert await call() is Status.UNIMPLEMENTED
    assert [each.status for each in cloud.calls] == ["UNAVAILABLE", "UNIMPLEMENTED"]
    cloud.check()


@pytest.fixture
def cloud_and_path(viam: Viam) -> tuple[FakeViam, Callable[[], Any]]:
    """A cloud, and a call to an RPC of a service that the fake does not know."""
    from grpclib.client import UnaryUnaryMethod  # noqa: PLC0415 - for this fixture

    method: Any = UnaryUnaryMethod(
        viam.channel,
        "/viam.robot.v1.RobotService/GetStatus",
        data.TagsByFilterRequest,
        data.TagsByFilterResponse,
    )

    async def call() -> Status:
        with pytest.raises(grpclib.GRPCError) as caught:
            await method(data.TagsByFilterRequest())
        return caught.value.status

    return viam.cloud, call
