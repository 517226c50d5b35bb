"""The server's certificate: generated at startup with a private CA, or from files (TL-2)."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError
from fakeviam.server.transport.quiet_log import log
from fakeviam.server.transport.tls.inspection import anchor_of, fault_of, has_block

if TYPE_CHECKING:
    from fakeviam.server.transport.tls.settings import Tls

#: Names of this machine.
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

#: Apple's systems reject certificates of private CAs that are valid for longer.
_VALID = dt.timedelta(days=800)
#: And what it is valid before: the machine's clock may be set back. Both are less than 825 days,
#: which is all that some clients take.
_BEFORE = dt.timedelta(days=20)

#: In order of preference. HTTP/2 serves everything; some gRPC clients offer both.
_PROTOCOLS = ["h2", "http/1.1"]


class OwnCertificate:
    """A certificate and key from files, which are reloaded when they change (TL-5).

    Attributes:
        ca_pem: The CA certificate, if the file ends with one; empty otherwise.
    """

    def __init__(self, tls: Tls) -> None:
        """Read the files.

        Raises:
            UsageError: A file cannot be read, they do not match, or the certificate is not valid
                now.
        """
        assert tls.cert is not None  # noqa: S101 - for the type checker
        self._cert = Path(tls.cert)
        self._key = None if tls.key is None else Path(tls.key)
        self._seen = self._stamp()
        self._context = self._load()
        self.ca_pem = anchor_of(self._context, _text_of(self._cert))
        if tls.ca_file is not None and not self.ca_pem:
            raise UsageError(
                f"ca_file cannot be written: {self._cert} does not end with the certificate of its "
                "CA; give clients the CA's own file"
            )

    def context(self) -> ssl.SSLContext:
        """The TLS context for the next connection."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._context = self._load()
                log.info("serving the new certificate in %s [TL-5]", self._cert)
            except UsageError as error:  # it may be only partly written
                log.warning("still serving the old certificate: %s [TL-5]", error)
        return self._context

    def _stamp(self) -> tuple[object, ...]:
        return tuple(_state_of(path) for path in (self._cert, self._key) if path is not None)

    def _load(self) -> ssl.SSLContext:
        _check_holds(self._cert, "CERTIFICATE", "cert", "certificate")
        _check_holds(self._key or self._cert, "PRIVATE KEY", "key", "private key")
        context = _context()
        try:
            context.load_cert_chain(self._cert, self._key, password=_no_password)
        except ssl.SSLError as error:
            raise UsageError(self._why(error)) from error
        if wrong := fault_of(context, _text_of(self._cert)):
            raise UsageError(f"cert: the certificate in {self._cert} {wrong}")
        return context

    def _why(self, error: ssl.SSLError) -> str:
        if error.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
            return (
                f"key: the key in {self._key or self._cert} does not fit the certificate in "
                f"{self._cert}"
            )
        files = " and ".join(str(each) for each in (self._cert, self._key) if each is not None)
        return f"cert: {files} cannot be used: {error.reason or error}"


class GeneratedCertificate:
    """A certificate of a CA that exists only while the server runs.

    Attributes:
        ca_pem: The CA certificate.
    """

    def __init__(self, tls: Tls, host: str) -> None:
        """Generate both.

        Raises:
            UsageError: trustme is not installed, or a name is not allowed in certificates.
        """
        try:
            import trustme  # noqa: PLC0415 - optional, and slow to import
        except ModuleNotFoundError as error:
            raise UsageError(
                "TLS without files of one's own requires trustme: pip install 'fakeviam[tls]'; "
                "or give cert and key"
            ) from error
        authority = trustme.CA(organization_name="fakeviam, for tests only")
        names = dict.fromkeys((*LOCAL_NAMES, *_names_of(host), *tls.names))
        now = _real_now()
        try:
            issued = authority.issue_cert(*names, not_before=now - _BEFORE, not_after=now + _VALID)
        except (ValueError, TypeError) as error:
            raise UsageError(f"names: they cannot be in a certificate: {error}") from error
        self._context = _context()
        issued.configure_cert(self._context)
        self.ca_pem = authority.cert_pem.bytes().decode()

    def context(self) -> ssl.SSLContext:
        """The TLS context for the next connection."""
        return self._context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Renegotiation costs the server more than the client, so it could be used for an attack.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(_PROTOCOLS)
    return context


def _names_of(host: str) -> list[str]:
    """The names in the certificate for the listening address."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - not bound: everywhere has no name
        return [socket.gethostname()]
    return [host.partition("%")[0]]


def _real_now() -> dt.datetime:
    # TLS uses real time, even if a test has replaced `time.time`.
    return dt.datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), dt.timezone.utc)


def _check_holds(path: Path, block: str, name: str, what: str) -> None:
    try:
        text = _text_of(path)
    except OSError as error:
        raise UsageError(f"{name}: cannot read {path}: {error.strerror}") from error
    if not has_block(text, block):
        raise UsageError(f"{name}: {path} holds no {what} in PEM form")


def _text_of(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace")


def _no_password() -> str:
    raise UsageError("key: it is encrypted, and nobody is there to type a password; decrypt it")


def _state_of(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
