"""An isolated cloud on a shared server: the result of `cloud.session()`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from fakeviam.server.lifecycle.handle import CloudHandle, CloudHost
from fakeviam.server.lifecycle.session_registry import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from fakeviam.model.fleet import Part
    from fakeviam.server.state.cloud import CloudState


class Reachable(Protocol):
    """A running fake: its addresses and its default account."""

    default_part: Part
    api_key: str
    api_key_id: str

    @property
    def target(self) -> str:
        """Address for gRPC clients: `host:port`, or with TLS `https://host:port`."""
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
    def url(self) -> str:
        """The address as a URL."""
        ...

    @property
    def plaintext_target(self) -> str:
        """The additional address without TLS, `host:port`; empty if there is none."""
        ...

    @property
    def ca_file(self) -> str:
        """The file with the certificate to trust; empty if there is none."""
        ...

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket."""
        ...


class SessionHost(Reachable, CloudHost, Protocol):
    """The server, as its sessions need it."""

    def close_session(self, name: str) -> bool:
        """Close a session; returns whether it was open."""
        ...


class Session(CloudHandle):
    """An isolated fork of a running fake (SS-1).

        with cloud.session() as session:
            client = await connect(session.target, api_key=session.api_key, ...)

    It starts as a copy of the fake's state and is independent from then on: data, fleet, API keys,
    clock, journal, faults. Calls select it by its own API key or by its metadata.

    Attributes:
        name: Its name.
        metadata: Request metadata that selects it, for clients that can send metadata.
        api_key: Key of its own account, with the same access as the default account.
        api_key_id: Its id.
    """

    def __init__(self, host: SessionHost, cloud: CloudState) -> None:
        """Create a handle on the session with the state `cloud`."""
        super().__init__(cloud, host=host)
        self._server = host
        self.name = cloud.name
        self.metadata: Mapping[str, str] = MappingProxyType({METADATA_KEY: cloud.name})
        key = cloud.accounts.add_key(organization_ids=[host.default_part.organization_id])
        self.api_key, self.api_key_id = key.key, key.id
        self.default_part = host.default_part

    @property
    def target(self) -> str:
        """Address of the server: `host:port`, or with TLS `https://host:port`."""
        return self._server.target

    @property
    def url(self) -> str:
        """The server's address as a URL."""
        return self._server.url

    @property
    def plaintext_target(self) -> str:
        """The server's second address, without TLS, `host:port`; empty if there is none."""
        return self._server.plaintext_target

    @property
    def ca_file(self) -> str:
        """The file with the certificate that TLS clients have to trust; empty if there is none."""
        return self._server.ca_file

    @property
    def unix_socket(self) -> str:
        """Path of the server's Unix socket."""
        return self._server.unix_socket

    def __repr__(self) -> str:
        return f"<Session {self.name!r}: {self._contents_text()}>"

    def close(self) -> None:
        """Close the session and delete its state; calls that name it are refused from now on."""
        self._server.close_session(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
