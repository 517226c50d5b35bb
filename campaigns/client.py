"""A light client of a fake, and calls that put something of everything into it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.http2 import Connection

from fakeviam import FakeViam, wire
from fakeviam.server.transport.routes import STREAMS, UNARY
from fakeviam.wire import data, datasync
from fakeviam.wire import dataset as datasets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from campaigns.dice import Dice
    from campaigns.messages import Known
    from fakeviam.wire import Method

METHODS = {method.name: method for method in wire.methods()}

_SERVED = [
    method
    for method in METHODS.values()
    if method.name in {**UNARY.get(method.service, {}), **STREAMS.get(method.service, {})}
]

_PART = FakeViam.default_part


class Client(Connection):
    """The kit's light client, which remembers the trailers of the last answer."""

    trailers: Mapping[str, str] = {}

    @classmethod
    async def over(cls, path: str) -> Client:
        """A connection to the fake at a Unix socket."""
        _, client = await asyncio.get_running_loop().create_unix_connection(cls, path)
        return client

    async def ask(self, rpc: str, *requests: Message) -> Any:
        """The reply to a call that has to succeed."""
        return await self.call(METHODS[rpc], requests, {})

    def _end(self, stream: Any) -> None:
        self.trailers = stream.headers
        super()._end(stream)


def random_method(dice: Dice) -> Method:
    """An RPC, nearly always one that is served."""
    return dice.choice(_SERVED if dice.chance(0.97) else list(METHODS.values()))


async def fill(client: Client) -> Known:
    """Put something of everything into a fake.

    Returns:
        What means something to it now, by a part of the names of the fields it fits.
    """
    binary = [await _upload(client, number) for number in range(6)]
    await client.ask("DataCaptureUpload", _readings())
    named = datasets.CreateDatasetRequest(name="set", organization_id=_PART.organization_id)
    made = await client.ask("CreateDataset", named)
    await client.ask(
        "AddBinaryDataToDatasetByIDs",
        data.AddBinaryDataToDatasetByIDsRequest(dataset_id=made.id, binary_data_ids=binary[:3]),
    )
    box = await client.ask(
        "AddBoundingBoxToImageByID",
        data.AddBoundingBoxToImageByIDRequest(
            binary_data_id=binary[0], label="cat", x_max_normalized=0.5, y_max_normalized=0.5
        ),
    )
    return {
        "organization": [_PART.organization_id],
        "location": [_PART.location_id],
        "robot_name": [_PART.robot_name],
        "robot": [_PART.robot_id],
        "part_name": [_PART.name],
        "part_id": [_PART.id],
        "dataset": [made.id],
        "bbox_id": [box.bbox_id],
        "bbox_label": ["cat", "dog"],
        "binary": binary,
        "file_id": [each.rpartition("/")[2] for each in binary],
        "tag": ["red", "blue", "VIAM_DATASET_x", f"VIAM_DATASET_{made.id}"],
        "label": ["cat", "dog"],
        "mime": ["image/jpeg", "text/plain"],
        "extension": [".jpg", ".txt", "jpeg", ".tar.gz"],
        "component_name": ["camera", "sensor"],
        "component": ["camera", "rdk:component:camera", "sensor"],
        "method": ["ReadImage", "Readings"],
        "entity": [FakeViam.api_key_id],
        "payload": [FakeViam.api_key],
        "type": ["api-key", "api-key", "robot-secret"],
        "password": ["Password-1", "Secret-password-2"],
        "last": [""],
        "name": ["set", "camera", "file"],
        "sql": ["select * from readings"],
        "id": [made.id, *binary],
    }


async def _upload(client: Client, number: int) -> str:
    request = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=_PART.id,
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            component_name="camera",
            component_type="camera",
            method_name="ReadImage",
            file_name=f"file {number}",
            file_extension=".jpg",
            tags=["red"] * (number % 2),
        ),
        sensor_contents=[datasync.SensorData(binary=bytes([number]) * 20)],
    )
    return str((await client.ask("DataCaptureUpload", request)).binary_data_id)


def _readings() -> datasync.DataCaptureUploadRequest:
    contents = [datasync.SensorData() for _ in range(3)]
    for number, each in enumerate(contents):
        each.struct.fields["n"].number_value = number
    return datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=_PART.id, type=datasync.DATA_TYPE_TABULAR_SENSOR, component_name="sensor"
        ),
        sensor_contents=contents,
    )
