"""Encodes records as bytes.

Concatenated protobuf messages are a merged message, so a page is the concatenation of its encoded
records; each record is encoded once, and its bytes are cached on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from fakeviam.model.datasets import dataset_label
from fakeviam.server.services.links import Links
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.policy import Policy
    from fakeviam.model.records import BinaryRecord, Source, TabularRecord
    from fakeviam.server.state.call import Call
    from fakeviam.wire.well_known import Timestamp

# The tag bytes of length-delimited fields 1 to 4.
_FIELD_1, _FIELD_2, _FIELD_3, _FIELD_4 = b"\x0a", b"\x12", b"\x1a", b"\x22"
_VARINT_FIELD_2 = b"\x10"

_MOST_ADDRESSES = 16


def varint(value: int) -> bytes:
    """The varint encoding of a non-negative number."""
    if value < 0x80:
        return value.to_bytes(1, "little")
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def set_time(timestamp: Timestamp, nanos: int) -> None:
    """Set a Timestamp field so that it is present, even if it is the epoch (TM-2)."""
    timestamp.SetInParent()
    timestamp.seconds, timestamp.nanos = divmod(nanos, 1_000_000_000)


class MetadataEncoder:
    """Encodes binary metadata for one fake, and caches the bytes on the record."""

    def __init__(self, policy: Policy, links: Links) -> None:
        """Show memberships among the tags or not, depending on the policy (A10); add links."""
        self._show_labels = policy.dataset_label == "shown"
        self._before, self._behind = links.around()
        self._has_links = bool(links.address)

    def entries(self, records: Iterable[BinaryRecord]) -> list[bytes]:
        """The `data` entries of a reply, without the files' bytes."""
        # `entry` is inlined for cached records: this loop is most of the cost of a page.
        return [
            record.encoded if record.encoder is self else self.entry(record) for record in records
        ]

    def entry(self, record: BinaryRecord) -> bytes:
        """One `data` entry of a reply, without the file's bytes."""
        if record.encoder is self:
            return record.encoded
        blob = self.metadata(record).SerializeToString(deterministic=True)
        field = _FIELD_2 + varint(len(blob)) + blob
        entry = _FIELD_1 + varint(len(field)) + field
        # A cache, not part of the record's value.
        object.__setattr__(record, "encoded", entry)
        object.__setattr__(record, "encoder", self)
        return entry

    def entry_with_bytes(self, record: BinaryRecord, payload: bytes) -> tuple[bytes, ...]:
        """The pieces of one `data` entry with the file's bytes, which are not copied."""
        entry = self.entry(record)
        # The metadata field follows the tag and length of the entry.
        metadata = entry[_header(entry) :]
        head = _FIELD_1 + varint(len(payload))
        size = len(head) + len(payload) + len(metadata)
        return _FIELD_1, varint(size), head, payload, metadata

    def metadata(self, record: BinaryRecord) -> data.BinaryMetadata:
        """The metadata message of a record (ID-3, DM-3, BX-5)."""
        binary_data_id = record.binary_data_id
        link = f"{self._before}{quote(binary_data_id)}{self._behind}" if self._has_links else ""
        message = data.BinaryMetadata(
            id=record.file_id,
            binary_data_id=binary_data_id,
            file_name=record.file_name,
            file_ext=record.file_ext,
            dataset_ids=record.dataset_ids,
            file_size_bytes=record.size,
            uri=link,
        )
        set_time(message.time_requested, record.time_requested)
        set_time(message.time_received, record.time_received)
        fill_capture_metadata(
            message.capture_metadata, record.source, self.visible_tags(record), record.mime_type
        )
        _fill_annotations(message.annotations, record)
        return message

    def visible_tags(self, record: BinaryRecord) -> list[str]:
        """The stored tags, then the labels of memberships (A10)."""
        tags = list(record.tags)
        if self._show_labels and record.dataset_ids:
            labels = map(dataset_label, record.dataset_ids)
            tags.extend(label for label in labels if label not in record.tags)
        return tags


class MetadataEncoders:
    """The encoders of one cloud, one per address that clients use."""

    def __init__(self, policy: Policy) -> None:
        """Encode according to `policy`."""
        self._policy = policy
        self._made: dict[Links, MetadataEncoder] = {}

    def of(self, call: Call) -> MetadataEncoder:
        """The encoder whose links work for this client (A52)."""
        links = Links(call.address, call.cloud.name)
        encoder = self._made.get(links)
        if encoder is None:
            if len(self._made) >= _MOST_ADDRESSES:  # clients may send any number of addresses
                self._made.clear()
            encoder = self._made[links] = MetadataEncoder(self._policy, links)
        return encoder


def fill_capture_metadata(
    message: data.CaptureMetadata, source: Source, tags: Iterable[str], mime_type: str
) -> None:
    """Describe a source in fields of every version of the API."""
    message.organization_id = source.organization_id
    message.location_id = source.location_id
    message.robot_name = source.robot_name
    message.robot_id = source.robot_id
    message.part_name = source.part_name
    message.part_id = source.part_id
    message.component_type = source.component_type
    message.component_name = source.component_name
    message.method_name = source.method_name
    message.tags.extend(tags)
    message.mime_type = mime_type
    for parameter in source.method_parameters:
        packed = message.method_parameters[parameter.key]
        packed.type_url = parameter.type_url
        packed.value = parameter.value


def encode_readings(records: Iterable[TabularRecord]) -> bytes:
    """The `metadata` and `data` entries of a tabular reply (TD-2, TD-3, TD-4)."""
    metadata: list[bytes] = []
    entries: list[bytes] = []
    places: dict[tuple[Source, tuple[str, ...], str], int] = {}
    for record in records:
        key = (record.source, record.tags, record.mime_type)
        place = places.setdefault(key, len(metadata))
        if place == len(metadata):
            metadata.append(delimited(_FIELD_1, _capture_metadata(record)))
        entries.append(delimited(_FIELD_2, _reading(record, place)))
    return b"".join(metadata + entries)


def _capture_metadata(record: TabularRecord) -> bytes:
    message = data.CaptureMetadata()
    fill_capture_metadata(message, record.source, record.tags, record.mime_type)
    return message.SerializeToString(deterministic=True)


def _reading(record: TabularRecord, place: int) -> bytes:
    index = _VARINT_FIELD_2 + varint(place) if place else b""
    return b"".join(
        (
            delimited(_FIELD_1, record.payload),
            index,
            delimited(_FIELD_3, timestamp(record.time_requested)),
            delimited(_FIELD_4, timestamp(record.time_received)),
        )
    )


def timestamp(nanos: int) -> bytes:
    """An encoded Timestamp."""
    seconds, rest = divmod(nanos, 1_000_000_000)
    # Negative numbers are encoded in two's complement with 64 bits.
    first = b"\x08" + varint(seconds % 2**64) if seconds else b""
    return first + b"\x10" + varint(rest) if rest else first


def delimited(tag: bytes, blob: bytes) -> bytes:
    """A length-delimited field with the tag byte `tag`."""
    return tag + varint(len(blob)) + blob


def _header(entry: bytes) -> int:
    """The size of the tag and length of a length-delimited field."""
    end = 1
    while entry[end] & 0x80:
        end += 1
    return end + 1


def _fill_annotations(message: data.Annotations, record: BinaryRecord) -> None:
    for box in record.boxes:
        entry = message.bboxes.add(
            id=box.id,
            label=box.label,
            x_min_normalized=box.x_min_normalized,
            y_min_normalized=box.y_min_normalized,
            x_max_normalized=box.x_max_normalized,
            y_max_normalized=box.y_max_normalized,
        )
        if box.confidence is not None:
            entry.confidence = box.confidence
    for classification in record.classifications:
        mark = message.classifications.add(id=classification.id, label=classification.label)
        if classification.confidence is not None:
            mark.confidence = classification.confidence
