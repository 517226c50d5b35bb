"""Captured data: binary records and readings, and the MIME types of file extensions.

Records are immutable; a change creates a new record that replaces the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from fakeviam.model.annotations import BoundingBox, Classification


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One entry of `method_parameters`: a packed protobuf Any, unchanged (A31)."""

    key: str
    type_url: str
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The source of data: a method of a component of a part. Shared by many records."""

    organization_id: str
    location_id: str
    robot_id: str
    robot_name: str
    part_id: str
    part_name: str
    component_type: str = ""
    component_name: str = ""
    method_name: str = ""
    method_parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BinaryRecord:
    """One binary file and everything known about it, except its bytes.

    Attributes:
        file_id: The last part of the binary data id; 64 letters and digits.
        time_requested: Capture time, ns since the epoch.
        time_received: When the sensor responded, as uploaded, ns.
        time_synced: When the fake stored it, ns.
        tags: User tags in the order they were added, without duplicates; never dataset labels.
        size: Size of the file in bytes.
        internal: Whether Viam itself ingested it; hidden by default (PG-10).
    """

    file_id: str
    source: Source
    time_requested: int
    time_received: int
    time_synced: int
    mime_type: str
    file_name: str = ""
    file_ext: str = ""
    size: int = 0
    tags: tuple[str, ...] = ()
    boxes: tuple[BoundingBox, ...] = ()
    classifications: tuple[Classification, ...] = ()
    dataset_ids: tuple[str, ...] = ()
    internal: bool = False
    # Derived from `boxes`, so that a filter need not iterate over them.
    box_labels: frozenset[str] = field(init=False, repr=False, compare=False)
    # A cache for the server: the encoded form of this record, and the encoder. It lives as long
    # as the record, which is immutable, so that it cannot become stale.
    encoder: object = field(init=False, default=None, repr=False, compare=False)
    encoded: bytes = field(init=False, default=b"", repr=False, compare=False)

    def __post_init__(self) -> None:
        labels = frozenset(box.label for box in self.boxes) if self.boxes else frozenset()
        object.__setattr__(self, "box_labels", labels)

    def with_list(self, field: str, values: tuple[str, ...]) -> BinaryRecord:
        """This record with another list; several times as quick as `dataclasses.replace`."""
        twin: BinaryRecord = object.__new__(BinaryRecord)
        for read, write in _COPIED:
            write(twin, read(self))
        object.__setattr__(twin, field, values)
        object.__setattr__(twin, "encoder", None)
        object.__setattr__(twin, "encoded", b"")
        return twin

    @property
    def binary_data_id(self) -> str:
        """Organization, location and file id, joined by slashes (ID-2)."""
        return f"{self.source.organization_id}/{self.source.location_id}/{self.file_id}"

    @property
    def name(self) -> str:
        """The file name with its extension, which viam-server may have included in the name."""
        return f"{self.file_name.removesuffix(self.file_ext)}{self.file_ext}"


#: What reads and writes the fields of a binary record, but for its encoded form.
_COPIED = tuple(
    (slot.__get__, slot.__set__)
    for name, slot in vars(BinaryRecord).items()
    if name in BinaryRecord.__slots__ and name not in ("encoder", "encoded")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TabularRecord:
    """One reading.

    Attributes:
        id: An ObjectID.
        payload: The uploaded Struct, encoded and unchanged.
        file_id: The id of its upload, which all readings of the upload share.
    """

    id: str
    file_id: str
    source: Source
    time_requested: int
    time_received: int
    time_synced: int
    payload: bytes
    mime_type: str = ""
    tags: tuple[str, ...] = ()
    internal: bool = False

    @property
    def size(self) -> int:
        """The size of the encoded reading in bytes."""
        return len(self.payload)


Record = TypeVar("Record", BinaryRecord, TabularRecord)
AnyRecord = BinaryRecord | TabularRecord

#: MIME types by file extension (UP-4, A24).
MIME_TYPES = MappingProxyType(
    {
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".png": "image/png",
        ".pcd": "pointcloud/pcd",
        ".mp4": "video/mp4",
        ".wav": "audio/wav",
        ".mp3": "audio/mpeg",
        ".txt": "text/plain",
        ".json": "application/json",
    }
)

#: The extensions whose MIME type the documentation specifies.
DOCUMENTED_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png"})


def with_dot(extension: str) -> str:
    """The stored form of a file extension: one leading dot, or empty (A26)."""
    return extension if not extension or extension.startswith(".") else f".{extension}"


def mime_type_of(extension: str) -> str:
    """The MIME type of a file extension, with or without its dot, in any case."""
    return MIME_TYPES.get(with_dot(extension).lower(), "application/octet-stream")


def is_image(mime_type: str) -> bool:
    """Whether data of this type may have bounding boxes."""
    return mime_type.startswith("image/")
