"""What counts as text, values in messages, and numbers with their nouns."""

from __future__ import annotations

from reprlib import Repr

#: Integers with more bits are not shown: of thousands of digits, `repr` makes an error.
_MOST_BITS = 128


def is_text(value: object) -> bool:
    """Whether a value is text that UTF-8 can encode, without lone surrogates."""
    try:
        return isinstance(value, str) and (value.isascii() or value.encode() is not None)
    except UnicodeEncodeError:
        return False


def short(value: object, longest: int = 200) -> str:
    """A value in a message about it: abbreviated, and without an error, whatever it is."""
    try:
        part = value[: longest + 1] if isinstance(value, (str, bytes)) else value
        shown = _Abbreviations(longest).repr(part).encode(errors="backslashreplace").decode()
    except Exception:  # noqa: BLE001 - of a value of any type
        return f"something of the type {type(value).__name__}"
    return shown if len(shown) <= longest else f"{shown[: longest - 2]}…{shown[-1]}"


class _Abbreviations(Repr):
    def __init__(self, longest: int) -> None:
        super().__init__()
        for limit in vars(self):
            if limit.startswith("max"):
                # Of what is shown in any case, nothing is left out in the middle.
                setattr(self, limit, 3 * longest)
        self.maxlevel = 6

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - of the base class
        is_long = x.bit_length() > _MOST_BITS
        return f"an integer beyond {_MOST_BITS} bits" if is_long else repr(x)


def counted(count: int, one: str, several: str = "") -> str:
    """`1 fault`, `2 faults`."""
    return f"{count} {one if count == 1 else several or f'{one}s'}"
