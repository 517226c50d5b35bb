"""The TLS settings of a fake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.model.checks import check_list, check_path
from fakeviam.model.errors import UsageError
from fakeviam.model.text import short

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """The TLS settings of a fake; without files, it generates a CA and a certificate at startup.

    Attributes:
        cert: A PEM file with a certificate, followed by those between it and its CA.
        key: The PEM file with its key; None if `cert` also contains the key.
        ca_file: Where to write the CA certificate, for clients to trust; None is a temporary
            file.
        names: Names and addresses in the certificate, in addition to those of this machine.
    """

    cert: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    ca_file: str | os.PathLike[str] | None = None
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("cert", "key", "ca_file"):
            check_path(name, "" if getattr(self, name) is None else getattr(self, name))
        check_list("names", self.names, "names")
        if self.key is not None and self.cert is None:
            raise UsageError("key needs cert, the certificate that the key belongs to")
        if self.cert is not None and self.names:
            raise UsageError("names are for a generated certificate, not for cert")
        for name in self.names:
            if not isinstance(name, str) or not name:  # type: ignore[redundant-expr]
                raise UsageError(f"names must be host names or addresses, got {short(name)}")
