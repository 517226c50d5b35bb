"""Every published release of viam-sdk by every way that it has to connect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .environments import ROOT, SDK_CONNECTING, clean_environ, sdk_files

SCRIPT = Path(__file__).with_name("connecting.py")

#: What all releases that indexes still offer can do.
ALWAYS = (
    "Unix socket",
    "environment, Unix socket",
    "environment, TLS",
    "channel",
    "channel, Unix socket",
    "TLS",
    "TLS, verified by name",
    "TLS in the fake's own loop",
)

INSECURE = "InsecureConnectionError: "


def expected(release: str) -> dict[str, str]:
    """How the error of each way begins, by what the SDK's code says; "ok" for none."""
    version = tuple(map(int, release.split(".")))
    without_tls = INSECURE
    if version >= (0, 77):  # its options reach the dial, the credentials in them too
        without_tls = "ValueError: server_hostname is only meaningful with ssl"
    fixed = version >= (0, 78, 1)
    return {
        **dict.fromkeys(ALWAYS, "ok"),
        "insecure": "ok" if fixed else without_tls,
        "downgrade": "ok" if fixed else INSECURE,
        "wrong: TLS without a server for it": INSECURE,
        "wrong: the same in the fake's own loop": INSECURE,
    }


# The first run downloads viam-sdk.
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("release", SDK_CONNECTING)
def test_release_connects(release: str) -> None:
    """Over TLS, the Unix socket and TCP, and is told what is wrong (TL-1, TL-2, TL-3, TL-7)."""
    found = ways_of(release)
    wrong = found.pop("wrong: insecure at TLS")
    if tuple(map(int, release.split("."))) >= (0, 78, 1):
        assert "this port speaks TLS, and the client does not" in wrong
    differing = {
        way: text for way, text in found.items() if not text.startswith(expected(release)[way])
    }
    assert not differing


def ways_of(release: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={
            **clean_environ(),
            "PYTHONPATH": f"{sdk_files(release)}:{ROOT}:{ROOT / 'client'}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["release"] == release
    ways: dict[str, str] = told["ways"]
    return ways
