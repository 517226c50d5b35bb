"""`fakeviam exec`: a command next to a fresh fake."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from fakeviam import FakeViam
from fakeviam.environment import elsewhere, environment

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "fakeviam")

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"

LOG_IN = """
import asyncio, os
from grpclib.client import Channel, UnaryUnaryMethod
from fakeviam import wire

(method,) = (each for each in wire.methods() if each.name == "Authenticate")

async def log_in(**place):
    channel = Channel(**place)
    stub = UnaryUnaryMethod(channel, method.path, method.request, method.response)
    credentials = {"type": "api-key", "payload": os.environ["VIAM_API_KEY"]}
    asked = method.request(entity=os.environ["VIAM_API_KEY_ID"], credentials=credentials)
    assert (await stub(asked)).access_token
    channel.close()

host, _, port = os.environ["FAKEVIAM_TARGET"].partition(":")
asyncio.run(log_in(host=host, port=int(port)))
asyncio.run(log_in(path=os.environ["FAKEVIAM_UNIX_SOCKET"]))
"""

#: Says that it is ready, then which signal ended it. The signals are blocked and fetched: a handler
#: could run in the middle of the print, or before a wait that then never ends.
WAIT = """
import signal, sys
awaited = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
print("ready", flush=True)
print(signal.Signals(signal.sigwait(awaited)).name, flush=True)
sys.exit(3)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "exec", *arguments], capture_output=True, text=True, check=False
    )


def test_the_command_finds_the_fake_by_its_environment() -> None:
    done = run("--", sys.executable, "-c", SHOW)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    part = FakeViam.default_part
    assert found["FAKEVIAM_URL"] == f"http://{found['FAKEVIAM_TARGET']}"
    assert found["FAKEVIAM_PART_ID"] == part.id
    assert found["FAKEVIAM_ROBOT_ID"] == part.robot_id
    assert found["FAKEVIAM_LOCATION_ID"] == part.location_id
    assert found["FAKEVIAM_ORGANIZATION_ID"] == part.organization_id
    assert found["FAKEVIAM_API_KEY"] == found["VIAM_API_KEY"] == FakeViam.api_key
    assert found["FAKEVIAM_API_KEY_ID"] == found["VIAM_API_KEY_ID"] == FakeViam.api_key_id
    assert "FAKEVIAM_CONTROL_TOKEN" not in found
    assert not Path(found["FAKEVIAM_UNIX_SOCKET"]).parent.exists()


def test_the_fake_serves_the_command() -> None:
    done = run("--auth", "keys", "--", sys.executable, "-c", LOG_IN)
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""


@pytest.mark.slow
def test_verbs_in_the_command_find_the_fake_with_its_token() -> None:
    done = run("--control-token", "s3cret", "--", PROGRAM, "clock")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("status", [0, 1, 7, 255])
@pytest.mark.thinned(4)
def test_the_exit_status_is_the_command_s(status: int) -> None:
    assert run("--", "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.slow
def test_a_command_that_a_signal_ended_is_told_as_shells_do() -> None:
    assert run("--", "sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    done = run("--", str(tmp_path / "nothing"))
    assert done.returncode == 127
    assert (
        done.stderr
        == f"fakeviam: error: cannot run {tmp_path}/nothing: No such file or directory\n"
    )


@pytest.mark.slow
def test_a_command_that_cannot_be_executed(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no program", encoding="utf-8")
    done = run("--", str(path))
    assert done.returncode == 126
    assert done.stderr == f"fakeviam: error: cannot run {path}: Permission denied\n"


@pytest.mark.slow
def test_options_behind_the_command_are_the_command_s() -> None:
    done = run("echo", "--port", "x", "--help")
    assert (done.returncode, done.stdout) == (0, "--port x --help\n")


def test_mistakes_run_nothing() -> None:
    done = run("--port", "x", "--", "echo", "hello")
    assert (done.returncode, done.stdout) == (2, "")
    assert run().returncode == 2


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
@pytest.mark.thinned(4)
def test_signals_go_to_the_command(name: str) -> None:
    """And the fake ends once the command has."""
    with subprocess.Popen(
        [PROGRAM, "exec", "--", sys.executable, "-c", WAIT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # no terminal, whose keys would signal both
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (3, f"{name}\n", "")


def test_a_server_that_listens_everywhere_is_reached_at_home() -> None:
    facts: dict[str, Any] = dict.fromkeys(
        ("api_key", "api_key_id", "organization_id", "location_id", "robot_id", "part_id"), "x"
    )
    facts |= {"unix_socket": "", "port": 8}
    for host, told in (("0.0.0.0", "127.0.0.1:8"), ("::", "[::1]:8"), ("::1", "[::1]:8")):  # noqa: S104
        target = f"[{host}]:8" if ":" in host else f"{host}:8"
        found = environment({**facts, "host": host, "target": target, "url": f"http://{target}"})
        assert found["FAKEVIAM_TARGET"] == told
        assert found["FAKEVIAM_URL"] == f"http://{told}"
        assert "FAKEVIAM_UNIX_SOCKET" not in found
        away = {**facts, "host": host, "target": target, "unix_socket": "/nowhere/s"}
        seen = environment(elsewhere(away, "box.example:80"))
        assert seen["FAKEVIAM_TARGET"] == "box.example:80"
        assert "FAKEVIAM_UNIX_SOCKET" not in seen
