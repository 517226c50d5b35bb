"""How clients will judge a certificate, determined by handshakes in memory.

The standard library only verifies certificates as a client, during a handshake.
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

# A time in DER, as UTCTime or GeneralizedTime; the first two in a certificate are its validity.
_TIME = re.compile(rb"\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z")

# OpenSSL's error codes of certificates.
_NOT_YET_VALID, _HAS_EXPIRED = 9, 10


def has_block(text: str, kind: str) -> bool:
    """Whether a PEM file has a block whose type ends with `kind`, such as PRIVATE KEY."""
    return re.search(rf"-----BEGIN [A-Z ]*{kind}-----", text) is not None


def fault_of(server: ssl.SSLContext, chain: str) -> str:
    """Why no client can accept the first certificate of a chain now; empty if some can."""
    leaf = _BLOCK.findall(chain)[0]
    # Trust the certificate itself, regardless of its issuer.
    error = _refused(server, leaf, ssl.VERIFY_X509_PARTIAL_CHAIN)
    code = getattr(error, "verify_code", 0)
    if code == _HAS_EXPIRED:
        return f"expired on {_validity(leaf)[1]}"
    return f"is not valid before {_validity(leaf)[0]}" if code == _NOT_YET_VALID else ""


def anchor_of(server: ssl.SSLContext, chain: str) -> str:
    """The last certificate of a chain, if clients that trust it accept the server."""
    last: str = _BLOCK.findall(chain)[-1]
    return "" if _refused(server, last, ssl.VerifyFlags(0)) else f"{last}\n"


def _refused(server: ssl.SSLContext, trusted: str, flags: ssl.VerifyFlags) -> ssl.SSLError | None:
    """Why a client that trusts only this certificate rejects the server; None if it accepts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags = flags
    context.load_verify_locations(cadata=trusted)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server)
    shown = server.wrap_bio(to_server, to_client, server_side=True)
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    with suppress(ssl.SSLWantReadError):
        shown.do_handshake()
    try:
        client.do_handshake()
    except ssl.SSLError as error:
        return error
    return None


def _validity(certificate: str) -> tuple[str, str]:
    """The start and end of validity, as `2026-01-31 12:00:00 UTC`."""
    found = [old or new for old, new in _TIME.findall(ssl.PEM_cert_to_DER_cert(certificate))]
    return _time_text(found[0].decode()), _time_text(found[1].decode())


def _time_text(time: str) -> str:
    if len(time) == 12:  # UTCTime: two-digit years from 1950 to 2049
        time = f"{'19' if time[0] >= '5' else '20'}{time}"
    return f"{time[:4]}-{time[4:6]}-{time[6:8]} {time[8:10]}:{time[10:12]}:{time[12:]} UTC"
