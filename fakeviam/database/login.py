"""Logins of database users: SCRAM, with the password that ConfigureDatabaseUser set (DB-7)."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scramp import ScramException, ScramMechanism  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

#: SCRAM-SHA-1 hashes a digest of the password, SCRAM-SHA-256 the password itself.
_PREPARE: MappingProxyType[str, Callable[[str, str], str]] = MappingProxyType(
    {
        "SCRAM-SHA-256": lambda _user, password: password,
        "SCRAM-SHA-1": lambda user, password: hashlib.md5(  # noqa: S324 - as MongoDB has it
            f"{user}:mongo:{password}".encode()
        ).hexdigest(),
    }
)
MECHANISMS: Final = tuple(_PREPARE)


class LoginError(Exception):
    """A failed login; the message, for the log, explains why."""


class Login:
    """One login, which takes two messages of the client, or three.

    Attributes:
        user: The name that it brought.
        is_proven: Whether the client has shown that it knows the password.
        skips_empty: Whether the client does without the last, empty message.
    """

    def __init__(
        self,
        mechanism: object,
        *,
        password_of: Callable[[str], str | None],
        salt: bytes,
        nonce: str,
        skips_empty: bool = False,
    ) -> None:
        """Begin a login.

        Args:
            mechanism: The client's choice.
            password_of: Finds the password of a user; None where there is no such user.
            salt: Of the password's hash.
            nonce: The server's part of the conversation's.
            skips_empty: Whether the client does without the last, empty message.

        Raises:
            LoginError: The mechanism is not served.
        """
        if not isinstance(mechanism, str) or mechanism not in _PREPARE:
            served = " and ".join(MECHANISMS)
            raise LoginError(f"the mechanism {mechanism!r} is not served; served are {served}")
        self.user = ""
        self.is_proven = False
        self.skips_empty = skips_empty
        self._password_of = password_of
        self._salt = salt
        self._prepare = _PREPARE[mechanism]
        self._mechanism = ScramMechanism(mechanism)
        self._server = self._mechanism.make_server(self._hashes, s_nonce=nonce)

    def answer(self, payload: bytes) -> bytes:
        """Answer the client's next message.

        Raises:
            LoginError: It is refused.
        """
        try:
            text = payload.decode()
            if not self.user:
                self._server.set_client_first(text)
                first: str = self._server.get_server_first()
                return first.encode()
            self._server.set_client_final(text)
            final: str = self._server.get_server_final()
            self.is_proven = True
            return final.encode()
        except (ScramException, UnicodeDecodeError) as error:
            # scramp wraps what `_hashes` raises.
            cause = error.__cause__
            raise (cause if isinstance(cause, LoginError) else LoginError(str(error))) from None

    def _hashes(self, user: str) -> tuple[bytes, bytes, bytes, int]:
        password = self._password_of(user)
        if password is None:
            raise LoginError(f"there is no database user {user!r}; call ConfigureDatabaseUser")
        self.user = user
        made: tuple[bytes, bytes, bytes, int] = self._mechanism.make_auth_info(
            self._prepare(user, password), salt=self._salt
        )
        return made
