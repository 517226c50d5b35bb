"""What docs/client-adapters.md says about adapters, and the one in Go that was written from it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.clients import protocol
from fakeviam_contracts.clients.adapters.own import Adapter
from fakeviam_contracts.clients.check import checked_client, checked_peer
from fakeviam_contracts.clients.obligations import ObligationOutcome
from fakeviam_contracts.clients.protocol import Asked, LocalPeer

from tests.interop import go_programs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam_contracts.clients.protocol import Answer

PAGE = (Path(__file__).parents[2] / "docs" / "client-adapters.md").read_text(encoding="utf-8")


class Recording(LocalPeer):
    """Our own client, and the arguments that it was given."""

    def __init__(self) -> None:
        super().__init__(Adapter().answer)
        self.asked: dict[str, set[str]] = {}
        self.filters: set[str] = set()

    async def ask(
        self, method: str, args: Mapping[str, object], target: str, metadata: Mapping[str, str]
    ) -> Answer:
        self.asked.setdefault(method, set()).update(args)
        for value in args.values():
            if isinstance(value, Asked):
                self.filters.update(value)
        return await super().ask(method, args, target, metadata)


def documented() -> dict[str, set[str]]:
    """The methods of the page and their arguments."""
    table = PAGE.split("## Methods")[1]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {row[0].strip("| `"): set(re.findall(r"`(\w+)`", row[1])) for row in rows}


@pytest.mark.slow
def test_the_page_lists_what_the_kit_asks() -> None:
    peer = Recording()
    asyncio.run(checked_peer(peer))
    assert peer.asked == documented()
    listed = PAGE.split("A filter has ")[1].split("\n\n")[0]
    assert peer.filters == set(re.findall(r"`(\w+)`", listed))


def test_the_message_of_the_page_is_one() -> None:
    block = PAGE.split("```text\n")[1].split("```")[0]
    frame = bytes.fromhex(block)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert protocol.unframed(frame[4:]) == {"id": "1", "ok": True, "result": ["dog"]}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_adapter_in_go() -> None:
    """grpc-go keeps every obligation that the example has the methods for."""
    if reason := go_programs.why_not():
        pytest.skip(reason)
    checked = checked_client([str(go_programs.adapter())])
    assert checked.name == "grpc-go"
    outcomes = {one.obligation: one.outcome for one in checked.verdicts}
    broken = [one for one in checked.verdicts if one.outcome is ObligationOutcome.BROKEN]
    assert broken == []
    for obligation in ("times-back", "readings-back", "refusals-unchanged", "tls-wrong-name"):
        assert outcomes[obligation] is ObligationOutcome.KEPT
