"""The kit on a server that holds the data of others."""

from __future__ import annotations

import time
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bson
import pytest
from fakeviam_contracts import remote
from fakeviam_contracts.assertions import ContractBrokenError, ProgramEndedError
from fakeviam_contracts.checks import CHECKS, Need
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import Address
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.machine import ContractMachine
from fakeviam_contracts.remote import RemoteSubject
from fakeviam_contracts.scope import NameScope, OutOfScopeError
from fakeviam_contracts.wirelog import Refused, rpc_of
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from fakeviam import FakeViam
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import data, datapipelines, dataset, datasync

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam_contracts.checks import Check
    from fakeviam_contracts.wirelog import Wire
    from google.protobuf.message import Message

HOT = data.INDEXABLE_COLLECTION_HOT_STORE
SINK = data.INDEXABLE_COLLECTION_PIPELINE_SINK

DOCUMENTED = Interpretation.named("documented")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeViam]:
    with FakeViam(seed=1) as cloud:
        # What is waited for is done when the server's clock was moved.
        moved = SimpleNamespace(
            time=time.time, time_ns=time.time_ns, sleep=lambda s: cloud.clock.advance(seconds=s)
        )
        monkeypatch.setattr(remote, "time", moved)
        cloud.fleet.add_part("second", robot="rover", location="lab")
        yield cloud
        cloud.check()


def _parts(cloud: FakeViam) -> tuple[str, ...]:
    return tuple(part.id for part in cloud.fleet)


def _subject(cloud: FakeViam, **how: Any) -> RemoteSubject:
    # By the socket, which is quicker than TCP.
    address = Address(target=f"unix:{cloud.unix_socket}")
    return RemoteSubject(DOCUMENTED, address, parts=_parts(cloud), **how)


def _run_checks(subject: RemoteSubject, checks: Sequence[Check] = CHECKS) -> list[str]:
    skipped = []
    for check in checks:
        if check.needs & set(subject.missing):
            skipped.append(check.name)
            continue
        session = subject.open_session()
        with suppress(ProgramEndedError):  # nobody downloads over a Unix socket
            check.run(session)
        subject.close_session(session)
    return skipped


def _run_programs(subject: RemoteSubject) -> None:
    class Machine(ContractMachine):
        open_session = staticmethod(subject.open_session)
        close_session = staticmethod(subject.close_session)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=4,
            stateful_step_count=25,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


# What others have there ------------------------------------------------------------------


def _fill(wire: Wire, part: str, organization_id: str) -> None:
    """Files, tags, boxes, readings and datasets that look like those of the checks."""
    for name in ("pets", "cars"):
        made = wire.call(
            "CreateDataset",
            dataset.CreateDatasetRequest(name=name, organization_id=organization_id),
        )
    for at, component in enumerate(("cam", "cam", "", "sensor")):
        metadata = datasync.UploadMetadata(
            part_id=part,
            component_name=component,
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            file_extension=".jpg",
            tags=["dog", f"tag {at}"],
            dataset_ids=[made.id],
        )
        content = datasync.SensorData(binary=b"theirs %d" % at)
        upload = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[content])
        file = wire.call("DataCaptureUpload", upload)
        box = data.AddBoundingBoxToImageByIDRequest(
            binary_data_id=file.binary_data_id, label="dog", x_max_normalized=1, y_max_normalized=1
        )
        wire.call("AddBoundingBoxToImageByID", box)
        upload.metadata.type = datasync.DATA_TYPE_TABULAR_SENSOR
        content = upload.sensor_contents[0]
        content.struct.fields["n"].number_value = at
        wire.call("DataCaptureUpload", upload)
    _fill_newest(wire, part, organization_id)


def _fill_newest(wire: Wire, part: str, organization_id: str) -> None:
    """A saved query, a pipeline, indexes and a sequence, named as those of the checks are."""
    stages = [bson.encode({"$limit": 1})]
    for name in ("zebras", "apes", "first"):
        query = data.CreateSavedQueryRequest(
            organization_id=organization_id, name=name, mql_binary=stages
        )
        wire.call("CreateSavedQuery", query)
        pipeline = datapipelines.CreateDataPipelineRequest(
            organization_id=organization_id, name=name, mql_binary=stages, schedule="0 0 1 1 *"
        )
        wire.call("CreateDataPipeline", pipeline)
        where: dict[str, Any] = {"collection_type": HOT}
        if name == "first":
            where = {"collection_type": SINK, "pipeline_name": name}
        spec = [bson.encode({f"data.readings.{name}": 1})]
        index = data.CreateIndexRequest(organization_id=organization_id, index_spec=spec, **where)
        wire.call("CreateIndex", index)
    camera = data.SequenceResourceFilter(resource_name="cam", method_name="ReadImage")
    sequence = data.CreateSequenceRequest(part_id=part, resources=[camera])
    sequence.start_time.FromSeconds(1)
    sequence.end_time.FromSeconds(2)
    wire.call("CreateSequence", sequence)


def _newest(wire: Wire, organization_id: str) -> list[bytes]:
    whose: dict[str, Any] = {"organization_id": organization_id}
    requests: tuple[Message, ...] = (
        data.ListSavedQueriesRequest(**whose),
        datapipelines.ListDataPipelinesRequest(**whose),
        data.ListIndexesRequest(collection_type=HOT, **whose),
        data.ListIndexesRequest(collection_type=SINK, pipeline_name="first", **whose),
        data.ListSequencesRequest(**whose),
    )
    return [
        answer.SerializeToString(deterministic=True)
        for answer in (wire.call(rpc_of([request]), request) for request in requests)
        if not isinstance(answer, Refused)
    ]


def _dump(wire: Wire, organization_id: str) -> dict[str, Any]:
    """Everything the server holds, byte for byte."""
    files = _paged(wire, "BinaryDataByFilter", include_binary=True)
    listed = dataset.ListDatasetsByOrganizationIDRequest(organization_id=organization_id)
    return {
        "files": files,
        "readings": _paged(wire, "TabularDataByFilter"),
        "tags": list(wire.call("TagsByFilter", data.TagsByFilterRequest()).tags),
        "labels": list(
            wire.call("BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest()).labels
        ),
        "datasets": wire.call("ListDatasetsByOrganizationID", listed).SerializeToString(
            deterministic=True
        ),
        "newest": _newest(wire, organization_id),
    }


def _paged(wire: Wire, rpc: str, **how: Any) -> list[bytes]:
    request = getattr(data, f"{rpc}Request")(data_request=data.DataRequest(limit=2), **how)
    pages = []
    while (reply := wire.call(rpc, request)).data:
        pages.append(reply.SerializeToString(deterministic=True))
        request.data_request.last = reply.last
    return pages


@pytest.mark.slow
def test_a_complete_run_leaves_the_data_of_others_as_it_was(cloud: FakeViam) -> None:
    subject = _subject(cloud)
    wire = subject.line.wire()
    organization_id = cloud.default_part.organization_id
    _fill(wire, cloud.default_part.id, organization_id)
    before = _dump(wire, organization_id)
    assert len(before["files"]) == 2
    skipped = _run_checks(subject)
    _run_programs(subject)
    assert _dump(wire, organization_id) == before
    assert subject.left == []
    needs = [check.name for check in CHECKS if check.needs - {Need.CLOCK}]
    assert [name for name in skipped if not name.startswith("readings_by_days")] == needs
    subject.close()


@pytest.mark.slow
def test_alone_it_leaves_nothing(cloud: FakeViam) -> None:
    subject = _subject(cloud, exclusive=True)
    assert Need.EXCLUSIVE not in subject.missing
    _run_checks(subject, CHECKS[::4])
    dump = _dump(subject.line.wire(), cloud.default_part.organization_id)
    newest = dump.pop("newest")
    assert not any(dump.values())
    # MongoDB's own index is there whatever was made.
    assert [len(each) > 50 for each in newest] == [False] * 4
    assert subject.left == []
    subject.close()


def test_it_does_not_take_the_data_of_others_for_its_own(cloud: FakeViam) -> None:
    subject = _subject(cloud)
    _fill(subject.line.wire(), cloud.default_part.id, cloud.default_part.organization_id)
    with pytest.raises(CannotRunError, match="--exclusive deletes everything, and 4 files and 4 r"):
        _subject(cloud, exclusive=True)
    subject.close()


# Where it runs at all --------------------------------------------------------------------


def test_nobody_there() -> None:
    with pytest.raises(CannotRunError, match=r"cannot reach 127\.0\.0\.1:1: "):
        RemoteSubject(DOCUMENTED, Address(target="127.0.0.1:1"), parts=("p",))


@pytest.mark.parametrize("target", ["", "host:", "host:0"])
def test_no_address(target: str) -> None:
    with pytest.raises(CannotRunError, match=r"the target .* is not an address"):
        RemoteSubject(DOCUMENTED, Address(target=target), parts=("p",))


def test_no_part(cloud: FakeViam) -> None:
    address = Address(target=f"unix:{cloud.unix_socket}")
    with pytest.raises(CannotRunError, match="--part ID"):
        RemoteSubject(DOCUMENTED, address, parts=())
    with pytest.raises(CannotRunError, match="part nobody does not accept data: UNKNOWN"):
        RemoteSubject(DOCUMENTED, address, parts=("nobody",))


def test_parts_of_another_organization(cloud: FakeViam) -> None:
    with pytest.raises(CannotRunError, match="the parts are not of theirs: "):
        _subject(cloud, organization="theirs")
    _subject(cloud, organization=cloud.default_part.organization_id).close()


def test_keys() -> None:
    with FakeViam(seed=1, auth="keys") as cloud:
        good = Address(target=cloud.target, api_key_id=cloud.api_key_id, api_key=cloud.api_key)
        bad = Address(target=cloud.target, api_key_id=cloud.api_key_id, api_key="no")
        parts = (cloud.default_part.id,)
        RemoteSubject(DOCUMENTED, good, parts=parts).close()
        with pytest.raises(CannotRunError, match="refuses the API key: UNAUTHENTICATED"):
            RemoteSubject(DOCUMENTED, bad, parts=parts)


# Servers that would lead it astray -------------------------------------------------------


class IgnoresComponents(Interceptor):
    """Finds the data of everybody."""

    def request(self, rpc: str, message: Any) -> Any:
        del rpc
        if isinstance(message, data.BinaryDataByFilterRequest):
            message.data_request.filter.component_name = ""
        return message


class IgnoresDeleteFilters(Interceptor):
    """Deletes the readings of everybody, as servers did before there was a filter."""

    def request(self, rpc: str, message: Any) -> Any:
        del rpc
        if isinstance(message, data.DeleteTabularDataRequest):
            message.ClearField("filter")
        return message


def test_a_server_that_ignores_components_is_left_alone() -> None:
    with (
        FakeViam(seed=1, interceptors=[IgnoresComponents()]) as cloud,
        pytest.raises(ContractBrokenError, match=r"of a component that does not exist \[FI-1\]"),
    ):
        _subject(cloud)


def test_readings_stay_where_their_deletion_would_take_those_of_others() -> None:
    with FakeViam(seed=1, interceptors=[IgnoresDeleteFilters()]) as cloud:
        subject = _subject(cloud)
        wire = subject.line.wire()
        organization_id = cloud.default_part.organization_id
        _fill(wire, cloud.default_part.id, organization_id)
        before = _dump(wire, organization_id)
        session = subject.open_session()
        next(check for check in CHECKS if check.name == "readings_come_back").run(session)
        subject.close_session(session)
        after = _dump(wire, organization_id)
        subject.close()
    assert after["files"] == before["files"]
    assert len(after["readings"]) > len(before["readings"])
    assert subject.left == [f"0 files and 9 readings of {session.place.component}"]


# The edge and its guard ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dog", "größe", "VIAM_DATASET_", "VIAM_DATASET_x", "", " "])
def test_names_come_back_as_they_went(name: str) -> None:
    scope = NameScope("contract-1")
    assert scope.shown(scope.hidden(name)) == name
    assert (scope.hidden(name) == name) == (not name.strip())


def test_labels_of_datasets_go_as_they_are() -> None:
    scope = NameScope("contract-1")
    scope.incoming("CreateDataset", dataset.CreateDatasetResponse(id="d"))
    assert scope.hidden("VIAM_DATASET_d") == scope.shown("VIAM_DATASET_d") == "VIAM_DATASET_d"


@pytest.mark.parametrize(
    "request_",
    [
        data.DeleteBinaryDataByFilterRequest(),
        data.DeleteBinaryDataByFilterRequest(filter=data.Filter(part_id="p")),
        data.DeleteBinaryDataByFilterRequest(filter=data.Filter(component_name="cam")),
        data.DeleteTabularDataRequest(organization_id="o"),
        data.AddTagsToBinaryDataByFilterRequest(tags=["x"]),
        data.BinaryDataByFilterRequest(),
        data.DeleteBinaryDataByIDsRequest(binary_data_ids=["o/l/theirs"]),
        data.DeleteBinaryDataByIDsRequest(
            binary_ids=[data.BinaryID(organization_id="o", location_id="l", file_id="theirs")]
        ),
        data.UpdateBoundingBoxRequest(binary_data_id="o/l/theirs"),
        dataset.DeleteDatasetRequest(id="theirs"),
        dataset.RenameDatasetRequest(id="theirs", name="x"),
        data.AddBinaryDataToDatasetByIDsRequest(dataset_id="theirs"),
        datasync.FileUploadRequest(metadata=datasync.UploadMetadata(component_name="cam")),
    ],
)
def test_what_reaches_beyond_the_scope_is_not_sent(request_: Any) -> None:
    scope = NameScope("contract-1")
    stranger = data.BinaryData(metadata=data.BinaryMetadata(binary_data_id="o/l/theirs"))
    scope.incoming("BinaryDataByFilter", data.BinaryDataByFilterResponse(data=[stranger]))
    listed = dataset.ListDatasetsByOrganizationIDResponse(datasets=[dataset.Dataset(id="theirs")])
    scope.incoming("ListDatasetsByOrganizationID", listed)
    with pytest.raises(OutOfScopeError):
        scope.outgoing(type(request_).__name__.removesuffix("Request"), request_)


def test_a_break_shows_through_the_scope() -> None:
    class NoTags(Interceptor):
        def request(self, rpc: str, message: Any) -> Any:
            del rpc
            if isinstance(message, datasync.DataCaptureUploadRequest):
                del message.metadata.tags[:]
            return message

    with FakeViam(seed=1, interceptors=[NoTags()]) as cloud:
        subject = _subject(cloud)
        session = subject.open_session()
        with pytest.raises(ContractBrokenError, match=r"tags of file 0.*\n.*'dog'") as caught:
            next(check for check in CHECKS if check.name == "distinct_tags").run(session)
        subject.close_session(session)
        assert caught.value.assertion.expected == {"dog", "cat"}
        subject.close()
