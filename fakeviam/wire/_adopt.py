"""Converts messages of other packages' classes to ours."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import Message

__all__ = ["adopt"]

M = TypeVar("M", bound=Message)


def adopt(cls: type[M], message: Message) -> M:
    """Return the message as an instance of our class.

    A message class belongs to one descriptor pool, and protobuf refuses to assign or copy between
    pools. This is the way across: a caller may hand us viam-sdk's `Filter` where ours is needed.
    Fields unknown to our descriptors are kept.

    Args:
        cls: the wanted class, one of `fakeviam.wire`.
        message: an instance of `cls`, or of a class of any pool with the same full name.

    Returns:
        The very message if it is ours already, else a copy.

    Raises:
        TypeError: `message` is something else.
    """
    if isinstance(message, cls):
        return message
    expected = cls.DESCRIPTOR.full_name
    if not isinstance(message, Message):
        raise TypeError(f"need a {expected} message, not {type(message).__name__}")
    actual = message.DESCRIPTOR.full_name
    if actual != expected:
        raise TypeError(f"need a {expected} message, not {actual}")
    return cls.FromString(message.SerializePartialToString())
