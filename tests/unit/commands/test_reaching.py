"""How commands find their server, and what they tell if there is none."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakeviam import FakeViam

    from .conftest import Run, Start


def test_a_wrong_target_is_a_mistake_of_the_caller(run: Run) -> None:
    done = run("clock", "--target", "ftp://h")
    assert done.status == 2
    assert done.refusal.startswith("Invalid value for '--target'")
    assert "'ftp://h' is not an address; write host, host:port, unix:path" in done.refusal


def test_every_way_leads_to_the_server(
    run: Run, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = start(seed=1)
    cloud.clock.set("2001-02-03")
    cloud.clock.freeze()
    shown = "2001-02-03T00:00:00"
    for target in (cloud.target, cloud.url, f"unix:{cloud.unix_socket}", cloud.unix_socket):
        assert run("clock", "--target", target).out.startswith(shown)
        assert run("clock", "show", "--target", target).out.startswith(shown)
    monkeypatch.setenv("FAKEVIAM_TARGET", cloud.target)
    assert run("clock").out.startswith(shown)
    assert run("clock", "--format", "json").json["frozen"] is True


def test_nobody_listens(run: Run) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    told = run("clock", "--target", f"127.0.0.1:{port}").refusal
    assert told == (
        f"cannot reach a fakeviam at 127.0.0.1:{port}: nothing listens there; start one with "
        "`fakeviam serve`, or set --target"
    )
    assert "nothing listens there" in run("clock", "--target", "unix:/nowhere/s").refusal
    assert run("clock", "--target", "host.invalid:1").refusal.startswith(
        "cannot reach a fakeviam at host.invalid:1: "
    )


@contextmanager
def somebody(answer: bytes) -> Iterator[str]:
    """Somebody who answers everything like this; where."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65536)
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("verb", [["clock"], ["wait", "--timeout", "0"]])
def test_somebody_else_listens(run: Run, verb: list[str]) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"
    with somebody(answer) as target:
        told = run(*verb, "--target", target).refusal
    assert told == f"{target} is not a fakeviam: it answered 404 Not Found from nginx"


def test_somebody_who_speaks_no_http_listens(run: Run) -> None:
    with somebody(b"220 smtp\r\n") as target:
        told = run("clock", "--target", target).refusal
    assert told.startswith(f"{target} is not a fakeviam: BadStatusLine")


def reply(version: bytes) -> bytes:
    head = b"HTTP/1.1 404 Not Found\r\nfakeviam-control-api: " + version
    body = b'{"error": {"what": "there is nothing at /control/v1/clock", "hint": "look"}}'
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def test_an_older_server_is_told_from_a_wrong_name(run: Run) -> None:
    with somebody(reply(b"0.9")) as target:
        told = run("clock", "--target", target).refusal
    assert told == (
        f"{target} has control API 0.9, this command needs 1; "
        "use the same version of fakeviam for both"
    )


def test_a_server_may_want_a_token(run: Run, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = start(control_token="s3cret")  # noqa: S106
    told = run("clock", "--target", cloud.target).refusal
    hint = "pass it with --token or FAKEVIAM_CONTROL_TOKEN"
    assert told == f"this server requires a control token; {hint}"
    told = run("clock", "--target", cloud.target, "--token", "x").refusal
    assert told == f"the control token is invalid; {hint}"
    assert run("clock", "--target", cloud.target, "--token", "s3cret").status == 0
    monkeypatch.setenv("FAKEVIAM_CONTROL_TOKEN", "s3cret")
    assert run("clock", "--target", cloud.target).status == 0


def test_a_server_may_have_no_control_api(run: Run, start: Start) -> None:
    cloud = start(control=False)
    assert run("wait", "--target", cloud.target).status == 0
    told = run("clock", "--target", cloud.target).refusal
    assert told == "the control API of this server is turned off"


def test_a_session_is_chosen_by_name(run: Run, cloud: FakeViam) -> None:
    session = cloud.session("one")
    assert run("clock", "freeze", "--session", "one").status == 0
    assert session.clock.is_frozen
    assert not cloud.clock.is_frozen
    assert run("clock", "--session", "two").refusal.startswith("there is no session 'two'; ")


def test_waiting_takes_until_the_server_is_there(run: Run, cloud: FakeViam) -> None:
    assert run("wait").lines == [f"{cloud.target} is ready"]


def test_waiting_has_an_end(run: Run) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        target = f"127.0.0.1:{taken.getsockname()[1]}"
    told = run("wait", "--timeout", "0.1", "--target", target).refusal
    assert told.startswith(f"waited 0.1 s: cannot reach a fakeviam at {target}: nothing listens")


def test_waiting_meets_a_server_that_comes_later(run: Run, start: Start) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    late = threading.Timer(0.2, lambda: start(port=port))
    late.start()
    try:
        assert run("wait", "--target", f"127.0.0.1:{port}").status == 0
    finally:
        late.join()


def test_waiting_ends_at_a_certificate_that_is_not_trusted(run: Run, start: Start) -> None:
    """That does not pass."""
    told = run("wait", "--target", start(tls=True).target).refusal
    assert "its certificate is not trusted" in told
    assert not told.startswith("waited")
    assert "as --ca-file" in told


def test_a_page_without_a_browser_opens_nothing(
    run: Run, cloud: FakeViam, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    done = run("open")
    assert (done.status, done.out) == (1, f"{cloud.url}/ui/calls\n")
    assert done.err.startswith("fakeviam: error: opened nothing")


def test_waiting_for_the_certificate_too(run: Run, start: Start, tmp_path: Path) -> None:
    """`serve --tls --ca-file FILE &` and `wait --ca-file FILE` may run in one script (TL-2)."""
    ca_file = tmp_path / "ca.pem"
    cloud = start(tls=True)
    assert cloud.ca_file
    waiting = ("wait", "--target", cloud.target, "--ca-file", str(ca_file))
    told = run(*waiting, "--timeout", "0").refusal
    assert told.startswith(f"waited 0 s: there is no {ca_file}, which")
    late = threading.Timer(0.1, ca_file.symlink_to, [cloud.ca_file])
    late.start()
    try:
        assert run(*waiting).status == 0
    finally:
        late.join()
