"""Viam's TypeScript SDK in Node and in a browser, against the fake: `make interop-ts`."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import FakeViam
from fakeviam.server.transport.routes import built

from .browser import chromium, report_of
from .environments import clean_environ
from .npm import TYPESCRIPT_RELEASES as RELEASES
from .npm import typescript_sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "typescript"

#: Bytes of a large file, of the newest release alone.
LARGEST = 100_000_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam(auth="keys") as cloud:
        yield cloud
        assert not cloud.crashes


def check_coverage(report: dict[str, Any]) -> None:
    """Every method of the data client was driven, but those whose RPC is not served."""
    assert report["missing"] == [], "tests/interop/typescript/steps.mjs must drive these, too"
    served = {name.lower() for name in built()}
    assert not served & {name.lower() for name in report["unserved"]}


#: As the SDK comes and as its pages say, and what else connect-node can do.
TRANSPORTS = ["default", "grpc"]
OTHERS = [
    "grpc, packed",
    "grpc-web over 2",
    "grpc-web over 1.1, packed",
    "connect over 1.1",
    "connect JSON over 2, packed",
]


@pytest.mark.parametrize(
    ("release", "transport"),
    [*product(RELEASES, TRANSPORTS), *product(RELEASES[:1], OTHERS)],
)
def test_in_node(cloud: FakeViam, release: str, transport: str) -> None:
    """Fleet, data, error texts, 100 MB, files by links (HT-7, HT-9, HT-10, SV-15, A52, DL-1)."""
    installed = typescript_sdk(release)
    size = LARGEST if release == RELEASES[0] and transport in TRANSPORTS else 1_000_000
    account = [cloud.api_key_id, cloud.api_key, cloud.default_part.id]
    with TemporaryDirectory(dir=installed) as folder:  # Node looks for modules above the program
        shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
        done = subprocess.run(
            ["node", "node.mjs", str(cloud.port), *account, str(size), transport],
            cwd=folder,
            env=clean_environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    check_coverage(json.loads(done.stdout))


@pytest.mark.parametrize("release", RELEASES[:1])
def test_in_a_browser(cloud: FakeViam, release: str) -> None:
    """From a page of another origin: the same, pictures and films by link (HT-7, HT-8, DL-2)."""
    chromium()
    installed = typescript_sdk(release)
    with TemporaryDirectory() as folder, FakeViam(allow_origins=[]) as closed:
        shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
        sdk = installed / "node_modules/@viamrobotics/sdk/dist/main.es.js"
        shutil.copyfile(sdk, Path(folder) / "sdk.mjs")
        given = {
            "target": f"http://127.0.0.1:{cloud.port}",
            "refuses": closed.url,
            "authEntity": cloud.api_key_id,
            "payload": cloud.api_key,
            "part": cloud.default_part.id,
            "largest": LARGEST,
        }
        report = report_of(folder, given, seconds=200)
    assert "error" not in report, report["error"]
    check_coverage(report)
