"""The state of one connection: hello, login, then commands, each of which gets a reply."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from bson import Binary

from fakeviam.database import queries
from fakeviam.database.commands import find_command
from fakeviam.database.context import UNAUTHORIZED, Context
from fakeviam.database.login import MECHANISMS, Login, LoginError
from fakeviam.database.wire_messages import MAX_DOCUMENT_BYTES, MAX_MESSAGE_BYTES
from fakeviam.model.clock import moment_of
from fakeviam.model.errors import Refusal
from fakeviam.query.errors import QueryError
from fakeviam.server.services.data.databases import APPLICATION_PREFIX, USER_PREFIX
from fakeviam.server.services.turns import has_many
from fakeviam.server.state.cloud import Crash
from fakeviam.server.state.retention import enforce_retention

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.database.context import Reply
    from fakeviam.database.cursors import Cursors
    from fakeviam.database.wire_messages import CommandMessage
    from fakeviam.query.values import Document
    from fakeviam.server.lifecycle.session_registry import SessionRegistry
    from fakeviam.server.state.cloud import CloudState

Made = TypeVar("Made")

log = logging.getLogger("fakeviam")

#: The database with the users.
AUTH_SOURCE: Final = "admin"

_AUTHENTICATION_FAILED: Final = 18
_OUT_OF_DISK_SPACE: Final = 14031
_HELLO = frozenset({"hello", "isMaster", "ismaster"})

#: The reply of a 7.0 server, which all current drivers support.
_WIRE_VERSION: Final = 21


class Conversation:
    """The state of one connection: its cloud, and the user who is logged in.

    Attributes:
        peer: The client's address.
    """

    def __init__(self, clouds: SessionRegistry, cursors: Cursors) -> None:
        """Start without a login."""
        self.peer = ""
        self._clouds = clouds
        self._cursors = cursors
        self._session: str | None = None  # until the first hello names it
        self._entered: CloudState | None = None  # after a login
        self._login: Login | None = None
        self._user = self._owner = ""
        self._logins = 0

    def answer(self, request: CommandMessage) -> Reply | Callable[[], Reply]:
        """The reply to a request; errors are replies too.

        A reply that takes long is returned as a function, which may be called in a thread (SV-18).
        """
        reply = self._told(request, lambda: self._answer(request))
        return partial(self._told, request, reply) if callable(reply) else reply

    def _told(self, request: CommandMessage, work: Callable[[], Made]) -> Made | Reply:
        """The result of `work`, or the reply for its error."""
        try:
            return work()
        except QueryError as error:
            return _refusal(error.code, error.text, error.code_name)
        except Refusal as refusal:  # what retention deleted cannot be persisted (DD-4)
            return _refusal(_OUT_OF_DISK_SPACE, refusal.text, "OutOfDiskSpace")
        except Exception as error:
            # Unlike any error of MongoDB, so that the test shows that the fake itself is broken.
            log.exception("fakeviam crashed in the database command %s", request.name)
            self._clouds.base.crashes.append(Crash(f"database command {request.name}", error))
            text = f"fakeviam has a bug: {type(error).__name__} in {request.name}: {error} [SV-4]"
            return _refusal(1, text, "InternalError")

    def _answer(self, request: CommandMessage) -> Reply | Callable[[], Reply]:
        name, command = request.name, request.command
        if not request.database:
            raise QueryError(40571, "OP_MSG requests require a $db argument")
        if name in _HELLO:
            return self._hello(name, command)
        if request.legacy:
            text = f"Unsupported OP_QUERY command: {name}. Use a driver that sends OP_MSG."
            raise QueryError(352, text)
        if name == "saslStart":
            return self._start_login(command, request.database)
        if name == "saslContinue":
            return self._continue_login(command)
        if name == "logout":
            self.end()
            return {"ok": 1.0}
        handler = find_command(command)
        if not (self._user or handler.before_login):
            remedy = f"log in as {USER_PREFIX}<organization id>, whom ConfigureDatabaseUser makes"
            text = f"command {name} requires authentication; {remedy} [DB-7]"
            raise QueryError(UNAUTHORIZED, text)
        cloud = self._cloud()
        if not (handler.may_be_long and has_many(cloud.store)):
            return handler.answer(self._context(request.database, cloud), command)
        enforce_retention(cloud)
        still = cloud.detached(store=cloud.store.view())
        return partial(handler.answer, self._context(request.database, still), command)

    @property
    def is_logged_in(self) -> bool:
        """Whether a user is logged in."""
        return bool(self._user)

    def end(self) -> None:
        """Log out."""
        if self._owner:
            self._cursors.leave(self._owner)
        self._user, self._owner, self._entered = "", "", None

    def _context(self, database: str, cloud: CloudState) -> Context:
        organization_id = self._user.removeprefix(USER_PREFIX)
        return Context(
            database=database,
            owner=self._owner,
            user=self._user,
            run=lambda stages: queries.run(cloud, organization_id, stages),
            transform=lambda documents, stages: queries.transform(cloud, documents, stages),
            cursors=self._cursors,
            peer=self.peer,
        )

    def _cloud(self) -> CloudState:
        """The cloud that the first hello named.

        Raises:
            QueryError: Its session is closed, or a new one has its name: the reply would come from
                the wrong cloud.
        """
        cloud = self._clouds.cloud(self._session) if self._session else self._clouds.base
        if cloud is None:
            text = f"no session named {self._session!r} is open [SS-2]"
            raise QueryError(_AUTHENTICATION_FAILED, text)
        if self._entered is not None and cloud is not self._entered:
            text = (
                f"the session {self._session!r} that this connection logged in to has ended [SS-3]"
            )
            raise QueryError(_AUTHENTICATION_FAILED, text)
        return cloud

    # Hello and login ---------------------------------------------------------------------

    def _hello(self, name: str, command: Document) -> Reply:
        client = command.get("client")
        application = client.get("application") if isinstance(client, dict) else None
        app_name = application.get("name") if isinstance(application, dict) else None
        if self._session is None:  # later hellos cannot change it
            name_of_client = app_name if isinstance(app_name, str) else ""
            _, _, self._session = name_of_client.partition(APPLICATION_PREFIX)
        # No topologyVersion: with it, drivers expect the reply to wait for a change, and would call
        # thousands of times per second.
        reply: Reply = {
            "isWritablePrimary" if name == "hello" else "ismaster": True,
            "helloOk": True,
            "maxBsonObjectSize": MAX_DOCUMENT_BYTES,
            "maxMessageSizeBytes": MAX_MESSAGE_BYTES,
            "maxWriteBatchSize": 100_000,
            "localTime": moment_of(self._clouds.base.clock.now()),
            "logicalSessionTimeoutMinutes": 30,
            "connectionId": 1,
            "minWireVersion": 0,
            "maxWireVersion": _WIRE_VERSION,
            "readOnly": True,
            "ok": 1.0,
        }
        if isinstance(command.get("saslSupportedMechs"), str):
            reply["saslSupportedMechs"] = list(MECHANISMS)
        speculative = command.get("speculativeAuthenticate")
        if isinstance(speculative, dict) and speculative.get("saslStart"):
            try:
                reply["speculativeAuthenticate"] = self._start_login(
                    speculative, str(speculative.get("db", AUTH_SOURCE))
                )
            except QueryError:
                self._login = None  # the client falls back to saslStart, which reports the reason
        return reply

    def _start_login(self, command: Document, database: str) -> Reply:
        if database != AUTH_SOURCE:
            raise _failed(
                f"users are in the database {AUTH_SOURCE!r}; add authSource=admin to the URI"
            )
        options = command.get("options")
        cloud = self._cloud()
        self._logins += 1
        self._login = None
        try:
            login = Login(
                command.get("mechanism"),
                password_of=self._password_of,
                salt=_mark(cloud, "salt of database users").encode(),
                nonce=_mark(cloud, f"{self.peer} {self._logins} {cloud.clock.now()}"),
                skips_empty=isinstance(options, dict) and bool(options.get("skipEmptyExchange")),
            )
            payload = login.answer(_payload(command))
        except LoginError as error:
            raise _failed(str(error)) from None
        self._login = login
        return _sasl(payload, done=False)

    def _continue_login(self, command: Document) -> Reply:
        login = self._login
        if login is None:
            raise QueryError(17, "No SASL session state found")
        if login.is_proven:  # the final, empty message
            self._login = None
            return _sasl(b"", done=True)
        try:
            payload = login.answer(_payload(command))
        except LoginError as error:
            self._login = None
            raise _failed(f"the password is not that of {login.user} ({error})") from None
        self.end()
        self._user, self._entered = login.user, self._cloud()
        suffix = self._entered.accounts.token_suffix
        self._owner = f"{suffix}/{self._user.removeprefix(USER_PREFIX)}"
        self._cursors.enter(self._owner)
        if login.skips_empty:
            self._login = None
        return _sasl(payload, done=login.skips_empty)

    def _password_of(self, user: str) -> str | None:
        if not user.startswith(USER_PREFIX):
            return None
        return self._cloud().store.database_password(user.removeprefix(USER_PREFIX))


class Refusing:
    """A connection on which every command, including hello, gets the same error.

    Attributes:
        peer: The client's address.
    """

    def __init__(self, text: str) -> None:
        """Reply with this text."""
        self.peer = ""
        self.is_logged_in = False
        self._text = text

    def end(self) -> None:
        """Do nothing: there is no login."""

    def answer(self, request: CommandMessage) -> Reply:
        """The error."""
        del request
        error = QueryError(UNAUTHORIZED, self._text)
        return _refusal(error.code, error.text, error.code_name)


def _mark(cloud: CloudState, text: str) -> str:
    """24 hex digits that only this cloud can derive from a text; one seal has eight."""
    return "".join(cloud.ids.seal(f"{text}/{part}") for part in range(3))


def _payload(command: Document) -> bytes:
    payload: object = command.get("payload")
    if not isinstance(payload, bytes):
        raise QueryError(14, "BSON field 'payload' must be binary data")
    return bytes(payload)


def _sasl(payload: bytes, *, done: bool) -> Reply:
    return {"conversationId": 1, "done": done, "payload": Binary(payload), "ok": 1.0}


def _failed(why: str) -> QueryError:
    return QueryError(_AUTHENTICATION_FAILED, f"Authentication failed: {why} [DB-7]")


def _refusal(code: int, text: str, name: str) -> Reply:
    return {"ok": 0.0, "errmsg": text, "code": code, "codeName": name}
