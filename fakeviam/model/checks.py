"""Checks of arguments; their texts name the parameter, what it must be and what was given."""

from __future__ import annotations

from collections.abc import Iterable

from fakeviam.model.errors import UsageError


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of the choices.

    Raises:
        UsageError: It is none of them.
    """
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_type(name: str, value: object, kind: type) -> None:
    """Refuse a value of another type.

    Raises:
        UsageError: It is not a `kind`.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{name} must be a {kind.__name__}, got {value!r}")


def check_whole_number(name: str, value: object, *, minimum: int) -> None:
    """Refuse a value that is no integer, or too small.

    Raises:
        UsageError: It is not an int of at least `minimum`.
    """
    if type(value) is not int:
        raise UsageError(f"{name} must be a whole number, got {value!r}")
    if value < minimum:
        raise UsageError(f"{name} must be at least {minimum}, got {value!r}")


def check_path(name: str, value: object) -> None:
    """Refuse what is no path.

    Raises:
        UsageError: It is neither text nor a path object.
    """
    if not isinstance(value, str) and not hasattr(value, "__fspath__"):
        raise UsageError(f"{name} must be a path, got {value!r:.80}")


def check_list(name: str, value: object, what: str) -> None:
    """Refuse what does not hold several things.

    Raises:
        UsageError: It cannot be iterated over, or is text.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise UsageError(f"{name} must be a list of {what}, got {value!r:.80}")
