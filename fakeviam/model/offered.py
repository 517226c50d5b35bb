"""What `dir()` shows of objects that tests hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def offers(*names: str) -> Callable[[type[T]], type[T]]:
    """Let `dir()` of its objects, and so a debugger, show these names: the rest is the server's."""

    def decorate(kind: type[T]) -> type[T]:
        def shown(_: object) -> list[str]:
            return [*dir(object), *names]

        kind.__dir__ = shown  # type: ignore[method-assign,assignment]
        return kind

    return decorate
