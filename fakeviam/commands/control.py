"""The client of the control API."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fakeviam.model.errors import UsageError
from fakeviam.program import CommandError
from fakeviam.target import client_context, tls_failure

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
class ControlResponse:
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
        ca_file: Certificates to trust instead of the system's; empty for those.
        token: The control token; empty for none.
        session: The session to act on; empty for the server itself.
    """

    target: Target
    ca_file: str = ""
    token: str = ""
    session: str = ""

    def get(self, path: str, *, wait: float = 0, **query: object) -> Any:
        """Send a GET request; query parameters that are None are omitted."""
        parameters = {name: value for name, value in query.items() if value is not None}
        if wait:
            parameters["wait"] = wait
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        return self._json("GET", target, patience=PATIENCE + wait)

    def send(self, method: str, path: str, body: object = None) -> Any:
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
    ) -> ControlResponse:
        """Send a request, without checking that the server is a fakeviam.

        Raises:
            OSError: The server is unreachable or does not answer.
            http.client.HTTPException: The response is not HTTP.
        """
        connection = self._connection(patience)
        try:
            # A server that refuses at once does not read on; what it says is there already.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, {**self._headers(), **(headers or {})})
            response = connection.getresponse()
            return ControlResponse(
                status=response.status,
                reason=response.reason,
                headers={name.lower(): value for name, value in response.getheaders()},
                body=response.read(),
            )
        finally:
            connection.close()

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        """A connection that is opened by the first request.

        Raises:
            UsageError: The file of certificates cannot be used.
        """
        target = self.target
        if target.path:
            return _UnixConnection(target.path, timeout)
        if not target.tls:
            return http.client.HTTPConnection(target.host, target.port, timeout=timeout)
        try:
            context = client_context(self.ca_file, protocol="http/1.1")
        except ValueError as error:
            raise UsageError(f"--ca-file: {error}") from error
        return http.client.HTTPSConnection(
            target.host, target.port, timeout=timeout, context=context
        )

    def _headers(self) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        if self.session:
            headers["fakeviam-session"] = self.session
        return headers

    def _json(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: float = PATIENCE,
    ) -> object:
        with self._explained():
            answer = self.raw(method, f"{ROOT}{path}", body, headers, patience=patience)
        return self._checked(answer)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn connection failures into a one-line error."""
        try:
            yield
        except TimeoutError as error:
            raise CommandError(f"{self.target.text} does not answer") from error
        except OSError as error:
            raise CommandError(unreachable(self.target, error)) from error
        except http.client.HTTPException as error:
            raise CommandError(
                f"{self.target.text} is not a fakeviam: {_error_text(error)}"
            ) from error

    def _checked(self, answer: ControlResponse) -> object:
        version = version_of(self.target, answer)
        document = _parsed(answer.body)
        if answer.status < 400:
            return document
        error = _error_of(answer)
        what = error.get("what", f"{answer.status} {answer.reason}")
        if answer.status == 404 and "field" not in error and version < API_VERSION:
            what = f"{what}: the server is older than this command"
        if answer.status == 401:
            what = f"{what}; pass it with --token or FAKEVIAM_CONTROL_TOKEN"
        elif "hint" in error and ("field" in error or answer.status != 404):
            what = f"{what}; {error['hint']}"
        raise CommandError(what)


def version_of(target: Target, answer: ControlResponse) -> tuple[int, int]:
    """Return the version of the server's control API.

    Raises:
        CommandError: There is none, or this client does not support it.
    """
    version = answer.headers.get(VERSION_HEADER)
    if version is None:
        server = answer.headers.get("server", "")
        if server.startswith("fakeviam") and (what := _error_of(answer).get("what")):
            raise CommandError(f"{target.text}: {what}")  # that it speaks TLS, say
        who = f" from {server}" if server else ""
        raise CommandError(
            f"{target.text} is not a fakeviam: it answered {answer.status} {answer.reason}{who}"
        )
    major, _, minor = version.partition(".")
    if int(major) != API_VERSION[0]:
        raise CommandError(
            f"{target.text} has control API {version}, this command needs {API_VERSION[0]}; "
            "use the same version of fakeviam for both"
        )
    return int(major), int(minor)


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
    why = tls_failure(error) or error.strerror or str(error)
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        why = "nothing listens there; start one with `fakeviam serve`, or set --target"
    return f"cannot reach a fakeviam at {target.text}: {why}"


def segment(name: str) -> str:
    """Quote a name for use in a path."""
    return quote(name, safe="")


def _error_of(answer: ControlResponse) -> Any:
    """What an answer says of an error; empty if nothing."""
    found = _parsed(answer.body)
    return found.get("error", {}) if isinstance(found, dict) else {}


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
