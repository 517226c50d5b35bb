"""`cloud.replies`: scripted replies, for tests that need a literal one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from fakeviam import wire
from fakeviam.model.errors import UsageError, check_count
from fakeviam.model.finding import nearest
from fakeviam.model.offered import offers
from fakeviam.model.text import short
from fakeviam.server.instruments.message_fields import conditions_on, methods_named
from fakeviam.server.instruments.message_json import message_json
from fakeviam.server.instruments.wanted_values import ids_of_names, plain_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fakeviam.model.fleet import Fleet
    from fakeviam.model.matching import Conditions, Leaf
    from fakeviam.wire import Method


@offers("always", "once", "respond", "times", "to_json", "used")
@dataclass(kw_only=True, slots=True)
class ScriptedReply:
    """Scripted replies to matching calls, instead of the fake's behaviour (RP-1).

    Attributes:
        method: The RPC.
        conditions: Conditions on the requests.
        messages: The replies, in order; several only if the RPC streams them.
        limit: How many calls it answers; None is unlimited.
        used: Numbers of the calls that it answered.
    """

    method: Method
    conditions: Conditions
    messages: tuple[Message, ...] | None = None
    limit: int | None = None
    used: list[int] = field(default_factory=list)

    def respond(self, *replies: Mapping[str, object] | Message) -> ScriptedReply:
        """Reply with this: a dict with proto field names, or a message.

        An RPC that streams its replies takes any number of them, other RPCs take one.

        Raises:
            UsageError: It is not a reply of this RPC; the message names the field.
        """
        if len(replies) != 1 and not self.method.server_streaming:
            name = self.method.name
            raise UsageError(f"{name} takes one reply, got {len(replies)}")
        self.messages = tuple(_message(self.method, reply) for reply in replies)
        return self

    def once(self) -> ScriptedReply:
        """Answer one call; later ones are answered by the fake."""
        return self.times(1)

    def times(self, count: int) -> ScriptedReply:
        """Answer this many calls; later ones are answered by the fake."""
        check_count(count, "count")
        self.limit = count
        return self

    def always(self) -> ScriptedReply:
        """Answer every matching call; the default."""
        self.limit = None
        return self

    @property
    def exhausted(self) -> bool:
        """Whether it answers no more calls."""
        return self.limit is not None and len(self.used) >= self.limit

    def to_json(self) -> dict[str, Any]:
        """The script and its history, as a JSON object."""
        return {
            "rpc": self.method.name,
            "where": dict(self.conditions.fields),
            "replies": [message_json(message) for message in self.messages or ()],
            "times": self.limit,
            "used": list(self.used),
        }


@offers("add", "clear", "on", "report")
class Replies:
    """The scripted replies of one cloud. If several match a call, the latest is used.

    Attributes:
        scripts: The scripts, in the order they were added.
    """

    def __init__(self, *, fleet: Fleet | None = None) -> None:
        """Start without scripts; `fleet` resolves names to ids."""
        self.scripts: list[ScriptedReply] = []
        self._fleet = fleet

    def __iter__(self) -> Iterator[ScriptedReply]:
        return iter(tuple(self.scripts))

    def __len__(self) -> int:
        return len(self.scripts)

    def on(self, rpc: str, **where: object) -> ScriptedReply:
        """Script the reply to matching calls of `rpc`; `respond` sets it.

        Raises:
            UsageError: There is no such RPC or field.
        """
        script = self._script(rpc, where)
        self.scripts.append(script)
        return script

    def add(self, document: object) -> ScriptedReply:
        """Script from JSON: `{"rpc": …, "where": {…}, "reply": {…}, "times": 1}`.

        For an RPC that streams its replies, `replies` is a list of them.

        Raises:
            UsageError: The document is invalid.
        """
        # Imported here: the import takes longer than running a test without scripts.
        from fakeviam.server.instruments.reply_document import ReplyDocument  # noqa: PLC0415
        from fakeviam.validation.models import validate  # noqa: PLC0415

        checked = validate(ReplyDocument, document, subject="scripted reply")
        replies = (checked.reply,) if checked.replies is None else checked.replies
        script = self._script(checked.rpc, checked.where).respond(*replies)
        if checked.times is not None:
            script.times(checked.times)
        self.scripts.append(script)
        return script

    def _script(self, rpc: str, where: Mapping[str, object]) -> ScriptedReply:
        (method, *others) = methods_named(rpc)
        if others:
            raise UsageError(f"a scripted reply must name one RPC, got {short(rpc)}")
        conditions = plain_values(where)
        if self._fleet is not None:
            conditions = ids_of_names(conditions, self._fleet)
        return ScriptedReply(method=method, conditions=conditions_on(rpc, conditions))

    def meant_for(self, rpc: str) -> bool:
        """Whether a script may answer calls of this RPC."""
        return any(script.method.name == rpc for script in self.scripts)

    def choose(
        self, rpc: str, leaves: Callable[[], list[Leaf]], call: int
    ) -> Sequence[Message] | None:
        """The scripted replies to this call, if there are any; counts the call."""
        for script in reversed(self.scripts):
            if script.messages is None or script.exhausted:
                continue
            if script.method.name == rpc and script.conditions.fits(rpc, leaves()):
                script.used.append(call)
                return script.messages
        return None

    def clear(self) -> int:
        """Remove all scripts; return how many there were."""
        count = len(self.scripts)
        self.scripts.clear()
        return count

    def report(self) -> list[dict[str, Any]]:
        """The scripts and their history, as a JSON array."""
        return [script.to_json() for script in self.scripts]


def _check_names(method: Method, message: Message, reply: Mapping[str, object]) -> None:
    """Check that the message has the fields of a reply; suggest similar ones.

    Raises:
        UsageError: A field does not exist.
    """
    names = {name for each in message.DESCRIPTOR.fields for name in (each.name, each.json_name)}
    for name in reply:
        if name not in names:
            has = ", ".join(each.name for each in message.DESCRIPTOR.fields) or "no fields"
            near = nearest(str(name), names) or f"; it has {has}"
            raise UsageError(f"the reply of {method.name} has no field {short(name)}{near}")


def _message(method: Method, reply: Mapping[str, object] | Message) -> Message:
    message = method.response()
    if isinstance(reply, Message):
        expected = message.DESCRIPTOR.full_name
        if reply.DESCRIPTOR.full_name != expected:
            got = reply.DESCRIPTOR.full_name
            raise UsageError(f"the reply of {method.name} must be {expected}, got {got}")
        # viam-sdk's message classes differ from ours, but have the same encoding.
        message.ParseFromString(reply.SerializeToString())
        return message
    _check_names(method, message, reply)
    try:
        return ParseDict(dict(reply), message, descriptor_pool=wire.pool())
    except (ParseError, TypeError, ValueError) as error:
        raise UsageError(f"invalid reply of {method.name}: {error}") from error
