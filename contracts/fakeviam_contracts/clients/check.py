"""Asking a client for everything it owes."""

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
    """A client and what came of it.

    Attributes:
        name: What its adapter calls it.
        version: Its version.
        paging: Who follows the pages, `client` or `caller`.
        verdicts: One for each obligation, in the table's order.
    """

    name: str
    version: str
    paging: str
    verdicts: tuple[ObligationVerdict, ...]


def check_client(command: Sequence[str]) -> list[ObligationVerdict]:
    """Ask the client behind an adapter, which a command starts, for everything it owes.

    Raises:
        ClientUnusableError: The command does not start or does not speak the protocol.
    """
    return list(checked_client(command).verdicts)


def checked_client(command: Sequence[str]) -> CheckedClient:
    """As `check_client`, with what the client says about itself.

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
    """Ask a client for some obligations; each has the server for itself.

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
