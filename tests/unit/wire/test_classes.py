"""The message modules: classes, enums, pickling, and the table of RPCs."""

from __future__ import annotations

import ast
import copy
import dataclasses
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf import timestamp_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from fakeviam import wire
from fakeviam.wire import (
    app,
    auth,
    data,
    datapipelines,
    dataset,
    datasync,
    health,
    reflection,
    status,
    well_known,
)

if TYPE_CHECKING:
    from types import ModuleType

MODULES = [
    *(app, auth, data, datapipelines, dataset, datasync, health, reflection, status, well_known)
]
BY_PATH = {method.path: method for method in wire.methods()}
DATA_SERVICE = "/viam.app.data.v1.DataService"
SYNC_SERVICE = "/viam.app.datasync.v1.DataSyncService"


def classes(module: ModuleType) -> list[type[Message]]:
    found = [value for value in vars(module).values() if isinstance(value, type)]
    return [value for value in found if issubclass(value, Message)]


EVERY_CLASS = [cls for module in MODULES for cls in classes(module)]


def test_modules_show_messages_enums_and_values() -> None:
    request = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(
            filter=data.Filter(part_id="p", location_ids=["a", "b"]),
            sort_order=data.ORDER_ASCENDING,
        ),
        include_binary=True,
    )
    assert data.BinaryDataByFilterRequest.FromString(request.SerializeToString()) == request
    assert list(request.data_request.filter.location_ids) == ["a", "b"]
    assert data.Order.Name(request.data_request.sort_order) == "ORDER_ASCENDING"
    assert data.Order.Value("ORDER_DESCENDING") == data.ORDER_DESCENDING == 1
    assert data.OrderValue(7) == 7


def test_messages_hold_messages_of_other_modules() -> None:
    metadata = datasync.SensorMetadata(annotations=data.Annotations())
    assert type(metadata.annotations) is data.Annotations
    assert type(metadata.time_requested) is well_known.Timestamp


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_stub_names_exactly_what_its_module_has(module: ModuleType) -> None:
    assert module.__file__ is not None
    stub = ast.parse(Path(module.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    named = {node.name for node in stub.body if isinstance(node, ast.ClassDef)}
    assigned = [node for node in stub.body if isinstance(node, ast.Assign)]
    named |= {ast.unparse(node.targets[0]) for node in assigned}
    annotated = [node for node in stub.body if isinstance(node, ast.AnnAssign)]
    named |= {ast.unparse(node.target) for node in annotated}
    named = {name for name in named if not name.startswith("_")}
    # pytest, which checks the asserts of packages with a plugin, adds names that start with @.
    present = {name for name in vars(module) if name[0] not in "_@"}
    if module is app:  # its stub lists what the fake uses itself
        assert named < present
    else:
        assert named == present - {"WIRE"}


@pytest.mark.parametrize("cls", EVERY_CLASS, ids=lambda cls: cls.__name__)
@pytest.mark.thinned(10)
def test_a_class_is_found_where_it_says_it_lives(cls: type[Message]) -> None:
    message = cls()
    assert f"fakeviam.wire.{cls.__module__.rpartition('.')[2]}" == cls.__module__
    assert pickle.loads(pickle.dumps(message)) == message  # noqa: S301  # our own bytes
    assert cls.FromString(message.SerializeToString()) == message


def test_pickle_and_deepcopy_keep_the_content() -> None:
    message = data.Filter(part_id="p", tags_filter=data.TagsFilter(tags=["a"]))
    assert pickle.loads(pickle.dumps(message)) == message  # noqa: S301
    assert copy.deepcopy(message) == message


def test_well_known_types_have_their_helpers() -> None:
    packed = well_known.Any()
    packed.Pack(well_known.Timestamp(seconds=5))
    foreign = timestamp_pb2.Timestamp()
    assert packed.Is(well_known.Timestamp.DESCRIPTOR)
    assert packed.Unpack(foreign)
    assert foreign.seconds == 5
    struct = well_known.Struct()
    struct.update({"a": [1.0, {"b": None}]})
    struct.get_or_create_struct("c")["d"] = "e"
    assert MessageToDict(struct) == {"a": [1.0, {"b": None}], "c": {"d": "e"}}
    assert well_known.FieldMask(paths=["a_b"]).ToJsonString() == "aB"


def test_the_pool_serves_json_with_any_inside() -> None:
    packed = well_known.Any()
    packed.Pack(data.Filter(part_id="p"))
    metadata = datasync.UploadMetadata(method_parameters={"x": packed})
    as_json = MessageToDict(metadata, descriptor_pool=wire.pool())
    again = ParseDict(as_json, datasync.UploadMetadata(), descriptor_pool=wire.pool())
    assert again == metadata


def test_unknown_fields_survive() -> None:
    newer = b"\xfa\x3f\x03new"  # field 1023, of an API that is not published yet
    assert data.Filter.FromString(newer).SerializeToString() == newer


def test_methods_are_the_published_ones() -> None:
    counts: dict[str, int] = {}
    for method in wire.methods():
        counts[method.service] = counts.get(method.service, 0) + 1
        assert method.path == f"/{method.service}/{method.name}"
    assert counts == {
        "viam.app.agent.v1.AgentDeviceService": 1,
        "viam.app.cloudslam.v1.CloudSLAMService": 6,
        "viam.app.mlinference.v1.MLInferenceService": 1,
        "viam.app.mltraining.v1.MLTrainingService": 12,
        "viam.app.packages.v1.PackageService": 4,
        "viam.app.v1.AppService": 124,
        "viam.app.v1.BillingService": 11,
        "viam.app.v1.EndUserService": 5,
        "viam.app.v1.RobotService": 4,
        "viam.provisioning.v1.ProvisioningService": 5,
        "viam.app.data.v1.DataService": 41,
        "viam.app.datasync.v1.DataSyncService": 3,
        "viam.app.dataset.v1.DatasetService": 8,
        "viam.app.datapipelines.v1.DataPipelinesService": 8,
        "proto.rpc.v1.AuthService": 1,
        "proto.rpc.v1.ExternalAuthService": 1,
    }


@pytest.mark.parametrize(
    ("path", "client_streaming", "server_streaming"),
    [
        (f"{DATA_SERVICE}/ExportTabularData", False, True),
        (f"{DATA_SERVICE}/TagsByFilter", False, False),
        (f"{SYNC_SERVICE}/DataCaptureUpload", False, False),
        (f"{SYNC_SERVICE}/FileUpload", True, False),
        (f"{SYNC_SERVICE}/StreamingDataCaptureUpload", True, False),
    ],
)
def test_methods_know_their_cardinality(
    path: str,
    client_streaming: bool,  # noqa: FBT001  # a column of the table above
    server_streaming: bool,  # noqa: FBT001
) -> None:
    assert BY_PATH[path].client_streaming is client_streaming
    assert BY_PATH[path].server_streaming is server_streaming


def test_methods_know_their_classes_and_deprecation() -> None:
    method = BY_PATH[f"{DATA_SERVICE}/TagsByFilter"]
    assert method.request is data.TagsByFilterRequest
    assert method.response is data.TagsByFilterResponse
    assert method.deprecated
    assert not BY_PATH["/proto.rpc.v1.AuthService/Authenticate"].deprecated


def test_methods_are_one_frozen_tuple() -> None:
    assert wire.methods() is wire.methods()
    names = [method.name for method in wire.methods()]
    assert len(names) == len(set(names))  # people name them without their services
    with pytest.raises(dataclasses.FrozenInstanceError):
        wire.methods()[0].name = "x"  # type: ignore[misc]
