"""The private descriptor pool: Viam's messages without viam-sdk's registrations.

protobuf keeps one process-wide default pool in which a file name can be registered once. Every
viam-sdk release registers the same names there with other contents. So the fake keeps its
messages in a pool of its own and shares a process with any viam-sdk, imported before or after.

`WIRE` is the only module-level state of this project: a cache, and a pure function of a file in
this package. All descriptors are in it when the import of this module ends (the import lock makes
that thread-safe); a class is created on first use, and protobuf always returns the same one. It is
not created per fake, because classes of two pools cannot be mixed, and because each pool costs
about a megabyte permanently.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.message import Message

__all__ = ["WIRE", "LoadedProtos", "Method"]

# The proto packages that modules of this package export; others are loaded, but not exported.
_MODULES = MappingProxyType(
    {
        "google.protobuf": "well_known",
        "google.rpc": "status",
        "grpc.health.v1": "health",
        "grpc.reflection.v1": "reflection",
        "proto.rpc.v1": "auth",
        "viam.app.data.v1": "data",
        "viam.app.datapipelines.v1": "datapipelines",
        "viam.app.dataset.v1": "dataset",
        "viam.app.datasync.v1": "datasync",
        "viam.app.v1": "app",
    }
)

# The services to serve: Viam's cloud and gRPC's own; the others in the files belong to machines.
_CLOUD = ("/viam.app.", "/viam.provisioning.", "/proto.rpc.")
_UTILITY = "/grpc."


@dataclass(frozen=True, kw_only=True)
class Method:
    """One RPC.

    Attributes:
        path: as it stands in the `:path` header, `/viam.app.data.v1.DataService/TagsByFilter`.
        service: the service's full name, `viam.app.data.v1.DataService`.
        name: the RPC's own name, `TagsByFilter`.
        request_type: the full name of what the caller sends.
        response_type: the full name of what the caller gets.
        client_streaming: whether the caller sends any number of requests.
        server_streaming: whether the caller gets any number of responses.
        deprecated: whether the published contract marks the RPC as deprecated.
    """

    path: str
    service: str
    name: str
    request_type: str
    response_type: str
    client_streaming: bool
    server_streaming: bool
    deprecated: bool

    @cached_property
    def request(self) -> type[Message]:
        """The class of the caller's messages."""
        return WIRE.classes[self.request_type]

    @cached_property
    def response(self) -> type[Message]:
        """The class of the replies."""
        return WIRE.classes[self.response_type]


class _Classes(Mapping[str, "type[Message]"]):
    """Message classes by full name, without map entries; created on first use."""

    def __init__(self, pool: DescriptorPool, files: Iterable[FileDescriptorProto]) -> None:
        self._pool = pool
        self._package = {
            f"{file.package}.{message.name}": file.package
            for file in files
            for message in file.message_type
        }
        self._made: dict[str, type[Message]] = {}

    def __getitem__(self, name: str) -> type[Message]:
        cls = self._made.get(name)
        if cls is None:
            package = self._package[name]
            cls = GetMessageClass(self._pool.FindMessageTypeByName(name))
            # For pickle, which looks up the class by name, and for tracebacks.
            cls.__module__ = f"{_PACKAGE}.{_MODULES.get(package, package)}"
            self._made[name] = cls
        return cls

    def __iter__(self) -> Iterator[str]:
        return iter(self._package)

    def __len__(self) -> int:
        return len(self._package)


@dataclass(frozen=True, kw_only=True)
class LoadedProtos:
    """Everything loaded from one descriptor set.

    Attributes:
        pool: the pool; needed by `json_format` and reflection.
        files: the serialized descriptor files by name, imports before importers.
        classes: message classes by full name, without map entries.
        methods: every RPC of Viam's cloud, in the order of the files.
        utilities: the RPCs of gRPC's own services: health and reflection.
    """

    pool: DescriptorPool
    files: Mapping[str, bytes]
    classes: Mapping[str, type[Message]]
    methods: tuple[Method, ...]
    utilities: tuple[Method, ...]

    def exports(self, module: str) -> Mapping[str, object]:
        """The exports of a message module: the classes and enums of its proto package."""
        names: dict[str, object] = {}
        for file in map(self.pool.FindFileByName, self.files):
            if _MODULES.get(file.package) == module:
                for message in file.message_types_by_name.values():
                    names[message.name] = self.classes[message.full_name]
                for enum in file.enum_types_by_name.values():
                    names.update(_enum(enum))
        return names


def _load(serialized: bytes) -> LoadedProtos:
    files = FileDescriptorSet.FromString(serialized).file
    contents = {file.name: file.SerializeToString() for file in files}
    pool = DescriptorPool()
    for content in contents.values():
        pool.AddSerializedFile(content)
    methods = tuple(_methods(files))
    return LoadedProtos(
        pool=pool,
        files=MappingProxyType(contents),
        classes=_Classes(pool, files),
        methods=tuple(each for each in methods if each.path.startswith(_CLOUD)),
        utilities=tuple(each for each in methods if each.path.startswith(_UTILITY)),
    )


def _enum(descriptor: EnumDescriptor) -> dict[str, object]:
    wrapper = EnumTypeWrapper(descriptor)
    # Type checkers see a NewType per enum; at run time such a value is a plain int.
    return {descriptor.name: wrapper, f"{descriptor.name}Value": int, **dict(wrapper.items())}


def _methods(files: Iterable[FileDescriptorProto]) -> Iterable[Method]:
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
                    request_type=method.input_type.lstrip("."),
                    response_type=method.output_type.lstrip("."),
                    client_streaming=method.client_streaming,
                    server_streaming=method.server_streaming,
                    deprecated=method.options.deprecated,
                )


def _read_descriptors(package: str) -> bytes:
    content = pkgutil.get_data(package, "descriptors.binpb")
    if content is None:  # only with a loader that cannot read data files
        raise ImportError(f"{package} cannot read its descriptors.binpb")
    return content


_PACKAGE = __name__.rpartition(".")[0]
WIRE = _load(_read_descriptors(_PACKAGE))
