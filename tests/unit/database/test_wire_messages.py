"""MongoDB's messages as bytes."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.database.wire_messages import (
    LargeDocumentError,
    MalformedMessageError,
    parse,
    reply_to,
    unreadable,
)

keys = st.text("abc$", min_size=1, max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
documents = st.dictionaries(keys, values, max_size=4)


def message(body: bytes, *, number: int = 7, code: int = 2013) -> bytes:
    return struct.pack("<iiii", 16 + len(body), number, 0, code) + body


def op_msg(
    command: dict[str, Any],
    *,
    flags: int = 0,
    sequence: tuple[str, list[dict[str, Any]]] | None = None,
) -> bytes:
    body = struct.pack("<I", flags) + b"\0" + bson.encode(command)
    if sequence is not None:
        name, found = sequence
        section = name.encode() + b"\0" + b"".join(map(bson.encode, found))
        body += b"\1" + struct.pack("<i", 4 + len(section)) + section
    if not flags & 1:
        return message(body)
    checked = message(body + bytes(4))[:-4]
    return checked + struct.pack("<I", crc32c(checked))


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, bit by bit."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ 0x82F63B78 * (rest & 1)
    return rest ^ 0xFFFFFFFF


def test_the_checksum_is_that_of_castagnoli() -> None:
    """Its published check value (DB-7)."""
    assert crc32c(b"123456789") == 0xE3069283


@given(command=documents, place=st.integers(16, 1000), bit=st.integers(0, 7))
def test_a_damaged_message_with_a_checksum_is_told(
    command: dict[str, Any], place: int, bit: int
) -> None:
    """Wherever it is damaged, but in the bit that says that there is one (DB-7)."""
    sent = bytearray(op_msg(command, flags=1))
    place = 16 + place % (len(sent) - 16)
    sent[place] ^= 1 << bit
    if (place, bit) != (16, 0):
        with pytest.raises(MalformedMessageError):
            parse(bytes(sent))


@given(command=documents, sequence=st.lists(documents, max_size=3), flags=st.integers(0, 3))
def test_a_command_arrives_as_it_was_sent(
    command: dict[str, Any], sequence: list[dict[str, Any]], flags: int
) -> None:
    """With its document sequence, with and without a checksum (DB-7)."""
    sent = {**command, "$db": "x"}
    request = parse(op_msg(sent, flags=flags, sequence=("documents", sequence)))
    assert request.command == {**sent, "documents": sequence}
    assert (request.number, request.database) == (7, "x")
    assert request.wants_reply == (not flags & 2)


@given(command=documents)
def test_a_first_hello_may_come_in_the_old_form(command: dict[str, Any]) -> None:
    """OP_QUERY, bare or wrapped; the reply has the old form too (DB-7)."""
    head = struct.pack("<i", 0) + b"admin.$cmd\0" + struct.pack("<ii", 0, -1)
    for document in (command, {"$query": command, "$readPreference": {"mode": "nearest"}}):
        request = parse(message(head + bson.encode(document), code=2004))
        assert (request.command, request.database) == (command, "admin")
        reply = reply_to(request, {"ok": 1.0})
        assert struct.unpack_from("<iiiiiqii", reply)[2:] == (7, 1, 0, 0, 0, 1)
        assert bson.decode(reply[36:]) == {"ok": 1.0}


@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda command, place, byte: (
                (found := op_msg(command)[16:])[: place % len(found)]
                + bytes([byte])
                + found[place % len(found) + 1 :]
            ),
            documents,
            st.integers(0, 1000),
            st.integers(0, 255),
        ),
    ),
    st.sampled_from([2013, 2004, 2012, 1, 0, -1]),
)
def test_bytes_that_are_no_message_are_told(body: bytes, code: int) -> None:
    """Nothing but that error, whatever is damaged (DB-7)."""
    with suppress(MalformedMessageError):
        parse(message(body, code=code))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "middle of a number"),
        (b"\0\0\0\0", "has no command"),
        (b"\4\0\0\0" + b"\0" + bson.encode({}), "unknown required flag bits 0x4"),
        (b"\0\0\0\0\2" + bson.encode({}), "has the kind 2"),
        (b"\0\0\0\0\0" + bson.encode({}) + b"\0" + bson.encode({}), "has the kind 0"),
        (b"\1\0\0\0" + b"\0" + bson.encode({}) + bytes(4), "checksum does not match"),
        (b"\1\0\0\0", "checksum does not match"),
        (
            b"\0\0\0\0\0" + bson.encode({"d": 1}) + b"\1" + struct.pack("<i", 6) + b"d\0",
            "'d' as a field and as a document sequence",
        ),
        (
            b"\0\0\0\0\0" + bson.encode({}) + (b"\1" + struct.pack("<i", 6) + b"d\0") * 2,
            "two document sequences 'd'",
        ),
        (b"\0\0\0\0\0\xff\xff\xff\x7f", "says that it has 2147483647 bytes"),
        (b"\0\0\0\0\0\x05\0\0\0\1", "no BSON document"),
        (b"\0\0\0\0\1" + struct.pack("<i", 10) + b"a\0" + bytes(4), "it has 0 bytes"),
        (b"\0\0\0\0\1" + struct.pack("<i", 6) + b"ab", "has no name"),
    ],
)
def test_what_is_wrong_is_said(body: bytes, says: str) -> None:
    """One sentence (DB-7)."""
    with pytest.raises(MalformedMessageError, match=says):
        parse(message(body))


def test_a_document_may_have_16_mebibytes() -> None:
    """And a command a little more; what is larger has MongoDB's code (DB-7)."""
    small = 16 * 1024 * 1024
    assert parse(op_msg({"ping": 1, "x": "a" * small, "$db": "x"})).name == "ping"
    with pytest.raises(LargeDocumentError, match="over 16 MiB") as caught:
        parse(op_msg({"ping": 1, "x": "a" * (small + 20_000)}))
    assert bson.decode(unreadable(7, caught.value)[21:])["code"] == 10334
