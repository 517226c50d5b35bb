"""FakeViam: the fake, started and stopped."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Iterable
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, TypeVar

from fakeviam.hosting import Hosting
from fakeviam.loading import load as load_path
from fakeviam.model.checks import check_list, check_path, check_type, check_whole_number
from fakeviam.model.clock import Clock
from fakeviam.model.errors import UsageError
from fakeviam.model.evidence import Evidence
from fakeviam.model.fleet import DEFAULT_PART, Part
from fakeviam.model.origins import check_origins
from fakeviam.model.read_options import ReadOptions
from fakeviam.model.text import short
from fakeviam.policy_file import policy_of
from fakeviam.server.instruments.journal.journal import DEFAULT_BYTES
from fakeviam.server.lifecycle.handle import CloudHandle
from fakeviam.server.lifecycle.host import HttpAccess
from fakeviam.server.lifecycle.server import ListenAddress
from fakeviam.server.lifecycle.storage import Storage
from fakeviam.server.state.cloud import CloudOptions
from fakeviam.server.transport.limits import MAX_MESSAGE_BYTES, ConnectionLimits
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

    from typing_extensions import Self

    from fakeviam.datadir import Dropped, Durability
    from fakeviam.model.applied_seed import AppliedSeed
    from fakeviam.model.policy import Policy
    from fakeviam.server.instruments.interceptors import Interceptor
    from fakeviam.server.lifecycle.session import Session
    from fakeviam.server.state.accounts import AuthMode
    from fakeviam.server.state.cloud import IdKind
    from fakeviam.server.transport.tls.identity import Identity
    from fakeviam.server.transport.tls.settings import Tls
    from fakeviam.store.base import Store


T = TypeVar("T")

#: Nanoseconds since the epoch; looked up at each call, so that freezegun can replace it.
_real_time = partial(methodcaller("time_ns"), time)

log = logging.getLogger("fakeviam")

#: Of a seed: any hash fits, and the log of a data directory holds it as text.
_SEED_BITS = 1024


class FakeViam(CloudHandle):
    """The Viam data cloud, in memory.

    As a context manager it runs in a thread of its own, and serves synchronous code and
    any event loop; as an async context manager it runs in the current event loop:

        with FakeViam() as cloud: ...
        async with FakeViam(seed=7) as cloud: ...

    Attributes:
        seed: The seed of all ids; pass it again to get the same ids for the same calls.
        policy: How disputed points are decided.
        clock: The fake's clock. Follows real time unless another
            clock is given; `cloud.clock.advance(days=2)` moves it.
        fleet: Organizations, locations, robots and parts.
        control: Whether the control API is served.
        control_token: The token its clients must send; None accepts only this machine.
        api_key: Key of the default account.
        api_key_id: Its id.
        default_part: A part that exists from the start.
    """

    default_part: Part = DEFAULT_PART

    def __init__(  # noqa: PLR0913 - each is a switch of the fake, all keyword-only
        self,
        *,
        seed: int | None = None,
        policy: Policy | str | os.PathLike[str] | None = None,
        clock: Clock | None = None,
        auth: AuthMode = "any",
        token_lifetime: timedelta | None = None,
        ids: IdKind = "real",
        min_evidence: str = "assumed",
        strict: bool = False,
        host: str = "127.0.0.1",
        port: int | None = 0,
        unix_socket: str | os.PathLike[str] | None = None,
        tls: Tls | bool = False,
        plaintext_port: int | None = None,
        max_message_bytes: int | None = MAX_MESSAGE_BYTES,
        limits: ConnectionLimits | None = None,
        journal_bytes: int = DEFAULT_BYTES,
        load: object = None,
        load_options: ReadOptions | Mapping[str, object] | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        durability: Durability = "process",
        control: bool = True,
        control_token: str | None = None,
        allow_origins: Iterable[str] | None = None,
        interceptors: Iterable[Interceptor] = (),
        store: Callable[[], Store] | str = MemoryStore,
    ) -> None:
        """Create a fake; it starts listening when it is entered.

        Args:
            seed: Makes all ids reproducible; None picks a random seed.
            policy: A Policy, the name of a preset, or a `.toml` file; documented by default.
            clock: The fake's time; None follows the real time.
            auth: `any` serves everyone; `keys` checks API keys and tokens.
            token_lifetime: How long access tokens are valid by the fake's clock; None is unlimited.
            ids: `real`, like those of the service, or `readable`, such as `file-000001` (CK-4).
            min_evidence: Refuse replies with weaker evidence: documented, relied-on, observed or
                assumed (SV-5).
            strict: Refuse unknown, unread and deprecated fields, and deprecated RPCs;
                `check` then fails, also after calls of unimplemented RPCs (ST-1 … ST-3).
            host: Address to listen on.
            port: TCP port; 0 picks a free one; None listens on the Unix socket alone.
            unix_socket: Path of the Unix socket; None creates a temporary one.
            tls: Encrypt the TCP port: True with a certificate whose CA is in `ca_file`, which
                requires fakeviam[tls]; or a `Tls` with files of your own (TL-1, TL-2).
            plaintext_port: With TLS, a second TCP port without it; None is none.
            max_message_bytes: Ceiling of a request message (SV-2), not of an upload; None takes
                all.
            limits: What one connection may cost before it is refused or closed (SV-11).
            journal_bytes: About how much memory `calls` may take; the oldest are dropped first.
            load: Initial contents, as for `load()`: a path, a dict or a Seed.
            load_options: Options of `load`: `ReadOptions`, or a dict such as {"clip": True}.
            data_dir: A directory that persists everything beyond the end of the process (DD-1). It
                has its own seed, and `load` only applies to a new one.
            durability: What an acknowledged write to the data directory survives: the end of the
                process, or power loss too, for which each write waits for the disk (DD-6).
            control: Serve the control API, /control/v1 on the TCP port and the Unix socket.
            control_token: Clients of the control API must send it (HT-2); None accepts only
                clients on this machine.
            allow_origins: Origins whose web pages may make calls and load files (HT-8), such as
                `https://app.example`; None is those of this machine, `*` is all.
            interceptors: Change requests and replies in transit, for a fake that is
                deliberately wrong.
            store: Where the data is: `memory:`, `mongomock:`, or `mongodb://host/database`, which
                outlives the process and can be shared by several fakes (MG-1). Or a function that
                creates an empty store; called again by `reset`.

        Raises:
            UsageError: Invalid argument; the message names it.
        """
        if not callable(store) and not isinstance(store, str):
            raise UsageError(
                f"store must be a URL or what makes an empty store, got {short(store)}"
            )
        check_path("data_dir", "" if data_dir is None else data_dir)
        check_list("interceptors", interceptors, "interceptors")
        options = CloudOptions(
            auth=auth,
            token_lifetime=token_lifetime,
            ids=ids,
            min_evidence=Evidence.of(min_evidence, name="min_evidence"),
            strict=strict,
            journal_bytes=journal_bytes,
            interceptors=tuple(interceptors),
            # Real time is read here and by the clock, nowhere else.
            stopwatch=time.perf_counter_ns,
        )
        policy, clock = policy_of(policy), _check_clock(clock)
        reading = ReadOptions.of(load_options, name="load_options")
        if load is None and reading != ReadOptions():
            raise UsageError("load_options requires load")
        address = ListenAddress(
            host=host, port=port, unix_socket=unix_socket, plaintext_port=plaintext_port
        )
        identity = _identity_of(tls, address)
        if max_message_bytes is not None:
            check_whole_number("max_message_bytes", max_message_bytes, minimum=1)
        if limits is not None:
            check_type("limits", limits, ConnectionLimits)
        origins = check_origins(allow_origins)
        check_type("control", control, bool)
        self.control, self.control_token = control, _check_token(control_token)
        # Last, so that an invalid argument leaves a directory or a database untouched.
        self._storage = Storage(
            store,
            data_dir=data_dir,
            seed=_check_seed(seed),
            now=_real_time,
            durability=durability,
        )
        with self._storage.closed_on_error():
            cloud = self._storage.new_cloud(policy, clock, options)
            self.seed = self._storage.seed
            self._hosting = Hosting(
                cloud,
                self._storage,
                address=address,
                max_message_bytes=max_message_bytes,
                limits=limits or ConnectionLimits(),
                access=HttpAccess(
                    control=control, control_token=self.control_token, origins=origins
                ),
                identity=identity,
            )
            super().__init__(cloud, host=self._hosting)
            self._hosting.base = self
            self._server = self._hosting.server
            #: What `load` put there: ids by name, and what was left out.
            self.applied_seed: AppliedSeed | None = None
            if load is not None and self._storage.is_new():
                self.applied_seed = load_path(cloud, load, reading)
            elif load is not None:
                log.info("load was ignored: there is data already")
            # Only now: a directory stays new until what fills it was in order.
            self._storage.keep(cloud)

    @property
    def dropped(self) -> Dropped | None:
        """Entries dropped on opening the data directory: incomplete, never acknowledged (DD-3)."""
        return self._storage.dropped

    # Where it is -------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._server.host

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self._server.port

    @property
    def target(self) -> str:
        """Address for gRPC clients: `host:port`, or with TLS `https://host:port`.

        An IPv6 address is in brackets.
        """
        return self._hosting.target

    @property
    def plaintext_target(self) -> str:
        """The address without TLS of a fake with `plaintext_port`, `host:port`; or empty."""
        return self._hosting.plaintext_target

    @property
    def url(self) -> str:
        """The address as a URL."""
        return self._hosting.url

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket; viam-sdk accepts it as `app_url`."""
        return self._server.unix_socket

    @property
    def ca_file(self) -> str:
        """With TLS, the file with the certificate that clients have to trust (TL-2).

        It exists while the fake runs. Empty without TLS, and if the files in `Tls` do not end with
        the certificate of their CA.
        """
        return self._hosting.ca_file

    @property
    def ca_pem(self) -> str:
        """What is in `ca_file`."""
        identity = self._server.identity
        return "" if identity is None else identity.ca_pem

    # Starting and stopping ---------------------------------------------------------------

    def __enter__(self) -> Self:
        self._storage.check_open()
        try:
            self._server.start_in_thread()
        except BaseException:
            self._storage.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._server.stop_thread()
        finally:
            self._storage.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start listening, in the current event loop.

        Raises:
            UsageError: It is running, or an address is not available.
        """
        self._storage.check_open()
        try:
            await self._server.start()
        except BaseException:
            self._storage.close()
            raise

    async def stop(self) -> None:
        """Stop listening, drop every connection, remove the socket file."""
        await self._server.stop()
        self._storage.close()

    # Sessions ----------------------------------------------------------------------------

    def session(self, name: str | None = None, *, policy: Policy | str | None = None) -> Session:
        """Open an isolated fork of the current state (SS-1).

        Args:
            name: Its name, which calls use to select it; None generates one.
            policy: How it decides disputed points; by default like this fake.

        Raises:
            UsageError: The name is taken or invalid, or the store cannot be forked.
        """
        return self._hosting.session(name, policy=policy)

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The open sessions by name."""
        return self._hosting.sessions

    def __repr__(self) -> str:
        where = self.target if self._server.is_running else "not running"
        return f"<FakeViam {where}: {self._contents_text()}>"


def _check_seed(seed: int | None) -> int:
    """The seed; random by default."""
    if seed is None:
        return secrets.randbits(64)
    if type(seed) is not int:
        raise UsageError(f"seed must be a whole number, got {short(seed)}; load= takes seed files")
    if seed.bit_length() > _SEED_BITS:
        raise UsageError(f"seed must have at most {_SEED_BITS} bits, got {short(seed)}")
    return seed


def _check_token(token: str | None) -> str | None:
    """The token that users of the control API must show, if a header can carry it."""
    if token is not None:
        check_type("control_token", token, str)
        if not (token and token.isascii() and token.isprintable()):
            raise UsageError("control_token must be printable ASCII characters")
    return token


def _identity_of(tls: object, address: ListenAddress) -> Identity | None:
    """What the server shows to TLS clients."""
    if tls is False or tls is None:
        if address.plaintext_port is not None:
            raise UsageError("plaintext_port requires tls; without it, the port is plaintext")
        return None
    if address.port is None:
        raise UsageError("tls requires a port: the Unix socket is never encrypted")
    from fakeviam.server.transport.tls.identity import identity_of  # noqa: PLC0415 - few ask

    return identity_of(tls, address.host)


def _check_clock(clock: Clock | None) -> Clock:
    """The clock, if it shows a time that replies can carry; by default one of real time."""
    if clock is None:
        return Clock(_real_time)
    if not isinstance(clock, Clock):
        message = f"clock must be a Clock, such as Clock.frozen('2026-01-31'), got {short(clock)}"
        raise UsageError(message)
    try:
        clock.moment()
    except OverflowError as error:
        raise UsageError("clock must show a time in the years 1 to 9999 in UTC") from error
    return clock
