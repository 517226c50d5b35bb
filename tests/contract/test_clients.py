"""The client side of the contract kit: server, protocol, obligations."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import DataClient
from fakeviam_contracts.clients import protocol
from fakeviam_contracts.clients.adapters.own import Adapter
from fakeviam_contracts.clients.check import Checked, check_client, checked_client, checked_peer
from fakeviam_contracts.clients.obligations import OBLIGATIONS, Obligation, Outcome
from fakeviam_contracts.clients.obligations.base import Scenario, judged, obligation, same
from fakeviam_contracts.clients.protocol import ClientUnusableError, LocalPeer, ProcessPeer
from fakeviam_contracts.clients.scripted import MOST, ScriptedServer
from grpclib.client import Channel
from grpclib.exceptions import GRPCError

from fakeviam.model.clauses import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path

OWN = [sys.executable, "-m", "fakeviam_contracts.clients.adapters.own"]
SDK = [sys.executable, "-m", "fakeviam_contracts.clients.adapters.viam_sdk"]


def outcomes(checked: Checked, outcome: Outcome) -> set[str]:
    return {one.obligation for one in checked.verdicts if one.outcome is outcome}


# Whole clients ---------------------------------------------------------------------------


def test_our_client_keeps_everything() -> None:
    checked = checked_client(OWN)
    assert (checked.name, checked.paging) == ("fakeviam_client", "client")
    assert outcomes(checked, Outcome.BROKEN) == set()
    assert outcomes(checked, Outcome.NOT_APPLICABLE) == {"parameters-absent", "deadline-on-request"}
    assert [one.obligation for one in checked.verdicts] == [one.id for one in OBLIGATIONS]


def test_findings_of_the_official_sdk_come_out() -> None:
    pytest.importorskip("viam", reason="viam-sdk is not installed here")
    broken = {one.obligation for one in check_client(SDK) if one.outcome is Outcome.BROKEN}
    assert broken == {
        "mime-type-of-files",
        "internal-deletable",
        "dest-of-files",
        "dest-of-readings",
    }


def test_same_verdicts_in_this_process_and_in_another() -> None:
    there = checked_client(OWN)
    here = asyncio.run(checked_peer(LocalPeer(Adapter().answer)))
    assert here == there


def test_obligations_rest_on_clauses_that_exist() -> None:
    assert len({one.id for one in OBLIGATIONS}) == len(OBLIGATIONS)
    for one in OBLIGATIONS:
        assert one.what.endswith("."), one.id
        assert set(one.clauses) <= set(CATALOGUE), one.id


# Verdicts --------------------------------------------------------------------------------


async def verdict_of(one: Obligation, answer: dict[str, Any], folder: Path) -> tuple[Outcome, str]:
    async def handle(_: dict[str, Any]) -> dict[str, Any]:
        return answer

    async with ScriptedServer() as server:
        verdict = await judged(one, Scenario(server, LocalPeer(handle), folder, "client"))
    return verdict.outcome, verdict.detail


@obligation("sample")
async def sample(scenario: Scenario) -> None:
    """Give 1."""
    same("number", 1, await scenario.do("anything"))


FAILED = {"ok": False, "error": {"kind": "value", "text": "ValueError: no"}}
UNSUPPORTED = {"ok": False, "error": {"kind": "unsupported", "text": "anything does not exist"}}


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        ({"ok": True, "result": 1}, Outcome.KEPT, ""),
        ({"ok": True, "result": 2}, Outcome.BROKEN, "number: expected 1, got 2"),
        (FAILED, Outcome.BROKEN, "anything failed with value: ValueError: no"),
        (UNSUPPORTED, Outcome.NOT_APPLICABLE, "anything does not exist"),
    ],
)
def test_verdicts(answer: dict[str, Any], outcome: Outcome, detail: str, tmp_path: Path) -> None:
    assert asyncio.run(verdict_of(sample, answer, tmp_path)) == (outcome, detail)


def test_a_client_that_never_ends_is_stopped() -> None:
    class Endless(DataClient):
        async def tags_by_filter(self, filter: Any = None) -> list[str]:  # noqa: A002
            while True:
                await super().tags_by_filter(filter)

    async def run() -> tuple[str, int, bool]:
        async with ScriptedServer() as server:
            channel = Channel(path=server.target.removeprefix("unix:"))
            try:
                with pytest.raises(GRPCError) as caught:
                    await Endless(channel, {}).tags_by_filter()
            finally:
                channel.close()
                await asyncio.sleep(0)
            return caught.value.status.name, len(server.calls), server.stopped

    assert asyncio.run(run()) == ("ABORTED", MOST + 1, True)


# The protocol ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, "x", None, True, {"b": {}}]},
        {"bytes": b"\x00\xff", "nested": [b""]},
        {"id": protocol.Id("o", "l", "f"), "filter": protocol.Asked(tags=["a"])},
    ],
)
def test_values_survive_the_frames(value: dict[str, Any]) -> None:
    frame = protocol.framed(protocol.encoded(value))
    size, body = frame[:4], frame[4:]
    assert int.from_bytes(size, "big") == len(body)
    assert protocol.decoded(protocol.unframed(body)) == value


@pytest.mark.parametrize("text", ["2024-01-01T00:00:00", "2024-01-01T00:00:00+02:00"])
def test_times_keep_their_zone_or_its_absence(text: str) -> None:
    assert protocol.encoded(protocol.decoded({"$time": text})) == {"$time": text}


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import sys; sys.exit('no library here')", "no library here"),
        ("print('hello, this is no message', flush=True); input()", "no message"),
        ("", "without a word"),
    ],
)
def test_adapter_that_does_not_speak_the_protocol(program: str, says: str) -> None:
    with pytest.raises(ClientUnusableError, match=says):
        check_client([sys.executable, "-c", program])


def test_adapter_that_does_not_exist() -> None:
    with pytest.raises(ClientUnusableError, match="does not start"):
        check_client(["/nowhere/adapter"])


def test_adapter_that_stays_silent_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LIMIT", 0.2)

    async def run() -> protocol.Answer:
        async with ProcessPeer([sys.executable, "-c", "import sys; sys.stdin.read()"]) as peer:
            return await peer.ask("describe", {}, "unix:/x", {})

    assert asyncio.run(run()).kind == "silent"
