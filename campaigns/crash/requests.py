"""A good request of each RPC that writes, about what there is."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from campaigns.client import METHODS
from campaigns.messages import DOCUMENTS
from fakeviam import FakeViam
from fakeviam.model.datasets import DatasetType
from fakeviam.model.entities import CustomIndex, DataPipeline, SavedQuery
from fakeviam.model.entities import Sequence as Sequences
from fakeviam.server.transport.routes import built
from fakeviam.wire import data, dataset, datasync
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from google.protobuf.message import Message

    from campaigns.dice import Dice

    Fields = dict[str, Any]

_PART = FakeViam.default_part

#: How the names of RPCs begin that change nothing, besides logins; and others.
_READS = ("Authenticate", "BinaryData", "BoundingBoxLabels", "Export", "Get", "List", "Sequences")
_READS_TOO = frozenset(
    {"CreateBinaryDataSignedURL", "TabularDataByFilter", "TabularDataByMQL", "TabularDataBySQL"}
    | {"TagsByFilter"}
)


def writing_rpcs() -> list[str]:
    """Every RPC that writes, by reflection: a new one is here as soon as it is served."""
    reads = _READS_TOO
    return sorted(name for name in built() if not name.startswith(_READS) and name not in reads)


class There:
    """What there is to write about, of which one is taken by chance."""

    def __init__(self, cloud: FakeViam, dice: Dice) -> None:
        """Look at what `cloud` holds."""
        store, self._dice = cloud._cloud.store, dice  # noqa: SLF001 - past all policies
        rows = [row.record for row in store.binary_rows()]
        of_type = {
            kind: [each.id for each in store.all_datasets() if each.type is kind]
            for kind in DatasetType
        }
        self.files = [row.binary_data_id for row in rows]
        self.boxes = [(row.binary_data_id, box.id) for row in rows for box in row.boxes]
        self.datasets = of_type[DatasetType.BINARY_DATA]
        self.walks = of_type[DatasetType.SEQUENCE_DATA]
        self.queries = [each.id for each in store.entities(SavedQuery)]
        self.pipelines = [each.id for each in store.entities(DataPipeline)]
        self.sequences = [each.id for each in store.entities(Sequences)]
        self.indexes = [each.name for each in store.entities(CustomIndex)]

    def one(self, ids: Sequence[Any], nothing: Any = "nothing") -> Any:
        """One of them."""
        return self._dice.choice(ids) if ids else nothing

    def some(self, ids: Sequence[str]) -> list[str]:
        """Some of them, at least one."""
        return sorted({self.one(ids), *self._dice.some(ids, 3)})

    def word(self) -> str:
        """A name, hardly ever the same twice."""
        return f"name {self._dice.randrange(10**6)}"

    def tag(self) -> str:
        """A tag, often the same."""
        return self._dice.choice(("red", "green", "blue"))


def good_requests(rpc: str, there: There) -> list[Message]:
    """The messages of a call that will hardly be refused."""
    made = MAKERS[rpc](there)
    request = METHODS[rpc].request
    return [request(**fields) for fields in (made if isinstance(made, list) else [made])]


_OWNER: Fields = {"organization_id": _PART.organization_id}
_SENSOR = datasync.DATA_TYPE_BINARY_SENSOR
_STAGES: Fields = {"mql_binary": DOCUMENTS["mql_binary"]}
_HOT: Fields = {**_OWNER, "collection_type": data.INDEXABLE_COLLECTION_HOT_STORE}
_WINDOW: Fields = {
    "resources": [data.SequenceResourceFilter(resource_name="sensor", method_name="Readings")],
    "start_time": {"seconds": 1_773_143_000},
    "end_time": {"seconds": 1_773_145_000},
}


def _of_files(there: There) -> Fields:
    return {"binary_data_ids": there.some(there.files)}


def _tagged(there: There) -> Fields:
    return {"tags": [there.tag()]}


def _member(there: There) -> Fields:
    return {**_of_files(there), "dataset_id": there.one(there.datasets)}


def _of_box(there: There) -> Fields:
    file, box = there.one(there.boxes, ("nothing", "nothing"))
    return {"binary_data_id": file, "bbox_id": box}


def _of_walk(there: There) -> Fields:
    return {"dataset_id": there.one(there.walks), "sequence_ids": there.some(there.sequences)}


def _filter(there: There) -> Fields:
    tags = data.TagsFilter(type=data.TAGS_FILTER_TYPE_MATCH_BY_OR, tags=[there.tag()])
    return {"filter": data.Filter(tags_filter=tags)}


def _upload(there: There, kind: int) -> Fields:
    metadata = {"part_id": _PART.id, "type": kind, "tags": [there.tag()], "component_name": "c"}
    return {"metadata": {**metadata, "file_name": there.word(), "file_extension": ".jpg"}}


def _capture(there: There) -> Fields:
    if there.tag() == "red":
        contents = [datasync.SensorData(struct=struct_from({"n": 1, "word": there.word()}))]
        fields = _upload(there, datasync.DATA_TYPE_TABULAR_SENSOR)
        del fields["metadata"]["file_extension"]
        return {**fields, "sensor_contents": contents}
    contents = [datasync.SensorData(binary=there.word().encode() * 20)]
    return {**_upload(there, _SENSOR), "sensor_contents": contents}


def _renamed(there: There, ids: Sequence[str]) -> Fields:
    return {"id": there.one(ids), "name": there.word()}


def _changed(there: There) -> Fields:
    mask = {"paths": ["sequence_tags"]}
    return {"id": there.one(there.sequences), "sequence_tags": [there.tag()], "field_mask": mask}


def _metadata(there: There) -> Fields:
    return {"data": struct_from({there.tag(): there.word()})}


#: What makes the fields of a request, or those of each message of a stream. A new RPC that writes
#: has to be here: a test compares this with `writing_rpcs`.
MAKERS: Mapping[str, Callable[[There], Fields | list[Fields]]] = MappingProxyType(
    {
        "AddBinaryDataToDatasetByIDs": _member,
        "AddBoundingBoxToImageByID": lambda there: {
            "binary_data_id": there.one(there.files),
            "label": there.tag(),
            "x_max_normalized": 0.5,
            "y_max_normalized": 0.5,
        },
        "AddSequencesToDataset": _of_walk,
        "AddTagsToBinaryDataByFilter": lambda there: {**_filter(there), **_tagged(there)},
        "AddTagsToBinaryDataByIDs": lambda there: {**_of_files(there), **_tagged(there)},
        "ConfigureDatabaseUser": lambda there: {**_OWNER, "password": f"Secret-1 {there.word()}"},
        "CreateDataPipeline": lambda there: {
            **_OWNER,
            **_STAGES,
            "name": there.word(),
            "schedule": "0 * * * *",
            "enable_backfill": there.tag() == "red",
            "data_source_type": data.TABULAR_DATA_SOURCE_TYPE_STANDARD,
        },
        "CreateDataset": lambda there: {
            **_OWNER,
            "name": there.word(),
            "type": dataset.DATASET_TYPE_SEQUENCE_DATA if there.tag() == "red" else 0,
        },
        "CreateIndex": lambda there: {**_HOT, "index_spec": [there.one(DOCUMENTS["index_spec"])]},
        "CreateSavedQuery": lambda there: {**_OWNER, **_STAGES, "name": there.word()},
        "CreateSequence": lambda _: {"part_id": _PART.id, **_WINDOW},
        "DataCaptureUpload": _capture,
        "DeleteBinaryDataByFilter": _filter,
        "DeleteBinaryDataByIDs": lambda there: {"binary_data_ids": [there.one(there.files)]},
        "DeleteDataPipeline": lambda there: {"id": there.one(there.pipelines)},
        "DeleteDataset": lambda there: {"id": there.one([*there.datasets, *there.walks])},
        "DeleteIndex": lambda there: {**_HOT, "index_name": there.one(there.indexes)},
        "DeleteSavedQuery": lambda there: {"id": there.one(there.queries)},
        "DeleteSequence": lambda there: {"id": there.one(there.sequences)},
        "DeleteTabularData": lambda _: {**_OWNER, "delete_older_than_days": 0},
        "DisableDataPipeline": lambda there: {"id": there.one(there.pipelines)},
        "EnableDataPipeline": lambda there: {"id": there.one(there.pipelines)},
        "FileUpload": lambda there: [
            _upload(there, datasync.DATA_TYPE_FILE),
            {"file_contents": {"data": there.word().encode() * 30}},
        ],
        "MergeDatasets": lambda there: {
            **_OWNER,
            "name": there.word(),
            "dataset_ids": there.some(there.datasets),
        },
        "RemoveBinaryDataFromDatasetByIDs": _member,
        "RemoveBoundingBoxFromImageByID": _of_box,
        "RemoveSequencesFromDataset": _of_walk,
        "RemoveTagsFromBinaryDataByFilter": lambda there: {**_filter(there), **_tagged(there)},
        "RemoveTagsFromBinaryDataByIDs": lambda there: {**_of_files(there), **_tagged(there)},
        "RenameDataPipeline": lambda there: _renamed(there, there.pipelines),
        "RenameDataset": lambda there: _renamed(there, there.datasets),
        "StartSequenceDatasetExport": lambda there: {"dataset_id": there.one(there.walks)},
        "StreamingDataCaptureUpload": lambda there: [
            {"metadata": {"upload_metadata": _upload(there, _SENSOR)["metadata"]}},
            {"data": there.word().encode() * 30},
        ],
        "UpdateBoundingBox": lambda there: {**_of_box(there), "label": there.tag()},
        "UpdateLocationMetadata": lambda there: {
            "location_id": _PART.location_id,
            **_metadata(there),
        },
        "UpdateOrganizationMetadata": lambda there: {**_OWNER, **_metadata(there)},
        "UpdateRobotMetadata": lambda there: {"id": _PART.robot_id, **_metadata(there)},
        "UpdateRobotPartMetadata": lambda there: {"id": _PART.id, **_metadata(there)},
        "UpdateSavedQuery": lambda there: {**_renamed(there, there.queries), **_STAGES},
        "UpdateSequence": _changed,
    }
)
