"""What a run says of itself is so: how many calls it made, and why it could not go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts import connection
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.reports import summary
from fakeviam_contracts.results import ClauseVerdict, Verdict, empty_result
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from fakeviam_contracts.wirelog import ConnectionLostError
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam, Tls
from fakeviam.cli import main
from fakeviam.server.instruments.interceptors import Interceptor
from fakeviam.wire import data

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message
    from grpclib.protocol import H2Protocol


def _command(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["contract", *words])
    status: int = caught.value.code or 0  # type: ignore[assignment]
    return status


class Says(Interceptor):
    """Answers every call by one status."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        del rpc, request, message
        raise GRPCError(self._status, "no way")


class Empties(Interceptor):
    """Answers every call by nothing."""

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        del rpc, request
        return type(message)()


# Calls -----------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [None, 60])
def test_all_calls_count(most: int | None) -> None:
    """Those of set-up, of guards and of clean-ups, too, and for --max-calls."""
    with FakeViam(seed=1) as cloud:
        place = RunConfig(target=cloud.target, parts=(cloud.default_part.id,), clauses="TG-*")
        result = run(place if most is None else RunConfig(
            target=cloud.target, parts=place.parts, clauses="TG-*", max_calls=most
        ))  # fmt: skip
        assert result.rpcs == len(cloud.calls)
    begun = [check for check in result.checks if check.rpcs]
    assert (len(begun) < len(result.checks)) == (most is not None)


def test_what_shows_in_set_up_was_called_and_compared() -> None:
    """ID-2: a server whose replies are all empty."""
    with FakeViam(seed=1, interceptors=[Empties()]) as cloud:
        result = run(RunConfig(target=cloud.target, parts=(cloud.default_part.id,)))
        assert result.rpcs == len(cloud.calls) > 0
    assert result.exit_status == 1
    broken = {c.clause: c.comparisons for c in result.clauses if c.verdict is Verdict.BROKEN}
    assert broken == {"ID-2": 1}


# Why it ended ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (Status.DEADLINE_EXCEEDED, "no way; the server's log should say why"),
        (Status.INTERNAL, "no way; is it the id of a part? If so, the server's log should say"),
        (Status.RESOURCE_EXHAUSTED, "no way; --max-rps makes fewer calls a second"),
        (Status.UNAVAILABLE, "no way; the server's log should say why"),
        (Status.UNIMPLEMENTED, "no way; no run can do without it; is it the address of the data"),
    ],
)
def test_a_server_that_refuses_all_is_told_with_what_to_do(
    capsys: pytest.CaptureFixture[str], status: Status, advice: str
) -> None:
    """And what it answered, which is no silence, whatever it says."""
    with FakeViam(seed=1, interceptors=[Says(status)]) as cloud:
        part = cloud.default_part.id
        assert _command("run", "--target", cloud.target, "--part", part) == 2
    error = capsys.readouterr().err
    assert f"part {part} does not accept data: {status.name}: {advice}" in error
    assert error.count("\n") == 1


def test_a_server_that_hangs_did_not_break_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FIRST_TIMEOUT", 0.5)
    with FakeViam(seed=1) as cloud:
        cloud.faults.on("TagsByFilter").stall(real_time=True)
        assert _command("run", "--target", cloud.target, "--part", "p") == 2
    error = capsys.readouterr().err
    assert "no answer within 0.5 s, and none to anything else; it speaks HTTP/2; its log" in error
    assert "why it hangs" in error


def test_a_connection_that_is_lost_before_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """grpclib knows no transport then; it was told as an answer that makes no sense."""
    connects = Channel.__connect__

    async def lost(channel: Channel) -> H2Protocol:
        protocol = await connects(channel)
        protocol.connection_lost(None)
        return protocol

    with FakeViam(seed=1) as cloud:
        line = RemoteConnection(Address(target=cloud.target))
        monkeypatch.setattr(Channel, "__connect__", lost)
        with pytest.raises(ConnectionLostError, match="TagsByFilter: Connection lost"):
            line.wire().call("TagsByFilter", data.TagsByFilterRequest())
        line.close()


def test_a_certificate_for_another_name_is_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    """Another name helps, and another file would not."""
    with FakeViam(seed=1, host="0.0.0.0", tls=Tls(names=["fake.example"])) as cloud:  # noqa: S104
        words = ("--target", f"https://127.0.0.2:{cloud.port}", "--part", "p")
        assert _command("run", *words, "--ca-file", str(cloud.ca_file)) == 2
    error = capsys.readouterr().err
    assert "certificate is not valid for '127.0.0.2'; use a name that is in the certif" in error


@pytest.mark.parametrize("verb", ["run", "calibrate", "clean-up"])
def test_limits_that_limit_nothing_and_folders_of_certificates(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: str
) -> None:
    words = [verb, "--target", "https://localhost:1", "--part", "p", "--organization", "o"]
    assert _command(*words, "--max-rps", "nan") == 2
    assert "nan is not a finite number" in capsys.readouterr().err
    assert _command(*words, "--ca-file", str(tmp_path)) == 2
    assert f"--ca-file {tmp_path} is no file" in capsys.readouterr().err


# Reading it ------------------------------------------------------------------------------


def test_nearly_all_clauses_are_read_by_what_is_left_out() -> None:
    """Three hundred ids in a row are read by nobody; a few are."""
    result = empty_result(RunConfig())
    result.clauses = [
        ClauseVerdict(clause=f"PG-{number}", verdict=Verdict.NOT_REACHED, reason="time")
        for number in range(1, 41)
    ]
    result.missing = "90 random programs: time"
    assert "NOT REACHED (time): all 40 clauses\n" in summary([result])
    assert "would allow it for: all 40 clauses, random programs\n" in summary([result])
    result.clauses[6] = ClauseVerdict(clause="PG-7", verdict=Verdict.KEPT, comparisons=1)
    assert "NOT REACHED (time): all 40 clauses but PG-7\n" in summary([result])
    result.clauses = result.clauses[:20]
    assert "NOT REACHED (time): PG-1, PG-2, PG-3, " in summary([result])
