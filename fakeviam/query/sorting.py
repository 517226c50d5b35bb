"""Sorting documents by several fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.paths import leaves, split
from fakeviam.query.values import MISSING, is_number, sort_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def sorter(spec: object) -> Callable[[Iterable[Any]], list[Any]]:
    """Compile a specification to a stable sort.

    Raises:
        QueryError: The specification is invalid.
    """
    if not isinstance(spec, dict):
        raise QueryError(15973, "the $sort key specification must be an object")
    if not spec:
        raise QueryError(15976, "$sort stage must have at least one sort key")
    keys = [(split(name), _descends(name, order)) for name, order in spec.items()]

    def apply(documents: Iterable[object]) -> list[object]:
        answer = list(documents)
        for names, descends in reversed(keys):
            answer.sort(
                key=lambda each: field_key(each, names, descends=descends), reverse=descends
            )
        return answer

    return apply


def _descends(name: str, order: object) -> bool:
    if isinstance(order, dict):
        raise QueryError(17312, f"$meta sorts of {name!r} are not served")
    if not is_number(order):
        text = f"Illegal key in $sort specification: {name}: {order!r}"
        raise QueryError(15974, text)
    if order not in (1, -1):
        raise QueryError(
            15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)"
        )
    return bool(order == -1)


def field_key(document: object, names: tuple[str, ...], *, descends: bool) -> tuple[object, ...]:
    """The sort key of a document. An array sorts by its least element, or by its greatest."""
    if len(names) == 1:
        value = document.get(names[0], MISSING) if isinstance(document, dict) else MISSING
        if not isinstance(value, list):
            return _key(value)
        values: list[object] = [value]
    else:
        values = list(leaves(document, names))
    keys = [
        _key(each) for value in values for each in (value if isinstance(value, list) else [value])
    ]
    if any(value == [] for value in values):
        keys.append((0,))  # an empty array sorts before null
    return (max if descends else min)(keys, default=_NULL)


_NULL = sort_key(None)


def _key(value: object) -> tuple[object, ...]:
    return _NULL if value is MISSING else sort_key(value)
