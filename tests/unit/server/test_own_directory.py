"""What a killed process leaves in the directory for temporary files."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam
from fakeviam.server.transport.own_directory import OwnDirectory

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no Unix sockets")

_HOLD = """
import sys
from fakeviam.server.transport.own_directory import OwnDirectory
directory = OwnDirectory(sys.argv[1])
open(directory.path + "/s.sock", "w").close()
print(directory.path, flush=True)
sys.stdin.read()
"""


def test_the_directory_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    """Those of processes that live stay, and whatever was not made like that."""
    others = [tmp_path / name for name in ("fv-others", "something")]
    for each in others:
        each.mkdir()
    (tmp_path / "fv-link").symlink_to(others[1])
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        theirs = process.stdout.readline().strip()
        ours = OwnDirectory(str(tmp_path))
        assert {str(path) for path in tmp_path.iterdir()} >= {theirs, ours.path}
        process.kill()
    last = OwnDirectory(str(tmp_path))
    left = {path.name for path in tmp_path.iterdir()}
    names = {path.rpartition("/")[2] for path in (ours.path, last.path)}
    assert left == {"fv-others", "something", "fv-link", *names}
    ours.remove()
    last.remove()
    assert {path.name for path in tmp_path.iterdir()} == {"fv-others", "something", "fv-link"}


def test_a_fake_cleans_up_after_those_that_were_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And after itself."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "fv-killed").mkdir()
    (tmp_path / "fv-killed" / "lock").touch()
    with FakeViam() as cloud:
        (only,) = tmp_path.iterdir()
        assert cloud.unix_socket.startswith(str(only))
    assert list(tmp_path.iterdir()) == []
