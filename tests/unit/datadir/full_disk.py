"""A server whose data directory is on a full disk: first none is left, then there is room again.

    python -m tests.unit.datadir.full_disk DIRECTORY limit|disk

Makes every kind of call twice: while nothing can be written, which must be refused or kept, and
when there is room again. Kills itself at the end. Prints the number of refusals by kind, and what
must be found after the kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import tempfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import Refusal
from fakeviam.wire import data, dataset
from tests.unit.server.driver import (
    DEFAULT_PART,
    ORGANIZATION,
    RefusedError,
    Viam,
    file_parts,
    reading,
)

from .worlds import SEED_FILE, state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Call = Callable[[], Awaitable[object]]


def told(found: list[object]) -> str:
    """The state in few words."""
    return sha256(repr(found).encode()).hexdigest()


class Limit:
    """No file may grow beyond a size; with 0, nothing at all can be written."""

    def __init__(self, path: Path) -> None:
        self._log = path / "log.jsonl"
        self._turn = 0

    @contextmanager
    def full(self) -> Iterator[None]:
        self._turn += 1
        # Half an entry fits, or not even the bytes that come before it.
        size = self._log.stat().st_size + 10 if self._turn % 2 else 0
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


class Disk:
    """All space of a small disk is taken."""

    def __init__(self, path: Path) -> None:
        self._ballast = path.parent / "ballast"

    @contextmanager
    def full(self) -> Iterator[None]:
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        try:
            yield
        finally:
            self._ballast.unlink()


class Calls:
    """One call of each kind that writes; each can be made more than once."""

    def __init__(self, viam: Viam, folder: Path) -> None:
        self.viam = viam
        self.cloud = viam.cloud
        self.snapshot, self.archive = viam.cloud.snapshot(), folder / "archive"
        viam.cloud.export(self.archive)
        self.names = (str(number) for number in range(1000))

    async def image(self) -> str:
        page = await self.viam.binary(limit=1)
        return str(page.data[0].metadata.binary_data_id)

    async def some_dataset(self) -> str:
        owner = dataset.ListDatasetsByOrganizationIDRequest(organization_id=ORGANIZATION)
        return str((await self.viam.rpc("ListDatasetsByOrganizationID", owner)).datasets[0].id)

    async def upload(self) -> None:
        name = next(self.names)
        await self.viam.upload(name, name.encode() * 3000)

    async def upload_a_file(self) -> None:
        await self.viam.rpc("FileUpload", *file_parts(b"x" * 70_000, b"y", file_extension=".jpg"))

    async def upload_readings(self) -> None:
        await self.viam.upload_readings(*[reading({"n": 1})] * 3)

    async def add_a_box(self) -> None:
        await self.viam.add_box(await self.image())

    async def update_a_box(self) -> None:
        wanted = data.Filter(bbox_labels=["cat"])
        metadata = (await self.viam.binary(wanted, limit=1)).data[0].metadata
        request = data.UpdateBoundingBoxRequest(
            binary_id=data.BinaryID(
                file_id=metadata.id,
                organization_id=ORGANIZATION,
                location_id=DEFAULT_PART.location_id,
            ),
            bbox_id=metadata.annotations.bboxes[0].id,
            x_max_normalized=float(next(self.names)) / 1000,
        )
        await self.viam.rpc("UpdateBoundingBox", request)

    async def tag(self) -> None:
        await self.viam.add_tags(await self.image(), tags=[next(self.names)])

    async def untag(self) -> None:
        tags = (await self.viam.rpc("TagsByFilter", data.TagsByFilterRequest())).tags[:1]
        request = data.RemoveTagsFromBinaryDataByFilterRequest(tags=tags)
        await self.viam.rpc("RemoveTagsFromBinaryDataByFilter", request)

    async def create_a_dataset(self) -> None:
        await self.viam.create_dataset(next(self.names))

    async def rename_a_dataset(self) -> None:
        name = next(self.names)
        request = dataset.RenameDatasetRequest(id=await self.some_dataset(), name=name)
        await self.viam.rpc("RenameDataset", request)

    async def join(self) -> None:
        for number in range(2):  # the second time, there is one to join
            if number:
                await self.viam.add_members(await self.some_dataset(), await self.image())
            else:
                await self.viam.upload(next(self.names))

    async def delete_a_dataset(self) -> None:
        request = dataset.DeleteDatasetRequest(id=await self.some_dataset())
        await self.viam.rpc("DeleteDataset", request)

    async def delete_a_file(self) -> None:
        request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[await self.image()])
        await self.viam.rpc("DeleteBinaryDataByIDs", request)

    async def delete_readings(self) -> None:
        await self.viam.upload_readings(reading({"n": 1}))
        request = data.DeleteTabularDataRequest(organization_id=ORGANIZATION)
        await self.viam.rpc("DeleteTabularData", request)

    async def set_a_password(self) -> None:
        password = f"Password-{next(self.names)}"
        request = data.ConfigureDatabaseUserRequest(organization_id=ORGANIZATION, password=password)
        await self.viam.rpc("ConfigureDatabaseUser", request)

    async def add_a_part(self) -> None:
        self.cloud.fleet.add_part(next(self.names))

    async def rename_a_part(self) -> None:
        self.cloud.fleet.rename_part(DEFAULT_PART.id, next(self.names))

    async def add_a_key(self) -> None:
        self.cloud.add_api_key(organizations=ORGANIZATION)

    async def revoke_a_key(self) -> None:
        self.cloud.revoke_api_key(self.cloud.api_keys[-1])

    async def load_a_seed(self) -> None:
        self.cloud.load(SEED_FILE)

    async def load_an_archive(self) -> None:
        self.cloud.load(self.archive)

    async def restore(self) -> None:
        self.cloud.restore(self.snapshot)

    async def reset(self) -> None:
        self.cloud.reset()


#: The kinds, in an order in which each finds what it needs.
KINDS = tuple(
    name
    for name in vars(Calls)
    if not name.startswith("_") and name not in ("image", "some_dataset")
)


async def is_refused(call: Call) -> bool:
    """Make a call; whether the directory could not keep it, which is the one good reason."""
    try:
        await call()
    except RefusedError as error:
        reason = (error.status.name, error.clause, error.text)
    except Refusal as refusal:
        reason = (refusal.status.name, refusal.clause, refusal.text)
    else:
        return False
    assert reason[:2] == ("RESOURCE_EXHAUSTED", "DD-4"), reason
    assert reason[2].endswith("nothing was changed [DD-4]")
    return True


async def main(path: Path, kind: str) -> None:
    disk: Any = (Limit if kind == "limit" else Disk)(path)
    refused = {}
    with tempfile.TemporaryDirectory() as folder:
        async with Viam.running(data_dir=path) as viam:
            cloud = viam.cloud._cloud
            for number in range(3):
                await viam.upload(str(number), bytes([number]) * 2000, tags=["x", str(number)])
            calls = Calls(viam, Path(folder))
            for name in KINDS:
                call: Call = getattr(calls, name)
                before = state(cloud)
                with disk.full():
                    refused[name] = await is_refused(call)
                    # Reading needs no room.
                    await viam.binary()
                if refused[name]:
                    assert state(cloud) == before, name
                assert not await is_refused(call), name
            for number in range(2):
                await viam.upload(f"last {number}")
            print(json.dumps({"refused": refused, "state": told(state(cloud))}), flush=True)  # noqa: T201
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
