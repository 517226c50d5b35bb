"""Other engines of pipelines agree, or it is written down why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
def test_disagreements_with_other_engines_are_explained() -> None:
    """MQ-1."""
    command = [sys.executable, "scripts/query_oracles.py", "--cases", "150", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
