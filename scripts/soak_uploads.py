"""Cut uploads in the middle, many of them, and watch the memory of the server.

    python scripts/soak_uploads.py [ROUNDS]

Each round cuts thirty uploads of 12 MiB at once. After the first rounds the server's resident
memory must stay within five percent. It keeps no journal, which would grow up to its own limit.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from grpclib.client import Channel, StreamUnaryMethod

from fakeviam.wire import datasync

UPLOADS, MESSAGES, CHUNK = 30, 192, bytes(64 * 1024)
WARM_UP = 4
TOLERANCE = 0.05

SERVER = """
from fakeviam import FakeViam
from fakeviam.serve import run

run(FakeViam(journal_bytes=0), banner=False)
"""

PATH = "/viam.app.datasync.v1.DataSyncService/FileUpload"


async def cut(channel: Channel, part_id: str) -> None:
    """Send nearly a file, and reset the stream."""
    method = StreamUnaryMethod(
        channel, PATH, datasync.FileUploadRequest, datasync.FileUploadResponse
    )
    metadata = datasync.UploadMetadata(part_id=part_id, type=datasync.DATA_TYPE_FILE)
    async with method.open() as stream:
        await stream.send_message(datasync.FileUploadRequest(metadata=metadata))
        contents = datasync.FileData(data=CHUNK)
        for _ in range(MESSAGES):
            await stream.send_message(datasync.FileUploadRequest(file_contents=contents))
        await stream.cancel()


async def cut_many(host: str, port: int, part_id: str) -> None:
    """One round."""
    channel = Channel(host, port)
    await asyncio.gather(*[cut(channel, part_id) for _ in range(UPLOADS)])
    channel.close()
    await asyncio.sleep(0.3)  # the server learns of the last resets


def resident(pid: int) -> int:
    """Kibibytes of a process in memory."""
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(shown.stdout)


def soak(rounds: int) -> bool:
    """Run the rounds; whether the memory stayed what it was."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - it was asked for
            ready = json.loads(server.stdout.readline())
            sizes = []
            for number in range(WARM_UP + rounds):
                asyncio.run(cut_many(ready["host"], ready["port"], ready["part_id"]))
                sizes.append(resident(server.pid))
                print(f"{UPLOADS * (number + 1)} uploads cut: {sizes[-1] / 1024:.1f} MiB resident")
        finally:
            server.terminate()
    kept = sizes[WARM_UP:]
    middle = (max(kept) + min(kept)) / 2
    spread = (max(kept) - middle) / middle
    print(f"{middle / 1024:.1f} MiB ± {spread:.1%} after the warm-up")
    return spread <= TOLERANCE


if __name__ == "__main__":
    sys.exit(0 if soak(int(sys.argv[1]) if len(sys.argv) > 1 else 10) else 1)
