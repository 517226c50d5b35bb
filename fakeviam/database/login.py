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
        "SCRAM-SHA-1": lambda user, password: hashlib.md5(  # noqa: S324 - required by MongoDB
            f"{user}:mongo:{password}".encode()
        ).hexdigest(),
    }
)
MECHANISMS: Final = tuple(_PREPARE)


class LoginError(Exception):
    """A failed login; the message, for the log, explains why."""


class Login:
    """A login, which takes two or three messages of the client.

    Attributes:
        user: The name of the user.
        is_proven: Whether the client has shown that it knows the password.
        skips_empty: Whether the client skips the final, empty message.
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
            password_of: Returns the password of a user; None if the user does not exist.
            salt: The salt of the password's hash.
            nonce: The server's part of the nonce.
            skips_empty: Whether the client skips the final, empty message.

        Raises:
            LoginError: The mechanism is not supported.
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
            LoginError: The message is invalid, or the password is wrong.
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
            # scramp wraps exceptions of `_hashes`.
            cause = error.__cause__
            raise (cause if isinstance(cause, LoginError) else LoginError(str(error))) from None

    def _hashes(self, user: str) -> tuple[bytes, bytes, bytes, int]:
        password = self._password_of(user)
        if password is None:
            raise LoginError(f"there is no database user {user!r}; call ConfigureDatabaseUser")
        self.user = user
        hashes: tuple[bytes, bytes, bytes, int] = self._mechanism.make_auth_info(
            self._prepare(user, password), salt=self._salt
        )
        return hashes
