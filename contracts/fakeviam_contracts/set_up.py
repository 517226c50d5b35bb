"""Setting up on a server by address: where its parts are, and whether what is put there can go.

Every answer is judged. A server that says nothing, or nothing to us, cannot be run; one that
answers otherwise than its documents say breaks a clause, which is named. What does not stand in
the way of a run is noted and not raised.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from fakeviam.wire import app, data, dataset, datasync
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.assertions import (
    Assertion,
    ContractBrokenError,
    MayNotError,
    NotTakenError,
)
from fakeviam_contracts.captures import capture
from fakeviam_contracts.cleanup import CannotRunError, Counts, delete_readings, pages_of
from fakeviam_contracts.descriptions import origin_of
from fakeviam_contracts.model import Origin
from fakeviam_contracts.scope import OURS
from fakeviam_contracts.unusual import REFUSALS, doubt
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from fakeviam_contracts.wirelog import Wire

#: 0900-01-01 and 1000-01-01, in ns: nobody has readings from before that, as is checked.
YEAR_900 = -33_765_897_600 * 1_000_000_000
YEAR_1000 = -30_610_224_000 * 1_000_000_000

#: Days back to about the years 930 and 660: after and before the reading of the year 900.
LONG_AGO, LONGER_AGO = 400_000, 500_000

#: Statuses that tell nothing about what a server does with a request.
NO_ANSWER = frozenset(
    (
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",
        "UNAVAILABLE",
        "UNIMPLEMENTED",
    )
)
#: How often an upload is looked for, and the seconds between: it may be seen late (A55).
MOST_LOOKS, BETWEEN = 16, 1.0

#: What is uploaded to see where it goes.
PROBE = b"probe"
READING = {"readings": {"probe": 1.0}}


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Sets up on one server.

    Attributes:
        wire: A wire without an edge.
        name: The component of what is uploaded, which nobody else has.
        sleep: Waits for so many seconds.
        broken: What was found broken without being in the way.
    """

    wire: Wire
    name: str
    sleep: Callable[[float], None] = time.sleep
    broken: list[Assertion] = field(default_factory=list)

    # Asking ------------------------------------------------------------------------------

    def ask(self, clause: str, rpc: str, request: Message, left: str = "") -> Any:
        """The answer of a call that must succeed; `left` is what else stays on the server.

        Raises:
            CannotRunError: The server does not answer it, or not us.
            ContractBrokenError: It refuses what it must take.
            MayNotError: The API key may not do it.
            NotTakenError: It refuses what it need not take.
        """
        answer = self.wire.call(rpc, request)
        if isinstance(answer, Refused) and answer.status in REFUSALS and doubt([request]):
            raise NotTakenError(f"status of {rpc}")
        return self._taken(clause, rpc, answer, left)

    def _taken(self, clause: str, rpc: str, answer: Any, left: str = "") -> Any:
        """The answer of a call, which must be one."""
        if not isinstance(answer, Refused):
            return answer
        _may(rpc, answer, left)
        if answer.status in NO_ANSWER:
            raise _ended(rpc, answer)
        raise ContractBrokenError(Assertion(clause, f"status of {rpc}", "OK", str(answer)))

    def require(self, clause: str, what: str, expected: object, observed: object) -> None:
        """Compare what everything else needs.

        Raises:
            ContractBrokenError: They differ.
        """
        if expected != observed:
            raise ContractBrokenError(Assertion(clause, what, expected, observed))

    def note(self, clause: str, what: str, expected: object, observed: object) -> bool:
        """Compare what the run can do without; the answer says whether it holds."""
        if expected != observed:
            self.broken.append(Assertion(clause, what, expected, observed))
        return bool(expected == observed)

    def counts(self, filter_: data.Filter) -> Counts:
        """How many files and readings match."""
        asked = data.DataRequest(filter=filter_)
        files = data.BinaryDataByFilterRequest(data_request=asked, count_only=True)
        readings = data.TabularDataByFilterRequest(data_request=asked, count_only=True)
        return Counts(
            int(self.ask("BF-1", "BinaryDataByFilter", files).count),
            int(self.ask("TD-1", "TabularDataByFilter", readings).count),
        )

    def mine(self) -> Counts:
        """How many files and readings there are of the probe's component."""
        return self.counts(data.Filter(component_name=self.name))

    # Files -------------------------------------------------------------------------------

    def place_of(self, part: str) -> Origin:
        """Where a part is, as the metadata of a file of it says."""
        metadata = datasync.UploadMetadata(
            part_id=part, component_name=self.name, type=datasync.DATA_TYPE_BINARY_SENSOR
        )
        request = capture(metadata, datasync.SensorData(binary=PROBE))
        answer = self.wire.call("DataCaptureUpload", request)
        if isinstance(answer, Refused):
            self._refused_upload(part, answer)
        whole = answer.binary_data_id
        self.require("ID-2", "segments of the id of an upload", 3, len(whole.split("/")))
        file = self._seen(whole)
        known = file.metadata
        origin = origin_of(known.capture_metadata)
        self.require("BI-1", "the id of a file that was asked for", whole, known.binary_data_id)
        self.require("CU-1", "component of an upload", self.name, origin.component_name)
        self.require("UP-1", "part of an upload", part, origin.part_id)
        self.note("BI-2", "bytes of an upload", PROBE, file.binary)
        return Origin(
            organization_id=origin.organization_id,
            location_id=origin.location_id,
            robot_id=origin.robot_id,
            robot_name=origin.robot_name,
            part_id=part,
            part_name=origin.part_name,
        )

    def clock(self, part: str) -> int | None:
        """What the server's clock says: when a file came whose upload has no times.

        None if it does not say: checks tell what is wrong with that.
        """
        metadata = datasync.UploadMetadata(
            part_id=part, component_name=self.name, type=datasync.DATA_TYPE_FILE
        )
        contents = datasync.FileUploadRequest(file_contents=datasync.FileData(data=PROBE))
        opening = datasync.FileUploadRequest(metadata=metadata)
        answer: Any = self.wire.stream("FileUpload", [opening, contents])
        if isinstance(answer, Refused):
            return None
        ids = [answer.binary_data_id]
        found = self._look(answer.binary_data_id)
        self.wire.call(
            "DeleteBinaryDataByIDs", data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids)
        )
        return nanos_from(found[0].metadata.time_requested) if found else None

    def _refused_upload(self, part: str, answer: Refused) -> NoReturn:
        """Tell a part that does not exist from a server that does not take what it must."""
        _may("DataCaptureUpload", answer)
        if answer.status == "UNAUTHENTICATED":
            raise _ended("DataCaptureUpload", answer)
        known = self.wire.call("GetRobotPart", app.GetRobotPartRequest(id=part))
        if answer.status in NO_ANSWER or isinstance(known, Refused) or known.part.id != part:
            advice = "is it the id of a part? If so, the server's log should say why"
            if answer.status in NO_ANSWER:
                advice = _advice(answer)
            raise CannotRunError(f"part {part} does not accept data: {answer}; {advice}")
        what = "status of DataCaptureUpload for a part that the server knows"
        raise ContractBrokenError(Assertion("CU-1", what, "OK", str(answer)))

    def _seen(self, whole: str) -> data.BinaryData:
        """A file by its id, as soon as it is seen."""
        found = self._look(whole)
        self.require("BI-1", "files found by the id of an upload", 1, len(found))
        return found[0]

    def _look(self, whole: str) -> list[data.BinaryData]:
        """What is found by an id, as soon as that is something."""
        request = data.BinaryDataByIDsRequest(binary_data_ids=[whole], include_binary=True)
        for _ in range(MOST_LOOKS - 1):
            answer = self.wire.call("BinaryDataByIDs", request)
            # Ids of files that are not seen yet (A55) are unknown, which may be refused (A13).
            is_unknown = isinstance(answer, Refused) and answer.status == "NOT_FOUND"
            if not is_unknown and (found := self._taken("BI-1", "BinaryDataByIDs", answer).data):
                return list(found)
            self.sleep(BETWEEN)
        answer = self.wire.call("BinaryDataByIDs", request)
        return list(self._taken("BI-1", "BinaryDataByIDs", answer).data)

    def check_files(self, count: int) -> None:
        """See that names of components count, that `count` files are there, and that they go.

        Raises:
            ContractBrokenError: Every query would touch the data of others, or nothing goes.
        """
        nobody = self.counts(data.Filter(component_name=f"{self.name}-nobody"))
        what = "files and readings of a component that does not exist"
        self.require("FI-1", what, Counts(0, 0), nobody)
        what = "files and readings of the component of the files"
        self.note("PG-8", what, Counts(count, 0), self.mine())
        with contextlib.suppress(NotTakenError):
            what = "files and readings of long before the files"
            self.note("FI-13", what, Counts(0, 0), self.counts(self._until(YEAR_1000)))
        ids = self._listed()
        self.require("BF-1", "files listed by their component", count, len(ids))
        request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=ids)
        stay = f"; {len(ids)} files of the component {self.name} stay there"
        self.ask("DI-1", "DeleteBinaryDataByIDs", request, stay)
        left = len(self._listed())
        self.require("DI-1", "files that are left after they were deleted by their ids", 0, left)

    def _listed(self) -> list[str]:
        filter_ = data.Filter(component_name=self.name)
        request = data.BinaryDataByFilterRequest(data_request=data.DataRequest(filter=filter_))

        def ask(asked: data.BinaryDataByFilterRequest) -> object:
            return self.ask("BF-1", "BinaryDataByFilter", asked)

        entries = [entry for page in pages_of(ask, request) for entry in page.data]
        strange = {e.metadata.capture_metadata.component_name for e in entries} - {self.name}
        self.require("FI-1", "components of files asked for by their component", set(), strange)
        return list(dict.fromkeys(entry.metadata.binary_data_id for entry in entries))

    def check_empty(self) -> None:
        """Make sure that there is nothing to lose.

        Raises:
            CannotRunError: There is.
        """
        files, readings = self.counts(data.Filter())
        if files or readings:
            raise CannotRunError(
                f"--exclusive deletes everything, and {files} files and {readings} readings are "
                "there; remove them first, or leave --exclusive out"
            )

    # Datasets ----------------------------------------------------------------------------

    def datasets_left(self, organization_id: str) -> str:
        """The dataset that the API key may make and not remove, with what the server says."""
        request = dataset.CreateDatasetRequest(name=self.name, organization_id=organization_id)
        made = self.wire.call("CreateDataset", request)
        if isinstance(made, Refused):  # checks judge that
            return ""
        answer = self.wire.call("DeleteDataset", dataset.DeleteDatasetRequest(id=made.id))
        if isinstance(answer, Refused) and answer.status == "PERMISSION_DENIED":
            return f"the dataset {self.name} ({made.id}), since DeleteDataset is {answer}"
        return ""

    # Readings ----------------------------------------------------------------------------

    def readings_can_go(self, origin: Origin) -> bool:
        """Whether readings of one component can be deleted, and only those.

        Older servers ignore the filter of DeleteTabularData and would delete everybody's. So a
        reading of our own is put where nobody has any, and must survive a delete of other names.

        Raises:
            ContractBrokenError: Every query would find the readings of others.
        """
        ancient = data.Filter()
        ancient.interval.end.CopyFrom(timestamp_from(YEAR_1000))
        try:
            if self._has_strangers(ancient) or not self._upload_reading(origin):
                return False
        except NotTakenError:  # no times of long ago, so that nobody can tell whose data is there
            return False
        self._check_reading()
        self._delete(origin, f"{self.name}-other", LONG_AGO)
        left = self.mine().readings
        if not self.note("DT-3", "readings after a delete of another component's", 1, left):
            return False
        self._delete(origin, self.name, LONGER_AGO)
        left = self.mine().readings
        self.note("DT-1", "readings after a delete of older ones", 1, left)
        # All of them: it may have been stored under another time.
        self._delete(origin, self.name, 0)
        left = self.mine().readings
        return self.note("DT-1", "readings that are left after they were deleted", 0, left)

    def _has_strangers(self, filter_: data.Filter) -> bool:
        """Whether readings match that are not the kit's, of which a killed run may leave some."""
        asked = data.TabularDataByFilterRequest(data_request=data.DataRequest(filter=filter_))
        pages = pages_of(lambda request: self.ask("TD-1", "TabularDataByFilter", request), asked)
        return any(
            not OURS.match(name)
            for page in pages
            for name in {metadata.component_name for metadata in page.metadata} or {""}
        )

    def _check_reading(self) -> None:
        nobody = self.counts(data.Filter(component_name=f"{self.name}-nobody"))
        what = "files and readings of a component that does not exist"
        self.require("FI-1", what, Counts(0, 0), nobody)
        asked = data.DataRequest(filter=data.Filter(component_name=self.name))
        request = data.TabularDataByFilterRequest(data_request=asked)
        found = self.ask("TD-1", "TabularDataByFilter", request).data
        self.require("TD-1", "readings of the component of a reading", 1, len(found))
        reading = found[0]
        self.note("TD-3", "data of a reading", READING, mapping_from(reading.data))
        self.note("TM-1", "time of a reading", YEAR_900, nanos_from(reading.time_requested))
        what = "files and readings of before the reading"
        self.note("FI-13", what, Counts(0, 0), self.counts(self._until(YEAR_900 - 1)))

    def _until(self, end: int) -> data.Filter:
        filter_ = data.Filter(component_name=self.name)
        filter_.interval.end.CopyFrom(timestamp_from(end))
        return filter_

    def _upload_reading(self, origin: Origin) -> bool:
        """Whether a reading of the year 900 is taken, and seen."""
        moment = timestamp_from(YEAR_900)
        sensor = datasync.SensorMetadata(time_requested=moment, time_received=moment)
        metadata = datasync.UploadMetadata(
            part_id=origin.part_id,
            component_name=self.name,
            type=datasync.DATA_TYPE_TABULAR_SENSOR,
        )
        contents = [datasync.SensorData(metadata=sensor, struct=struct_from(READING))]
        request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
        answer = self.wire.call("DataCaptureUpload", request)
        if isinstance(answer, Refused):
            _may("DataCaptureUpload", answer)
            if answer.status in NO_ANSWER:
                raise _ended("DataCaptureUpload", answer)
            return False
        for look in range(MOST_LOOKS):
            if look:
                self.sleep(BETWEEN)
            if self.mine().readings:
                return True
        return self.note("CU-1", "readings seen after an upload", 1, 0)

    def _delete(self, origin: Origin, component: str, days: int) -> None:
        request = delete_readings(origin.organization_id, component, days)
        self.ask("DT-1", "DeleteTabularData", request)


def _ended(rpc: str, answer: Refused) -> CannotRunError:
    """What ended the set-up, and what to do about it."""
    return CannotRunError(f"set-up ends at {rpc}: {answer}; {_advice(answer)}")


def _advice(answer: Refused) -> str:
    """What to do about a refusal that ends the set-up."""
    return {
        "UNAUTHENTICATED": "log in with --api-key-id and --api-key",
        "UNIMPLEMENTED": "no run can do without it; is it the address of the data services?",
        "RESOURCE_EXHAUSTED": "--max-rps makes fewer calls a second",
    }.get(answer.status, "the server's log should say why")


def _may(rpc: str, answer: Refused, left: str = "") -> None:
    """Tell what the API key may not do from what the server does not do."""
    if answer.status == "PERMISSION_DENIED":
        raise MayNotError(f"the API key may not call {rpc}: {answer}{left}")
