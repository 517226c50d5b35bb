"""A light client of a fake, and calls that put something of everything into it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam_contracts.http2 import Http2Connection

from campaigns.messages import DOCUMENTS
from fakeviam import FakeViam, wire
from fakeviam.model.entities import Sequence as Sequences
from fakeviam.server.transport.routes import built
from fakeviam.wire import data, datapipelines, datasync
from fakeviam.wire import dataset as datasets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message

    from campaigns.dice import Dice
    from campaigns.messages import Known
    from fakeviam.wire import Method

METHODS = {method.name: method for method in wire.methods()}

_SERVED = [METHODS[name] for name in sorted(built())]

_PART = FakeViam.default_part


class Client(Http2Connection):
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


class Ids(NamedTuple):
    """Ids of what there is."""

    binary: Sequence[str]
    datasets: Sequence[str]
    boxes: Sequence[str]
    kept: Sequence[str] = ()
    sequences: Sequence[str] = ()


async def fill(client: Client) -> Known:
    """Put something of everything into a fake.

    Returns:
        What means something to it now, by a part of the names of the fields it fits.
    """
    binary = [await _upload(client, number) for number in range(6)]
    await client.ask("DataCaptureUpload", _readings())
    request = datasets.CreateDatasetRequest(name="set", organization_id=_PART.organization_id)
    dataset = await client.ask("CreateDataset", request)
    await client.ask(
        "AddBinaryDataToDatasetByIDs",
        data.AddBinaryDataToDatasetByIDsRequest(dataset_id=dataset.id, binary_data_ids=binary[:3]),
    )
    box = await client.ask(
        "AddBoundingBoxToImageByID",
        data.AddBoundingBoxToImageByIDRequest(
            binary_data_id=binary[0], label="cat", x_max_normalized=0.5, y_max_normalized=0.5
        ),
    )
    kept, sequences = await _fill_kept(client), await _fill_sequences(client)
    return _known(Ids(binary, [dataset.id], [box.bbox_id], kept, sequences))


async def _fill_kept(client: Client) -> list[str]:
    """Add a saved query, a pipeline, an index; the ids of the former two."""
    kept: dict[str, Any] = {"organization_id": _PART.organization_id, "name": "kept"}
    stages = DOCUMENTS["mql_binary"]
    query = data.CreateSavedQueryRequest(mql_binary=stages, **kept)
    pipeline = datapipelines.CreateDataPipelineRequest(
        mql_binary=stages, schedule="0 * * * *", **kept
    )
    index = data.CreateIndexRequest(
        organization_id=_PART.organization_id,
        collection_type=data.INDEXABLE_COLLECTION_HOT_STORE,
        index_spec=DOCUMENTS["index_spec"][:1],
    )
    await client.ask("CreateIndex", index)
    made = ("CreateSavedQuery", query), ("CreateDataPipeline", pipeline)
    return [(await client.ask(rpc, request)).id for rpc, request in made]


async def _fill_sequences(client: Client) -> list[str]:
    """Add sequences, a dataset of them, and its export; the ids of the first."""
    request = data.CreateSequenceRequest(
        part_id=_PART.id,
        resources=[data.SequenceResourceFilter(resource_name="sensor", method_name="Readings")],
    )
    request.start_time.seconds, request.end_time.seconds = 1_773_143_000, 1_773_145_000
    made = [(await client.ask("CreateSequence", request)).id for _ in range(2)]
    create = datasets.CreateDatasetRequest(
        name="walks",
        organization_id=_PART.organization_id,
        type=datasets.DATASET_TYPE_SEQUENCE_DATA,
    )
    walks = (await client.ask("CreateDataset", create)).id
    join = data.AddSequencesToDatasetRequest(dataset_id=walks, sequence_ids=made[:1])
    await client.ask("AddSequencesToDataset", join)
    export = datasets.StartSequenceDatasetExportRequest(dataset_id=walks)
    await client.ask("StartSequenceDatasetExport", export)
    return made


def known_of(cloud: FakeViam) -> Known:
    """What means something to a fake now, by a part of the names of the fields it fits."""
    store = cloud._cloud.store  # noqa: SLF001 - past all policies
    rows = list(store.binary_rows())
    entities = list(store.all_entities())
    return _known(
        Ids(
            binary=[row.record.binary_data_id for row in rows],
            datasets=[dataset.id for dataset in store.all_datasets()],
            boxes=[box.id for row in rows for box in row.record.boxes],
            kept=[each.id for each in entities],
            sequences=[each.id for each in entities if isinstance(each, Sequences)],
        )
    )


def _known(ids: Ids) -> Known:
    binary, datasets = ids.binary, ids.datasets
    return {
        "organization": [_PART.organization_id],
        "location": [_PART.location_id],
        "robot_name": [_PART.robot_name],
        "robot": [_PART.robot_id],
        "part_name": [_PART.name],
        "part_id": [_PART.id],
        "dataset": datasets,
        "bbox_id": ids.boxes,
        "bbox_label": ["cat", "dog"],
        "binary": binary,
        "sequence_id": ids.sequences,
        "job": ids.kept,
        "pipeline_id": ids.kept,
        "pipeline_name": ["kept"],
        "index_name": ["n_1", "m_-1"],
        "schedule": ["0 * * * *", "*/15 0-3 1 * *"],
        "resource_name": ["sensor", "camera"],
        "file_id": [each.rpartition("/")[2] for each in binary],
        "tag": ["red", "blue", "VIAM_DATASET_x", *(f"VIAM_DATASET_{each}" for each in datasets)],
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
        "paths": ["resources", "sequence_tags", "start_time"],
        "name": ["set", "camera", "file", "kept"],
        "sql": ["select * from readings"],
        "id": [*datasets, *binary, *ids.sequences, *ids.kept, _PART.robot_id, _PART.id],
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
