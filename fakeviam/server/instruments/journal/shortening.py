"""Truncates large messages to what a journal can keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from fakeviam.server.instruments.message_json import is_map

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_TEXT = 1024
_LONGEST_BYTES = 64
_LONGEST_LIST = 64

# The approximate overhead of a field, an entry or a message.
_EACH = 8


def shortened(message: Message, room: int) -> Message:
    """A copy of at most about `room` bytes.

    Long texts and bytes are cut, long lists and maps end early, and what does not fit any more is
    left out.
    """
    short = type(message)()
    _Shortener(room).copy(message, short)
    return short


class _Shortener:
    def __init__(self, room: int) -> None:
        self._room = room

    def copy(self, message: Message, short: Message) -> None:
        short.SetInParent()
        for field, value in message.ListFields():
            if self._room <= 0:
                return
            place = getattr(short, field.name)
            if is_map(field):
                self._copy_map(field, value, place)
            elif field.message_type is not None:
                self._copy_messages(value, place)
            elif isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
                setattr(short, field.name, self._cut(value))
            else:
                place.extend(self._some(value))

    def _copy_messages(self, value: Any, place: Any) -> None:
        if isinstance(value, Message):
            self.copy(value, place)
            return
        for each in value[:_LONGEST_LIST]:
            if self._room <= 0:
                return
            self.copy(each, place.add())

    def _copy_map(self, field: Any, value: Any, place: Any) -> None:
        of_messages = field.message_type.fields_by_name["value"].message_type is not None
        # Sorted, so that the same message is always truncated in the same way.
        for key in sorted(value)[:_LONGEST_LIST]:
            if self._room <= 0:
                return
            cut = self._cut(key)
            if of_messages:
                self.copy(value[key], place[cut])
            else:
                place[cut] = self._cut(value[key])

    def _some(self, values: Any) -> Iterable[Any]:
        for value in values[:_LONGEST_LIST]:
            if self._room <= 0:
                return
            yield self._cut(value)

    def _cut(self, value: object) -> object:
        if isinstance(value, str):
            value = value[:_LONGEST_TEXT]
        elif isinstance(value, bytes):
            value = value[:_LONGEST_BYTES]
        self._room -= _EACH + (len(value) if isinstance(value, (str, bytes)) else 0)
        return value
