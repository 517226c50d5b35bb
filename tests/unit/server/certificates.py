"""Certificates in files, good ones and others."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.timedelta(days=1)


class Files(NamedTuple):
    """A certificate with its CA's behind it, its key, and the CA's alone."""

    cert: Path
    key: Path
    ca: Path


def write(folder: Path, *, starts: int = -1, ends: int = 1, name: str = "server") -> Files:
    """Write a certificate for `localhost` and 127.0.0.1 of a new CA.

    Args:
        folder: Where to.
        starts: Days from now on which it becomes valid.
        ends: Days from now on which it expires.
        name: How the files' names begin.
    """
    now = dt.datetime.now(dt.timezone.utc)
    authority = trustme.CA()
    issued = authority.issue_cert(
        "localhost", "127.0.0.1", not_before=now + starts * DAY, not_after=now + ends * DAY
    )
    files = Files(*(folder / f"{name}-{what}.pem" for what in ("cert", "key", "ca")))
    chain = b"".join(blob.bytes() for blob in (*issued.cert_chain_pems, authority.cert_pem))
    files.cert.write_bytes(chain)
    files.key.write_bytes(issued.private_key_pem.bytes())
    files.ca.write_bytes(authority.cert_pem.bytes())
    return files
