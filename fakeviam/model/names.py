"""The validation of names and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The maximum length in characters: lists, pages, errors and the journal show names in full.
LONGEST_NAME = 1000


def wrong_name(name: str) -> str:
    """What is wrong with a name; empty if it is valid (NM-1)."""
    wrong = _too_long(name)
    return f"{wrong} [NM-1]" if wrong else _blank(name)


def _too_long(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return ""
    return f"must have at most {LONGEST_NAME} characters, got {len(name)}"


def _blank(text: str) -> str:
    return "" if text.strip() else f"must not be blank, got {text[:80]!r}"


def check_name(name: str, *, clause: str, field: str = "name") -> str:
    """Return the name in a request if it is valid; `clause` is cited for a blank one."""
    if wrong := _too_long(name):
        raise InvalidArgumentError(f"{field} {wrong}", clause="NM-1")
    return check_not_blank(name, clause=clause, field=field)


def check_not_blank(text: str, *, clause: str, field: str) -> str:
    """Return a text of any length if it is not blank; `clause` is cited otherwise."""
    if wrong := _blank(text):
        raise InvalidArgumentError(f"{field} {wrong}", clause=clause)
    return text


def check_tags(tags: Iterable[str]) -> None:
    """Refuse blank tags (TA-4)."""
    for tag in tags:
        check_not_blank(tag, clause="TA-4", field="tags")
