"""The benchmarks measure; what they measure is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_section_is_measured_and_written(tmp_path: Path) -> None:
    """Those of the transport, some of which drive handlers without a server."""
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "transport"]
    subprocess.run([*command, "--into", tmp_path], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    titles = [table["title"] for table in kept["tables"]]
    assert titles == ["Share of a constant reply", "Options of `serve`", "The fake alone"]
    shown = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert all(f"## {title}\n" in shown for title in titles)
