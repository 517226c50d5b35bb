"""Mistakes: one line on stderr and the exit status 2."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .program import PROGRAM, run

if TYPE_CHECKING:
    from .program import Serve


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a mistake gets."""
    assert done.returncode == 2
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    start = "fakeviam: error: "
    assert line.startswith(start)
    return line.removeprefix(start)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--prot", "1"], "No such option '--prot'"),
        (["more"], "unexpected extra argument (more)"),
        (["--port"], "'--port' requires an argument"),
        (["--port", "x"], "'x' is not a whole number"),
        (["--port", "65536"], "65536 is not in the range 0<=x<=65535"),
        (["--seed", "x"], "'x' is not a whole number"),
        (["--policy", "x"], "'x' is not one of 'documented', 'observed', 'strict'"),
        (["--auth", "x"], "'x' is not one of 'any', 'keys'"),
        (["--auth", "KEYS"], "did you mean 'keys'?"),
        (["--min-evidence", "x"], "'x' is not one of 'assumed', "),
        (["--max-message-bytes", "0"], "0 is not in the range x>=1"),
        (["--clock", "x"], "--clock must be 'wall' or 'frozen:' with an ISO 8601 time, got 'x'"),
        (["--clock", "frozen:x"], "not an ISO 8601 time: 'x'; write for example 2026-"),
        (["--clock", "frozen:9999-12-31T23:00-02:00"], "--clock must be in the years 1 to 9999"),
        (["--token-lifetime", "0"], "--token-lifetime must be a positive number"),
        (["--token-lifetime", "nan"], "--token-lifetime must be a positive number"),
        (["--token-lifetime", "1e99"], "--token-lifetime must be a positive number"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:0: "),
        (["--host", "a" * 100], "--host is no address and no host name: 'aaa"),
        (["--ready-file", "/nowhere/f"], "cannot write the ready file /nowhere/f: No such file"),
        (["--ready-file", "/dev/null"], "cannot write the ready file /dev/null: not a reg"),
        (["--ready-file", "/"], "cannot write the ready file /: not a regular file"),
        (["--unix-socket", "/nowhere/s"], "cannot listen on the Unix socket /nowhere/s: No such"),
        (["--unix-socket", "/dev/null"], "cannot listen on the Unix socket /dev/null: a file is"),
        (["--unix-socket", "/" + "x" * 103], "the Unix socket path is longer than 103 bytes: "),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
@pytest.mark.thinned(4)
def test_a_mistake_is_one_line_and_status_2(options: list[str], told: str) -> None:
    done = run("serve", "--port", "0", *options)
    assert told in refusal(done)


@pytest.mark.parametrize("verb", [["serve"], ["exec"]])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--plaintext-port", "1"], "--plaintext-port requires --tls; without it, the port"),
        (["--durability", "power"], "durability='power' requires --data-dir; without it, nothing"),
        (["--load-option", "part=x"], "--load-option requires --load"),
        (["--store", "mongomock:", "--data-dir", "d"], "--data-dir and a database as store cannot"),
        (["--tls", "--ca-file", "/nowhere/f"], "--ca-file: cannot write /nowhere/f"),
        (["--control-token", "ü"], "--control-token must be printable ASCII characters"),
    ],
)
@pytest.mark.thinned(4)
def test_options_are_called_what_they_are_called_here(
    verb: list[str], options: list[str], told: str
) -> None:
    """And not as in Python: --data-dir, not data_dir."""
    after = ["--", "true"] if verb == ["exec"] else []
    assert refusal(run(*verb, "--port", "0", *options, *after)).startswith(told)


def test_commands_are_checked_like_options() -> None:
    told = "unknown command 'sreve'; did you mean `fakeviam serve`? (see `fakeviam --help`)"
    assert refusal(run("sreve")) == told


def test_a_mistake_says_where_to_look() -> None:
    told = refusal(run("serve", "--prot", "1"))
    assert told.endswith("(see `fakeviam serve --help`)")


def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = refusal(run("serve", "--port", str(port)))
    assert told.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert told.endswith("; choose another --port, or --port 0 for a free one")


@pytest.mark.slow
def test_a_socket_in_use_is_refused_and_stays(serve: Serve, folder: Path) -> None:
    path = folder / "s"
    first = serve("--unix-socket", str(path))
    again = run("serve", "--port", "0", "--unix-socket", str(path))
    assert refusal(again).endswith("another server is using it")
    assert first.call_on_socket("Authenticate").access_token
    assert first.stop()[0] == 0


@pytest.mark.slow
def test_a_refused_start_leaves_nothing_behind(folder: Path) -> None:
    path = folder / "s"
    told = ("--unix-socket", str(path), "--ready-file", "/nowhere/f")
    refusal(run("serve", "--port", "0", *told))
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.slow
def test_a_stdout_that_takes_nothing_is_refused() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        assert "cannot write to stdout: No space" in refusal(
            run("serve", "--port", "0", stdout=full)
        )


@pytest.mark.slow
def test_a_closed_stdout_is_refused() -> None:
    closing = [
        sys.executable,
        "-c",
        "import os, sys; os.close(1); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    done = subprocess.run(
        [*closing, PROGRAM, "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert "stdout is closed" in refusal(done)
