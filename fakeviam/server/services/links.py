"""Links to files over HTTP: for whoever may see the file, or signed for anybody (DL-1, SG-1)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from fakeviam.model.ids import Ids

#: Below this stand the files, each by its `binary_data_id`.
ROOT = "/files"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links of one cloud, for clients that reach its server at one address.

    Attributes:
        address: `http://host:port`; empty if nobody can download.
        session: Name of the session, if the cloud is one's.
    """

    address: str
    session: str = ""

    def file(self, binary_data_id: str) -> str:
        """Where a file is, for those who show that they may see it."""
        return self._link(binary_data_id, {}) if self.address else ""

    def signed(self, ids: Ids, binary_data_id: str, expires: int) -> str:
        """Where a file is for everybody, until a time in ns since the epoch."""
        signature = signature_of(ids, binary_data_id, str(expires))
        return self._link(binary_data_id, {"expires": str(expires), "signature": signature})

    def _link(self, binary_data_id: str, query: dict[str, str]) -> str:
        if self.session:
            query = {"session": self.session, **query}
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.address}{ROOT}/{quote(binary_data_id)}{asked}"


def signature_of(ids: Ids, binary_data_id: str, expires: str) -> str:
    """What only the cloud of these ids can put under a link."""
    return ids.digest(f"file {binary_data_id} until {expires}").hex()


def is_signed(ids: Ids, binary_data_id: str, expires: str, signature: str) -> bool:
    """Whether the link was made by the cloud of these ids."""
    wanted = signature_of(ids, binary_data_id, expires)
    return hmac.compare_digest(wanted.encode(), signature.encode())
