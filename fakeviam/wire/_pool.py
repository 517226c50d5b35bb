"""The private descriptor pool: Viam's messages without viam-sdk's registrations.

protobuf keeps one process-wide default pool in which a file name can be registered once. Every
viam-sdk release registers the same names there with other contents. So the fake keeps its
messages in a pool of its own and shares a process with any viam-sdk, imported before or after.

`WIRE` is the one thing that this project keeps at module level. It is a cache, not state: a pure
function of a file in this package, complete when the import of this module ends (the import lock
makes that safe among threads), and never changed afterwards. It is not made per fake because
classes of two pools do not mix, and because each pool costs about half a megabyte for good.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.message import Message

__all__ = ["WIRE", "Method", "Wire"]

# Which module of this package shows which proto package.
_MODULES = MappingProxyType(
    {
        "google.protobuf": "well_known",
        "google.rpc": "status",
        "proto.rpc.v1": "auth",
        "viam.app.data.v1": "data",
        "viam.app.datapipelines.v1": "datapipelines",
        "viam.app.dataset.v1": "dataset",
        "viam.app.datasync.v1": "datasync",
    }
)


@dataclass(frozen=True, kw_only=True)
class Method:
    """One RPC.

    Attributes:
        path: as it stands in the `:path` header, `/viam.app.data.v1.DataService/TagsByFilter`.
        service: the service's full name, `viam.app.data.v1.DataService`.
        name: the RPC's own name, `TagsByFilter`.
        request: the class of what the caller sends.
        response: the class of what the caller gets.
        client_streaming: whether the caller sends any number of requests.
        server_streaming: whether the caller gets any number of responses.
        deprecated: whether the published contract marks the RPC as deprecated.
    """

    path: str
    service: str
    name: str
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool
    deprecated: bool


@dataclass(frozen=True, kw_only=True)
class Wire:
    """All that was loaded from one descriptor set.

    Attributes:
        pool: the pool; needed by `json_format` and reflection.
        files: the serialized descriptor files by name, imports before importers.
        classes: message classes by full name, without map entries.
        exports: what each message module shows, by that module's name.
        methods: every RPC, in the order of the files.
    """

    pool: DescriptorPool
    files: Mapping[str, bytes]
    classes: Mapping[str, type[Message]]
    exports: Mapping[str, Mapping[str, object]]
    methods: tuple[Method, ...]


def _load(serialized: bytes, package: str) -> Wire:
    files = FileDescriptorSet.FromString(serialized).file
    contents = {file.name: file.SerializeToString() for file in files}
    pool = DescriptorPool()
    for content in contents.values():
        pool.AddSerializedFile(content)
    classes: dict[str, type[Message]] = {}
    exports: dict[str, dict[str, object]] = {name: {} for name in _MODULES.values()}
    for file in files:
        module = _MODULES[file.package]
        made = _messages(pool, file, f"{package}.{module}")
        classes.update(made)
        exports[module].update((cls.DESCRIPTOR.name, cls) for cls in made.values())
        exports[module].update(_enums(pool, file))
    return Wire(
        pool=pool,
        files=MappingProxyType(contents),
        classes=MappingProxyType(classes),
        exports=MappingProxyType(exports),
        methods=tuple(_methods(files, classes)),
    )


def _messages(
    pool: DescriptorPool, file: FileDescriptorProto, module: str
) -> dict[str, type[Message]]:
    found = {}
    for message in file.message_type:
        full_name = f"{file.package}.{message.name}"
        cls = GetMessageClass(pool.FindMessageTypeByName(full_name))
        cls.__module__ = module  # lets pickle find the class again, and names it in tracebacks
        found[full_name] = cls
    return found


def _enums(pool: DescriptorPool, file: FileDescriptorProto) -> dict[str, object]:
    found: dict[str, object] = {}
    for enum in file.enum_type:
        wrapper = EnumTypeWrapper(pool.FindEnumTypeByName(f"{file.package}.{enum.name}"))
        found[enum.name] = wrapper
        # To a type checker a NewType per enum; at run time such a value is a plain int.
        found[f"{enum.name}Value"] = int
        found.update(wrapper.items())
    return found


def _methods(
    files: Iterable[FileDescriptorProto], classes: Mapping[str, type[Message]]
) -> Iterable[Method]:
    for file in files:
        for service in file.service:
            full_name = f"{file.package}.{service.name}"
            for method in service.method:
                # The streaming flags are read here, from the file: the pool's method
                # descriptors do not show them on every supported protobuf.
                yield Method(
                    path=f"/{full_name}/{method.name}",
                    service=full_name,
                    name=method.name,
                    request=classes[method.input_type.lstrip(".")],
                    response=classes[method.output_type.lstrip(".")],
                    client_streaming=method.client_streaming,
                    server_streaming=method.server_streaming,
                    deprecated=method.options.deprecated,
                )


def _read_descriptors(package: str) -> bytes:
    content = pkgutil.get_data(package, "descriptors.binpb")
    if content is None:  # only a loader that cannot read data files
        raise ImportError(f"{package} cannot read its descriptors.binpb")
    return content


_PACKAGE = __name__.rpartition(".")[0]
WIRE = _load(_read_descriptors(_PACKAGE), _PACKAGE)
