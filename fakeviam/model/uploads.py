"""The life of a streamed upload, as a table (A30)."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import NamedTuple


class Packet(enum.Enum):
    """What a client can send next."""

    METADATA = "metadata"
    CONTENTS = "contents"
    NOTHING = "a message without metadata and without contents"
    END = "the end of the stream"


class State(enum.Enum):
    """How far an upload has come."""

    EMPTY = "nothing came yet"
    OPEN = "metadata came"
    STORED = "everything came"


class UploadAction(enum.Enum):
    """What a packet does."""

    BEGIN = "check the metadata and keep it"
    APPEND = "keep the contents"
    STORE = "store the record"
    REFUSE = "refuse the upload; nothing is stored"


class Step(NamedTuple):
    """What happens, and what the upload is then. A refusal has a clause and a text."""

    effect: UploadAction
    then: State
    clause: str = ""
    text: str = ""


def _refuse(clause: str, text: str) -> Step:
    return Step(UploadAction.REFUSE, State.EMPTY, clause, text)


_NOTHING = "a message holds neither metadata nor contents"

STEPS = MappingProxyType(
    {
        (State.EMPTY, Packet.METADATA): Step(UploadAction.BEGIN, State.OPEN),
        (State.EMPTY, Packet.CONTENTS): _refuse("A30", "contents came before metadata"),
        (State.EMPTY, Packet.NOTHING): _refuse("FU-5", _NOTHING),
        (State.EMPTY, Packet.END): _refuse("A30", "metadata is missing: the stream was empty"),
        (State.OPEN, Packet.METADATA): _refuse("A30", "metadata came twice"),
        (State.OPEN, Packet.CONTENTS): Step(UploadAction.APPEND, State.OPEN),
        (State.OPEN, Packet.NOTHING): _refuse("FU-5", _NOTHING),
        (State.OPEN, Packet.END): Step(UploadAction.STORE, State.STORED),
    }
)
