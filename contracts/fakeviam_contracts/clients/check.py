"""Checks all obligations of a client."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam_contracts.clients.obligations import OBLIGATIONS, ObligationVerdict
from fakeviam_contracts.clients.obligations.base import Scenario, judged
from fakeviam_contracts.clients.protocol import ClientUnusableError, ProcessPeer
from fakeviam_contracts.clients.scripted import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam_contracts.clients.obligations import Obligation
    from fakeviam_contracts.clients.protocol import Peer


@dataclass(frozen=True, slots=True)
class CheckedClient:
    """A client and its verdicts.

    Attributes:
        name: The name that its adapter reports.
        version: Its version.
        paging: Whether the `client` or its `caller` follows pages.
        verdicts: One for each obligation, in the order of the table.
    """

    name: str
    version: str
    paging: str
    verdicts: tuple[ObligationVerdict, ...]


def check_client(command: Sequence[str]) -> list[ObligationVerdict]:
    """Check all obligations of a client, whose adapter is started by a command.

    Raises:
        ClientUnusableError: The command does not start or does not speak the protocol.
    """
    return list(checked_client(command).verdicts)


def checked_client(command: Sequence[str]) -> CheckedClient:
    """Like `check_client`, but also returns the client's description.

    Raises:
        ClientUnusableError: The command does not start or does not speak the protocol.
    """

    async def run() -> CheckedClient:
        async with ProcessPeer(command) as peer:
            return await checked_peer(peer)

    return asyncio.run(run())


async def checked_peer(
    peer: Peer, obligations: Iterable[Obligation] = OBLIGATIONS
) -> CheckedClient:
    """Check some obligations of a client, each with its own server.

    Raises:
        ClientUnusableError: It does not speak the protocol.
    """
    async with ScriptedServer() as server:
        about = await peer.ask("describe", {}, server.target, {})
        if not (about.ok and isinstance(about.result, dict)):
            raise ClientUnusableError(f"the client does not describe itself: {about}")
        name, version, paging = (
            str(about.result.get(key, "")) for key in ("name", "version", "paging")
        )
        if paging not in ("client", "caller"):
            raise ClientUnusableError(f"paging must be client or caller, got {paging!r}")
        verdicts = []
        for one in obligations:
            with tempfile.TemporaryDirectory() as folder:
                verdicts.append(await judged(one, Scenario(server, peer, Path(folder), paging)))
    return CheckedClient(name, version, paging, tuple(verdicts))
