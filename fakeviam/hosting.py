"""A fake from the inside: what its sessions and the HTTP side need, and tests do not."""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from fakeviam.loading import load
from fakeviam.model.errors import UsageError
from fakeviam.model.fleet import DEFAULT_PART
from fakeviam.model.policy import Policy
from fakeviam.model.text import is_text, short
from fakeviam.server.instruments.timers import is_running_loop
from fakeviam.server.lifecycle.server import Server
from fakeviam.server.lifecycle.session import Session
from fakeviam.server.lifecycle.session_registry import SessionRegistry
from fakeviam.server.services.data.databases import database_uri
from fakeviam.server.services.due import caught_up
from fakeviam.server.state.accounts import DEFAULT_KEY, DEFAULT_KEY_ID
from fakeviam.server.transport.protocol_switch import LazyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.model.applied_seed import AppliedSeed
    from fakeviam.model.read_options import ReadOptions
    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.host import HttpAccess
    from fakeviam.server.lifecycle.server import ListenAddress
    from fakeviam.server.lifecycle.storage import Storage
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.server.transport.http_side import HttpSide
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.protocol_switch import DatabaseSide
    from fakeviam.server.transport.tls.identity import Identity
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
        origins: Those whose pages may call; None is those of this machine (HT-8).
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
        address: ListenAddress,
        max_message_bytes: int | None,
        limits: ConnectionLimits,
        access: HttpAccess,
        identity: Identity | None,
    ) -> None:
        """Put a server in front of `cloud`; it does not listen yet."""
        self.base: CloudHandle
        self.seed = storage.seed
        self.control, self.control_token = access.control, access.control_token
        self.origins = access.origins
        self.limits, self.max_message_bytes = limits, max_message_bytes
        self._storage = storage
        self._registry = SessionRegistry(base=cloud, seed=storage.seed)
        self._open: dict[str, Session] = {}
        self.server = Server(
            self._registry,
            address,
            max_message_bytes=max_message_bytes,
            limits=limits,
            http=LazyServer(lambda: _http_server(self)),
            database=LazyServer(
                lambda: _database_server(self._registry, limits),
                module="fakeviam.database.endpoint",
            ),
            # A connection comes before any call that could name a session: ask the base.
            admit=lambda: not cloud.faults.refuses_connection(),
            identity=identity,
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
        """Address for gRPC clients: `host:port`, or with TLS `https://host:port`.

        An IPv6 address is in brackets.
        """
        if not self.server.has_port:
            return f"unix:{self.unix_socket}"
        return self.url if self.has_tls else self._at(self.port)

    @property
    def plaintext_target(self) -> str:
        """The second address, `host:port`, that of a fake with TLS for clients without it."""
        port = self.server.plaintext_port
        return "" if port is None else self._at(port)

    def _at(self, port: int) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{port}"

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"{self.server.scheme}://{self._at(self.port)}"

    @property
    def has_tls(self) -> bool:
        """Whether its TCP port is encrypted (TL-1)."""
        return self.server.identity is not None

    @property
    def ca_file(self) -> str:
        """The file that lets clients trust it (TL-2); empty without TLS."""
        return self.server.ca_file

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket."""
        return self.server.unix_socket

    def atomically(self, work: Callable[[], T]) -> T:
        """Do something in the server's thread, between two steps of its calls.

        What `work` raises passes through.
        """
        return self.server.atomically(work)

    def do_what_is_due(self, cloud: CloudState) -> None:
        """Do what is due by a cloud's clock, and let calls be answered meanwhile (SV-18).

        In the server's own thread nobody can be answered; it is done by the look that follows.

        Raises:
            Refusal: What was done cannot be kept (DD-4).
        """
        self.server.run(lambda: caught_up(cloud))

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The open sessions by name."""
        return MappingProxyType(dict(self._open))

    def session(self, name: str | None = None, *, policy: Policy | str | None = None) -> Session:
        """Open a session."""
        if name is not None and not isinstance(name, str):
            raise UsageError(f"name must be text, got {short(name)}")
        session_policy = None if policy is None else Policy.of(policy)

        def open_session() -> Session:
            session = Session(self, self._registry.open(name, policy=session_policy))
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

    def database_uri(self, cloud: CloudState, organization_id: str | None, password: str) -> str:
        """Set the password of a database, and say where that is."""
        organization = organization_id or self.default_part.organization_id
        if not is_text(organization) or not cloud.fleet.has_organization(organization):
            raise UsageError(f"organization_id: there is no organization {short(organization)}")
        if not is_text(password) or not password:
            raise UsageError("password must be text that is not empty, and that UTF-8 can encode")
        if self.server.has_port:
            address = self.url
        elif self.unix_socket.endswith(".sock"):
            address = f"http://{quote(self.unix_socket, safe='')}"
        else:
            raise UsageError(
                "clients of MongoDB connect to Unix sockets whose paths end in .sock, and not to "
                f"{self.unix_socket}; choose another path, or a port"
            )
        self.atomically(lambda: cloud.store.set_database_password(organization, password))
        uri = database_uri(
            address,
            organization_id=organization,
            session=cloud.name,
            password=quote(password, safe=""),
        )
        if not address.startswith("https"):
            return uri
        return f"{uri}&tlsCAFile={quote(self.ca_file, safe='')}"

    def pause(self, session: str) -> None:
        """Wait for Enter, while the page shows a session."""
        address = f"{self.url}/ui/calls{f'?session={quote(session)}' if session else ''}"
        if not self.control:
            raise UsageError("with control=False there is no page to look at")
        if is_running_loop():
            raise UsageError(
                "pause() would block the event loop; use `with FakeViam()`, or await "
                "`asyncio.to_thread(cloud.pause)`"
            )
        if not sys.stdin.isatty():
            raise UsageError(f"pause() waits for Enter, but stdin is no terminal; see {address}")
        sys.stderr.write(f"paused; look at {address} and press Enter to go on\n")
        sys.stderr.flush()
        sys.stdin.readline()

    def environment(self, handle: CloudHandle, session: str) -> dict[str, str]:
        """The variables that lead a program to a cloud of this fake."""
        from fakeviam.connection_info import connection_info  # noqa: PLC0415 - few tests ask
        from fakeviam.environment import environment  # noqa: PLC0415 - as above

        keys = {"api_key": handle.api_key, "api_key_id": handle.api_key_id}
        token = self.control_token or ""
        return environment({**connection_info(self), **keys}, session=session, token=token)


def _http_server(hosting: Hosting) -> HttpSide:
    # Not above: a test that only speaks gRPC has no use for it.
    from fakeviam.web.first import FirstServer  # noqa: PLC0415

    return FirstServer(hosting)


def _database_server(clouds: SessionRegistry, limits: ConnectionLimits) -> DatabaseSide:
    # As above; few tests open the database.
    from fakeviam.database.endpoint import DatabaseServer  # noqa: PLC0415

    return DatabaseServer(clouds, limits)
