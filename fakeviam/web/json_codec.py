"""Messages as JSON, for Connect and gRPC-Web."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from fakeviam import wire
from fakeviam.model.errors import InvalidArgumentError, shortened
from fakeviam.model.finding import nearest
from fakeviam.server.instruments.message_json import message_json
from fakeviam.server.transport.messages import MOST_VALUES, too_many_values
from fakeviam.validation.json_text import holds_many
from fakeviam.web.base64_fields import not_base64
from fakeviam.wire.encoded import Encoded, decoded

if TYPE_CHECKING:
    from fakeviam.server.transport.messages import Codec

M = TypeVar("M", bound=Message)

#: Larger messages are parsed in a thread, in bytes.
_LARGEST = 16 * 1024 * 1024

#: protobuf's message for an unknown field.
_NO_FIELD = re.compile(
    r'.*Message type "(?P<kind>[^"]+)" has no field named "(?P<name>[^"]*)"'
    r'[^[]*Available Fields[^[]*"\[(?P<known>[^]]*)\]".*'
)


class _Json:
    """Protobuf's JSON form. Unknown names are refused, because people write this JSON."""

    name, ceiling, parsed_at_once = "json", _LARGEST, 64 * 1024

    def parsed(self, data: bytes, kind: type[M]) -> M:
        if holds_many(data, MOST_VALUES):
            raise too_many_values(len(data))
        data = data.removeprefix(BOM_UTF8)  # as in all JSON that the fake reads (RFC 8259, 8.1)
        if not data.lstrip().startswith(b"{"):
            raise _refusal(kind, "it is no object; send {} for one without fields")
        try:
            message = json_format.Parse(data, kind(), descriptor_pool=wire.pool())
        except Exception as error:
            # Besides ParseError: invalid UTF-8, numbers out of range, deep nesting.
            why = " ".join(str(error).split()) or type(error).__name__
            if "base64-encoded" in why:  # the message lacks the value and the full path
                why = not_base64(data, kind) or why
            raise _refusal(kind, _reworded(why)) from error
        if why := not_base64(data, kind):
            raise _refusal(kind, why)
        return message

    def encoded(self, message: Message | Encoded, kind: type[Message]) -> tuple[bytes, ...]:
        reply = decoded(message, kind)
        try:
            shown = json_format.MessageToDict(reply, descriptor_pool=wire.pool())
        except Exception:  # noqa: BLE001 - what has no form in JSON is shown as in the journal
            shown = message_json(reply)
        text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
        return (text.encode(errors="backslashreplace"),)


JSON: Codec = _Json()


def _refusal(kind: type[Message], why: str) -> InvalidArgumentError:
    text = f"request is not a valid {kind.DESCRIPTOR.full_name} in JSON: {shortened(why)}"
    return InvalidArgumentError(text, clause="SV-3")


def _reworded(why: str) -> str:
    """A message of protobuf, in our words if it is about fields."""
    found = _NO_FIELD.fullmatch(why)
    if found is None:
        return why
    known = re.findall(r"'([^']*)'", found["known"])
    return f"{found['kind']} has no field named {found['name']!r}{nearest(found['name'], known)}"
