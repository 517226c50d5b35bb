"""What people see: the banner, help, and the log when the fake has a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam
from fakeviam.serve import SNIPPET

from .program import PROGRAM, Served, run

if TYPE_CHECKING:
    from pathlib import Path

    from .program import Serve


def test_banner_is_plain_and_its_snippet_works(serve: Serve) -> None:
    pytest.importorskip("viam", reason="the snippet is for the official SDK")
    server = serve()
    snippet = SNIPPET.format_map(server.facts)
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", snippet], capture_output=True, text=True, check=True
    )
    assert "hello" in printed.stdout
    assert printed.stderr == ""
    _, _, banner = server.stop()
    assert snippet in banner
    assert server.facts["part_id"] in banner
    assert "\x1b" not in banner


@pytest.mark.parametrize(
    ("options", "told", "not_told"),
    [
        ((), "data cloud, in memory", "was ignored"),
        (("--no-control",), "data cloud, in memory", "/ui"),
        (("--host", "0.0.0.0"), "http://localhost:", "http://0.0.0.0"),  # noqa: S104
        (("--data-dir", "<new>", "--load", "<seed>"), "data cloud, kept in /tmp/", "was ignored"),
        (("--data-dir", "<old>", "--load", "<seed>"), "load was ignored: there is data", "memory"),
    ],
)
@pytest.mark.thinned(3)
def test_banner_says_what_is_so(
    serve: Serve, folder: Path, options: tuple[str, ...], told: str, not_told: str
) -> None:
    """Where the page and the data are, and that a directory with data loads nothing (DD-1)."""
    seed = folder / "seed.yaml"
    seed.write_text("version: 1\n", encoding="utf-8")
    with FakeViam(data_dir=folder / "old"):
        pass
    names = {"<new>": folder / "new", "<old>": folder / "old", "<seed>": seed}
    _, _, err = serve(*(str(names.get(each, each)) for each in options)).stop()
    assert told in err
    assert not_told not in err


@pytest.mark.slow
def test_banner_has_style_on_a_terminal() -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "NO_COLOR": ""},
    )
    with process:
        assert process.stdout is not None
        server = Served(process)
        os.close(theirs)
        shown = b""
        while b"Ctrl-C" not in shown:
            shown += os.read(ours, 4096)
        server.process.terminate()
    os.close(ours)
    assert b"\x1b[1mfakeviam" in shown


@pytest.mark.slow
def test_quiet_is_quiet(serve: Serve) -> None:
    assert serve("--quiet").stop() == (0, "", "")


def test_version_and_help() -> None:
    told = run("--version")
    assert (told.returncode, told.stdout) == (0, f"fakeviam {version('fakeviam')}\n")
    helped = run("serve", "--help")
    assert helped.returncode == 0
    assert "--ready-file" in helped.stdout


BROKEN = """
import sys
from fakeviam.server.services.handlers import rpc
from fakeviam.server.transport import routes

@rpc("CreateDataset")
def broken(call, request):
    raise RuntimeError("a bug")

routes.UNARY = {**routes.UNARY, "viam.app.dataset.v1.DatasetService": {"CreateDataset": broken}}
from fakeviam.cli import main
main(sys.argv[1:])
"""


def test_a_crash_is_logged_and_serving_goes_on(serve: Serve) -> None:
    server = serve("--quiet", program=(sys.executable, "-c", BROKEN))
    assert server.status("CreateDataset", name="cats") == "INTERNAL"
    assert server.status("TagsByFilter") == "OK"
    status, out, err = server.stop()
    assert (status, out) == (0, "")
    assert "RuntimeError: a bug" in err
    assert "ERROR fakeviam: 1 call crashed; please report" in err
