"""examples/demo.py, as `make demo` runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .environments import ROOT, clean_environ, environment

DEMO = ROOT / "examples" / "demo.py"

ACCOUNT = [
    r"viam-sdk 0\.85\.1, ViamClient\.create_from_dial_options",
    r"astronaut\.png +binary_data_capture_upload +fake-robot-main +791,555 +image/png",
    r"chelsea\.png +streaming_data_capture_upload ",
    r"coffee\.png +file_upload ",
    r"rocket\.jpg +file_upload_from_path +fake-robot-main +112,525 +image/jpeg",
    r"all 6 come back byte for byte",
    r"Seattle weather, daily +station-main +1,461 ",
    r"San Francisco, hourly +oldest first +89 +8,759",
    r"chelsea\.png +animals, face",
    r"astronaut\.png +helmet +0\.543 ",
    r"rover +[0-9a-f]{24} +rocket\.jpg, chelsea\.png, astronaut\.png",
    r"each member shows a tag such as VIAM_DATASET_[0-9a-f]{24}",
    r"\(empty\) +6 +10,220",
    r"start_time=2015-07-01, end_time=2015-08-01 +0 +31",
    r"a part that does not exist +UNKNOWN +no robot part found",
    r"delete_binary_data_by_filter\(empty filter\) +3 +0 +0",
    r"documented +\d+ ",
    r"All of it holds\. Nothing is left behind\.",
]


def demo_python() -> Path:
    """A Python with all that the demo needs; the two data packages only for their files."""
    files_of = ["scikit-image", "vega-datasets"]
    return environment("demo", ["viam-sdk==0.85.1"], files_of=files_of)


def run(python: Path | str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments],
        cwd=variables.get("HOME"),
        env={**clean_environ(), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def files() -> set[Path]:
    """What lies beside the demo, without what Python itself puts there."""
    found = {path for top in DEMO.parent.glob("demo*") for path in (top, *top.rglob("*"))}
    return {path for path in found if "__pycache__" not in path.parts}


# The first run installs three packages, which takes a while.
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_demo_tells_its_account_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """With warnings as errors, in a home and a temporary directory of its own."""
    python = demo_python()
    before = files()
    done = run(python, "-W", "error", str(DEMO), HOME=str(tmp_path), TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for line in ACCOUNT:
        assert re.search(rf"(?m)^ *.*{line}", done.stdout), f"{line}\n{done.stdout}"
    (socket,) = map(Path, re.findall(r"to the Unix socket (\S+)", done.stdout))
    assert not socket.exists()
    assert not socket.parent.exists()
    assert list(tmp_path.iterdir()) == []
    assert files() == before


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_demo_stops_at_a_sentence_that_does_not_hold(tmp_path: Path) -> None:
    """Here the cloud seems to have forgotten a photograph."""
    forgetful = f"""
import sys
sys.path.insert(0, {str(DEMO.parent)!r})
import demo
from demo_tour.world import World
honest = World.counts
async def counts(self, wanted=None):
    files, readings = await honest(self, wanted)
    return max(files - 1, 0), readings
World.counts = counts
sys.exit(demo.main())
"""
    done = run(demo_python(), "-W", "error", "-c", forgetful, HOME=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "demo: this does not hold: photographs by (empty)\n"
    assert "All of it holds" not in done.stdout
    (socket,) = map(Path, re.findall(r"to the Unix socket (\S+)", done.stdout))
    assert not socket.parent.exists()


def test_demo_says_in_one_line_what_is_missing() -> None:
    """-S hides everything that was ever installed."""
    done = run(sys.executable, "-S", str(DEMO))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "demo: viam-sdk, scikit-image, vega-datasets missing; install with: "
        "python -m pip install viam-sdk scikit-image vega-datasets\n"
    )
