"""Learning how long it takes until uploads are seen (A55)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, datasync
from fakeviam_contracts.captures import capture
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

#: Seconds after which an upload must be seen.
MOST_LAG = 15
SECOND = 1_000_000_000


def measure_lag(session: Session) -> None:
    """Learn how long it takes until an upload is seen."""
    metadata = datasync.UploadMetadata(
        part_id=session.place.parts[0].part_id,
        component_name=session.place.component,
        type=datasync.DATA_TYPE_BINARY_SENSOR,
    )
    upload = capture(metadata, datasync.SensorData(binary=b"seen"))
    answer = session.wire.call("DataCaptureUpload", upload)
    if isinstance(answer, Refused):
        return
    session.learn(visibility=0)  # what is expected is not waited for
    request = data.BinaryDataByIDsRequest(binary_data_ids=[answer.binary_data_id])
    for second in range(MOST_LAG + 1):
        reply = session.wire.call("BinaryDataByIDs", request)
        if not isinstance(reply, Refused) and reply.data:
            session.expect("A55", "seconds until an upload is seen", 0, second)
            session.learn(visibility=second)
            return
        if session.place.sleep is None:
            return
        session.place.sleep(SECOND)
