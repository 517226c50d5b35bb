"""`fakeviam serve --tls`, and the commands that call it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import trustme

from .program import run

if TYPE_CHECKING:
    from pathlib import Path

    from .program import Serve


@pytest.mark.slow
def test_serve_with_tls_and_the_commands_that_reach_it(
    serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of `fakeviam env` lead programs there (TL-1, TL-2)."""
    ca_file = folder / "ca.pem"
    facts = serve("--tls", "--ca-file", str(ca_file), "--plaintext-port", "0").facts
    assert facts["target"] == facts["url"] == f"https://127.0.0.1:{facts['port']}"
    assert facts["ca_file"] == str(ca_file)
    trusted = ("--target", facts["target"], "--ca-file", str(ca_file))
    assert run("wait", *trusted).returncode == 0
    made = json.loads(run("env", "--json", *trusted).stdout)
    assert made["FAKEVIAM_TARGET"] == facts["target"]
    assert made["FAKEVIAM_CA_FILE"] == str(ca_file)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    assert run("data", "list").returncode == 0
    plain = run("clock", "--target", facts["plaintext_target"])
    assert plain.returncode == 0, plain.stderr
    told = run("clock", "--target", f"127.0.0.1:{facts['port']}").stderr
    assert f"127.0.0.1:{facts['port']}: this port speaks TLS, and the client does not" in told
    monkeypatch.delenv("FAKEVIAM_CA_FILE")
    assert "its certificate is not trusted: " in run("clock").stderr


@pytest.mark.slow
def test_own_files_are_served(serve: Serve, tmp_path: Path) -> None:
    """--cert asks for TLS by itself (TL-1)."""
    authority, path = trustme.CA(), tmp_path / "both.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    facts = serve("--cert", str(path)).facts
    context = ssl.create_default_context()
    authority.configure_trust(context)
    line = http.client.HTTPSConnection("127.0.0.1", facts["port"], context=context, timeout=30)
    with closing(line):
        line.request("GET", "/healthz")
        assert line.getresponse().read() == b"ok\n"


@pytest.mark.slow
def test_a_plaintext_port_that_is_taken() -> None:
    """Is named with its option (TL-6)."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--tls", "--port", "0", "--plaintext-port", port)
        other = run("serve", "--port", port)
    assert done.returncode == other.returncode == 2
    assert done.stderr.startswith(
        f"fakeviam: error: --plaintext-port: cannot listen on 127.0.0.1:{port}"
    )
    assert done.stderr.endswith(
        "; choose another --plaintext-port, or --plaintext-port 0 for a free one\n"
    )
    assert other.stderr.endswith("; choose another --port, or --port 0 for a free one\n")


@pytest.mark.parametrize("verb", ["clock", "data list", "export out --dataset x --format folder"])
@pytest.mark.thinned(3)
def test_a_ca_file_that_cannot_be_used(tmp_path: Path, verb: str) -> None:
    """Exit status 2, by every command (TL-2)."""
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path, why in (
        (tmp_path / "x.pem", f"cannot read {tmp_path}/x.pem: No such file or directory"),
        (empty, f"{empty} holds no certificates in PEM form"),
    ):
        done = run(*verb.split(), "--target", "https://localhost:1", "--ca-file", str(path))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"fakeviam: error: --ca-file: {why}")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--ca-file", "x"), "--ca-file requires --tls"),
        (("--tls-name", "x"), "--tls-name requires --tls"),
        (("--key", "x"), "--key requires --cert"),
        (("--plaintext-port", "0"), "--plaintext-port requires --tls"),
        (("--cert", "/none.pem"), "--cert: cannot read /none.pem: No such file or directory"),
    ],
)
@pytest.mark.thinned(5)
def test_mistakes_are_one_line(options: tuple[str, ...], text: str) -> None:
    """Exit status 2 (TL-6)."""
    done = run("serve", "--port", "0", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fakeviam: error: {text}")
    assert done.stderr.count("\n") == 1
