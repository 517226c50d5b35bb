"""Setting up is checking: what a server does wrong by then is told, and never as a traceback."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import connection
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run

from fakeviam import Cut, FakeViam
from fakeviam.cli import main
from fakeviam.server.instruments.interceptors import Interceptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Wrong(Interceptor):
    """Edits requests or replies of one RPC, from its n-th on."""

    def __init__(self, rpc: str, *, ask: Any = None, answer: Any = None) -> None:
        self._rpc, self._ask, self._answer = rpc, ask, answer

    def request(self, rpc: str, message: Any) -> Any:
        if rpc == self._rpc and self._ask is not None:
            self._ask(message)
        return message

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        if rpc == self._rpc and self._answer is not None:
            self._answer(message)
        return message


def _cut(_: Any) -> None:
    raise Cut


def _garbled(reply: Any) -> None:
    reply.binary_data_id = reply.file_id = "\x00/\x00"


def _contract(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["contract", "run", *words])
    status: int = caught.value.code or 0  # type: ignore[assignment]
    return status


def _run(wrong: Interceptor) -> int:
    with FakeViam(seed=1, interceptors=[wrong]) as cloud:
        place = ("--target", f"unix:{cloud.unix_socket}", "--part", cloud.default_part.id)
        return _contract(*place, "--clauses", "BL-2")


@pytest.mark.parametrize(
    ("wrong", "clause"),
    [
        (
            Wrong(
                "BinaryDataByFilter",
                ask=lambda m: m.data_request.filter.ClearField("component_name"),
            ),
            "FI-1: files and readings of a component that does not exist",
        ),
        (
            Wrong("BinaryDataByIDs", ask=lambda m: m.binary_data_ids.pop()),
            "BI-1: ",
        ),
        (
            Wrong("BinaryDataByIDs", answer=lambda m: m.data.__delitem__(slice(None))),
            "BI-1: files found by the id of an upload",
        ),
        (
            Wrong("DeleteBinaryDataByIDs", ask=lambda m: m.binary_data_ids.__setitem__(0, "a/b/c")),
            "DI-1: files that are left after they were deleted by their ids",
        ),
    ],
    ids=["ignores components", "drops the last id", "finds no file", "deletes nothing"],
)
def test_a_wrong_server_is_told_by_its_clause(
    capsys: pytest.CaptureFixture[str], wrong: Interceptor, clause: str
) -> None:
    """With exit status 1, and not as a server that is to be run alone (FI-1, BI-1, DI-1)."""
    assert _run(wrong) == 1
    told = capsys.readouterr()
    assert f"BROKEN  {clause}" in told.out
    assert "--exclusive" not in told.out + told.err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            Wrong("DataCaptureUpload", answer=_cut),
            "does not accept data: UNAVAILABLE: the stream was reset: ",
        ),
        (Wrong("DataCaptureUpload", answer=_garbled), ""),
        (
            Wrong("BinaryDataByIDs", answer=lambda m: m.data[0].ClearField("metadata")),
            "",
        ),
    ],
    ids=["dies", "ids of nonsense", "files without metadata"],
)
def test_nonsense_is_one_line(
    capsys: pytest.CaptureFixture[str], wrong: Interceptor, told: str
) -> None:
    """Exit status 1 or 2 with a text, as the server breaks a clause or makes no sense."""
    status = _run(wrong)
    seen = capsys.readouterr()
    assert status in (1, 2)
    assert "Traceback" not in seen.out + seen.err
    assert (told in seen.err and seen.err.count("\n") == 1) or status == 1


class Mortal(Interceptor):
    """Answers nothing any more once it has seen an RPC so often."""

    def __init__(self, rpc: str, times: int) -> None:
        self._rpc, self._left = rpc, times

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del request
        self._left -= rpc == self._rpc
        if self._left < 0:
            raise Cut
        return message


async def _nobody(_: object) -> bool:
    return False


def test_a_server_that_is_lost_in_the_middle_has_reached_what_it_had(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 2, all that is left is not reached, and what to do is told."""
    monkeypatch.setattr(connection.RemoteConnection, "_is_alive", _nobody)
    with FakeViam(seed=1, interceptors=[Mortal("AddBoundingBoxToImageByID", 1)]) as cloud:
        place = ("--target", f"unix:{cloud.unix_socket}", "--part", cloud.default_part.id)
        assert _contract(*place, "--clauses", "BL-*") == 2
    told = capsys.readouterr().out
    assert "ENDED EARLY  the server was lost at AddBoundingBoxToImageByID: Stream reset" in told
    assert "its log should say why; `fakeviam contract clean-up` removes what is left" in told
    # BL-1 was compared before, by a check of uploads with boxes.
    assert "NOT REACHED (the server was lost): BL-2" in told.splitlines()


def test_one_call_that_is_broken_off_loses_no_server() -> None:
    """A handler that crashes breaks its clause and not the run (BX-1)."""
    with FakeViam(seed=1, interceptors=[Wrong("AddBoundingBoxToImageByID", answer=_cut)]) as cloud:
        place: dict[str, Any] = {"parts": (cloud.default_part.id,)}
        result = run(RunConfig(target=f"unix:{cloud.unix_socket}", clauses="BL-1", **place))
    assert result.exit_status == 1
    assert "BX-1" in {finding.clause for finding in result.findings}


def test_a_server_that_hangs_is_given_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, with exit status 2."""
    monkeypatch.setattr(connection, "FIRST_TIMEOUT", 1.0)
    with FakeViam(seed=1) as cloud:
        cloud.faults.on("DataCaptureUpload").stall(real_time=True)
        place = ("--target", f"unix:{cloud.unix_socket}", "--part", cloud.default_part.id)
        assert _contract(*place, "--clauses", "BL-2") == 2
    error = capsys.readouterr().err
    assert "does not accept data: DEADLINE_EXCEEDED: no answer within 1 s" in error
    assert error.count("\n") == 1


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """Makes a server that says the same bytes to everybody and hangs up."""
    sockets: list[socket.socket] = []

    def start(answer: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65_536)
                    peer.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in sockets:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "Connection lost; it says nothing; is it the right port? If so, its log"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks HTTP/1.1, and not gRPC; is it the right"),
        (b"220 mail.example\r\n", "what it says is not gRPC: b'220 mail.example"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it speaks TLS; use https://"),
        (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", "it speaks HTTP/2; its log should say why"),
        (bytes(range(256)), "what it says is not gRPC: b'\\x00"),
    ],
)
def test_what_speaks_no_grpc_is_one_line(
    capsys: pytest.CaptureFixture[str],
    answering: Callable[[bytes], str],
    answer: bytes,
    told: str,
) -> None:
    """With exit status 2, saying what it speaks instead and what to do."""
    target = answering(answer)
    assert _contract("--target", target, "--part", "p") == 2
    error = capsys.readouterr().err
    assert f"cannot reach {target}: " in error
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("scheme", "told"),
    [
        ("https://", "it speaks no TLS; use http://"),
        (
            "web+http://",
            "and not gRPC-Web; is it the right port? gRPC is asked for without",
        ),
    ],
)
def test_a_wrong_scheme_says_which_is_right(
    capsys: pytest.CaptureFixture[str],
    answering: Callable[[bytes], str],
    scheme: str,
    told: str,
) -> None:
    """With exit status 2."""
    target = answering(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    assert _contract("--target", f"{scheme}{target}", "--part", "p") == 2
    assert told in capsys.readouterr().err


def test_an_end_without_a_word_over_tls_is_told(
    capsys: pytest.CaptureFixture[str], answering: Callable[[bytes], str]
) -> None:
    """With what happens when it is called by hand, and exit status 2."""
    assert _contract("--target", f"https://{answering(b'')}", "--part", "p") == 2
    error = capsys.readouterr().err
    assert "by hand it goes no further (" in error
    assert "is it the right port?" in error


def test_what_is_left_of_nobody_can_be_asked(
    capsys: pytest.CaptureFixture[str], answering: Callable[[bytes], str]
) -> None:
    """`clean-up` says the same of a server that is none."""
    target = answering(b"220 mail.example\r\n")
    asked = ("clean-up", "--target", target, "--part", "p", "--organization", "o")
    with pytest.raises(SystemExit) as exited:
        main(["contract", *asked])
    assert exited.value.code == 2
    assert "what it says is not gRPC" in capsys.readouterr().err


def test_refused_uploads_say_which_part(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown part is told with the server's words (UP-1)."""
    with FakeViam(seed=1) as cloud:
        assert _contract("--target", f"unix:{cloud.unix_socket}", "--part", "nobody") == 2
    assert "part nobody does not accept data: UNKNOWN" in capsys.readouterr().err
