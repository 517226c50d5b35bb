"""HTTP links to files: for callers who may see the file, or signed for anyone (DL-1, SG-1)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from fakeviam.model.ids import Ids

#: The path prefix of files, which are named by `binary_data_id`.
ROOT = "/files"
#: The path prefix of export files; no organization has this id.
EXPORTS = "exports/"


@dataclass(frozen=True, slots=True)
class Links:
    """Creates the links of one cloud, for clients that use one address of the server.

    Attributes:
        address: `http://host:port`; empty if downloads are not possible.
        session: The name of the cloud's session, if it has one.
    """

    address: str
    session: str = ""

    def around(self) -> tuple[str, str]:
        """What precedes and follows the quoted `binary_data_id`.

        Together they form a link that requires authentication.
        """
        return self._around({})

    def signed(self, ids: Ids, binary_data_id: str, expires: int) -> str:
        """A link that works for anyone until a time in ns since the epoch."""
        signature = signature_of(ids, binary_data_id, str(expires))
        before, behind = self._around({"expires": str(expires), "signature": signature})
        return f"{before}{quote(binary_data_id)}{behind}"

    def _around(self, query: dict[str, str]) -> tuple[str, str]:
        if self.session:
            query = {"session": self.session, **query}
        return f"{self.address}{ROOT}/", f"?{urlencode(query)}" if query else ""


def signature_of(ids: Ids, binary_data_id: str, expires: str) -> str:
    """The signature of a link, which only the cloud with these ids can create."""
    return ids.digest(f"file {binary_data_id} until {expires}").hex()


def is_signed(ids: Ids, binary_data_id: str, expires: str, signature: str) -> bool:
    """Whether the cloud with these ids has signed a link."""
    expected = signature_of(ids, binary_data_id, expires)
    return hmac.compare_digest(expected.encode(), signature.encode())
