"""The private pool beside other protobuf users, in fresh interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fakeviam

ROOT = Path(fakeviam.__file__).parent.parent

OURS = """
from fakeviam import wire
from fakeviam.wire import data, datasync, well_known
"""
VIAM = """
from viam.app.data_client import DataClient
from viam.proto.app.data import CaptureInterval, Filter
from google.protobuf.timestamp_pb2 import Timestamp
"""
TOGETHER = """
theirs = Filter(part_id="p", interval=CaptureInterval(start=Timestamp(seconds=5)))
ours = wire.adopt(data.Filter, theirs)
assert type(ours) is data.Filter is not Filter
assert ours.SerializeToString() == theirs.SerializeToString()
assert Filter.FromString(ours.SerializeToString()) == theirs
assert ours.interval.start.ToDatetime() == theirs.interval.start.ToDatetime()
print("together")
"""
ALONE = """
import sys
from google.protobuf.descriptor_pool import Default
assert not [name for name in sys.modules if name.partition(".")[0] == "viam"]
for name in wire.files():
    try:
        Default().FindFileByName(name)
    except KeyError:
        continue
    raise AssertionError(f"{name} is in the default pool")
print("alone")
"""
BY_HAND = """
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import mapping_from, struct_from
message = datasync.SensorData(struct=struct_from({"a": [1.0, {"b": None}]}))
message = datasync.SensorData.FromString(message.SerializeToString())
assert mapping_from(message.struct) == {"a": [1.0, {"b": None}]}
assert nanos_from(timestamp_from(-1)) == -1
print("by hand")
"""


def run(code: str, **environment: str) -> str:
    # No warning filters: what third parties warn about on import is not under test here.
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("imports", [OURS + VIAM, VIAM + OURS], ids=["ours first", "viam first"])
@pytest.mark.thinned(2)
def test_viam_sdk_shares_the_process_in_either_order(imports: str) -> None:
    pytest.importorskip("viam", reason="viam-sdk is not installed")
    assert run(imports + TOGETHER) == "together"


def test_nothing_is_registered_in_the_default_pool() -> None:
    assert run(OURS + ALONE) == "alone"


@pytest.mark.slow
def test_works_on_the_pure_python_protobuf() -> None:
    assert run(OURS + BY_HAND, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION="python") == "by hand"
