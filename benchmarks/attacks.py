"""A well-behaved client beside those that flood, leave and sleep.

The attackers are a process of their own, of lower priority: what is measured is what they cost
the server, not what they take from the machine. Each attack goes on as long as its neighbour is
measured; where the server ends its connection, the attacker makes the next one at once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import hpack
from grpclib.client import Channel

from benchmarks.figures import Table
from benchmarks.transport import another_process, fill, page, unary
from fakeviam import FakeViam
from fakeviam.wire import data, datasync, methods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.pair import Places

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _PRIORITY, _RST_STREAM, _SETTINGS, _PING = 0, 1, 2, 3, 4, 6
_WINDOW_UPDATE, _CONTINUATION = 8, 9
_PATHS = MappingProxyType({method.name: method.path for method in methods()})

#: Frames of one flood.
_MANY = 20_000

#: Bytes of an answer after which its client leaves.
_LEFT_AFTER = 1000

#: Component of the file that the unread reply holds.
_LARGE = "large"


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">IBBI", len(payload), kind, flags, stream)[1:] + payload


def _call(stream: int, rpc: str, encoder: hpack.Encoder, *more: tuple[str, str]) -> bytes:
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", _PATHS[rpc]),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        *more,
    ]
    return _frame(_HEADERS, 4, stream, encoder.encode(headers))


def _resets() -> bytes:
    encoder = hpack.Encoder()
    streams = range(1, 2 * 10_000, 2)
    cancel = struct.pack(">I", 8)
    return b"".join(
        _call(number, "FileUpload", encoder) + _frame(_RST_STREAM, 0, number, cancel)
        for number in streams
    )


def _malformed() -> bytes:
    encoder = hpack.Encoder()
    return b"".join(
        _call(number, "TagsByFilter", encoder, ("X", "1")) for number in range(1, 20_000, 2)
    )


def _unread() -> bytes:
    """A request for a large reply, which nobody will read."""
    wanted = data.DataRequest(filter=data.Filter(component_name=_LARGE))
    request = data.BinaryDataByFilterRequest(data_request=wanted, include_binary=True)
    body = request.SerializeToString()
    window = struct.pack(">I", 2**31 - 1 - 65_535)
    return (
        _frame(_SETTINGS, 0, 0, b"\0\4\x7f\xff\xff\xff")
        + _frame(_WINDOW_UPDATE, 0, 0, window)
        + _call(1, "BinaryDataByFilter", hpack.Encoder())
        + _frame(_DATA, 1, 1, b"\0" + struct.pack(">I", len(body)) + body)
    )


def _flood(frame: bytes) -> Callable[[], bytes]:
    return lambda: frame * _MANY


#: Title → what each connection of the attack sends.
ATTACKS: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {
        "rapid resets": _resets,
        "malformed calls": _malformed,
        "PING": _flood(_frame(_PING, 0, 0, bytes(8))),
        "SETTINGS": _flood(_frame(_SETTINGS, 0, 0)),
        "PRIORITY": _flood(_frame(_PRIORITY, 0, 1, bytes(5))),
        "WINDOW_UPDATE": _flood(_frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))),
        "empty DATA": lambda: _call(1, "FileUpload", hpack.Encoder()) + _frame(_DATA, 0, 1) * _MANY,
        "CONTINUATION": lambda: (
            _frame(_HEADERS, 0, 1, b"\x82") + _frame(_CONTINUATION, 0, 1) * _MANY
        ),
        "an unread reply of 100 MB": _unread,
        "half-open connections": lambda: b"",
    }
)


def _is_left(name: str) -> bool:
    return name.startswith("an unread")


def _attack(name: str, port: int) -> None:
    """Attack until somebody ends this process."""
    os.nice(10)
    if name == "half-open connections":
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
        for each in held:
            each.sendall(_PREFACE[:9])
        time.sleep(3600)
    sent = _PREFACE + _frame(_SETTINGS, 0, 0) + ATTACKS[name]()
    while True:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port))) as one:
            one.settimeout(1)
            one.sendall(sent)
            read = 0
            while (got := one.recv(65_536)) and not (_is_left(name) and read > _LEFT_AFTER):
                read += len(got)


@contextmanager
def _under(name: str, places: Places) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.attacks", name, str(places.fake_port)]
    with subprocess.Popen(command) as attacker:  # noqa: S603 - ourselves
        time.sleep(1)  # until it has begun
        try:
            yield
        finally:
            attacker.terminate()


async def _p99(places: Places, seconds: float) -> float:
    """The 99th percentile of a client that asks for a page now and then, in ms."""
    channel = Channel("127.0.0.1", places.fake_port)
    stub, request = unary(channel, "BinaryDataByFilter"), page(50)
    taken = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        await stub(request)
        taken.append(time.perf_counter() - start)
        await asyncio.sleep(0.002)
    channel.close()
    return sorted(taken)[int(len(taken) * 0.99)] * 1e3


async def _fill(places: Places) -> None:
    channel = Channel("127.0.0.1", places.fake_port)
    await fill(channel, 500)
    metadata = datasync.UploadMetadata(
        part_id=FakeViam.default_part.id,
        type=datasync.DATA_TYPE_BINARY_SENSOR,
        component_name=_LARGE,
    )
    large = datasync.SensorData(binary=bytes(100_000_000))
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[large])
    await unary(channel, "DataCaptureUpload")(request)
    channel.close()


#: How often each attack is measured: what else the machine does at one time is no attack.
_PAIRS = 5


def measure(seconds: float) -> Table:
    """Each attack in turn, beside it and without it alternately."""
    table = Table(
        "A client beside attackers",
        "99th percentile of a page of 50 over TCP, in ms: alone, beside the attack, and how many "
        f"times that is; medians of {_PAIRS} pairs. Then the share of a core that the server takes "
        "beside it. Three processes; the attacker's has a lower priority.",
        ["attack", "alone", "beside", "times", "the server's CPU"],
    )
    with another_process() as places:
        asyncio.run(_fill(places))
        for name in ATTACKS:
            alone, beside, times, busy = (
                statistics.median(column)
                for column in zip(
                    *(_pair(name, places, seconds) for _ in range(_PAIRS)), strict=True
                )
            )
            table.rows.append(
                [name, f"{alone:.1f}", f"{beside:.1f}", f"{times:.1f}", f"{busy:.0%}"]
            )
            table.raw[name] = {"alone_ms": alone, "beside_ms": beside, "times": times, "busy": busy}
    return table


def _pair(name: str, places: Places, seconds: float) -> tuple[float, float, float, float]:
    """Without the attack, beside it, how many times that is, and how busy the server was."""
    alone = asyncio.run(_p99(places, seconds))
    with _under(name, places):
        began, cpu = time.perf_counter(), _cpu(places.pid)
        beside = asyncio.run(_p99(places, seconds))
        busy = (_cpu(places.pid) - cpu) / (time.perf_counter() - began)
    return alone, beside, beside / alone, busy


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    # After the name, which stands in parentheses and may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Attack, as the process that `measure` starts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attack", choices=ATTACKS)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    _attack(options.attack, options.port)


if __name__ == "__main__":
    main()
