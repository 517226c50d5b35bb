"""Addresses of servers as people write them: one grammar for every command and `connect`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

#: The environment variable with the server's address, and the default address.
VARIABLE = "FAKEVIAM_TARGET"
DEFAULT = "127.0.0.1:8080"

#: The environment variable with the file of certificates to trust.
CA_VARIABLE = "FAKEVIAM_CA_FILE"

#: The supported formats in one line, for help texts.
FORMS = "host, host:port, unix:path, a path with a slash, or http(s)://host[:port]"

_PORT = 8080
#: What TLS calls a certificate for another name, or for another IP address.
_FOR_OTHERS = (62, 64)
_PORTS = {"http": 80, "https": 443, None: _PORT}

# A host name, an IPv4 address, or an IPv6 address in brackets; the port may follow, or stand alone.
_PLACE = re.compile(r"(?:(https?)://)?(\[[^]]+]|[^]\s:/@?#[]*)(?::([0-9]{1,5}))?/?")
# A scheme, whatever is between it and the place, perhaps a user, and perhaps a path.
_GUESS = re.compile(r"(?i)(https?|grpcs?|h2c?|tcp)(?::/{1,3}|//)(?:[^/@]*@)?([^/?#]+).*")
_MISSPELT = re.compile(r"(?i)https?(?::/|//)[^/]")
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")


def default_target() -> str:
    """The server's address unless one is given."""
    return os.environ.get(VARIABLE) or DEFAULT


def default_ca_file() -> str:
    """The file of certificates to trust unless one is given; empty is the system's."""
    return os.environ.get(CA_VARIABLE, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The address of a server.

    Attributes:
        text: As the caller wrote it, for messages.
        host: Host name or address, without brackets.
        port: TCP port.
        path: Path of a Unix socket, instead of host and port.
        tls: Whether to use TLS.
    """

    text: str
    host: str = "localhost"
    port: int = 0
    path: str = ""
    tls: bool = False

    @classmethod
    def parse(cls, text: str) -> Target:
        """Parse an address.

        The port of a bare host is 8080, that of a URL without one 80 or 443.

        Raises:
            ValueError: The text has none of the supported formats.
        """
        if _MISSPELT.match(text):
            raise ValueError(f"{text!r} is not an address; write {guessed(text) or FORMS}")
        if "\0" not in text and ("/" in text.rstrip("/") or text.startswith("unix:")):
            path = _path(text)
            if path:
                return cls(text=text, path=path)
        if _BARE_IPV6.fullmatch(text):
            return cls(text=text, host=text, port=_PORT)
        match = _PLACE.fullmatch(text)
        scheme, host, port = match.groups() if match else (None, "", "0")
        if text.isdecimal():  # a port of this machine; no host has such a name
            host, port = "", text
        number = _PORTS[scheme] if port is None else int(port)
        if not 0 < number < 65536 or not (host or (port and not scheme)):
            raise ValueError(f"{text!r} is not an address; write {guessed(text) or FORMS}")
        return cls(
            text=text, host=host.strip("[]") or "localhost", port=number, tls=scheme == "https"
        )


def guessed(text: str) -> str:
    """The address that is meant by a text that is none; empty if that is not clear."""
    match = _GUESS.fullmatch(text)
    if match is None:
        return ""
    scheme = match[1].lower()
    scheme = {"grpcs": "https"}.get(scheme, scheme)
    guess = f"{scheme}://{match[2]}" if scheme.startswith("http") else match[2]
    try:
        return Target.parse(guess).text if guess != text else ""
    except ValueError:
        return ""


def client_context(ca_file: str = "", *, protocol: str = "h2") -> ssl.SSLContext:
    """How a client speaks TLS.

    Args:
        ca_file: Certificates to trust instead of those of the system; empty for those.
        protocol: What it speaks over TLS: `h2` or `http/1.1`.

    Raises:
        ValueError: The file cannot be read or holds no certificates; the message names it.
    """
    import ssl  # noqa: PLC0415 - few addresses are those of servers with TLS

    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise ValueError(f"{ca_file} holds no certificates in PEM form") from error
    except OSError as error:
        raise ValueError(f"cannot read {ca_file}: {error.strerror}") from error
    context.set_alpn_protocols([protocol])
    return context


def tls_failure(error: BaseException | None) -> str:
    """Why a client and the server that it reached have no TLS, and what to do; or empty."""
    import ssl  # noqa: PLC0415 - as above

    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _FOR_OTHERS:
            return (
                f"{error.verify_message.rstrip('.')}; use a name that is in the certificate, or "
                "give a fake this one: --tls-name, or Tls(names=…)"
            )
        return (
            f"its certificate is not trusted: {error.verify_message.rstrip('.')}; for a fake, give "
            f"the file that its --ca-file has written: as --ca-file, in {CA_VARIABLE} or as ca_file"
        )
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "it speaks no TLS; use http://, or an address without https://"
    return ""


def _path(text: str) -> str:
    """The path of a Unix socket; empty if none is meant."""
    if not text.startswith("unix:"):
        return "" if "://" in text else text
    path = text.removeprefix("unix:")
    if path.startswith("//"):  # a URL, whose host must be empty
        return path[2:] if path.startswith("///") else ""
    return path
