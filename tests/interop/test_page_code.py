"""A call as the page copies it, run as it is: TypeScript in Node, Go, and grpcurl."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from fakeviam import FakeViam

from . import go_programs
from .environments import clean_environ, run
from .test_page import call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TAG = (
    'it\'s `"<b>" \u2028 \u202eright \0\r\n\t\\ \ufeff\x7f\x85 \U0001f415 ${x} $(y) %s </pre>'
    + "x" * 2000
)


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    """A fake that was asked for what no shell and no language likes to quote."""
    with FakeViam(load={"files": [{"name": "a.txt", "data": "YQ==", "tags": [TAG]}]}) as cloud:
        wanted = {"filter": {"tags_filter": {"tags": [TAG]}}}
        call(cloud, "BinaryDataByFilter", data_request=wanted)
        yield cloud
        # The copy has asked the same: nothing was lost on the way.
        first, second = cloud.calls.where("BinaryDataByFilter")
        assert first.request == second.request
        assert second.status == "OK"


def copied(cloud: FakeViam, language: str) -> str:
    """What the page's button copies."""
    with urlopen(f"{cloud.url}/ui/calls/1") as reply:  # noqa: S310 - ours
        text = reply.read().decode()
    found = re.search(rf"<summary>{language}</summary>.*?<pre[^>]*>(.*?)</pre>", text, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_typescript(cloud: FakeViam, tmp_path: Path) -> None:
    """PA-2."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed here: TypeScript is not tried")
    program = tmp_path / "copied.mjs"
    program.write_text(copied(cloud, "TypeScript"), encoding="utf-8")
    assert ".txt" in run("node", str(program))


def test_go(cloud: FakeViam) -> None:
    """PA-2."""
    if reason := go_programs.why_not():
        pytest.skip(reason)
    assert ".txt" in go_programs.ran(copied(cloud, "Go"))


def test_grpcurl(cloud: FakeViam) -> None:
    """PA-2."""
    if reason := go_programs.why_not():
        pytest.skip(reason)
    command = copied(cloud, "grpcurl").replace(
        "grpcurl", str(go_programs.programs() / "grpcurl"), 1
    )
    done = subprocess.run(
        ["bash", "-c", command], env=clean_environ(), capture_output=True, text=True, check=True
    )
    assert ".txt" in done.stdout
