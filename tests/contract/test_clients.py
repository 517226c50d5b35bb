"""The client side of the contract kit: server, protocol, obligations."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from fakeviam_client import BinaryData, DataClient
from fakeviam_contracts.catalogue import CLAUSES
from fakeviam_contracts.clients import protocol
from fakeviam_contracts.clients.adapters.own import Adapter
from fakeviam_contracts.clients.check import (
    CheckedClient,
    check_client,
    checked_client,
    checked_peer,
)
from fakeviam_contracts.clients.obligations import (
    OBLIGATIONS,
    Obligation,
    ObligationOutcome,
    ObligationVerdict,
)
from fakeviam_contracts.clients.obligations.base import Scenario, judged, obligation, same
from fakeviam_contracts.clients.protocol import ClientUnusableError, LocalPeer, ProcessPeer
from fakeviam_contracts.clients.report import TITLE, as_markdown, verdicts_in
from fakeviam_contracts.clients.report import main as report_command
from fakeviam_contracts.clients.scripted import MOST, ScriptedServer
from grpclib.client import Channel
from grpclib.exceptions import GRPCError

from fakeviam import __version__
from tests.interop.environments import SDK_RELEASES, InstallError, sdk_environment
from tests.interop.npm import TYPESCRIPT_RELEASES, typescript_adapter
from tests.interop.old_client import OldClient, Raw

OWN = [sys.executable, "-m", "fakeviam_contracts.clients.adapters.own"]
ROOT = Path(__file__).resolve().parents[2]
ADAPTER = ROOT / "contracts/fakeviam_contracts/clients/adapters/viam_sdk.py"
SDK = [sys.executable, "-m", "fakeviam_contracts.clients.adapters.viam_sdk"]


def outcomes(checked: CheckedClient, outcome: ObligationOutcome) -> set[str]:
    return {one.obligation for one in checked.verdicts if one.outcome is outcome}


# Whole clients ---------------------------------------------------------------------------


@pytest.mark.slow
def test_our_client_keeps_everything() -> None:
    checked = asyncio.run(checked_peer(LocalPeer(Adapter().answer)))
    assert (checked.name, checked.paging) == ("fakeviam_client", "client")
    assert outcomes(checked, ObligationOutcome.BROKEN) == set()
    assert outcomes(checked, ObligationOutcome.NOT_APPLICABLE) == {"gzip-read"}
    assert [one.obligation for one in checked.verdicts] == [one.id for one in OBLIGATIONS]


def test_findings_of_the_official_sdk_come_out() -> None:
    """Those of docs/client-report.md, which the newest and the oldest release share."""
    committed = {name: broken(verdicts) for name, verdicts in on_the_page().items()}
    found = {
        "mime-type-of-files",
        "internal-deletable",
        "dest-of-files",
        "dest-of-readings",
        "broken-replies",
        "tls-unknown-ca",
        "tls-wrong-name",
        "tls-expired",
        "readings-back",
    }
    assert committed == {
        "viam-sdk 0.72.0": found,
        "viam-sdk 0.85.1": found,
        "@viamrobotics/sdk 0.61.1": {
            "interval-open-ends",
            "times-back",
            "readings-back",
            "readings-own",
            "upload-times",
            "queries-as-given",
            "internal-deletable",
            "extension",
            "stream-cut",
        },
        "fakeviam_client": set(),
    }


@pytest.mark.slow
def test_the_page_is_true_of_the_newest_sdk() -> None:
    pytest.importorskip("viam", reason="viam-sdk is not installed here")
    checked = checked_client(SDK)
    verdicts = {one.obligation: one.outcome.value for one in checked.verdicts}
    assert verdicts == on_the_page()[f"{checked.name} {checked.version}"]


class OldFiles:
    """What viam-sdk 0.15.0 does for files; no package index offers it any more."""

    def __init__(self, channel: Channel, metadata: dict[str, str]) -> None:
        self._old = OldClient(Raw(channel, metadata))

    async def binary_data_by_filter(
        self,
        filter: Any = None,  # noqa: A002
        include_file_data: bool = True,  # noqa: FBT001, FBT002
        num_files: int | None = None,
    ) -> list[BinaryData]:
        found = await self._old.binary_data_by_filter(
            filter, include_file_data=include_file_data, num_files=num_files
        )
        return [BinaryData(one.binary, one.metadata) for one in found]


def test_the_finding_on_the_oldest_client_comes_out() -> None:
    """0.15.0 documents that `num_files=0` gives all files, and gives 10 or 100."""
    asked = [one for one in OBLIGATIONS if one.id.startswith("num-files")]
    peer = LocalPeer(Adapter(client=OldFiles).answer)
    verdicts = {one.obligation: one for one in asyncio.run(checked_peer(peer, asked)).verdicts}
    assert verdicts["num-files-default"].outcome is ObligationOutcome.KEPT
    assert verdicts["num-files-default-without-bytes"].outcome is ObligationOutcome.KEPT
    assert verdicts["num-files-first"].outcome is ObligationOutcome.KEPT
    assert verdicts["num-files-zero"].outcome is ObligationOutcome.BROKEN


# The first run may have to install viam-sdk, which takes a while.
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_page_is_true_of_the_oldest_sdk() -> None:
    try:
        python = sdk_environment("0.72.0")
    except InstallError as error:
        pytest.skip(f"viam-sdk 0.72.0 cannot be installed here: {error}")
    # By its path: that environment needs nothing but the SDK.
    verdicts = check_client([str(python), str(ADAPTER)])
    assert {one.obligation: one.outcome.value for one in verdicts} == on_the_page()[
        "viam-sdk 0.72.0"
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_page_is_true_of_the_typescript_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Node, by its adapter; skipped where Node or npm is not installed."""
    monkeypatch.setattr(protocol, "LIMIT", 5.0)  # it hangs where a stream is cut
    with typescript_adapter() as command:
        checked = checked_client(command)
    verdicts = {one.obligation: one.outcome.value for one in checked.verdicts}
    assert verdicts == on_the_page()[f"{checked.name} {checked.version}"]


# The report ------------------------------------------------------------------------------


def key_of(client: str) -> str:
    """A client of the page; ours without its version, which every release changes."""
    return "fakeviam_client" if client.startswith("fakeviam_client ") else client


def on_the_page() -> dict[str, dict[str, str]]:
    page = (ROOT / "docs" / "client-report.md").read_text(encoding="utf-8")
    return {key_of(client): verdicts for client, verdicts in verdicts_in(page).items()}


def broken(verdicts: dict[str, str]) -> set[str]:
    return {name for name, outcome in verdicts.items() if outcome == "broken"}


def test_the_page_has_the_form_of_a_new_one() -> None:
    """Its clients are those that `make client-report` asks, its rows those of today."""
    text = (ROOT / "docs" / "client-report.md").read_text(encoding="utf-8")
    clients = [
        *(f"viam-sdk {release}" for release in SDK_RELEASES),
        f"@viamrobotics/sdk {TYPESCRIPT_RELEASES[0]}",
        f"fakeviam_client {__version__}",
    ]
    assert list(verdicts_in(text)) == clients, "run `make client-report`"
    asked = [
        CheckedClient(name, version, "caller", ())
        for name, _, version in (client.partition(" ") for client in clients)
    ]
    fresh = as_markdown(asked)
    cells = [
        [row.split(" | ")[:3] for row in page.splitlines() if row.startswith("| `")]
        for page in (text, fresh)
    ]
    assert cells[0] == cells[1], "run `make client-report`"
    assert text.startswith(TITLE)
    headings = [[line for line in page.splitlines() if line[:1] == "#"] for page in (text, fresh)]
    assert headings[0] == headings[1]


def sample_client() -> CheckedClient:
    verdicts = (
        ObligationVerdict("pages-end", ("PG-5",), ObligationOutcome.BROKEN, "either | or `that`"),
        ObligationVerdict("times-utc", ("TM-1",), ObligationOutcome.KEPT),
    )
    return CheckedClient("sample", "1.2", "client", verdicts)


def test_a_page_can_be_read_back() -> None:
    page = as_markdown([sample_client()])
    outcomes = verdicts_in(page)["sample 1.2"]
    assert outcomes["pages-end"] == "broken"
    assert outcomes["times-utc"] == "kept"
    assert outcomes["num-files-zero"] == "not asked"
    assert "- sample 1.2: ``either | or `that```" in page


@pytest.mark.slow
def test_report_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_command(["--client", f"{sys.executable} -c 0"]) == 2
    assert "without a word" in capsys.readouterr().err
    command = shlex.join(OWN)
    files = ["--json", str(tmp_path / "r.json"), "--markdown", str(tmp_path / "r.md")]
    assert report_command(["--client", command, *files]) == 0
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["clients"][0]
    page = verdicts_in((tmp_path / "r.md").read_text(encoding="utf-8"))
    verdicts = {one["obligation"]: one["outcome"] for one in told["verdicts"]}
    assert page == {f"fakeviam_client {told['version']}": verdicts}
    # Each release changes the version; what the client does must be as committed.
    assert verdicts == on_the_page()["fakeviam_client"]


def test_obligations_rest_on_clauses_that_exist() -> None:
    assert len({one.id for one in OBLIGATIONS}) == len(OBLIGATIONS)
    for one in OBLIGATIONS:
        assert one.what.endswith("."), one.id
        assert one.clauses, one.id
        assert set(one.clauses) <= set(CLAUSES), one.id


def test_clauses_that_bind_clients_are_proven_or_say_why_not() -> None:
    for entry in CLAUSES.values():
        if entry.of_clients:
            assert bool(entry.mutants) != bool(entry.reason), entry.id
    page = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    assert f"- CL-45: {CLAUSES['CL-45'].reason}." in page


# Verdicts --------------------------------------------------------------------------------


async def verdict_of(
    one: Obligation, answer: dict[str, Any], folder: Path
) -> tuple[ObligationOutcome, str]:
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
        ({"ok": True, "result": 1}, ObligationOutcome.KEPT, ""),
        ({"ok": True, "result": 2}, ObligationOutcome.BROKEN, "number: expected 1, got 2"),
        (FAILED, ObligationOutcome.BROKEN, "anything failed with value: ValueError: no"),
        (UNSUPPORTED, ObligationOutcome.NOT_APPLICABLE, "anything does not exist"),
    ],
)
def test_verdicts(
    answer: dict[str, Any], outcome: ObligationOutcome, detail: str, tmp_path: Path
) -> None:
    assert asyncio.run(verdict_of(sample, answer, tmp_path)) == (outcome, detail)


@obligation("records")
async def records(scenario: Scenario) -> None:
    """Give records."""
    same("first", 1, (await scenario.do("anything"))["records"][0])


@pytest.mark.parametrize("result", [None, 1, [], {}, {"records": []}, {"records": None}])
def test_a_result_of_another_form_is_told(result: object, tmp_path: Path) -> None:
    answer = {"ok": True, "result": result}
    outcome, detail = asyncio.run(verdict_of(records, answer, tmp_path))
    assert outcome is ObligationOutcome.BROKEN
    assert detail.startswith("no such result or call as the protocol describes: ")


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
        ("print(1)", "ended after '1', which is no reply"),
    ],
)
def test_adapter_that_does_not_speak_the_protocol(program: str, says: str) -> None:
    with pytest.raises(ClientUnusableError, match=says):
        check_client([sys.executable, "-c", program])


def test_adapter_that_does_not_exist() -> None:
    with pytest.raises(ClientUnusableError, match="cannot be started"):
        check_client(["/nowhere/adapter"])


def test_adapter_that_stays_silent_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LIMIT", 0.2)

    async def run() -> protocol.Answer:
        async with ProcessPeer([sys.executable, "-c", "import sys; sys.stdin.read()"]) as peer:
            return await peer.ask("describe", {}, "unix:/x", {})

    assert asyncio.run(run()).kind == "silent"
