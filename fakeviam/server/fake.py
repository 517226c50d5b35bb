"""FakeViam: the fake, started and stopped."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import Clock
from fakeviam.model.errors import FakeViamError, UsageError
from fakeviam.model.evidence import Clause, Evidence
from fakeviam.model.fleet import DEFAULT_PART, Fleet, Part
from fakeviam.model.ids import Ids
from fakeviam.model.policy import Policy
from fakeviam.server.accounts import DEFAULT_KEY, DEFAULT_KEY_ID, Accounts, ApiKey, AuthMode
from fakeviam.server.call import Cloud, Crash
from fakeviam.server.codec import Codec
from fakeviam.server.ledger import Ledger
from fakeviam.server.listeners import (
    HAS_UNIX_SOCKETS,
    Listener,
    SocketPath,
    is_running_loop,
    listen_tcp,
    listen_unix,
)
from fakeviam.server.routes import Routes
from fakeviam.server.thread import LoopThread
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from datetime import timedelta
    from types import TracebackType

    from typing_extensions import Self

    from fakeviam.server.interceptors import Interceptor
    from fakeviam.store.protocol import Store


class HandlerCrashError(FakeViamError, AssertionError):
    """A handler of the fake raised something unexpected: a bug of fakeviam (SV-4)."""


class FakeViam:
    """The Viam data cloud, in memory.

    As a context manager it runs in a thread of its own, and serves synchronous code and
    any event loop; as an async context manager it runs in the current event loop:

        with FakeViam() as cloud: ...
        async with FakeViam(seed=7) as cloud: ...

    Attributes:
        seed: The seed of all ids; give it again to get the same ids for the same calls.
        policy: How disputed points are decided.
        clock: The fake's only time. Starts at the real time and runs with it unless a
            clock is given; `cloud.clock.advance(days=2)` moves it.
        fleet: Organizations, locations, robots and parts.
        api_key: Key of the default account.
        api_key_id: Its id.
        default_part: A part that exists from the start.
    """

    api_key = DEFAULT_KEY
    api_key_id = DEFAULT_KEY_ID
    default_part: Part = DEFAULT_PART

    def __init__(  # noqa: PLR0913 - each is a switch of the fake, all keyword-only
        self,
        *,
        seed: int | None = None,
        policy: Policy | str | None = None,
        clock: Clock | None = None,
        auth: AuthMode = "any",
        token_lifetime: timedelta | None = None,
        min_evidence: str = "assumed",
        host: str = "127.0.0.1",
        port: int = 0,
        unix_socket: str | os.PathLike[str] | None = None,
        max_message_bytes: int | None = None,
        interceptors: Iterable[Interceptor] = (),
        store: Callable[[], Store] = MemoryStore,
    ) -> None:
        """Prepare a fake; it starts listening when it is entered.

        Args:
            seed: Makes all ids reproducible; None picks one nobody can guess.
            policy: A Policy, or the name of a preset; documented by default.
            clock: The fake's time; None follows the real time.
            auth: `any` serves everyone; `keys` checks API keys and tokens.
            token_lifetime: How long access tokens live by the fake's clock; None is for ever.
            min_evidence: Refuse answers that rest on less: documented, relied-on, observed or
                assumed (SV-5).
            host: Address to listen on.
            port: TCP port; 0 picks a free one.
            unix_socket: Path of the Unix socket; None makes a temporary one.
            max_message_bytes: Ceiling of incoming messages (SV-2); None takes all.
            interceptors: Change requests and replies on their way, for a fake that is wrong
                on purpose.
            store: Makes the store that holds the data; called again by `reset`.

        Raises:
            UsageError: An argument is no good; the text says which and why.
        """
        self.seed = secrets.randbits(64) if seed is None else seed
        self.policy = _policy(policy)
        self.clock = _clock(clock)
        if max_message_bytes is not None and max_message_bytes < 1:
            message = f"max_message_bytes must be at least 1, got {max_message_bytes!r}"
            raise UsageError(message)
        ids = Ids(seed=self.seed, clock=self.clock)
        self.fleet = Fleet(ids=ids)
        self._cloud = Cloud(
            store=store(),
            fleet=self.fleet,
            policy=self.policy,
            clock=self.clock,
            ids=ids,
            accounts=Accounts(mode=auth, clock=self.clock, ids=ids, token_lifetime=token_lifetime),
            ledger=Ledger(Evidence.of(min_evidence)),
            interceptors=tuple(interceptors),
        )
        self._make_store = store
        self._codec = Codec(max_message_bytes)
        self._wanted = (host, port, unix_socket)
        self._listeners: list[Listener] = []
        self._socket: SocketPath | None = None
        self._thread: LoopThread | None = None
        self._port = 0

    # Where it is -------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._wanted[0]

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        self._check_running()
        return self._port

    @property
    def target(self) -> str:
        """`host:port`, as gRPC clients want it; an IPv6 address stands in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"http://{self.target}"

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket, which viam-sdk takes as `app_url`."""
        self._check_running()
        if self._socket is None:
            raise UsageError("there are no Unix sockets on this system; use cloud.target")
        return self._socket.path

    def dial_options(self) -> Any:
        """DialOptions of the installed viam-sdk for the default account.

        Raises:
            UsageError: viam-sdk is not installed.
        """
        try:
            from viam.rpc.dial import DialOptions  # noqa: PLC0415 - optional, and slow to import
        except ImportError as error:
            message = "dial_options() needs the official SDK: pip install viam-sdk"
            raise UsageError(message) from error
        options = DialOptions.with_api_key(self.api_key, self.api_key_id)
        options.insecure = True
        return options

    # What it knows -----------------------------------------------------------------------

    def add_api_key(self, *, organizations: Iterable[str]) -> ApiKey:
        """Make another API key that sees the organizations of these ids (auth="keys").

        Raises:
            UsageError: There are none, or one of them does not exist.
        """
        chosen = [organizations] if isinstance(organizations, str) else list(organizations)
        for organization_id in chosen:
            if not self.fleet.has_organization(organization_id):
                message = f"no organization has the id {organization_id!r}"
                raise UsageError(message)
        return self._cloud.accounts.add_key(organization_ids=chosen)

    @property
    def clauses_used(self) -> tuple[Clause, ...]:
        """The clauses that the answers so far rested on."""
        return self._cloud.ledger.used()

    @property
    def assumptions_used(self) -> tuple[Clause, ...]:
        """Those of them that nobody documented and no client relies on."""
        return tuple(c for c in self.clauses_used if c.evidence is Evidence.ASSUMED)

    @property
    def crashes(self) -> tuple[Crash, ...]:
        """Unexpected exceptions in handlers: bugs of the fake (SV-4)."""
        return tuple(self._cloud.crashes)

    def check(self) -> None:
        """Raise if a handler crashed; the pytest fixtures do this after each test.

        Raises:
            HandlerCrashError: With what happened, and what to do.
        """
        if self._cloud.crashes:
            told = "; ".join(f"{crash.rpc}: {crash.error!r}" for crash in self._cloud.crashes)
            message = f"fakeviam has a bug, please report it with this text: {told}"
            raise HandlerCrashError(message) from self._cloud.crashes[0].error

    def reset(self) -> None:
        """Forget all data, datasets and database users, and what was cited and crashed.

        The fleet, API keys, tokens and the clock stay. Takes the same time however much
        data there is. A call that is being answered finishes on the old data.
        """
        self._cloud.store = self._make_store()
        self._cloud.ledger.clear()
        self._cloud.crashes.clear()

    # Starting and stopping ---------------------------------------------------------------

    def __enter__(self) -> Self:
        if is_running_loop():
            message = "inside an event loop, write `async with FakeViam()`"
            raise UsageError(message)
        self._check_stopped()
        thread = LoopThread()
        try:
            thread.run(self.start())
        except BaseException:
            thread.close()
            raise
        self._thread = thread
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            try:
                self._thread.run(self.stop())
            finally:
                self._thread.close()
                self._thread = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start listening, in the current event loop.

        Raises:
            UsageError: It runs already, or an address cannot be had.
        """
        self._check_stopped()
        host, port, path = self._wanted
        routes = Routes(self._cloud)
        try:
            tcp = Listener(routes, self._codec)
            await listen_tcp(tcp, host, port)
            self._listeners.append(tcp)
            self._port = tcp.port
            if HAS_UNIX_SOCKETS:
                await self._start_unix(routes, path)
        except BaseException:
            await self.stop()
            raise

    async def _start_unix(self, routes: Routes, path: str | os.PathLike[str] | None) -> None:
        place = SocketPath(path)
        listener = Listener(routes, self._codec)
        await listen_unix(listener, place.path)
        self._listeners.append(listener)
        self._socket = place

    async def stop(self) -> None:
        """Stop listening, drop every connection, remove the socket file."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.stop()
        if self._socket is not None:
            self._socket.remove()
            self._socket = None

    def _check_stopped(self) -> None:
        if self._listeners:
            raise UsageError("this FakeViam is already running; make a second one instead")

    def _check_running(self) -> None:
        if not self._listeners:
            message = "this FakeViam is not running; enter it first: `with FakeViam() as cloud:`"
            raise UsageError(message)


def _policy(given: Policy | str | None) -> Policy:
    if given is None:
        return Policy()
    if isinstance(given, str):
        return Policy.preset(given)
    if not isinstance(given, Policy):
        message = f"policy must be a Policy or the name of a preset, got {given!r}"
        raise UsageError(message)
    return given


def _clock(given: Clock | None) -> Clock:
    if given is None:
        return Clock(time.time_ns)
    if not isinstance(given, Clock):
        message = f"clock must be a Clock, such as Clock.frozen('2026-01-31'), got {given!r}"
        raise UsageError(message)
    try:
        given.moment()
    except OverflowError as error:
        raise UsageError("clock must show a time in the years 1 to 9999 in UTC") from error
    return given
