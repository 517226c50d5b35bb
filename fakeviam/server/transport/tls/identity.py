"""The TLS identity of a server: its certificate, and the file with its CA (TL-2)."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError
from fakeviam.model.text import short
from fakeviam.server.transport.tls.certificate import GeneratedCertificate, OwnCertificate
from fakeviam.server.transport.tls.settings import Tls

if TYPE_CHECKING:
    import ssl


def identity_of(tls: object, host: str) -> Identity:
    """The identity of a server at `host`; True generates a certificate with a private CA.

    Raises:
        UsageError: `tls` is neither True nor a `Tls`, or there is no usable certificate.
    """
    if tls is True:
        tls = Tls()
    if not isinstance(tls, Tls):
        raise UsageError(f"tls must be True or a Tls(cert=..., key=...), got {short(tls)}")
    return Identity(tls, host)


class Identity:
    """The certificate of a server, and the file with its CA while the server runs.

    Attributes:
        ca_pem: The CA certificate; empty if it is not in the user's files.
        ca_file: The file with it while the server runs; empty if there is none.
    """

    def __init__(self, tls: Tls, host: str) -> None:
        """Load or generate the certificate of a server that listens at `host`.

        Raises:
            UsageError: There is no usable certificate.
        """
        self._certificate = (
            GeneratedCertificate(tls, host) if tls.cert is None else OwnCertificate(tls)
        )
        self._asked = tls.ca_file
        self._directory = ""
        self.ca_pem = self._certificate.ca_pem
        self.ca_file = ""

    def context(self) -> ssl.SSLContext:
        """The TLS context for the next connection."""
        return self._certificate.context()

    def publish(self) -> None:
        """Write the CA certificate to its file.

        Raises:
            UsageError: The file cannot be written.
        """
        if not self.ca_pem:
            return
        path = self._path()
        temporary = path.with_name(f".{path.name}-{os.getpid()}.tmp")
        try:
            # Write and rename, so that the file appears atomically.
            temporary.write_text(self.ca_pem, encoding="ascii")
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise UsageError(f"ca_file: cannot write {path}: {error.strerror}") from error
        self.ca_file = str(path)

    def withdraw(self) -> None:
        """Remove the file, unless it was replaced."""
        if self.ca_file:
            path = Path(self.ca_file)
            with suppress(OSError):
                if path.read_text(encoding="ascii", errors="replace") == self.ca_pem:
                    path.unlink()
            self.ca_file = ""
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = ""

    def _path(self) -> Path:
        if self._asked is not None:
            path = Path(self._asked).absolute()
            if path.exists() and not path.is_file():
                raise UsageError(f"ca_file: cannot write {path}: not a regular file")
            return path
        self._directory = tempfile.mkdtemp(prefix="fv-ca-", dir=os.environ.get("TMPDIR"))
        return Path(self._directory) / "ca.pem"
