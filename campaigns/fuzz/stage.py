"""A fake with something of everything in it, whose state can be compared, and a good neighbour."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.http2 import Connection
from grpclib.exceptions import GRPCError

from campaigns.fuzz.target import BrokenLawError
from fakeviam import Clock, FakeViam, wire
from fakeviam.model.clauses import CATALOGUE
from fakeviam.server.transport.routes import STREAMS, UNARY
from fakeviam.wire import data, datasync
from fakeviam.wire import dataset as datasets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from google.protobuf.message import Message

    from campaigns.dice import Dice
    from fakeviam.wire import Method

METHODS = {method.name: method for method in wire.methods()}

_SERVED = [
    method
    for method in METHODS.values()
    if method.name in {**UNARY.get(method.service, {}), **STREAMS.get(method.service, {})}
]

_READS = ("Get", "List", "Export", "BinaryData", "TabularData", "Tags", "BoundingBoxLabels")

#: No answer within this time is a hang.
PATIENCE = 20.0


class Client(Connection):
    """The kit's light client, which remembers the trailers of the last answer."""

    trailers: Mapping[str, str] = {}

    @classmethod
    async def over(cls, path: str) -> Client:
        """A connection to the fake at a Unix socket."""
        _, client = await asyncio.get_running_loop().create_unix_connection(cls, path)
        return client

    def _end(self, stream: Any) -> None:
        self.trailers = stream.headers
        super()._end(stream)


class Stage:
    """A running fake, two connections to it, and what it holds.

    Attributes:
        known: Ids and names that mean something to it, by a part of the names of their fields.
    """

    def __init__(self, cloud: FakeViam, client: Client, neighbour: Client) -> None:
        """Use `set_up`."""
        self.cloud, self.client, self._neighbour = cloud, client, neighbour
        self.known: dict[str, Sequence[str]] = {}
        self.complaints: list[str] = []
        self._seen = 0

    # Its contents ----------------------------------------------------------------------------

    async def fill(self) -> None:
        """Something of everything, by public calls; the neighbour gets a session of its own."""
        part = self.cloud.default_part
        binary = [await self._upload(number) for number in range(6)]
        await self.call("DataCaptureUpload", _readings(part.id))
        made = await self.call(
            "CreateDataset",
            datasets.CreateDatasetRequest(name="set", organization_id=part.organization_id),
        )
        await self.call(
            "AddBinaryDataToDatasetByIDs",
            data.AddBinaryDataToDatasetByIDsRequest(dataset_id=made.id, binary_data_ids=binary[:3]),
        )
        box = await self.call(
            "AddBoundingBoxToImageByID",
            data.AddBoundingBoxToImageByIDRequest(
                binary_data_id=binary[0], label="cat", x_max_normalized=0.5, y_max_normalized=0.5
            ),
        )
        self.cloud.session("neighbour")
        self.known = {
            "organization": [part.organization_id],
            "location": [part.location_id],
            "robot_name": [part.robot_name],
            "robot": [part.robot_id],
            "part_name": [part.name],
            "part_id": [part.id],
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
            "entity": [self.cloud.api_key_id],
            "payload": [self.cloud.api_key],
            "type": ["api-key", "api-key", "robot-secret"],
            "password": ["Password-1", "Secret-password-2"],
            "last": [""],
            "name": ["set", "camera", "file"],
            "sql": ["select * from readings"],
            "id": [made.id, *binary],
        }

    async def _upload(self, number: int) -> str:
        request = datasync.DataCaptureUploadRequest(
            metadata=datasync.UploadMetadata(
                part_id=self.cloud.default_part.id,
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
        reply = await self.call("DataCaptureUpload", request)
        return str(reply.binary_data_id)

    async def call(self, rpc: str, *requests: Message) -> Any:
        """A call that has to succeed."""
        return await self.client.call(METHODS[rpc], requests, {})

    # Laws ------------------------------------------------------------------------------------

    def state(self) -> list[object]:
        """All that a write could change, to be compared with a later moment."""
        cloud = self.cloud._cloud  # noqa: SLF001 - no policy hides anything there
        store = cloud.store
        return [
            list(store.binary_rows()),
            list(store.tabular_rows()),
            store.all_datasets(),
            dict(store.database_passwords()),
            store.arrivals,
            cloud.fleet.state(),
            cloud.accounts.keys,
            cloud.policy,
        ]

    def check_no_crash(self) -> None:
        """No handler crashed, and nothing escaped into the event loop."""
        crashes = [*self.cloud.crashes]
        for session in self.cloud.sessions.values():
            crashes += session.crashes
        if crashes:
            self.cloud._cloud.crashes.clear()  # noqa: SLF001 - told once
            raise BrokenLawError("no crash", "; ".join(map(repr, crashes)))
        if self.complaints:
            found, self.complaints = self.complaints, []
            raise BrokenLawError("nothing escapes into the event loop", "; ".join(found))

    def check_unchanged(self, before: list[object], because: str) -> None:
        """Nothing has changed since."""
        after = self.state()
        if after != before:
            (part, *_) = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
            raise BrokenLawError(
                "what is refused or only read changes nothing",
                f"{because}; before {str(before[part])[-300:]}, after {str(after[part])[-300:]}",
            )

    async def check_neighbour(self) -> None:
        """A well-behaved call beside is answered."""
        method = METHODS["BinaryDataByFilter"]
        request = data.BinaryDataByFilterRequest(count_only=True)
        call = self._neighbour.call(method, [request], {"fakeviam-session": "neighbour"})
        try:
            reply = await asyncio.wait_for(call, PATIENCE)
        except (GRPCError, OSError, asyncio.TimeoutError) as error:
            raise BrokenLawError("a neighbour is answered", repr(error)) from error
        if reply.count != 6:
            raise BrokenLawError("a neighbour is answered", f"it counts {reply.count}, not 6")

    def check_shown(self) -> None:
        """Every call since the last time can be shown as JSON and as text."""
        for call in self.cloud.calls:
            if call.number <= self._seen:
                continue
            self._seen = call.number
            try:
                json.dumps(call.to_json(), allow_nan=False).encode()
                str(call).encode()
            except Exception as error:
                told = f"call {call.number}, {call.method.name}: {error!r}"
                raise BrokenLawError("what arrived can be shown", told) from error


def judged(method: Method | None, status: str, text: str, clause: str) -> str:
    """What became of a call, in a word.

    Raises:
        BrokenLawError: It was refused by accident, or without a clause.
    """
    told = f"{method.name if method else '?'}: {status} {text!r} [{clause}]"
    if status in ("INTERNAL", "UNKNOWN") and not (status == "UNKNOWN" and clause in _CLAUSES):
        raise BrokenLawError("never INTERNAL or UNKNOWN by accident", told)
    if clause not in _CLAUSES:
        raise BrokenLawError("a refusal names its clause", told)
    return f"{status} {clause}"


_CLAUSES = frozenset(CATALOGUE)


def random_method(dice: Dice) -> Method:
    """An RPC, nearly always one that is served."""
    return dice.choice(_SERVED if dice.chance(0.97) else list(METHODS.values()))


def only_reads(method: Method) -> bool:
    """Whether an RPC has nothing to change."""
    return method.name.startswith(_READS)


def _readings(part_id: str) -> datasync.DataCaptureUploadRequest:
    contents = [datasync.SensorData() for _ in range(3)]
    for number, each in enumerate(contents):
        each.struct.fields["n"].number_value = number
    return datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=part_id, type=datasync.DATA_TYPE_TABULAR_SENSOR, component_name="sensor"
        ),
        sensor_contents=contents,
    )


@asynccontextmanager
async def set_up(dice: Dice) -> AsyncIterator[Stage]:
    """A fake with something in it; what can be chosen about it is by chance."""
    cloud = FakeViam(
        seed=dice.randrange(1000),
        clock=Clock.frozen("2026-03-10T12:00:00Z"),
        policy=dice.choice(("documented", "documented", "observed", "strict")),
        ids=dice.choice(("real", "real", "readable")),
    )
    loop = asyncio.get_running_loop()
    async with cloud:
        client, neighbour = [await Client.over(cloud.unix_socket) for _ in range(2)]
        stage = Stage(cloud, client, neighbour)
        loop.set_exception_handler(lambda _, found: stage.complaints.append(_told(found)))
        try:
            await stage.fill()
            yield stage
        finally:
            client.close()
            neighbour.close()
            loop.set_exception_handler(None)


def _told(found: Mapping[str, Any]) -> str:
    return f"{found.get('message')}: {found.get('exception')!r}"
