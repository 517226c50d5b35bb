"""A running fake, as the HTTP side sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fakeviam.server.lifecycle.session import SessionHost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.model.policy import Policy
    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.session import Session
    from fakeviam.server.lifecycle.session_registry import SessionRegistry
    from fakeviam.server.transport.limits import ConnectionLimits


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpAccess:
    """Access rules of the HTTP side.

    Attributes:
        control: Whether the control API is served.
        control_token: The token for it; None requires none, and serves this machine only.
        origins: Origins whose pages may make calls; None is those of this machine (HT-8).
    """

    control: bool
    control_token: str | None
    origins: frozenset[str] | None


class Host(SessionHost, Protocol):
    """A running fake: its address, its default account and its sessions."""

    seed: int
    control: bool
    control_token: str | None
    origins: frozenset[str] | None
    limits: ConnectionLimits
    max_message_bytes: int | None

    @property
    def clouds(self) -> SessionRegistry:
        """The clouds of the server."""
        ...

    @property
    def base(self) -> CloudHandle:
        """The handle on the server's own cloud."""
        ...

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The open sessions by name."""
        ...

    def session(self, name: str | None = None, *, policy: Policy | str | None = None) -> Session:
        """Open a session."""
        ...
