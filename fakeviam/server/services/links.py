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
#: And below this, the files of exports; no organization is called so.
EXPORTS = "exports/"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links of one cloud, for clients that reach its server at one address.

    Attributes:
        address: `http://host:port`; empty if nobody can download.
        session: Name of the session, if the cloud is one's.
    """

    address: str
    session: str = ""

    def around(self) -> tuple[str, str]:
        """What stands before and behind a quoted `binary_data_id`.

        The whole is where that file is, for those who show that they may see it.
        """
        return self._around({})

    def signed(self, ids: Ids, binary_data_id: str, expires: int) -> str:
        """Where a file is for everybody, until a time in ns since the epoch."""
        signature = signature_of(ids, binary_data_id, str(expires))
        before, behind = self._around({"expires": str(expires), "signature": signature})
        return f"{before}{quote(binary_data_id)}{behind}"

    def _around(self, query: dict[str, str]) -> tuple[str, str]:
        if self.session:
            query = {"session": self.session, **query}
        return f"{self.address}{ROOT}/", f"?{urlencode(query)}" if query else ""


def signature_of(ids: Ids, binary_data_id: str, expires: str) -> str:
    """What only the cloud of these ids can put under a link."""
    return ids.digest(f"file {binary_data_id} until {expires}").hex()


def is_signed(ids: Ids, binary_data_id: str, expires: str, signature: str) -> bool:
    """Whether the link was made by the cloud of these ids."""
    expected = signature_of(ids, binary_data_id, expires)
    return hmac.compare_digest(expected.encode(), signature.encode())
