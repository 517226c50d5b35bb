"""What docs/connect.md says: its shell commands run, and its versions are those of the tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam

from .environments import ROOT, SDK_CONNECTING, clean_environ
from .go_programs import SOURCE, TOOLS
from .npm import TYPESCRIPT_RELEASES

if TYPE_CHECKING:
    from pathlib import Path

    from fakeviam.server.state.accounts import AuthMode

PAGE = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("auth", ["any", "keys"])
@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.thinned(4)
def test_its_commands_run(tmp_path: Path, *, auth: AuthMode, tls: bool) -> None:
    """With the variables that `fakeviam env` prints, twice in one folder (TL-1, DL-1, AU-1)."""
    with FakeViam(
        tls=tls, auth=auth, load={"files": [{"name": "a.txt", "data": "aGVsbG8="}]}
    ) as cloud:
        for _ in range(2):
            done = _run(cloud, tmp_path)
            assert (done.returncode, done.stderr) == (0, "")
            assert "fake-org" in done.stdout
            assert '"celsius":21.5' in done.stdout
        assert len(cloud.readings) == 2
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == b"hello"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_its_commands_run_in_an_empty_cloud_and_say_what_is_wrong(tmp_path: Path) -> None:
    """Where there is nothing to load, and where nobody is let in (AU-1)."""
    with FakeViam() as cloud:
        assert _run(cloud, tmp_path).returncode == 0
    with FakeViam(auth="keys") as cloud:
        done = _run(cloud, tmp_path, VIAM_API_KEY="wrong")
        assert done.returncode == 22
        assert '{"code": "unauthenticated", "message": ' in done.stdout
    assert not list(tmp_path.iterdir())


def _run(cloud: FakeViam, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-e", "-c", "\n".join(COMMANDS)],
        env={**clean_environ(), **cloud.env(), **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_releases_are_those_of_the_tests() -> None:
    """The number, the first and the last."""
    first, last = SDK_CONNECTING[0], SDK_CONNECTING[-1]
    assert f"CI: {len(SDK_CONNECTING)} releases, {first} to {last}, each in 13 ways" in PAGE


def test_its_other_versions_are_those_of_the_tests() -> None:
    """TypeScript's releases, and those that the programs in Go are built of."""
    assert f"CI: `@viamrobotics/sdk` {', '.join(TYPESCRIPT_RELEASES)} |" in PAGE
    assert f"CI: {TYPESCRIPT_RELEASES[0]} in Chromium" in PAGE
    built = (SOURCE / "go.mod").read_text(encoding="utf-8")
    grpc, connect = (
        re.findall(rf"^\t{re.escape(name)} v(\S+)$", built, re.MULTILINE)
        for name in ("google.golang.org/grpc", "connectrpc.com/connect")
    )
    assert f"where Go is installed: grpc-go {grpc[0]}, connect-go {connect[0]} |" in PAGE
    assert f"where Go is installed: {TOOLS['grpcurl'].partition('@v')[2]} |" in PAGE
