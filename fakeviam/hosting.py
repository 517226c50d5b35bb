"""A fake from the inside: what its sessions and the HTTP side need, and tests do not."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from fakeviam.loading import load
from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import DEFAULT_PART
from fakeviam.model.policy import Policy
from fakeviam.server.lifecycle.server import Server
from fakeviam.server.lifecycle.session import Session
from fakeviam.server.lifecycle.session_registry import SessionRegistry
from fakeviam.server.state.accounts import DEFAULT_KEY, DEFAULT_KEY_ID
from fakeviam.server.transport.protocol_switch import Http

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.model.applied_seed import AppliedSeed
    from fakeviam.model.read_options import ReadOptions
    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.server import Address
    from fakeviam.server.lifecycle.storage import Storage
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.protocol_switch import HttpServer
    from fakeviam.store.base import Store

T = TypeVar("T")


class Hosting:
    """The server of one fake, its sessions, and what the HTTP side sees (a `Host`).

    Attributes:
        base: The handle on the cloud of calls that name no session.
        server: What listens.
        seed: The seed of all ids.
        control: Whether the control API is served.
        control_token: What its users must show; None is nothing, and serves this machine alone.
        limits: What one connection may cost (SV-11).
    """

    default_part = DEFAULT_PART
    api_key = DEFAULT_KEY
    api_key_id = DEFAULT_KEY_ID

    def __init__(
        self,
        cloud: CloudState,
        storage: Storage,
        *,
        address: Address,
        max_message_bytes: int | None,
        limits: ConnectionLimits,
        control: bool,
        control_token: str | None,
    ) -> None:
        """Put a server in front of `cloud`; it does not listen yet."""
        self.base: CloudHandle
        self.seed = storage.seed
        self.control, self.control_token = control, control_token
        self.limits, self.max_message_bytes = limits, max_message_bytes
        self._storage = storage
        self._registry = SessionRegistry(base=cloud, seed=storage.seed)
        self._open: dict[str, Session] = {}
        self.server = Server(
            self._registry,
            address,
            max_message_bytes=max_message_bytes,
            limits=limits,
            http=Http(lambda: _http_server(self)),
            # A connection comes before any call that could name a session: ask the base.
            admit=lambda: not cloud.faults.refuses_connection(),
        )

    @property
    def clouds(self) -> SessionRegistry:
        """Which cloud a request is for."""
        return self._registry

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self.server.host

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self.server.port

    @property
    def target(self) -> str:
        """Address for gRPC clients, as `host:port`; an IPv6 address is in brackets."""
        if not self.server.has_port:
            return f"unix:{self.unix_socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a URL."""
        _ = self.port  # without one, there is no URL
        return f"http://{self.target}"

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket."""
        return self.server.unix_socket

    def atomically(self, work: Callable[[], T]) -> T:
        """Do something in the server's thread, between two steps of its calls.

        What `work` raises passes through.
        """
        return self.server.atomically(work)

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The open sessions by name."""
        return MappingProxyType(dict(self._open))

    def session(self, name: str | None = None, *, policy: Policy | str | None = None) -> Session:
        """Open a session."""
        if name is not None and not isinstance(name, str):
            raise UsageError(f"name must be text, got {name!r:.80}")
        chosen = None if policy is None else Policy.of(policy)

        def open_session() -> Session:
            session = Session(self, self._registry.open(name, policy=chosen))
            self._open[session.name] = session
            return session

        return self.atomically(open_session)

    def close_session(self, name: str) -> bool:
        """Forget a session and all it holds; whether it was open."""
        self._open.pop(name, None)
        return self.atomically(lambda: self._registry.close(name))

    def empty_store(self) -> Store:
        """Make a store that holds nothing, of the kind this fake uses."""
        return self._storage.new_store()

    def load_into(
        self, cloud: CloudState, source: object, options: ReadOptions
    ) -> AppliedSeed | None:
        """Fill a cloud of this fake; call it in the server's thread."""
        return load(cloud, source, options)

    def environment(self, handle: CloudHandle, session: str) -> dict[str, str]:
        """The variables that lead a program to a cloud of this fake."""
        from fakeviam.connection_info import connection_info  # noqa: PLC0415 - few tests ask
        from fakeviam.environment import environment  # noqa: PLC0415 - as above

        keys = {"api_key": handle.api_key, "api_key_id": handle.api_key_id}
        token = self.control_token or ""
        return environment({**connection_info(self), **keys}, session=session, token=token)


def _http_server(hosting: Hosting) -> HttpServer:
    # Not above: importing it takes longer than a test that only speaks gRPC.
    from fakeviam.web.protocol import HttpServer as Server  # noqa: PLC0415

    return Server(hosting)
