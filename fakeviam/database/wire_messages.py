"""Messages of MongoDB's wire protocol: decodes requests, encodes replies.

Source: mongodb.com, "MongoDB Wire Protocol". OP_MSG is used for all commands; OP_QUERY only for
the first `hello` of a driver that does not know the server's version yet.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import bson

from fakeviam.query.bson_documents import decode

HEADER = struct.Struct("<iiii")
_INT32 = struct.Struct("<i")
_UINT32 = struct.Struct("<I")

OP_REPLY: Final = 1
OP_QUERY: Final = 2004
OP_MSG: Final = 2013

#: The maximum sizes of a message and of a document in it, as in MongoDB.
MAX_MESSAGE_BYTES: Final = 48_000_000
MAX_DOCUMENT_BYTES: Final = 16 * 1024 * 1024

#: A command may exceed the size of the document in it by this many bytes.
_MORE_IN_COMMANDS: Final = 16 * 1024

_CHECKSUM_PRESENT, _MORE_TO_COME = 1, 2
#: Unknown flags among these bits are ignored; other unknown bits are an error.
_OPTIONAL = 0xFFFF0000


class MalformedMessageError(Exception):
    """The bytes are not a valid message, so that the next one cannot be located."""


class UnreadableDocumentError(MalformedMessageError):
    """A message with an invalid document, but a known end."""

    code, code_name = 22, "InvalidBSON"


class LargeDocumentError(UnreadableDocumentError):
    """A document that exceeds MongoDB's limit."""

    code, code_name = 10334, "BSONObjectTooLarge"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandMessage:
    """A command.

    Attributes:
        number: The request id.
        command: The document; its first key is the command's name.
        database: The target database.
        wants_reply: False if the client does not expect a reply.
        legacy: Whether it is an OP_QUERY, which is answered by an OP_REPLY.
    """

    number: int
    command: dict[str, object]
    database: str
    wants_reply: bool = True
    legacy: bool = False

    @property
    def name(self) -> str:
        """The name of the command."""
        return next(iter(self.command), "")


def parse(message: bytes) -> CommandMessage:
    """Decode one message, including its header.

    Raises:
        MalformedMessageError: It is invalid.
    """
    size, number, _, code = HEADER.unpack_from(message)
    if not HEADER.size <= size <= MAX_MESSAGE_BYTES:
        raise MalformedMessageError(f"it says that it has {size} bytes")
    body = message[HEADER.size :]
    if code == OP_MSG:
        if _unpack(_UINT32, body, 0) & _CHECKSUM_PRESENT:
            body = _checked(message)
        return _parse_msg(number, body)
    if code == OP_QUERY:
        return _parse_query(number, body)
    raise MalformedMessageError(f"opcode {code} is not served; drivers send OP_MSG ({OP_MSG})")


def _checked(message: bytes) -> bytes:
    """The body of a message, without its checksum, which is verified."""
    end = len(message) - _UINT32.size
    if _unpack(_UINT32, message, end) != _crc32c(message[:end]):
        raise MalformedMessageError("OP_MSG checksum does not match contents")
    return message[HEADER.size : end]


def _parse_msg(number: int, body: bytes) -> CommandMessage:
    flags = _unpack(_UINT32, body, 0)
    if unknown := flags & ~_OPTIONAL & ~(_CHECKSUM_PRESENT | _MORE_TO_COME):
        raise MalformedMessageError(f"OP_MSG has unknown required flag bits {unknown:#x}")
    place, end = _UINT32.size, len(body)
    command: dict[str, object] | None = None
    sequences: dict[str, list[dict[str, object]]] = {}
    while place < end:
        kind = body[place]
        size = _unpack(_INT32, body, place + 1)
        section = body[place + 1 : place + 1 + size]
        if size < _INT32.size or len(section) < size or place + 1 + size > end:
            raise MalformedMessageError(f"a section of OP_MSG says that it has {size} bytes")
        if kind == 0 and command is None:
            command = _document(section)
        elif kind == 1:
            name, documents = _sequence(section)
            if name in sequences:
                raise MalformedMessageError(f"OP_MSG has two document sequences {name!r:.80}")
            sequences[name] = documents
        else:
            raise MalformedMessageError(f"a section of OP_MSG has the kind {kind}")
        place += 1 + size
    if command is None:
        raise MalformedMessageError("OP_MSG has no command")
    if both := command.keys() & sequences:
        text = f"OP_MSG has {min(both)!r:.80} as a field and as a document sequence"
        raise MalformedMessageError(text)
    database = command.get("$db")
    return CommandMessage(
        number=number,
        command={**command, **sequences},
        database=database if isinstance(database, str) else "",
        wants_reply=not flags & _MORE_TO_COME,
    )


def _sequence(section: bytes) -> tuple[str, list[dict[str, object]]]:
    name_end = section.find(b"\0", _INT32.size)
    if name_end < 0:
        raise MalformedMessageError("a document sequence of OP_MSG has no name")
    documents, place = [], name_end + 1
    while place < len(section):
        size = _unpack(_INT32, section, place)
        if size <= 0:
            raise MalformedMessageError(f"a document says that it has {size} bytes")
        documents.append(_document(section[place : place + size]))
        place += size
    return _text(section[_INT32.size : name_end]), documents


def _parse_query(number: int, body: bytes) -> CommandMessage:
    name_end = body.find(b"\0", _INT32.size)
    if name_end < 0:
        raise MalformedMessageError("OP_QUERY names no collection")
    collection = _text(body[_INT32.size : name_end])
    start = name_end + 1 + 2 * _INT32.size
    command = _document(body[start : start + _unpack(_INT32, body, start)])
    inner = command.get("$query")
    return CommandMessage(
        number=number,
        command=inner if isinstance(inner, dict) else command,
        database=collection.partition(".")[0],
        legacy=True,
    )


def _unpack(form: struct.Struct, body: bytes, place: int) -> int:
    try:
        value: int = form.unpack_from(body, place)[0]
    except struct.error:
        raise MalformedMessageError("the message ends in the middle of a number") from None
    return value


def _crc32c(message: bytes) -> int:
    """The checksum of a message; drivers do not send any, so speed is irrelevant."""
    value = 0xFFFFFFFF
    for byte in message:
        value = _CRC32C[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _remainder(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC32C: Final = tuple(map(_remainder, range(256)))


def _document(encoded: bytes) -> dict[str, object]:
    if len(encoded) > MAX_DOCUMENT_BYTES + _MORE_IN_COMMANDS:
        raise LargeDocumentError(f"BSONObj size: {len(encoded)} is invalid: over 16 MiB")
    try:
        return decode(encoded)
    except ValueError as error:
        raise UnreadableDocumentError(f"no BSON document: {error}") from None


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise MalformedMessageError(f"a name is not UTF-8: {error}") from None


def reply_to(request: CommandMessage, document: dict[str, object]) -> bytes:
    """Encode a reply."""
    encoded = bson.encode(document)
    if request.legacy:
        # No flags, no cursor, starting at the first document, which is the only one.
        body = struct.pack("<iqii", 0, 0, 0, 1) + encoded
        code = OP_REPLY
    else:
        body = _UINT32.pack(0) + b"\0" + encoded
        code = OP_MSG
    return HEADER.pack(HEADER.size + len(body), 0, request.number, code) + body


def unreadable(number: int, error: UnreadableDocumentError) -> bytes:
    """Encode the reply to a message with an invalid document."""
    refusal = {"ok": 0.0, "errmsg": str(error), "code": error.code, "codeName": error.code_name}
    return reply_to(CommandMessage(number=number, command={}, database=""), refusal)
