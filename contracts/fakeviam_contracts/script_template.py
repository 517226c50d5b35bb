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

Run it as `python THIS --target HOST:PORT`, or with unix:PATH; API_KEY_ID and API_KEY are taken from
the environment. With --self, if it was found on a fake, it starts that fake itself, for which
fakeviam must be installed. It exits with 1 while the failure persists, 0 when it is gone, and 2 if
it cannot tell.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import sys
import uuid
from typing import Any

{imports}

# The fake it was found on, if it was one, and what the clock must say, if that matters.
OWN = {own}
CLOCK = {clock}
PART = {part}

{methods}
CHANNEL = None
CLOUD = None
METADATA = {{}}
{helpers}

class CannotTell(Exception):
    pass


def struct(values):
    message = well_known.Struct()
    message.update(values)
    return message


async def call(rpc, request):
    SENT.update(inside(request))
    try:
        return await method(rpc)(request, metadata=METADATA)
    except GRPCError as error:
        return Refusal(error.status.name, error.message)


async def stream(rpc, requests):
    SENT.update(inside(requests))
    try:
        async with method(rpc, streams=True).open(metadata=METADATA) as channel:
            await channel.send_request()
            for request in requests:
                await channel.send_message(request)
            await channel.end()
            return await channel.recv_message()
    except GRPCError as error:
        return Refusal(error.status.name, error.message)


def done(reply):
    if isinstance(reply, Refusal):
        raise CannotTell("the server refuses what went well before: " + str(reply))
    return reply


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


async def wait(seconds):
    if CLOUD is None:
        hours = round(seconds / 3600, 1)
        raise CannotTell(
            f"the failure shows after {{hours}} hours, and the clock of a server elsewhere"
            " cannot be moved; with --self it can"
        )
    CLOUD.clock.advance(seconds=seconds)


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


async def check_clock():
    metadata = datasync.UploadMetadata(part_id=PART, type=datasync.DATA_TYPE_FILE)
    name = done(await stream("FileUpload", [datasync.FileUploadRequest(metadata=metadata)]))
    ids = data.BinaryDataByIDsRequest(binary_data_ids=[name.binary_data_id])
    reply = done(await call("BinaryDataByIDs", ids))
    gone = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[name.binary_data_id])
    await call("DeleteBinaryDataByIDs", gone)
    seconds = reply.data[0].metadata.time_requested.seconds
    today = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date().isoformat()
    if today != CLOCK[:10]:
        raise CannotTell(f"days are counted from {{CLOCK[:10]}}, and there it is {{today}}")


async def connect(target):
    global CHANNEL, CLOUD
    if target is not None:
        host, _, port = target.rpartition(":")
        path = target[len("unix:") :] if target.startswith("unix:") else None
        CHANNEL = Channel(path=path) if path else Channel(host, int(port))
        return
    if OWN is None:
        raise CannotTell("it was found on a server elsewhere; name one with --target")
    try:
        from fakeviam import Clock, FakeViam
    except ImportError:
        raise CannotTell("--self needs fakeviam installed") from None
    CLOUD = FakeViam(seed=OWN["seed"], policy=OWN["policy"], clock=Clock.frozen(OWN["clock"]))
    await CLOUD.start()
    for name, where in OWN["parts"]:
        CLOUD.fleet.add_part(name, **where)
    CHANNEL = Channel(path=CLOUD.unix_socket)


async def look(target):
    global SCOPE
    await connect(target)
    await log_in()
    if {scoped}:
        SCOPE = "contract-" + uuid.uuid4().hex[:8]
    elif await in_use():
        raise CannotTell("this needs a server that holds nothing yet")
    if CLOCK and CLOUD is None:
        await check_clock()
    try:
        return await program()
    finally:
        await clean()


async def main(target):
    try:
        seen, is_fine = await look(target)
    except OSError as error:
        print(f"cannot reach {{target}}: {{error}}", file=sys.stderr)
        return 2
    except CannotTell as reason:
        print(f"cannot tell: {{reason}}", file=sys.stderr)
        return 2
    finally:
        if CHANNEL is not None:
            CHANNEL.close()
        if CLOUD is not None:
            await CLOUD.stop()
    fine = is_fine(seen)
    print("observed now:", seen)
    print("the failure is gone" if fine else __doc__.split("Found by:")[0].strip())
    return 0 if fine else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shows a failure; the text at the top says which.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--target", metavar="HOST:PORT|unix:PATH")
    where.add_argument("--self", action="store_true", help="start the fake it was found on")
    sys.exit(asyncio.run(main(parser.parse_args().target)))
'''
