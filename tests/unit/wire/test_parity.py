"""Our protos against the descriptors that the installed viam-sdk and protobuf carry."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from fakeviam import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.descriptor_pb2 import (
        DescriptorProto,
        EnumDescriptorProto,
        ServiceDescriptorProto,
    )

Facts = dict[str, object]

DATA = "app/data/v1/data.proto"
DATASYNC = "app/datasync/v1/data_sync.proto"

# One of our files, and the module of viam-sdk that carries the published one.
PUBLISHED = {
    f"{name}.proto": f"viam.gen.{name.replace('/', '.')}_pb2"
    for name in (
        "app/agent/v1/agent",
        "app/cloudslam/v1/cloud_slam",
        "app/data/v1/data",
        "app/datapipelines/v1/data_pipelines",
        "app/dataset/v1/dataset",
        "app/datasync/v1/data_sync",
        "app/mlinference/v1/ml_inference",
        "app/mltraining/v1/ml_training",
        "app/packages/v1/packages",
        "app/v1/app",
        "app/v1/billing",
        "app/v1/end_user",
        "app/v1/robot",
        "common/v1/common",
        "proto/rpc/v1/auth",
        "provisioning/v1/provisioning",
        "service/mlmodel/v1/mlmodel",
    )
}
# gRPC's own protocols: their packages are not among our dependencies.
GRPC = {
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
}
WELL_KNOWN = {
    f"google/protobuf/{name}.proto": f"google.protobuf.{name}_pb2"
    for name in ("any", "duration", "field_mask", "struct", "timestamp")
}


def facts(file: FileDescriptorProto) -> Facts:
    """Return all that decides how a file's messages look on the wire, by a readable key."""
    found: Facts = {"syntax": file.syntax, "package": file.package}
    for message in file.message_type:
        found.update(_message(message.name, message))
    for enum in file.enum_type:
        found.update(_enum(enum.name, enum))
    for service in file.service:
        found.update(_service(service))
    return found


def _message(path: str, message: DescriptorProto) -> Iterator[tuple[str, object]]:
    yield (
        f"message {path}",
        {
            "deprecated": message.options.deprecated,
            "map entry": message.options.map_entry,
            "reserved": _numbers((part.start, part.end) for part in message.reserved_range),
            "reserved names": sorted(message.reserved_name),
        },
    )
    for field in message.field:
        yield f"field {path}.{field.name}", _field(field, message)
    for oneof in message.oneof_decl:
        yield f"oneof {path}.{oneof.name}", True
    for nested in message.nested_type:
        yield from _message(f"{path}.{nested.name}", nested)
    for enum in message.enum_type:
        yield from _enum(f"{path}.{enum.name}", enum)


def _field(field: Field, message: DescriptorProto) -> Facts:
    in_oneof = field.HasField("oneof_index")
    return {
        "number": field.number,
        "label": Field.Label.Name(field.label),
        "type": Field.Type.Name(field.type),
        "type name": field.type_name,
        "optional": field.proto3_optional,
        "oneof": message.oneof_decl[field.oneof_index].name if in_oneof else None,
        "presence": in_oneof or field.type == Field.TYPE_MESSAGE,
        "default": field.default_value,
        "packed": field.options.packed if field.options.HasField("packed") else None,
        "deprecated": field.options.deprecated,
    }


def _enum(path: str, enum: EnumDescriptorProto) -> Iterator[tuple[str, object]]:
    yield (
        f"enum {path}",
        {
            "deprecated": enum.options.deprecated,
            "aliases": enum.options.allow_alias,
            # Unlike those of messages, these ranges include their end.
            "reserved": _numbers((part.start, part.end + 1) for part in enum.reserved_range),
            "reserved names": sorted(enum.reserved_name),
        },
    )
    for value in enum.value:
        yield f"value {path}.{value.name}", (value.number, value.options.deprecated)


def _service(service: ServiceDescriptorProto) -> Iterator[tuple[str, object]]:
    yield f"service {service.name}", service.options.deprecated
    for method in service.method:
        yield (
            f"method {service.name}.{method.name}",
            {
                "request": method.input_type,
                "response": method.output_type,
                "client streaming": method.client_streaming,
                "server streaming": method.server_streaming,
                "deprecated": method.options.deprecated,
            },
        )


def _numbers(ranges: Iterator[tuple[int, int]]) -> list[int]:
    return sorted({number for start, end in ranges for number in range(start, end)})


def differences(ours: FileDescriptorProto, published: FileDescriptorProto) -> list[str]:
    """Return every fact that only one of two files states, or that they state differently."""
    left, right = facts(ours), facts(published)
    return [
        f"{key}: ours {left.get(key, 'absent')}, published {right.get(key, 'absent')}"
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key)
    ]


def our(name: str) -> FileDescriptorProto:
    return FileDescriptorProto.FromString(wire.files()[name])


def carried(module: str) -> FileDescriptorProto:
    file = FileDescriptorProto()
    importlib.import_module(module).DESCRIPTOR.CopyToProto(file)
    return file


@pytest.fixture
def _viam_sdk() -> None:
    pytest.importorskip("viam", reason="viam-sdk is not installed: nothing to compare with")


@pytest.mark.usefixtures("_viam_sdk")
@pytest.mark.parametrize("name", PUBLISHED)
def test_our_file_says_what_the_published_one_says(name: str) -> None:
    assert differences(our(name), carried(PUBLISHED[name])) == []


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_types_are_those_of_the_installed_protobuf(name: str) -> None:
    assert differences(our(name), carried(WELL_KNOWN[name])) == []


def test_every_file_of_the_set_is_compared() -> None:
    # Of google.rpc.Status only the bytes matter: clients read it with classes of their own.
    assert set(wire.files()) == {*PUBLISHED, *WELL_KNOWN, *GRPC, "google/rpc/status.proto"}


@pytest.mark.usefixtures("_viam_sdk")
def test_the_published_packages_have_no_other_file() -> None:
    for name, published in PUBLISHED.items():
        module = importlib.import_module(published)
        assert module.__file__ is not None
        folder = name.rpartition("/")[0]
        for path in Path(module.__file__).parent.glob("*_pb2.py"):
            assert f"{folder}/{path.stem.removesuffix('_pb2')}.proto" in PUBLISHED


def _renumber(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].number = 99


def _drop_field(file: FileDescriptorProto) -> None:
    del file.message_type[0].field[-1]


def _add_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field.add(name="extra", number=99, type=Field.TYPE_BOOL, label=1)


def _rename_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].name = "other"


def _relabel(file: FileDescriptorProto) -> None:
    field = file.message_type[0].field[0]
    repeated = field.label == Field.LABEL_REPEATED
    field.label = Field.LABEL_OPTIONAL if repeated else Field.LABEL_REPEATED


def _retype(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].ClearField("type_name")
    file.message_type[0].field[0].type = Field.TYPE_BYTES


def _other_type_name(file: FileDescriptorProto) -> None:
    fields = [field for field in file.message_type[0].field if field.type_name]
    fields[0].type_name = ".viam.app.data.v1.Nothing"


def _make_optional(file: FileDescriptorProto) -> None:
    message = next(found for found in file.message_type if not found.oneof_decl and found.field)
    message.oneof_decl.add(name="_x")
    message.field[0].proto3_optional = True
    message.field[0].oneof_index = 0


def _leave_oneof(file: FileDescriptorProto) -> None:
    message = next(found for found in file.message_type if found.oneof_decl)
    member = next(field for field in message.field if field.HasField("oneof_index"))
    member.ClearField("oneof_index")


def _rename_oneof(file: FileDescriptorProto) -> None:
    next(found for found in file.message_type if found.oneof_decl).oneof_decl[0].name = "other"


def _deprecate_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].options.deprecated ^= True


def _deprecate_message(file: FileDescriptorProto) -> None:
    file.message_type[0].options.deprecated ^= True


def _drop_message(file: FileDescriptorProto) -> None:
    del file.message_type[-1]


def _reserve(file: FileDescriptorProto) -> None:
    file.message_type[0].reserved_range.add(start=99, end=100)


def _reserve_name(file: FileDescriptorProto) -> None:
    file.message_type[0].reserved_name.append("gone")


def _add_value(file: FileDescriptorProto) -> None:
    file.enum_type[0].value.add(name="EXTRA", number=99)


def _renumber_value(file: FileDescriptorProto) -> None:
    file.enum_type[0].value[-1].number = 99


def _drop_enum(file: FileDescriptorProto) -> None:
    del file.enum_type[0]


def _stream(file: FileDescriptorProto) -> None:
    file.service[0].method[0].server_streaming = True


def _take_stream(file: FileDescriptorProto) -> None:
    file.service[0].method[0].client_streaming = True


def _deprecate_method(file: FileDescriptorProto) -> None:
    file.service[0].method[0].options.deprecated ^= True


def _other_response(file: FileDescriptorProto) -> None:
    file.service[0].method[0].output_type = file.service[0].method[0].input_type


def _drop_method(file: FileDescriptorProto) -> None:
    del file.service[0].method[-1]


MUTATIONS = [
    *(_renumber, _drop_field, _add_field, _rename_field, _relabel, _retype, _other_type_name),
    *(_make_optional, _leave_oneof, _rename_oneof, _deprecate_field, _deprecate_message),
    *(_drop_message, _reserve, _reserve_name, _add_value, _renumber_value, _drop_enum),
    *(_stream, _take_stream, _deprecate_method, _other_response, _drop_method),
]


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__.strip("_"))
@pytest.mark.parametrize("name", [DATA, DATASYNC])
@pytest.mark.thinned(4)
def test_the_comparison_sees_a_change_from_both_sides(
    name: str, mutate: Callable[[FileDescriptorProto], None]
) -> None:
    changed = our(name)
    mutate(changed)
    assert differences(changed, our(name)) != []
    assert differences(our(name), changed) != []


def test_the_comparison_ignores_order_and_json_names() -> None:
    changed = our(DATA)
    messages = sorted(changed.message_type, key=lambda message: message.name, reverse=True)
    copies = [type(message).FromString(message.SerializeToString()) for message in messages]
    del changed.message_type[:]
    changed.message_type.extend(copies)
    next(copy for copy in changed.message_type if copy.field).field[0].json_name = "somethingElse"
    assert differences(changed, our(DATA)) == []
