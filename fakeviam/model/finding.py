"""Finds things by name or id, and suggests similar names."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol, TypeVar

from fakeviam.model.errors import UsageError
from fakeviam.model.text import short

if TYPE_CHECKING:
    from collections.abc import Iterable


class Findable(Protocol):
    """Anything with an id and a name."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def name(self) -> str:
        """Its name, which need not be unique."""
        ...


Thing = TypeVar("Thing", bound=Findable)


def find_named(kind: str, key: str, things: Iterable[Thing]) -> Thing:
    """The thing with this name or id.

    Args:
        kind: The kind of thing, for error messages.
        key: The name or id.
        things: The candidates.

    Raises:
        UsageError: There is none, or several; the message lists them.
    """
    if not isinstance(key, str):
        raise UsageError(f"name must be the name or id of the {kind}, got {short(key)}")
    candidates = list(things)
    for thing in candidates:
        if thing.id == key:
            return thing
    matches = [thing for thing in candidates if thing.name == key]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(thing.id for thing in matches)
        raise UsageError(f"{len(matches)} {kind}s are named {short(key)}; use an id: {ids}")
    names = list(dict.fromkeys(thing.name for thing in candidates))
    hint = nearest(key, names) or f"; expected one of {', '.join(map(repr, names))}"
    raise UsageError(f"no {kind} has the name or id {short(key)}{hint}")


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean …?` with the most similar name; empty if none is similar."""
    near = get_close_matches(name[:100], list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
