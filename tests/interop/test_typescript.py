"""Viam's TypeScript SDK in Node, by its default transport and by gRPC: `make interop-ts`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fakeviam import FakeViam

from .environments import ENVIRONMENTS, clean_environ

PROGRAM = Path(__file__).parent / "typescript" / "client.mjs"

#: The newest release that npm lists, and two older ones; before 0.42.0 ids were messages.
RELEASES = ["0.61.1", "0.60.0", "0.42.0"]

#: The SDK's own transport is of connect-es 1: connect-node 2 does not go with it.
CONNECT_NODE = "@connectrpc/connect-node@1.7.0"


def modules(release: str) -> Path:
    """A folder with that release of the SDK, installed once."""
    folder = ENVIRONMENTS / f"ts-{release}"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        wanted = [f"@viamrobotics/sdk@{release}", CONNECT_NODE]
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *wanted]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (folder / "installed").touch()
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("transport", ["default", "grpc"])
@pytest.mark.parametrize("release", RELEASES)
def test_the_typescript_sdk(release: str, transport: str) -> None:
    """Fleet, data, error texts, 100 MB, files by their uri (HT-7, A52, DL-1, DL-2)."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed here: the TypeScript SDK is not tried")
    folder = modules(release)
    program = folder / PROGRAM.name  # Node looks for modules beside the program
    shutil.copyfile(PROGRAM, program)
    with FakeViam(auth="keys") as cloud:
        part = cloud.default_part.id
        arguments = [str(cloud.port), cloud.api_key_id, cloud.api_key, part, transport]
        done = subprocess.run(
            [node, program.name, *arguments],
            cwd=folder,
            env=clean_environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert (done.returncode, done.stdout.strip()) == (0, "fine"), done.stderr
