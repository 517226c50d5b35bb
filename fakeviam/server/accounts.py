"""API keys, tokens and what their holders may see."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from fakeviam.model.clock import SECOND
from fakeviam.model.errors import PermissionDeniedError, UnauthenticatedError, UsageError
from fakeviam.model.fleet import DEFAULT_PART

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.clock import Clock
    from fakeviam.model.ids import Ids

AuthMode = Literal["any", "keys"]

DEFAULT_KEY_ID = "f4ce0000-0000-4000-8000-000000000001"
DEFAULT_KEY = "fakeviam-api-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """An API key; `id` is a UUID, as viam-sdk demands."""

    id: str
    key: str
    organization_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. `organization_ids` is what it may see; None is everything."""

    organization_ids: frozenset[str] | None = None

    def sees(self, organization_id: str) -> bool:
        """Whether data of that organization exists for the caller."""
        return self.organization_ids is None or organization_id in self.organization_ids

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
class _Token:
    principal: Principal
    expires: int | None


class Accounts:
    """Who may call. Mode `any` serves everyone; mode `keys` checks."""

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
        if mode not in ("any", "keys"):
            message = f"auth must be 'any' or 'keys', got {mode!r}"
            raise UsageError(message)
        lifetime: object = token_lifetime
        if lifetime is not None and not (
            isinstance(lifetime, timedelta) and lifetime > timedelta(0)
        ):
            message = f"token_lifetime must be a timedelta above 0, got {token_lifetime!r}"
            raise UsageError(message)
        self.mode = mode
        self._clock = clock
        self._ids = ids
        self._lifetime = token_lifetime
        self._suffix = token_suffix
        self._expired: set[str] = set()  # before their time, by order
        self._tokens: dict[str, _Token] = {}
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
        self._expired.add((authorization or "").partition(" ")[2])

    def add_key(self, *, organization_ids: Iterable[str]) -> ApiKey:
        """Make a key that sees these organizations."""
        chosen = frozenset(organization_ids)
        if not chosen:
            message = "organization_ids must not be empty: such a key could see nothing"
            raise UsageError(message)
        return self._hold(
            ApiKey(id=self._ids.uuid(), key=self._ids.token(), organization_ids=chosen)
        )

    def authenticate(self, entity: str, kind: str, payload: str) -> str:
        """Exchange a key for a token (AU-1, AU-4).

        Raises:
            UnauthenticatedError: In mode `keys`, the id or the key is wrong.
        """
        principal = ANYONE if self.mode == "any" else self._check_key(entity, kind, payload)
        expires = None
        if self._lifetime is not None:
            expires = self._clock.now() + int(self._lifetime.total_seconds() * SECOND)
        token = self._ids.token() + self._suffix
        self._tokens[token] = _Token(principal, expires)
        return token

    def principal(self, authorization: str | None) -> Principal:
        """The caller behind an `authorization` header (AU-2).

        Raises:
            UnauthenticatedError: In mode `keys`, there is no live token in it.
        """
        scheme, _, presented = (authorization or "").partition(" ")
        if presented in self._expired:
            raise _expired()
        if self.mode == "any":
            return ANYONE
        if scheme.lower() != "bearer" or not presented:
            text = "authorization must be 'Bearer <access token>'; call Authenticate first"
            raise UnauthenticatedError(text, clause="AU-4")
        token = self._tokens.get(presented)
        if token is None:
            text = "authorization holds an access token that this server did not issue"
            raise UnauthenticatedError(text, clause="AU-4")
        if token.expires is not None and self._clock.now() >= token.expires:
            raise _expired()
        return token.principal

    def _check_key(self, entity: str, kind: str, payload: str) -> Principal:
        if kind != "api-key":
            text = f"credentials.type must be 'api-key', got {kind!r}"
            raise UnauthenticatedError(text, clause="AU-4")
        known = self._keys.get(entity)
        # One text for both mistakes: it must not tell which half was right.
        if known is None or not hmac.compare_digest(known.key.encode(), payload.encode()):
            text = "the API key id or the API key is wrong"
            raise UnauthenticatedError(text, clause="AU-4")
        return Principal(known.organization_ids)

    def _hold(self, key: ApiKey) -> ApiKey:
        self._keys[key.id] = key
        return key


def _expired() -> UnauthenticatedError:
    text = "authorization holds an access token that has expired; call Authenticate again"
    return UnauthenticatedError(text, clause="AU-4")
