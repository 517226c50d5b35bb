"""Clients that write, and know what they were told: the measure of what a restart must show."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from grpclib.exceptions import GRPCError, StreamTerminatedError

from campaigns.client import Client
from campaigns.laws import BrokenLawError, require
from fakeviam import FakeViam
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from campaigns.dice import Dice

_PART = FakeViam.default_part


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """What is known of an uploaded file; one that was deleted has no size."""

    name: str
    id: str = ""
    size: int | None = None
    tags: frozenset[str] = frozenset()


@dataclass(kw_only=True, slots=True)
class Ledger:
    """What writers were told, and what they had asked for when the server was killed.

    Attributes:
        files: As they were acknowledged, by name.
        doubtful: As they may be as well: the write was not answered.
        acknowledged: Writes that were answered.
        refused: Writes that were refused, by status and clause.
    """

    files: dict[str, File] = field(default_factory=dict)
    doubtful: dict[str, File] = field(default_factory=dict)
    acknowledged: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    _numbers: int = 0
    _awaited: tuple[int, asyncio.Event] | None = None

    def next_number(self) -> int:
        """A number that no name had before."""
        self._numbers += 1
        return self._numbers

    def acknowledge(self, file: File) -> None:
        """Take down a write that was answered."""
        self.files[file.name] = file
        self.acknowledged += 1
        if self._awaited is not None and self.acknowledged >= self._awaited[0]:
            self._awaited[1].set()

    async def reaches(self, count: int) -> None:
        """Wait until so many writes were answered."""
        self._awaited = (count, asyncio.Event())
        await self._awaited[1].wait()


class Writer:
    """Uploads, tags and deletes files of its own, one write after the other."""

    def __init__(self, name: str, ledger: Ledger, dice: Dice) -> None:
        """Keep what it is told in `ledger`."""
        self._name, self._ledger, self._dice = name, ledger, dice
        self._own = [
            each
            for each in ledger.files.values()
            if each.name.startswith(f"{name}-") and each.size is not None
        ]

    async def write_until_cut(self, path: str, most: int) -> None:
        """Write until the server is gone, or so often."""
        try:
            client = await Client.over(path)
        except OSError:
            return
        for _ in range(most):
            before, after = self._next()
            try:
                acknowledged = await self._write(client, before, after)
            except GRPCError as error:
                clause = client.trailers.get("fakeviam-clause", "")
                if clause == "SV-17":  # it stops, and has done nothing of it
                    break
                reason = f"{error.status.name} {clause}"
                self._ledger.refused[reason] = self._ledger.refused.get(reason, 0) + 1
                continue
            except (OSError, StreamTerminatedError):
                self._ledger.doubtful[after.name] = after
                break
            self._ledger.acknowledge(acknowledged)
            self._own = [each for each in self._own if each.name != acknowledged.name]
            if acknowledged.size is not None:
                self._own.append(acknowledged)
        client.close()

    def _next(self) -> tuple[File | None, File]:
        """A file as it is, and as it is to be."""
        dice, ledger = self._dice, self._ledger
        if self._own and dice.chance(0.5):
            file = dice.choice(self._own)
            if dice.chance(0.3):
                return file, replace(file, size=None, tags=frozenset())
            return file, replace(file, tags=file.tags | {f"tag-{ledger.next_number()}"})
        size = dice.choice((0, 10, 3000, 100_000))
        return None, File(name=f"{self._name}-{ledger.next_number()}", size=size)

    async def _write(self, client: Client, before: File | None, after: File) -> File:
        if before is None:
            reply = await client.ask("DataCaptureUpload", _upload(after))
            return replace(after, id=reply.binary_data_id)
        if after.size is None:
            delete = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[after.id])
            await client.ask("DeleteBinaryDataByIDs", delete)
            return after
        request = data.AddTagsToBinaryDataByIDsRequest(
            binary_data_ids=[after.id], tags=sorted(after.tags - before.tags)
        )
        await client.ask("AddTagsToBinaryDataByIDs", request)
        return after


def contents_of(file: File) -> bytes:
    """The bytes of a file: its name over and over."""
    size = file.size or 0
    return (file.name.encode() * (size // len(file.name) + 1))[:size]


def _upload(file: File) -> datasync.DataCaptureUploadRequest:
    return datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=_PART.id, type=datasync.DATA_TYPE_BINARY_SENSOR, file_name=file.name
        ),
        sensor_contents=[datasync.SensorData(binary=contents_of(file))],
    )


async def write_together(path: str, ledger: Ledger, dice: Dice, *, most: int) -> None:
    """Four writers at once, each until the server is gone, or so often."""
    writers = [Writer(name, ledger, dice) for name in ("ant", "bee", "cat", "dog")]
    await asyncio.gather(*[each.write_until_cut(path, most) for each in writers])


async def found_in(path: str) -> dict[str, File]:
    """Every file that a server shows, with its bytes looked at.

    Raises:
        BrokenLawError: A file has other bytes than it was given.
    """
    client = await Client.over(path)
    files: dict[str, File] = {}
    last = ""
    while True:
        request = data.BinaryDataByFilterRequest(
            data_request=data.DataRequest(limit=50, last=last), include_binary=False
        )
        page = await client.ask("BinaryDataByFilter", request)
        if not page.data:
            break
        last = page.last
        ids = [each.metadata.binary_data_id for each in page.data]
        by_ids = data.BinaryDataByIDsRequest(binary_data_ids=ids, include_binary=True)
        for each in (await client.ask("BinaryDataByIDs", by_ids)).data:
            file = File(
                name=each.metadata.file_name,
                id=each.metadata.binary_data_id,
                size=len(each.binary),
                tags=frozenset(each.metadata.capture_metadata.tags),
            )
            require(each.binary == contents_of(file), "bytes are those that were sent", file)
            files[file.name] = file
    client.close()
    return files


def settle(ledger: Ledger, files: dict[str, File]) -> tuple[int, int]:
    """Compare what is there with what was told; the doubtful writes are decided by it.

    Returns:
        How many writes that were not answered are there, and how many are not.

    Raises:
        BrokenLawError: An acknowledged write is lost, or one is half done.
    """
    applied = undone = 0
    for name in sorted({*ledger.files, *ledger.doubtful, *files}):
        expected = ledger.files.get(name, File(name=name))
        maybe = ledger.doubtful.get(name)
        is_there = files.get(name, replace(expected, size=None, tags=frozenset()))
        if maybe is not None and _same(is_there, maybe):
            applied += 1
        elif _same(is_there, expected):
            undone += maybe is not None
        else:
            what = f"told {expected}, not answered {maybe}, found {is_there}"
            raise BrokenLawError("nothing acknowledged is lost, nothing is half done", what)
        ledger.files[name] = is_there
    ledger.doubtful.clear()
    return applied, undone


def _same(one: File, other: File) -> bool:
    return (one.size, one.tags) == (other.size, other.tags)
