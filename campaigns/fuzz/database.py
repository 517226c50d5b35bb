"""What speaks MongoDB's protocol: messages, their lengths, documents, cursors, logins."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import bson
from bson.errors import BSONError
from scramp import ScramClient  # type: ignore[import-untyped]

from campaigns.client import METHODS
from campaigns.fuzz.stage import in_time, set_up
from campaigns.fuzz.target import Player, Target
from campaigns.laws import BrokenLawError, require
from fakeviam import FakeViam
from fakeviam.database.commands import COMMANDS
from fakeviam.server.services.data.databases import USER_PREFIX
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from campaigns.dice import Dice
    from campaigns.fuzz.stage import Stage

    Document = dict[str, Any]

_ORGANIZATION = FakeViam.default_part.organization_id
_USER, _PASSWORD = f"{USER_PREFIX}{_ORGANIZATION}", "Password-of-fuzz-1"
_MSG, _QUERY = 2013, 2004
_HEAD = struct.Struct("<iiii")

#: A number that no input has: the message behind it asks whether the connection still answers.
_LAST = 77_777


class Line:
    """A connection to the database, on which messages are sent as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `connect`."""
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, cloud: FakeViam) -> Line:
        """A connection that has said hello."""
        line = cls(*await asyncio.open_connection(cloud.host, cloud.port))
        await line.ask({"hello": 1, "$db": "admin"})
        return line

    def close(self) -> None:
        """Hang up."""
        self._writer.transport.abort()

    async def log_in(self) -> None:
        """Be the organization's user."""
        scram = ScramClient(["SCRAM-SHA-256"], _USER, _PASSWORD)
        start = {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "$db": "admin"}
        reply = await self.ask({**start, "payload": scram.get_client_first().encode()})
        scram.set_server_first(reply["payload"].decode())
        final = scram.get_client_final().encode()
        more = {"saslContinue": 1, "conversationId": 1, "$db": "admin"}
        await self.ask({**more, "payload": final})
        require((await self.ask({**more, "payload": b""}))["done"], "a good login succeeds", reply)

    async def ask(self, command: Document) -> Document:
        """The reply to a command."""
        replies = await self.replies(message(op_msg(command), number=_LAST), ends=False)
        return replies[_LAST]

    async def replies(self, sent: bytes, *, ends: bool) -> dict[int, Document]:
        """The replies up to the one to `_LAST`, or to the end, by the number they answer.

        Raises:
            BrokenLawError: There is no end.
        """
        self._writer.write(sent)
        if ends:
            self._writer.write_eof()
        found: dict[int, Document] = {}
        try:
            await in_time(self._read(found))
        except asyncio.TimeoutError as error:
            raise BrokenLawError("never a hang", f"replies {found}") from error
        except (OSError, asyncio.IncompleteReadError):
            pass  # it hung up
        return found

    async def _read(self, found: dict[int, Document]) -> None:
        while _LAST not in found:
            size, _, answers, code = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            body = await self._reader.readexactly(size - _HEAD.size)
            found[answers] = bson.decode(body[5 if code == _MSG else 20 :])


def message(body: bytes, *, number: int = 1, code: int = _MSG, size: int | None = None) -> bytes:
    """A message; `size` is what its head says instead of the truth."""
    return _HEAD.pack(_HEAD.size + len(body) if size is None else size, number, 0, code) + body


def op_msg(command: Document, *, flags: int = 0) -> bytes:
    """The body of a message with one command."""
    return struct.pack("<I", flags) + b"\0" + bson.encode(command)


class Commands(Player):
    """Sends one message after the other."""

    def __init__(self, stage: Stage) -> None:
        """Attack the fake of `stage`."""
        self._stage, self._state = stage, stage.state()
        self._line: Line | None = None
        self._told, self._taken = "", 0
        self._cursors = [0]

    async def take(self, dice: Dice) -> str:
        self._taken += 1
        line = await self._connection(dice)
        sent, is_message = self._message(dice)
        ends = not is_message
        probe = message(op_msg({"ping": 1, "$db": "admin"}), number=_LAST)
        replies = await line.replies(sent + probe, ends=ends)
        outcome = self._outcome(replies)
        require(ends or _LAST in replies, "a good message never costs the connection", self._told)
        if ends:
            self._drop()
        self._stage.check_unchanged(self._state, outcome)
        self._stage.check_no_crash()
        if self._taken % 20 == 0:
            await self._stage.check_neighbour()
        return outcome

    def last_input(self) -> str:
        return self._told[:2000]

    async def look_back(self) -> None:
        self._drop()
        self._stage.check_shown()

    async def _connection(self, dice: Dice) -> Line:
        if self._line is None:
            self._line = await Line.connect(self._stage.cloud)
            if dice.chance(0.8):
                await self._line.log_in()
        return self._line

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _outcome(self, replies: dict[int, Document]) -> str:
        reply = replies.get(1)
        if reply is None:
            return "closed" if _LAST not in replies else "silence"
        if reply.get("ok") == 1.0:
            cursor = reply.get("cursor", {}).get("id")
            self._cursors += [cursor] if cursor else []
            return "OK"
        text = f"{reply} to {self._told[:500]}"
        require(reply.get("errmsg") and reply.get("code"), "a refusal says what is wrong", text)
        require(reply["code"] != 1, "never InternalError by accident", text)
        return f"error {reply['code']}"

    # Messages ------------------------------------------------------------------------------

    def _message(self, dice: Dice) -> tuple[bytes, bool]:
        """A message, and whether its lengths and kinds are what they should be."""
        command = self._command(dice)
        self._told = repr(command)
        try:
            body = op_msg(command)
        except (ValueError, OverflowError, BSONError):
            body = op_msg({"ping": 1, "$db": "admin"})
        if dice.chance(0.6):
            return message(body), True
        kind = dice.randrange(6)
        size, code = None, _MSG
        if kind == 0:
            size = dice.choice((0, 15, 16, len(body), len(body) + 17, -1, 2**31 - 1, 48_000_000))
        elif kind == 1:
            code = dice.choice((0, 1, 2001, 2012, 2013, _QUERY, -1))
        elif kind == 2:
            flags = dice.choice((1, 2, 3, 4, 1 << 16, 2**32 - 1))
            body = struct.pack("<I", flags) + body[4:] + dice.randbytes(4 * dice.randrange(2))
        elif kind == 3:
            body += _sequence(dice)
        elif kind == 4:
            code = _QUERY
            name = dice.choice((b"admin.$cmd\0", b"\0", b"x", b"\xff\0", b"sensorData.readings\0"))
            body = bytes(4) + name + struct.pack("<ii", 0, -1) + body[5:]
        sent = message(dice.mutated(body) if kind == 5 else body, code=code, size=size)
        self._told += f" as {sent.hex()}"
        return sent, False

    def _command(self, dice: Dice) -> Document:
        if dice.chance(0.1):
            return self._login(dice)
        name = dice.choice(_READS if dice.chance(0.8) else [*COMMANDS])
        value = "readings" if dice.chance(0.8) else _value(dice, 2)
        command: Document = {name: value, "$db": "sensorData" if dice.chance(0.9) else dice.text()}
        if name == "getMore":
            command |= {"getMore": bson.Int64(dice.choice(self._cursors)), "collection": "readings"}
        if name == "aggregate":
            command |= {"pipeline": [_stage(dice) for _ in range(dice.randrange(4))], "cursor": {}}
        fields = [*COMMANDS[name].fields, *_COMMON, "unknown"]
        for field in dice.some(fields, 3):
            command[field] = _like(dice, field)
        if dice.chance(0.05):
            del command[dice.choice(list(command))]
        return command

    def _login(self, dice: Dice) -> Document:
        first = f"n,,n={dice.choice((_USER, 'x', '', '=2C', '='))},r={dice.text()}".encode()
        payload = dice.choice((first, first, b"", b"\xff", b"c=biws,r=x,p=AA==", dice.randbytes(9)))
        if dice.chance(0.4):
            return {"saslContinue": 1, "conversationId": 1, "payload": payload, "$db": "admin"}
        return {
            "saslStart": 1,
            "mechanism": dice.choice(("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "", 7)),
            "payload": payload if dice.chance(0.9) else _value(dice, 1),
            "$db": "admin" if dice.chance(0.9) else "x",
        }


_READS = ("find", "find", "aggregate", "aggregate", "count", "distinct", "getMore", "killCursors")
_COMMON = ("maxTimeMS", "comment", "lsid", "hint", "$db")
_NAMES = (
    *(
        "time_received",
        "data.n",
        "data",
        "part_id",
        "component_name",
        "_id",
        "a.b.c",
        "",
        "$",
        "a.",
    ),
    *("data.0", "$n", "..", "x" * 300),
)
_OPERATORS = (
    *("$eq", "$gt", "$in", "$not", "$and", "$or", "$exists", "$type", "$regex", "$expr", "$size"),
    *("$sum", "$avg", "$add", "$divide", "$concat", "$dateToString", "$cond", "$map", "$where"),
    *("$toDate", "$substr", "$range", "$mod", "$pow", "$arrayElemAt", "$convert", "$zip", "$x"),
)
_STAGES = (
    *(
        "$match",
        "$project",
        "$group",
        "$sort",
        "$limit",
        "$skip",
        "$unwind",
        "$addFields",
        "$count",
    ),
    *("$bucket", "$facet", "$sample", "$replaceRoot", "$sortByCount", "$lookup", "$out", "$x", ""),
    *("$setWindowFields", "$densify", "$fill", "$unset", "$documents"),
)


def _like(dice: Dice, field: str) -> object:
    """A value that a field may well have, or not."""
    if dice.chance(0.3):
        return _value(dice, 3)
    if field in ("limit", "skip", "batchSize", "maxTimeMS"):
        return dice.integer(-(2**63), 2**63 - 1)
    if field in ("sort", "projection"):
        return {dice.choice(_NAMES): dice.choice((1, -1, 0, True, "x"))}
    if field in ("filter", "query"):
        return _expression(dice, 3)
    if field == "cursors":
        return [_value(dice, 1), bson.Int64(1)]
    return dice.choice((_value(dice, 2), dice.choice(_NAMES), {"batchSize": dice.integer(-3, 99)}))


def _stage(dice: Dice) -> object:
    return {dice.choice(_STAGES): _expression(dice, 3)} if dice.chance(0.95) else _value(dice, 2)


def _expression(dice: Dice, depth: int) -> Any:
    if depth == 0 or dice.chance(0.2):
        return _value(dice, depth)
    name = dice.choice(_NAMES if dice.chance(0.5) else _OPERATORS)
    if dice.chance(0.2):
        return {name: [_expression(dice, depth - 1) for _ in range(dice.randrange(4))]}
    return {name: _expression(dice, depth - 1)}


def _value(dice: Dice, depth: int) -> Any:
    """Anything that BSON has."""
    if depth and dice.chance(0.3):
        inner = [_value(dice, depth - 1) for _ in range(dice.randrange(4))]
        return inner if dice.chance(0.5) else {dice.choice(_NAMES): each for each in inner}
    return dice.choice(
        (
            *(None, dice.chance(0.5), dice.integer(-(2**31), 2**31 - 1), dice.number()),
            *(bson.Int64(dice.integer(-(2**63), 2**63 - 1)), dice.choice(_NAMES), "$data.n"),
            *(bson.Decimal128(dice.choice(("NaN", "1E+6000", "-0", "Infinity"))), bson.MinKey()),
            *(bson.Regex(dice.choice(("(", "a*", "(a+)+$", "\\")), "i"), dice.randbytes(9)),
            *(bson.ObjectId(bytes(12)), bson.Timestamp(1, 1), bson.Code("f()"), bson.MaxKey()),
            *(datetime(1, 1, 1, tzinfo=timezone.utc), bson.DatetimeMS(2**62), "$$ROOT", "x" * 3000),
        )
    )


def _sequence(dice: Dice) -> bytes:
    """A section with documents, most of them wrong."""
    documents = bson.encode({"a": 1}) * dice.randrange(3)
    section = dice.choice((b"documents\0", b"pipeline\0", b"\xff\0", b"x")) + documents
    size = 4 + len(section) + dice.choice((0, 0, -1, 1, 2**30))
    return bytes([dice.choice((1, 1, 0, 2, 255))]) + struct.pack("<i", size) + section


class Database(Target):
    """The federated database."""

    name = "database"
    takes = "messages of MongoDB's protocol: lengths, documents, commands, cursors, logins"
    share = 60
    size = 250

    @asynccontextmanager
    async def opened(self, dice: Dice) -> AsyncIterator[Player]:
        async with set_up(dice) as stage:
            request = data.ConfigureDatabaseUserRequest(
                organization_id=_ORGANIZATION, password=_PASSWORD
            )
            await stage.client.call(METHODS["ConfigureDatabaseUser"], [request], {})
            yield Commands(stage)
