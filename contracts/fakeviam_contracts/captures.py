"""Uploads of captured data as any server takes them."""

from __future__ import annotations

from fakeviam.wire import datasync
from fakeviam.wire.times import timestamp_from

#: 2024-01-01T00:00:00Z in ns, for what says no time.
CAPTURED = 1_704_067_200 * 1_000_000_000


def capture(
    upload: datasync.UploadMetadata, *contents: datasync.SensorData
) -> datasync.DataCaptureUploadRequest:
    """One upload of captured data; what has no times gets some, which servers may want (A28)."""
    for content in contents:
        for name in ("time_requested", "time_received"):
            if not content.metadata.HasField(name):
                getattr(content.metadata, name).CopyFrom(timestamp_from(CAPTURED))
    return datasync.DataCaptureUploadRequest(metadata=upload, sensor_contents=contents)
