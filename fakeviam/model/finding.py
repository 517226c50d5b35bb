"""Finding a thing by its name or its id, and saying what was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol, TypeVar

from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Findable(Protocol):
    """What has an id and a name."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def name(self) -> str:
        """Its name; others may have it too."""
        ...


Thing = TypeVar("Thing", bound=Findable)


def find_named(kind: str, told: str, things: Iterable[Thing]) -> Thing:
    """The thing of that name or id.

    Args:
        kind: What it is, for people.
        told: The name or id.
        things: Where to look.

    Raises:
        UsageError: There is none, or several; the text names them.
    """
    if not isinstance(told, str):
        raise UsageError(f"name must be the name or id of the {kind}, got {told!r:.80}")
    known = list(things)
    for thing in known:
        if thing.id == told:
            return thing
    found = [thing for thing in known if thing.name == told]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(thing.id for thing in found)
        raise UsageError(f"{len(found)} {kind}s are named {told!r}; use an id: {ids}")
    names = list(dict.fromkeys(thing.name for thing in known))
    near = get_close_matches(told, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, names))}"
    raise UsageError(f"no {kind} has the name or id {told!r}; {hint}")
