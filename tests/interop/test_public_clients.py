"""Public clients of reflection and health, in an environment without fakeviam."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam

from .environments import clean_environ, environment

if TYPE_CHECKING:
    from pathlib import Path

GRPC_REQUESTS = """
import sys
from grpc_requests import Client
client = Client.get_by_endpoint(sys.argv[1])
assert "viam.app.data.v1.DataService" in client.service_names, client.service_names
login = client.request("proto.rpc.v1.AuthService", "Authenticate", {"entity": "x"})
assert login["access_token"]
reply = client.request("viam.app.v1.AppService", "ListOrganizations", {})
assert reply["organizations"][0]["name"] == "fake-org", reply
assert client.request("viam.app.data.v1.DataService", "TagsByFilter", {}) == {}
print("fine")
"""

GRPCIO = """
import sys
import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
with grpc.insecure_channel(sys.argv[1]) as channel:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert "viam.app.v1.AppService" in database.get_services()
    pool = DescriptorPool(database)
    service = pool.FindServiceByName("viam.app.v1.AppService")
    method = service.FindMethodByName("ListOrganizations")
    call = channel.unary_unary(
        "/viam.app.v1.AppService/ListOrganizations",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    (organization,) = call(GetMessageClass(method.input_type)()).organizations
    assert organization.name == "fake-org"
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service="viam.app.v1.AppService")
    assert stub.Check(request).status == health_pb2.HealthCheckResponse.SERVING
    assert next(stub.Watch(request)).status == health_pb2.HealthCheckResponse.SERVING
print("fine")
"""

#: grpcio's packages and a fake in one process: each has messages of the same names.
TOGETHER = """
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from fakeviam import FakeViam
with FakeViam() as cloud:
    import sys
    sys.argv[1:] = [cloud.target]
    exec({code!r})
"""

TOOLS = ["grpc-requests", "grpcio", "grpcio-reflection", "grpcio-health-checking", "setuptools<81"]


def run(python: Path, code: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(python), "-c", code, *arguments],
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "fine"), done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("code", [GRPC_REQUESTS, GRPCIO], ids=["grpc-requests", "grpcio"])
def test_a_public_client_finds_its_way(code: str) -> None:
    """By reflection alone, and asks for the health (GS-1, GS-2)."""
    python = environment("public-clients", TOOLS)
    with FakeViam() as cloud:
        run(python, code, cloud.target)
    run(python, TOGETHER.format(code=code))
