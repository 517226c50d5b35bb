"""API keys and access tokens, and what their holders may see."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from fakeviam.model.clock import LAST, SECOND, time_of
from fakeviam.model.errors import PermissionDeniedError, UnauthenticatedError, UsageError
from fakeviam.model.filters import DataScope
from fakeviam.model.fleet import DEFAULT_PART
from fakeviam.model.text import short
from fakeviam.server.state.roles import check_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from fakeviam.model.clock import Clock
    from fakeviam.model.fleet import Part
    from fakeviam.model.ids import Ids
    from fakeviam.model.policy import Policy
    from fakeviam.model.records import Source
    from fakeviam.model.roles import Role

AuthMode = Literal["any", "keys"]

DEFAULT_KEY_ID = "f4ce0000-0000-4000-8000-000000000001"
DEFAULT_KEY = "fakeviam-api-key"

_NONCE_LENGTH = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """An API key; `id` is a UUID, as viam-sdk requires.

    Attributes:
        organization_ids: The organizations it gives access to.
        location_ids: If not empty, the only locations it gives access to (AC-8).
        robot_ids: If not empty, the only machines it gives access to (AC-8).
        role: The role of its holder (AC-1).
        expires: When it expires by the fake's clock, ns since the epoch; None is never (AC-4).
    """

    id: str
    key: str = field(repr=False)  # failing tests print values
    organization_ids: frozenset[str]
    role: Role = "owner"
    expires: int | None = None
    location_ids: frozenset[str] = frozenset()
    robot_ids: frozenset[str] = frozenset()

    @property
    def scope(self) -> DataScope:
        """The data that its holder may see."""
        if self.robot_ids:
            return DataScope("robot", self.robot_ids)
        if self.location_ids:
            return DataScope("location", self.location_ids)
        return DataScope("organization", self.organization_ids)

    def expired(self, now: int) -> bool:
        """Whether it has expired at that time."""
        return self.expires is not None and now >= self.expires


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an RPC.

    Attributes:
        organization_ids: The organizations whose datasets it may see; None is all.
        scope: The data it may see; None is all.
    """

    organization_ids: frozenset[str] | None = None
    role: Role = "owner"
    scope: DataScope | None = None

    @classmethod
    def within(cls, scope: DataScope | None) -> Principal:
        """A caller who may see only this scope."""
        whole = scope is not None and scope.level == "organization"
        return cls(scope.ids if scope is not None and whole else None, scope=scope)

    def sees_data_of(self, place: Part | Source) -> bool:
        """Whether data of a part or source is visible to the caller (A51, AC-8)."""
        return self.scope is None or self.scope.holds(place)

    def sees(self, organization_id: str) -> bool:
        """Whether an organization is visible to the caller."""
        return self.organization_ids is None or organization_id in self.organization_ids

    def check_right(self, rpc: str, policy: Policy) -> tuple[str, ...]:
        """Refuse an RPC that the role does not permit (AC-3); returns the clauses that decided."""
        level = "organization" if self.scope is None else self.scope.level
        return check_role(self.role, level.replace("robot", "machine"), rpc, policy)

    def check_whole(self, what: str, *, clause: str) -> None:
        """Refuse callers who may not see all data of their organization."""
        if self.scope is not None and self.scope.level != "organization":
            level = self.scope.level.replace("robot", "machine")
            text = f"{what} requires an API key of an organization; this one is of a {level}"
            raise PermissionDeniedError(text, clause=clause)

    def check_named(self, organization_ids: Iterable[str]) -> None:
        """Refuse organizations that the caller may not see (A51).

        Unknown organizations are refused in the same way, so that nothing leaks.
        """
        for organization_id in organization_ids:
            if not self.sees(organization_id):
                text = f"this API key has no access to organization {organization_id!r}"
                raise PermissionDeniedError(text, clause="A51")


ANYONE = Principal()


class _Claims(NamedTuple):
    """The claims of an access token, which are protected by its signature.

    Attributes:
        nonce: Makes each token unique.
        expires: When it expires by the fake's clock, ns since the epoch; None is never.
        key_id: The id of its API key; empty if no key was checked.
    """

    nonce: str
    expires: int | None
    key_id: str

    def encode(self) -> str:
        """Encode the claims as the part of a token before the dot."""
        expires = "" if self.expires is None else self.expires
        text = f"{self.nonce} {expires} {self.key_id}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> _Claims:
        """Decode the claims from `encode`."""
        padding = "=" * (-len(text) % 4)
        nonce, expires, key_id = urlsafe_b64decode(text + padding).decode().split(" ", 2)
        return cls(nonce, int(expires) if expires else None, key_id)


class Accounts:
    """Authentication. Mode `any` accepts everyone; mode `keys` checks credentials.

    Access tokens are signed rather than stored: they outlive the process if the seed does (AC-7).

    Attributes:
        mode: `any` or `keys`.
        checks: Whether the identity of callers matters.
        token_suffix: The end of all its tokens, which identifies the session.
        keeper: Persists all API keys, then calls the function that applies them.
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
        """Start with the default key, which gives access to the default organization.

        Args:
            mode: `any` or `keys`.
            clock: The clock by which keys and tokens expire.
            ids: Generates keys, and signs tokens.
            token_lifetime: How long a token is valid; None is unlimited.
            token_suffix: The end of all tokens.
        """
        self.mode: AuthMode = mode
        self.checks = mode == "keys"
        self.token_suffix = token_suffix
        self.keeper: Callable[[Iterable[ApiKey], Callable[[], object]], None] | None = None
        self._clock = clock
        self._ids = ids
        self._lifetime = token_lifetime
        self._expired: set[bytes] = set()  # digests of tokens that faults have expired
        default = ApiKey(
            id=DEFAULT_KEY_ID,
            key=DEFAULT_KEY,
            organization_ids=frozenset({DEFAULT_PART.organization_id}),
        )
        self._keys = {default.id: default}

    def fork(self, *, clock: Clock, ids: Ids, token_suffix: str) -> Accounts:
        """An independent copy with the same API keys and another clock, without tokens."""
        fork = Accounts(
            mode=self.mode,
            clock=clock,
            ids=ids,
            token_lifetime=self._lifetime,
            token_suffix=token_suffix,
        )
        fork._keys = self._keys.copy()
        return fork

    # API keys ----------------------------------------------------------------------------

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """All API keys, in order of creation."""
        return tuple(self._keys.values())

    def knows(self, key_id: str) -> bool:
        """Whether there is an API key with this id."""
        return key_id in self._keys

    def restore(self, keys: Iterable[ApiKey]) -> None:
        """Replace all API keys; the keeper is not called.

        Tokens stay valid as long as their key exists, so that connected clients are not
        interrupted.
        """
        self._keys = {key.id: key for key in keys}

    def add_key(
        self,
        *,
        organization_ids: Iterable[str],
        role: Role = "owner",
        expires: int | None = None,
        location_ids: Iterable[str] = (),
        robot_ids: Iterable[str] = (),
    ) -> ApiKey:
        """Create a key for these organizations, or only for some of their locations or machines."""
        organizations = frozenset(organization_ids)
        if not organizations:
            message = "organization_ids must not be empty: the key would give access to nothing"
            raise UsageError(message)
        key_id = self._ids.uuid()
        key = ApiKey(
            id=key_id,
            key=self._ids.token(key_id),
            organization_ids=organizations,
            role=role,
            expires=expires,
            location_ids=frozenset(location_ids),
            robot_ids=frozenset(robot_ids),
        )
        self._put({**self._keys, key_id: key})
        return key

    def revoke(self, key_id: str) -> None:
        """Revoke a key and all its tokens (AC-4).

        Raises:
            UsageError: There is no such key.
        """
        if key_id not in self._keys:
            raise UsageError(f"no API key has the id {short(key_id)}; cloud.api_keys lists them")
        self._put({id_: key for id_, key in self._keys.items() if id_ != key_id})

    def _put(self, keys: dict[str, ApiKey]) -> None:
        """Persist these keys, then replace all others."""
        if self.keeper is None:
            self.restore(keys.values())
        else:
            self.keeper(keys.values(), lambda: self.restore(keys.values()))

    # Access tokens -----------------------------------------------------------------------

    def authenticate(self, entity: str, kind: str, payload: str) -> str:
        """Exchange an API key for an access token (AU-1, AU-4).

        Raises:
            UnauthenticatedError: In mode `keys`, the id or the key is wrong.
        """
        return self._issue(self._check_key(entity, kind, payload) if self.mode == "keys" else "")

    def _issue(self, key_id: str) -> str:
        expires = None
        if self._lifetime is not None:
            expires = self._clock.now() + int(self._lifetime.total_seconds() * SECOND)
        nonce = self._ids.token()[:_NONCE_LENGTH]
        claims = _Claims(nonce, expires, key_id).encode()
        return f"{claims}.{self._signature(claims)}{self.token_suffix}"

    def renew(self, authorization: str | None) -> str:
        """Issue another access token for the caller (AU-5).

        Raises:
            UnauthenticatedError: In mode `keys`, the header has no valid token.
        """
        self.principal(authorization)
        key_id = ""
        if self.mode == "keys":
            token = (authorization or "").partition(" ")[2]
            key_id = _Claims.decode(token.rpartition(".")[0]).key_id
        return self._issue(key_id)

    def expire(self, authorization: str | None) -> None:
        """Expire the access token in an `authorization` header now, in either mode."""
        self._expired.add(self._ids.digest((authorization or "").partition(" ")[2]))
        self.checks = True

    def principal(self, authorization: str | None) -> Principal:
        """The caller that an `authorization` header identifies (AU-2).

        Raises:
            UnauthenticatedError: In mode `keys`, it has no valid token. In either mode, its
                token was expired by `expire`.
        """
        if not self.checks:
            return ANYONE
        scheme, _, token = (authorization or "").partition(" ")
        if self._ids.digest(token) in self._expired:
            raise _expired_token()
        if self.mode == "any":
            return ANYONE
        if scheme.lower() != "bearer" or not token:
            text = "authorization must be 'Bearer <access token>'; call Authenticate first"
            raise UnauthenticatedError(text, clause="AU-4")
        claims, _, signature = token.removesuffix(self.token_suffix).rpartition(".")
        is_valid = hmac.compare_digest(self._signature(claims).encode(), signature.encode())
        if not is_valid or not token.endswith(self.token_suffix):
            text = "authorization has an access token that this server did not issue"
            raise UnauthenticatedError(text, clause="AU-4")
        return self._holder(_Claims.decode(claims))

    def caller(self, headers: Mapping[str, str]) -> Principal:
        """The caller of a download, by a token, or by an API key in `key_id` and `key` (DL-1).

        Raises:
            UnauthenticatedError: In mode `keys`, the credentials are missing or wrong.
        """
        key_id = headers.get("key_id")
        if self.mode == "any" or key_id is None:
            return self.principal(headers.get("authorization"))
        key = self._keys[self._check_key(key_id, "api-key", headers.get("key", ""))]
        return _principal_of(key)

    def _holder(self, claims: _Claims) -> Principal:
        """The holder of a token, if the token is valid."""
        key, now = self._keys.get(claims.key_id), self._clock.now()
        if key is None:
            was = "of an API key that was revoked" if claims.key_id else "issued without a key"
            text = f"authorization has an access token {was}; call Authenticate again"
            raise UnauthenticatedError(text, clause="AU-4")
        if key.expired(now):
            raise _expired_key()
        if claims.expires is not None and now >= claims.expires:
            raise _expired_token()
        return _principal_of(key)

    def _check_key(self, key_id: str, kind: str, payload: str) -> str:
        """The id of the API key in a login."""
        if kind != "api-key":
            text = f"credentials.type must be 'api-key', got {short(kind)}"
            raise UnauthenticatedError(text, clause="AU-4")
        key = self._keys.get(key_id)
        # An unknown id takes as much time as a wrong key (AC-6).
        expected = self._ids.digest("" if key is None else key.key)
        matches = hmac.compare_digest(expected, self._ids.digest(payload))
        # The same message for both mistakes, so that it does not reveal which half is right.
        if key is None or not matches:
            text = "the API key id or the API key is invalid"
            raise UnauthenticatedError(text, clause="AU-4")
        if key.expired(self._clock.now()):
            raise _expired_key()
        return key_id

    def _signature(self, claims: str) -> str:
        return self._ids.digest(f"access token {claims}").hex()


def _principal_of(key: ApiKey) -> Principal:
    return Principal(key.organization_ids, key.role, key.scope)


def expiry(at: datetime | str | None, after: timedelta | None, *, now: int) -> int | None:
    """The expiry of a key, given as a time or a duration from now; None is never.

    Raises:
        UsageError: Both are given, or one is invalid.
    """
    if at is not None and after is not None:
        raise UsageError("expires and expires_in cannot be combined")
    if after is None:
        return None if at is None else time_of(at, "expires")
    span: object = after
    if not isinstance(span, timedelta) or span <= timedelta(0):
        raise UsageError(f"expires_in must be a timedelta above 0, got {short(after)}")
    end = now + after // timedelta(microseconds=1) * 1000
    if end > LAST:
        raise UsageError(f"expires_in must end before the year 10000, got {short(after)}")
    return end


def _expired_token() -> UnauthenticatedError:
    text = "authorization has an access token that has expired; call Authenticate again"
    return UnauthenticatedError(text, clause="AU-4")


def _expired_key() -> UnauthenticatedError:
    text = "the API key has expired; use another one, or move the fake's clock back"
    return UnauthenticatedError(text, clause="AU-4")
