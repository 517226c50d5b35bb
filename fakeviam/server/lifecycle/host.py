"""What the HTTP side sees of a running fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fakeviam.server.lifecycle.session import SessionHost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.model.policy import Policy
    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.session import Session
    from fakeviam.server.lifecycle.session_registry import SessionRegistry
    from fakeviam.server.transport.limits import ConnectionLimits


class Host(SessionHost, Protocol):
    """A running fake: its address, its default account and its sessions."""

    seed: int
    control: bool
    control_token: str | None
    api_key: str
    api_key_id: str
    limits: ConnectionLimits
    max_message_bytes: int | None

    @property
    def clouds(self) -> SessionRegistry:
        """Which cloud a request is for."""
        ...

    @property
    def host(self) -> str:
        """The address it listens on."""
        ...

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        ...

    @property
    def base(self) -> CloudHandle:
        """The handle on the cloud of calls that name no session."""
        ...

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The open sessions by name."""
        ...

    def session(self, name: str | None = None, *, policy: Policy | str | None = None) -> Session:
        """Open a session."""
        ...
