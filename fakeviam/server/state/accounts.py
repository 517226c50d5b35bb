"""API keys, tokens and what their holders may see."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from fakeviam.model.clock import LAST, SECOND, time_of
from fakeviam.model.errors import PermissionDeniedError, UnauthenticatedError, UsageError
from fakeviam.model.fleet import DEFAULT_PART
from fakeviam.server.state.roles import check_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from fakeviam.model.clock import Clock
    from fakeviam.model.ids import Ids
    from fakeviam.server.state.roles import Role

AuthMode = Literal["any", "keys"]

DEFAULT_KEY_ID = "f4ce0000-0000-4000-8000-000000000001"
DEFAULT_KEY = "fakeviam-api-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """An API key; `id` is a UUID, as viam-sdk demands.

    Attributes:
        organization_ids: What its holder may see.
        role: What its holder may do there (AC-1).
        expires: When it ends by the fake's clock, ns since the epoch; None is never (AC-4).
    """

    id: str
    key: str = field(repr=False)  # a failing test prints its values
    organization_ids: frozenset[str]
    role: Role = "owner"
    expires: int | None = None

    def expired(self, now: int) -> bool:
        """Whether it has ended by then."""
        return self.expires is not None and now >= self.expires


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. `organization_ids` is what it may see; None is everything."""

    organization_ids: frozenset[str] | None = None
    role: Role = "owner"

    def sees(self, organization_id: str) -> bool:
        """Whether data of that organization exists for the caller."""
        return self.organization_ids is None or organization_id in self.organization_ids

    def check_right(self, rpc: str) -> None:
        """Refuse a call that its role gives no right to (AC-3)."""
        check_role(self.role, rpc)

    def check_named(self, organization_ids: Iterable[str]) -> None:
        """Refuse a request that names an organization the caller may not see (A51).

        Organizations that do not exist are refused alike, so that nothing leaks.
        """
        for organization_id in organization_ids:
            if not self.sees(organization_id):
                text = f"this API key may not see organization {organization_id!r}"
                raise PermissionDeniedError(text, clause="A51")


ANYONE = Principal()


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of an access token: not the token itself (AC-6)."""

    digest: bytes
    key_id: str
    expires: int | None


class Accounts:
    """Who may call. Mode `any` serves everyone; mode `keys` checks.

    Attributes:
        mode: `any` or `keys`.
        token_suffix: How all its tokens end; it tells whose they are.
        watcher: Is told that there are other API keys, if there is one.
    """

    def __init__(
        self,
        *,
        mode: AuthMode,
        clock: Clock,
        ids: Ids,
        token_lifetime: timedelta | None = None,
        token_suffix: str = "",
    ) -> None:
        """Hold the default key, which sees the default organization.

        Args:
            mode: `any` or `keys`.
            clock: Tokens expire by it.
            ids: Makes keys and tokens.
            token_lifetime: How long a token lives; None is for ever.
            token_suffix: How all tokens end; it tells whose they are.
        """
        self.mode = mode
        self.watcher: Callable[[], None] | None = None
        self._clock = clock
        self._ids = ids
        self._lifetime = token_lifetime
        self.token_suffix = token_suffix
        self._expired: set[bytes] = set()  # digests: before their time, by order
        self._tokens: dict[bytes, Token] = {}
        self._keys: dict[str, ApiKey] = {}
        self._hold(
            ApiKey(
                id=DEFAULT_KEY_ID,
                key=DEFAULT_KEY,
                organization_ids=frozenset({DEFAULT_PART.organization_id}),
            )
        )

    def twin(self, *, clock: Clock, ids: Ids, token_suffix: str) -> Accounts:
        """Other accounts with the keys of these, by another clock."""
        twin = Accounts(
            mode=self.mode,
            clock=clock,
            ids=ids,
            token_lifetime=self._lifetime,
            token_suffix=token_suffix,
        )
        twin._keys = self._keys.copy()
        return twin

    def knows(self, key_id: str) -> bool:
        """Whether there is an API key of that id."""
        return key_id in self._keys

    def expire(self, authorization: str | None) -> None:
        """Let the access token in an `authorization` header expire now, in either mode."""
        self._expired.add(self._ids.digest((authorization or "").partition(" ")[2]))

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """All API keys, in the order they were made."""
        return tuple(self._keys.values())

    def restore(self, keys: Iterable[ApiKey]) -> None:
        """Hold these API keys and no others; the watcher hears nothing of it.

        Tokens that were handed out stay good as long as their key is among them: clients that
        are connected need not notice.
        """
        self._keys = {key.id: key for key in keys}

    def add_key(
        self,
        *,
        organization_ids: Iterable[str],
        role: Role = "owner",
        expires: int | None = None,
    ) -> ApiKey:
        """Make a key that sees these organizations."""
        chosen = frozenset(organization_ids)
        if not chosen:
            message = "organization_ids must not be empty: such a key could see nothing"
            raise UsageError(message)
        key = self._hold(
            ApiKey(
                id=self._ids.uuid(),
                key=self._ids.token(),
                organization_ids=chosen,
                role=role,
                expires=expires,
            )
        )
        self._tell()
        return key

    def revoke(self, key_id: str) -> None:
        """Forget a key; its tokens end with it (AC-4).

        Raises:
            UsageError: There is no such key.
        """
        if self._keys.pop(key_id, None) is None:
            raise UsageError(f"no API key has the id {key_id!r}; cloud.api_keys lists them")
        self._tell()

    def authenticate(self, entity: str, kind: str, payload: str) -> str:
        """Exchange a key for a token (AU-1, AU-4).

        Raises:
            UnauthenticatedError: In mode `keys`, the id or the key is wrong.
        """
        if self.mode == "keys":
            self._check_key(entity, kind, payload)
        expires = None
        if self._lifetime is not None:
            expires = self._clock.now() + int(self._lifetime.total_seconds() * SECOND)
        token = self._ids.token() + self.token_suffix
        digest = self._ids.digest(token)
        self._tokens[digest] = Token(digest, entity, expires)
        return token

    def principal(self, authorization: str | None) -> Principal:
        """The caller behind an `authorization` header (AU-2).

        Raises:
            UnauthenticatedError: In mode `keys`, there is no live token in it.
        """
        scheme, _, presented = (authorization or "").partition(" ")
        if self.mode == "any" and not self._expired:
            return ANYONE
        digest = self._ids.digest(presented)
        if digest in self._expired:
            raise _expired()
        if self.mode == "any":
            return ANYONE
        if scheme.lower() != "bearer" or not presented:
            text = "authorization must be 'Bearer <access token>'; call Authenticate first"
            raise UnauthenticatedError(text, clause="AU-4")
        # A dict compares what it finds in a time that depends on it; digests are worth nothing
        # to those who do not know the key they were made with (AC-6).
        token = self._tokens.get(digest)
        if token is None or not hmac.compare_digest(token.digest, digest):
            text = "authorization holds an access token that this server did not issue"
            raise UnauthenticatedError(text, clause="AU-4")
        return self._holder(token)

    def _holder(self, token: Token) -> Principal:
        """Who holds a token that was issued here, if it still lives."""
        key, now = self._keys.get(token.key_id), self._clock.now()
        if key is None:
            text = "authorization holds an access token of an API key that was revoked"
            raise UnauthenticatedError(text, clause="AU-4")
        if key.expired(now):
            raise _expired_key()
        if token.expires is not None and now >= token.expires:
            raise _expired()
        return Principal(key.organization_ids, key.role)

    def _check_key(self, entity: str, kind: str, payload: str) -> None:
        if kind != "api-key":
            text = f"credentials.type must be 'api-key', got {kind!r}"
            raise UnauthenticatedError(text, clause="AU-4")
        known = self._keys.get(entity)
        # As much work for an id that nobody has as for a wrong key (AC-6).
        wanted = self._ids.digest("" if known is None else known.key)
        right = hmac.compare_digest(wanted, self._ids.digest(payload))
        # One text for both mistakes: it must not tell which half was right.
        if known is None or not right:
            text = "the API key id or the API key is wrong"
            raise UnauthenticatedError(text, clause="AU-4")
        if known.expired(self._clock.now()):
            raise _expired_key()

    def _tell(self) -> None:
        if self.watcher is not None:
            self.watcher()

    def _hold(self, key: ApiKey) -> ApiKey:
        self._keys[key.id] = key
        return key


def expiry(at: datetime | str | None, after: timedelta | None, *, now: int) -> int | None:
    """When a key ends that is to end then, or so long after now; None is never.

    Raises:
        UsageError: Both are given, or one is no good.
    """
    if at is not None and after is not None:
        raise UsageError("give expires or expires_in, not both")
    if after is None:
        return None if at is None else time_of(at)
    given: object = after
    if not isinstance(given, timedelta) or given <= timedelta(0):
        raise UsageError(f"expires_in must be a timedelta above 0, got {after!r}")
    end = now + after // timedelta(microseconds=1) * 1000
    if end > LAST:
        raise UsageError(f"expires_in must end before the year 10000, got {after!r}")
    return end


def _expired() -> UnauthenticatedError:
    text = "authorization holds an access token that has expired; call Authenticate again"
    return UnauthenticatedError(text, clause="AU-4")


def _expired_key() -> UnauthenticatedError:
    text = "the API key has expired; ask for another one, or move the fake's clock back"
    return UnauthenticatedError(text, clause="AU-4")
