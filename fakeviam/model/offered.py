"""Limits `dir()` of public objects to their documented names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def offers(*names: str) -> Callable[[type[T]], type[T]]:
    """Make `dir()`, and thus debuggers, show only these names of a class's objects."""

    def decorate(kind: type[T]) -> type[T]:
        def shown(_: object) -> list[str]:
            return [*dir(object), *names]

        kind.__dir__ = shown  # type: ignore[method-assign,assignment]
        return kind

    return decorate
