"""Checks of arguments; errors name the parameter, the expected kind of value and the value."""

from __future__ import annotations

from collections.abc import Iterable

from fakeviam.model.errors import UsageError
from fakeviam.model.text import short

#: In bytes, as in Linux.
_LONGEST_PATH = 4096


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Check that a value is one of the choices.

    Raises:
        UsageError: It is not.
    """
    if value not in choices:
        raise UsageError(
            f"{name} must be one of {', '.join(map(repr, choices))}, got {short(value)}"
        )


def check_type(name: str, value: object, kind: type) -> None:
    """Check the type of a value.

    Raises:
        UsageError: It is not a `kind`.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{name} must be a {kind.__name__}, got {short(value)}")


def check_whole_number(name: str, value: object, *, minimum: int) -> None:
    """Check that a value is an integer of at least `minimum`, and of 64 bits.

    Raises:
        UsageError: It is not.
    """
    if type(value) is not int:
        raise UsageError(f"{name} must be a whole number, got {short(value)}")
    if value < minimum:
        raise UsageError(f"{name} must be at least {minimum}, got {short(value)}")
    if value >= 2**63:
        raise UsageError(f"{name} must fit in 64 bits, got {short(value)}")


def check_path(name: str, value: object) -> None:
    """Check that a value is a path.

    Raises:
        UsageError: It is neither a str nor a path object, or no file can have that name.
    """
    if not isinstance(value, str) and not hasattr(type(value), "__fspath__"):
        raise UsageError(f"{name} must be a path, got {short(value)}")
    path = str(value)
    try:
        # Bytes in names of files that are not UTF-8 are surrogates.
        encoded = path.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded or len(encoded) > _LONGEST_PATH:
        raise UsageError(f"{name}: no file can be called {short(path)}")


def check_list(name: str, value: object, what: str) -> None:
    """Check that a value is a list or another iterable.

    Raises:
        UsageError: It cannot be iterated over, or is a str.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise UsageError(f"{name} must be a list of {what}, got {short(value)}")
