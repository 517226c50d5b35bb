"""The text around a script's calls."""

from __future__ import annotations

from types import MappingProxyType

_GRPC = """\
from grpclib.client import Channel, StreamUnaryMethod, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from fakeviam.wire import auth, data, dataset, datasync, well_known


def method(rpc, streams=False):
    path, request, response = METHODS[rpc]
    kind = StreamUnaryMethod if streams else UnaryUnaryMethod
    return kind(CHANNEL, path, request, response)
"""

_SDK = """\
from google.protobuf import struct_pb2, timestamp_pb2
from grpclib.client import Channel
from grpclib.exceptions import GRPCError
from viam.gen.app.data.v1 import data_pb2 as data
from viam.gen.app.data.v1.data_grpc import DataServiceStub
from viam.gen.app.dataset.v1 import dataset_pb2 as dataset
from viam.gen.app.dataset.v1.dataset_grpc import DatasetServiceStub
from viam.gen.app.datasync.v1 import data_sync_pb2 as datasync
from viam.gen.app.datasync.v1.data_sync_grpc import DataSyncServiceStub
from viam.gen.proto.rpc.v1 import auth_pb2 as auth
from viam.gen.proto.rpc.v1.auth_grpc import AuthServiceStub


class well_known:
    Struct = struct_pb2.Struct
    Timestamp = timestamp_pb2.Timestamp


def method(rpc, streams=False):
    for stub in (DataServiceStub, DataSyncServiceStub, DatasetServiceStub, AuthServiceStub):
        found = getattr(stub(CHANNEL), rpc, None)
        if found is not None:
            return found
    raise LookupError(rpc)
"""

#: What scripts can be written for, and how they begin then.
FLAVOURS = MappingProxyType({"grpc": _GRPC, "viam-sdk": _SDK})

TEMPLATE = '''\
#!/usr/bin/env python3
"""{about}

Run it as `python THIS HOST:PORT`, or with unix:PATH; API_KEY_ID and API_KEY are taken from the
environment. It exits with 1 while the failure persists, 0 when it is gone, 2 if it cannot tell.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from typing import Any

{imports}

{methods}
CHANNEL = None
METADATA = {{}}
{helpers}

def struct(values):
    message = well_known.Struct()
    message.update(values)
    return message


async def call(rpc, request):
    try:
        return await method(rpc)(request, metadata=METADATA)
    except GRPCError as error:
        return Refusal(error.status.name, error.message)


async def stream(rpc, requests):
    try:
        async with method(rpc, streams=True).open(metadata=METADATA) as channel:
            await channel.send_request()
            for request in requests:
                await channel.send_message(request)
            await channel.end()
            return await channel.recv_message()
    except GRPCError as error:
        return Refusal(error.status.name, error.message)


async def follow(rpc, request):
    pages = []
    while len(pages) < 500:
        pages.append(await call(rpc, request))
        if status(pages[-1]) != "OK" or not pages[-1].data:
            break
        request.data_request.last = pages[-1].last
        if not pages[-1].last:
            break
    return pages


async def program():
{program}


async def clean():
    if any(FILES):
        ids = [name for name in FILES if name]
        await call("DeleteBinaryDataByIDs", data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids))
    for name in DATASETS:
        await call("DeleteDataset", dataset.DeleteDatasetRequest(id=name))


async def in_use():
    count = data.BinaryDataByFilterRequest(data_request=data.DataRequest(), count_only=True)
    rows = data.TabularDataByFilterRequest(data_request=data.DataRequest(), count_only=True)
    replies = [await call("BinaryDataByFilter", count), await call("TabularDataByFilter", rows)]
    return any(status(reply) == "OK" and reply.count for reply in replies)


async def log_in():
    key_id, key = os.environ.get("API_KEY_ID"), os.environ.get("API_KEY")
    if key_id and key:
        credentials = auth.Credentials(type="api-key", payload=key)
        request = auth.AuthenticateRequest(entity=key_id, credentials=credentials)
        reply = await call("Authenticate", request)
        METADATA["authorization"] = f"Bearer {{reply.access_token}}"


async def main(target):
    global CHANNEL, SCOPE
    if target.startswith("unix:"):
        CHANNEL = Channel(path=target[len("unix:"):])
    else:
        host, _, port = target.rpartition(":")
        CHANNEL = Channel(host, int(port))
    try:
        await log_in()
        if {scoped}:
            SCOPE = "contract-" + uuid.uuid4().hex[:8]
        elif await in_use():
            print("this needs a server that holds nothing yet", file=sys.stderr)
            return 2
        try:
            seen, is_fine = await program()
            fine = is_fine(seen)
        finally:
            await clean()
    except OSError as error:
        print(f"cannot reach {{target}}: {{error}}", file=sys.stderr)
        return 2
    finally:
        CHANNEL.close()
    print("observed now:", seen)
    print("the failure is gone" if fine else __doc__.split("Found by:")[0].strip())
    return 0 if fine else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python " + sys.argv[0] + " HOST:PORT | unix:PATH")
    sys.exit(asyncio.run(main(sys.argv[1])))
'''
