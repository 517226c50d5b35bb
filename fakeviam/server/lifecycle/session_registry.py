"""The isolated clouds behind one server, and the cloud of each call."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fakeviam.model.errors import FailedPreconditionError, UsageError
from fakeviam.model.ids import Ids
from fakeviam.model.text import short
from fakeviam.server.state.cloud import CloudState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.errors import Refusal
    from fakeviam.model.policy import Policy
    from fakeviam.server.instruments.journal.redaction import Metadata

#: The request metadata that selects a session (SS-1).
METADATA_KEY = "fakeviam-session"

# Separates the secret part of a session's tokens from the part that identifies the session.
_MARK = "~"

# How many API keys of closed sessions are recognized; older ones are unknown.
_REMEMBERED = 10_000


@dataclass(kw_only=True, slots=True)
class SessionRegistry:
    """The clouds of one server: the base, and a fork for each open session.

    A call selects a session by metadata, or by the API key that it logged in with (SS-1).
    """

    base: CloudState
    seed: int
    address: str = ""
    _clouds: dict[str, CloudState] = field(default_factory=dict)
    _by_suffix: dict[str, CloudState] = field(default_factory=dict)
    _closed_keys: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _opened: int = 0

    def __iter__(self) -> Iterator[CloudState]:
        return iter(tuple(self._clouds.values()))

    def cloud(self, name: str) -> CloudState | None:
        """The cloud of an open session."""
        return self._clouds.get(name)

    def cloud_of(self, metadata: Metadata) -> tuple[CloudState, Refusal | None]:
        """The cloud of a call, and a refusal if it names a session that is not open.

        Otherwise a call for a closed session would reach the base, and might affect another test
        (SS-2, SS-3).
        """
        name = metadata.get(METADATA_KEY)
        suffix = _suffix(metadata)
        if name is None:
            cloud = self._by_suffix.get(suffix, self.base)
        else:
            cloud = self._clouds.get(str(name), self.base)
            if cloud is self.base:
                text = (
                    f"no session named {name!r} is open; open it with cloud.session({name!r}) or "
                    "`fakeviam sessions open`"
                )
                return cloud, FailedPreconditionError(text, clause="SS-2")
        if suffix and suffix not in self._by_suffix and self._issued(suffix):
            text = "authorization has an access token of a closed session"
            return cloud, FailedPreconditionError(text, clause="SS-3")
        return cloud, None

    def cloud_of_key(self, key_id: str, addressed: CloudState) -> CloudState:
        """The cloud of a login (SS-4): the addressed one, or the session with this key.

        Raises:
            FailedPreconditionError: The key is of a session that was closed (SS-3).
        """
        if addressed is not self.base or addressed.accounts.knows(key_id):
            return addressed
        for cloud in self:
            if cloud.accounts.knows(key_id):
                return cloud
        if key_id in self._closed_keys:
            text = f"the API key {key_id!r} belongs to a closed session; open another one"
            raise FailedPreconditionError(text, clause="SS-3")
        return addressed

    def open(self, name: str | None = None, *, policy: Policy | None = None) -> CloudState:
        """Open a session, a fork of the base.

        Raises:
            UsageError: The name is taken or invalid.
        """
        self._opened += 1
        session_name = f"session-{self._opened}" if name is None else name
        _check_name(session_name)
        if session_name in self._clouds:
            raise UsageError(
                f"a session named {session_name!r} is already open; "
                "close it, or choose another name"
            )
        cloud = self._fork(session_name, policy)
        self._clouds[session_name] = self._by_suffix[self._mark(self._opened)] = cloud
        return cloud

    def close(self, name: str) -> bool:
        """Close a session and delete its state; returns whether it was open."""
        cloud = self._clouds.pop(name, None)
        if cloud is None:
            return False
        cloud.rest()
        del self._by_suffix[cloud.accounts.token_suffix]
        key_ids = {key.id for key in self.base.accounts.keys}
        self._closed_keys.extend(key.id for key in cloud.accounts.keys if key.id not in key_ids)
        return True

    def _mark(self, number: int | str) -> str:
        """The end of the tokens of a session."""
        return f"{_MARK}{self.base.ids.seal(f'session {number}')}{number}"

    def _issued(self, suffix: str) -> bool:
        number = suffix[len(self._mark(0)) - 1 :]
        return number.isdecimal() and suffix == self._mark(number)

    def _fork(self, name: str, policy: Policy | None) -> CloudState:
        base = self.base
        clock = base.clock.twin()
        ids = base.ids.fork(name, clock=clock)
        # Reopening a name gives other keys and tokens: clients that still use those of the
        # closed session must not get into the new one.
        secrets = Ids(seed=f"{self.seed}/{name}/{self._opened}", clock=clock)
        return CloudState(
            name=name,
            store=base.store.fork(),
            fleet=base.fleet.twin(ids),
            policy=base.policy if policy is None else policy,
            clock=clock,
            ids=ids,
            accounts=base.accounts.fork(
                clock=clock, ids=secrets, token_suffix=self._mark(self._opened)
            ),
            options=base.options,
            hiding=base.hiding,
        )


def _suffix(metadata: Metadata) -> str:
    """The end of a call's access token, if it identifies a session."""
    _, mark, rest = str(metadata.get("authorization", "")).partition(_MARK)
    return mark + rest


def _check_name(name: str) -> None:
    fine = 0 < len(name) <= 200 and name.isascii() and name.isprintable()
    if not fine or " " in name:
        raise UsageError(
            "the name of a session must be 1 to 200 printable ASCII characters without spaces, "
            f"got {short(name)}"
        )
