"""Checks of arguments; errors name the parameter, the expected kind of value and the value."""

from __future__ import annotations

from collections.abc import Iterable

from fakeviam.model.errors import UsageError


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Check that a value is one of the choices.

    Raises:
        UsageError: It is not.
    """
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_type(name: str, value: object, kind: type) -> None:
    """Check the type of a value.

    Raises:
        UsageError: It is not a `kind`.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{name} must be a {kind.__name__}, got {value!r}")


def check_whole_number(name: str, value: object, *, minimum: int) -> None:
    """Check that a value is an integer of at least `minimum`.

    Raises:
        UsageError: It is not.
    """
    if type(value) is not int:
        raise UsageError(f"{name} must be a whole number, got {value!r}")
    if value < minimum:
        raise UsageError(f"{name} must be at least {minimum}, got {value!r}")


def check_path(name: str, value: object) -> None:
    """Check that a value is a path.

    Raises:
        UsageError: It is neither a str nor a path object.
    """
    if not isinstance(value, str) and not hasattr(value, "__fspath__"):
        raise UsageError(f"{name} must be a path, got {value!r:.80}")


def check_list(name: str, value: object, what: str) -> None:
    """Check that a value is a list or another iterable.

    Raises:
        UsageError: It cannot be iterated over, or is a str.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise UsageError(f"{name} must be a list of {what}, got {value!r:.80}")
