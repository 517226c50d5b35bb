"""The line, the file and the end of `fakeviam serve`."""

from __future__ import annotations

import signal
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam

from .program import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from .program import Serve


def test_ready_line_names_everything_clients_need(serve: Serve) -> None:
    server = serve()
    facts = server.facts
    assert server.line.endswith("}\n")
    part = FakeViam.default_part
    assert facts == {
        "target": f"127.0.0.1:{facts['port']}",
        "host": "127.0.0.1",
        "port": facts["port"],
        "unix_socket": str(server.socket),
        "url": f"http://127.0.0.1:{facts['port']}",
        "plaintext_target": "",
        "ca_file": "",
        "api_key": "fakeviam-api-key",
        "api_key_id": "f4ce0000-0000-4000-8000-000000000001",
        "organization_id": part.organization_id,
        "location_id": part.location_id,
        "robot_id": part.robot_id,
        "part_id": part.id,
        "pid": server.process.pid,
        "version": version("fakeviam"),
    }


def test_calls_are_accepted_once_the_line_is_there(serve: Serve) -> None:
    server = serve()
    assert server.login()
    assert server.call_on_socket("Authenticate", entity="someone").access_token


@pytest.mark.slow
def test_nothing_else_goes_to_stdout(serve: Serve) -> None:
    server = serve()
    server.login()
    assert server.stop()[1] == ""


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.thinned(3)
def test_signals_stop_it_cleanly(serve: Serve, folder: Path, number: signal.Signals) -> None:
    ready = folder / "ready.json"
    server = serve("--ready-file", str(ready))
    assert server.socket.is_socket()
    status, _, err = server.stop(number)
    assert status == 0
    assert "Traceback" not in err
    assert not server.socket.exists()
    assert not server.socket.parent.exists()
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("default_signals")
@pytest.mark.slow
def test_a_server_that_ignores_hanging_up_outlives_its_terminal(serve: Serve) -> None:
    """As nohup makes it."""
    program = ("sh", "-c", 'trap "" HUP; exec "$0" "$@"', PROGRAM)
    server = serve(program=program)
    server.process.send_signal(signal.SIGHUP)
    assert server.login()
    assert server.stop()[0] == 0


@pytest.mark.slow
def test_the_socket_is_where_tmpdir_says(
    serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    server = serve()
    assert server.socket.parent.parent == folder
    assert server.call_on_socket("Authenticate", entity="someone").access_token
    assert server.stop()[0] == 0
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_it_stops_although_clients_are_connected(serve: Serve) -> None:
    server = serve()
    with socket.create_connection((server.facts["host"], server.facts["port"])):
        assert server.stop()[0] == 0


@pytest.mark.slow
def test_a_socket_path_of_ones_own_is_used_and_removed(serve: Serve, folder: Path) -> None:
    path = folder / "s"
    server = serve("--unix-socket", str(path))
    assert server.socket == path
    assert path.is_socket()
    assert server.stop()[0] == 0
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_socket_left_behind_by_a_killed_server_is_taken_over(serve: Serve, folder: Path) -> None:
    path = folder / "s"
    killed = serve("--unix-socket", str(path))
    killed.stop(signal.SIGKILL)
    assert path.exists()
    assert serve("--unix-socket", str(path)).login()


@pytest.mark.slow
def test_a_relative_socket_path_is_told_in_full(
    serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert serve("--unix-socket", "s").socket == folder / "s"


def test_ready_file_holds_the_same_line(serve: Serve, folder: Path) -> None:
    ready = folder / "ready.json"
    ready.write_text("of an earlier run", encoding="utf-8")
    server = serve("--ready-file", str(ready))
    assert ready.read_text(encoding="utf-8") == server.line
    assert list(folder.iterdir()) == [ready]


@pytest.mark.slow
def test_a_ready_file_that_another_server_has_taken_over_stays(serve: Serve, folder: Path) -> None:
    ready = folder / "ready.json"
    first = serve("--ready-file", str(ready))
    second = serve("--ready-file", str(ready))
    assert first.stop()[0] == 0
    assert ready.read_text(encoding="utf-8") == second.line


@pytest.mark.slow
def test_a_ready_file_that_is_gone_does_no_harm(serve: Serve, folder: Path) -> None:
    ready = folder / "ready.json"
    server = serve("--ready-file", str(ready))
    ready.unlink()
    assert server.stop()[0] == 0
