"""The client of the control API."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fakeviam.program import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fakeviam.target import Target

ROOT = "/control/v1"

#: What this client was written for; servers of the same major number that are not older will do.
API_VERSION = (1, 0)

VERSION_HEADER = "fakeviam-control-api"

#: Seconds that an answer may take, beside what was asked to wait for.
PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A response."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """A client of one server.

    Attributes:
        target: The server's address.
        token: The control token; empty for none.
        session: The session to act on; empty for the server itself.
    """

    target: Target
    token: str = ""
    session: str = ""

    def get(self, path: str, *, wait: float = 0, **query: Any) -> Any:
        """Send a GET request; query parameters that are None are omitted."""
        chosen = {name: value for name, value in query.items() if value is not None}
        if wait:
            chosen["wait"] = wait
        asked = f"{path}?{urlencode(chosen)}" if chosen else path
        return self._json("GET", asked, patience=PATIENCE + wait)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON."""
        if body is None:
            return self._json(method, path)
        headers = {"content-type": "application/json"}
        return self._json(method, path, json.dumps(body).encode(), headers)

    def stream(self, path: str, kind: str, pieces: Iterable[bytes]) -> Any:
        """Send bytes, unchanged."""
        return self._json("POST", path, pieces, {"content-type": kind})

    def download(self, path: str, file: IO[bytes]) -> int:
        """Download `path` into a file and return the number of bytes."""
        with self._explained():
            answer = self.raw("GET", f"{ROOT}{path}")
        if answer.status >= 400:
            self._checked(answer)
        version_of(self.target, answer)
        return file.write(answer.body)

    def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: float = PATIENCE,
    ) -> Answer:
        """Send a request, without checking that the server is a fakeviam.

        Raises:
            OSError: The server is unreachable or does not answer.
            http.client.HTTPException: The response is not HTTP.
        """
        connection = _connection(self.target, patience)
        try:
            # A server that refuses at once does not read on; what it says is there already.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, {**self._headers(), **(headers or {})})
            found = connection.getresponse()
            return Answer(
                status=found.status,
                reason=found.reason,
                headers={name.lower(): value for name, value in found.getheaders()},
                body=found.read(),
            )
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        if self.session:
            headers["fakeviam-session"] = self.session
        return headers

    def _json(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: float = PATIENCE,
    ) -> Any:
        with self._explained():
            answer = self.raw(method, f"{ROOT}{path}", body, headers, patience=patience)
        return self._checked(answer)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn connection failures into a one-line error."""
        try:
            yield
        except TimeoutError as error:
            raise CommandError(f"{self.target.told} does not answer") from error
        except OSError as error:
            raise CommandError(unreachable(self.target, error)) from error
        except http.client.HTTPException as error:
            raise CommandError(f"{self.target.told} is not a fakeviam: {_told(error)}") from error

    def _checked(self, answer: Answer) -> Any:
        version = version_of(self.target, answer)
        found = _parsed(answer.body)
        if answer.status < 400:
            return found
        said = found.get("error", {}) if isinstance(found, dict) else {}
        what = said.get("what", f"{answer.status} {answer.reason}")
        if answer.status == 404 and "field" not in said and version < API_VERSION:
            what = f"{what}: the server is older than this command"
        if answer.status == 401:
            what = f"{what}; pass it with --token or FAKEVIAM_CONTROL_TOKEN"
        elif "hint" in said and ("field" in said or answer.status != 404):
            what = f"{what}; {said['hint']}"
        raise CommandError(what)


def version_of(target: Target, answer: Answer) -> tuple[int, int]:
    """Return the version of the server's control API.

    Raises:
        CommandError: There is none, or this client does not support it.
    """
    told = answer.headers.get(VERSION_HEADER)
    if told is None:
        server = answer.headers.get("server", "")
        who = f" from {server}" if server else ""
        raise CommandError(
            f"{target.told} is not a fakeviam: it answered {answer.status} {answer.reason}{who}"
        )
    major, _, minor = told.partition(".")
    if int(major) != API_VERSION[0]:
        raise CommandError(
            f"{target.told} has control API {told}, this command needs {API_VERSION[0]}; "
            "use the same version of fakeviam for both"
        )
    return int(major), int(minor)


def _connection(target: Target, timeout: float) -> http.client.HTTPConnection:
    """A connection that is opened by the first request."""
    if target.path:
        return _UnixConnection(target.path, timeout)
    kind = http.client.HTTPSConnection if target.tls else http.client.HTTPConnection
    return kind(target.host, target.port, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


def unreachable(target: Target, error: OSError) -> str:
    """Describe why a server cannot be reached."""
    why = error.strerror or str(error)
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        why = "nothing listens there; start one with `fakeviam serve`, or set --target"
    return f"cannot reach a fakeviam at {target.told}: {why}"


def segment(name: str) -> str:
    """Quote a name for use in a path."""
    return quote(name, safe="")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _told(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
