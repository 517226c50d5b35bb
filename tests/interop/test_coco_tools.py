"""COCO exports in the programs that people evaluate and annotate with, in an environment."""

from __future__ import annotations

import json
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from fakeviam import FakeViam
from fakeviam.exchange import CocoWriter, export_all, read_any
from tests.unit.exchange.samples import box, described

from .environments import LIMIT, clean_environ, environment

TOOLS = ("pycocotools", "faster-coco-eval", "matplotlib", "datumaro")


def _png(width: int, height: int) -> bytes:
    """A whole picture, of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x80\x40\x20" * width) * height
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.slow
@pytest.mark.timeout(2 * LIMIT)
def test_exports_work_in_other_programs(tmp_path: Path) -> None:
    """Masks, drawings, evaluations, an importer; and what that one exports is read (SE-5)."""
    boxes = (
        box("dog", 0.5),
        box("cat", x_min_normalized=0.25, y_min_normalized=0.25),
    )
    files = [
        (described("deep/a", boxes=boxes), _png(64, 48)),
        (described("Käse", nanos=5), _png(32, 32)),
    ]
    export_all(tmp_path / "out", CocoWriter, files)
    python = environment("coco", TOOLS)
    script = Path(__file__).with_name("coco_tools.py")
    done = subprocess.run(
        [str(python), str(script), str(tmp_path / "out"), str(tmp_path / "tools")],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
        env=clean_environ(),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "masks": [32 * 48, 16 * 36],
        "areas": [32 * 48, 16 * 36],
        "pycocotools": [1.0, 1.0],
        "faster-coco-eval": 1.0,
        "datumaro": {"deep/a": [0, 1], "Käse": []},
    }
    cloud = FakeViam(seed=1)
    seed = read_any(tmp_path / "tools/out")
    assert cloud.load(tmp_path / "tools/out") is not None
    found = {file.file_name: {one.label for one in file.boxes} for file in seed.files}
    assert found == {"deep/a": {"dog", "cat"}, "Käse": set()}
