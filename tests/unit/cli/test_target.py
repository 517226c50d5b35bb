"""One grammar of addresses, one variable and one default, for every command and the client."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click
import pytest
from fakeviam_client import connect
from fakeviam_contracts.connection import Address
from grpclib.client import Channel

from fakeviam import cli
from fakeviam.program import TargetType
from fakeviam.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = {
    "localhost": ("localhost", 8080, False),
    "fake": ("fake", 8080, False),
    "127.0.0.1:8080": ("127.0.0.1", 8080, False),
    "localhost:1": ("localhost", 1, False),
    "localhost:8080/": ("localhost", 8080, False),
    ":9000": ("localhost", 9000, False),
    "9000": ("localhost", 9000, False),
    "[::1]:9000": ("::1", 9000, False),
    "[::1]": ("::1", 8080, False),
    "::1": ("::1", 8080, False),
    "http://host.example": ("host.example", 80, False),
    "http://host.example:8080/": ("host.example", 8080, False),
    "https://host.example": ("host.example", 443, True),
    "https://[::1]:8443": ("::1", 8443, True),
}
PATHS = {
    "unix:/run/s": "/run/s",
    "unix:///run/s": "/run/s",
    "unix:s": "s",
    "/run/s": "/run/s",
    "./s": "./s",
}
NOT_ADDRESSES = [
    "", "host:", "host:x", "host:0", "host:99999", "ftp://h:1", "http://", "http://:80",
    "http://me@h:1", "http://h:1/path", "unix:", "unix://h/s", "[::1", "a b:1", "/a\0b", "/",
]  # fmt: skip


@pytest.mark.parametrize("told", PLACES)
def test_a_host_a_port_or_a_url(told: str) -> None:
    found = Target.parse(told)
    assert (found.host, found.port, found.tls) == PLACES[told]
    assert (found.path, found.text) == ("", told)


@pytest.mark.parametrize("told", PATHS)
def test_a_unix_socket(told: str) -> None:
    found = Target.parse(told)
    assert (found.path, found.port, found.text) == (PATHS[told], 0, told)


@pytest.mark.parametrize("told", NOT_ADDRESSES)
def test_anything_else_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="is not an address; write "):
        Target.parse(told)


@pytest.mark.asyncio
async def test_the_client_and_the_kit_read_the_same() -> None:
    for told, (host, port, tls) in PLACES.items():
        async with connect(told) as client:
            channel = client._channel
            kits = Address(target=told).connect()
            assert isinstance(kits, Channel)
            for each in (channel, kits):
                assert (each._host, each._port, each._scheme == "https") == (host, port, tls)
            kits.close()
    for told, path in PATHS.items():
        async with connect(told) as client:
            assert client._channel._path == path


@pytest.mark.asyncio
async def test_the_client_has_the_variable_and_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FAKEVIAM_TARGET", raising=False)
    async with connect() as client:
        assert (client._channel._host, client._channel._port) == ("127.0.0.1", 8080)
    monkeypatch.setenv("FAKEVIAM_TARGET", "elsewhere:9")
    async with connect() as client:
        assert (client._channel._host, client._channel._port) == ("elsewhere", 9)


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, with the words that lead to it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


def test_every_option_target_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a command with `--target` takes the shared option."""
    monkeypatch.setenv("FAKEVIAM_TARGET", "elsewhere:9")
    seen = 0
    for path, command in commands(cli.commands):
        for option in command.params:
            if option.name == "target":
                seen += 1
                assert isinstance(option, click.Option)
                assert isinstance(option.type, TargetType), path
                assert "FAKEVIAM_TARGET" in str(option.get_help_record(click.Context(command)))
    assert seen > 30


def test_help_needs_no_hypothesis(capsys: pytest.CaptureFixture[str]) -> None:
    kit = [name for name in sys.modules if name.startswith(("fakeviam_contracts", "hypothesis"))]
    with pytest.MonkeyPatch.context() as patch:
        for name in kit:
            patch.delitem(sys.modules, name)
        patch.setitem(sys.modules, "hypothesis", None)
        for words in (["contract"], ["contract", "run", "-h"], ["contract", "calibrate", "-h"]):
            with pytest.raises(SystemExit) as ended:
                cli.main(words)
            assert not ended.value.code
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(["contract", "run", "--self"])
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert told.startswith("fakeviam: error: the kit requires Hypothesis: pip install")
        for name in [name for name in sys.modules if name.startswith("fakeviam_contracts")]:
            patch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("grpc://host:1", "host:1"),
        ("grpcs://host", "https://host"),
        ("h2c://host/path", "host"),
        ("http://host:1/path", "http://host:1"),
        ("https://user:word@host", "https://host"),
        ("HTTP://host", "http://host"),
        ("http:/host", "http://host"),
        ("https//[::1]:1", "https://[::1]:1"),
    ],
)
def test_what_is_nearly_an_address_is_told_as_one(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"is not an address; write {re.escape(meant)}$"):
        Target.parse(text)


def test_a_host_may_be_called_http() -> None:
    assert (Target.parse("http:8080").host, Target.parse("http:8080").port) == ("http", 8080)
