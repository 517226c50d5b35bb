"""The order of the messages of a streamed upload (A30)."""

from __future__ import annotations

import enum
from types import MappingProxyType

from fakeviam.model.errors import InvalidArgumentError


class Packet(enum.Enum):
    """What a client can send next."""

    METADATA = "metadata"
    CONTENTS = "contents"
    NOTHING = "a message without metadata and without contents"
    END = "the end of the stream"


_NOTHING = ("FU-5", "a message holds neither metadata nor contents")

#: What must not come before metadata (False) or after it (True).
_REFUSED = MappingProxyType(
    {
        (False, Packet.CONTENTS): ("A30", "contents came before metadata"),
        (False, Packet.NOTHING): _NOTHING,
        (False, Packet.END): ("A30", "metadata is missing: the stream was empty"),
        (True, Packet.METADATA): ("A30", "metadata came twice"),
        (True, Packet.NOTHING): _NOTHING,
    }
)


def check_packet(packet: Packet, *, begun: bool) -> None:
    """Refuse what must not come now (A30, FU-5).

    Args:
        packet: What came.
        begun: Whether metadata has come.
    """
    refused = _REFUSED.get((begun, packet))
    if refused is not None:
        clause, text = refused
        raise InvalidArgumentError(text, clause=clause)
