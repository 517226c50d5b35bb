"""Dotted paths into documents: how expressions, filters and projections each follow them."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.query.values import Document

    #: An expression as a function of the document alone.
    Of = Callable[[Document], Any]


def split(path: str) -> tuple[str, ...]:
    """The names in a path.

    Raises:
        QueryError: A name is empty or begins with a dollar sign.
    """
    names = tuple(path.split("."))
    for name in names:
        if not name:
            raise QueryError(15998, "FieldPath field names may not be empty strings.")
        if name.startswith("$"):
            raise QueryError(16410, f"FieldPath field names may not start with '$', got {path!r}")
    return names


class FieldPath:
    """Reads the value at a path, as expressions do: from each document of an array."""

    __slots__ = ("_names",)

    def __init__(self, names: tuple[str, ...]) -> None:
        """Follow these names."""
        self._names = names

    def __call__(self, value: Any) -> Any:
        """The value at the path in one document."""
        for index, name in enumerate(self._names):
            if type(value) is not dict:
                return _get(value, self._names, index)
            value = value.get(name, MISSING)
        return value

    def column(self, documents: Sequence[Document]) -> list[Any]:
        """The values at the path in many documents; no Python code runs where all have it."""
        values: Iterable[Any] = documents
        for name in self._names:
            values = map(itemgetter(name), values)
        try:
            return list(values)
        except (KeyError, TypeError):  # it is missing, or in an array
            return list(map(self, documents))


class Constant:
    """The same value for every document."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        """Answer this value."""
        self._value = value

    def __call__(self, value: Any) -> Any:
        """The value."""
        del value
        return self._value

    def column(self, documents: Sequence[Document]) -> list[Any]:
        """The value, as often as there are documents."""
        return [self._value] * len(documents)


def column(of: Of, documents: Sequence[Document]) -> list[Any]:
    """What an expression is for each of many documents."""
    return (
        of.column(documents) if isinstance(of, (FieldPath, Constant)) else list(map(of, documents))
    )


def _get(value: Any, names: tuple[str, ...], index: int) -> Any:
    if index == len(names):
        return value
    if isinstance(value, dict):
        return _get(value.get(names[index], MISSING), names, index + 1)
    if isinstance(value, list):
        inner = (_get(each, names, index) for each in value if isinstance(each, dict))
        return [each for each in inner if each is not MISSING]
    return MISSING


def leaves(value: Any, names: tuple[str, ...], index: int = 0) -> Iterator[Any]:
    """Every value at a path, as filters see them: in arrays, by position and in each document."""
    if index == len(names):
        yield value
    elif isinstance(value, dict):
        yield from leaves(value.get(names[index], MISSING), names, index + 1)
    elif isinstance(value, list):
        name = names[index]
        if name.isdigit() and int(name) < len(value):
            yield from leaves(value[int(name)], names, index + 1)
        for each in value:
            if isinstance(each, dict):
                yield from leaves(each, names, index)
    else:
        yield MISSING


def with_value(document: Any, names: tuple[str, ...], value: Any) -> Any:
    """A copy with a value at a path; in an array, in each of its elements."""
    if not names:
        return value
    if isinstance(document, list):
        return [with_value(each, names, value) for each in document]
    copy: Document = dict(document) if isinstance(document, dict) else {}
    inner = with_value(copy.get(names[0], MISSING), names[1:], value)
    if inner is MISSING:
        copy.pop(names[0], None)
    else:
        copy[names[0]] = inner
    return copy


class Tree(dict[str, Any]):
    """Paths by their names: a tree of trees, whose leaves are what is to happen there."""

    @classmethod
    def of(cls, leaves_by_path: dict[tuple[str, ...], Any]) -> Tree:
        """Make a tree.

        Raises:
            QueryError: One path leads through another.
        """
        tree = cls()
        for names, leaf in leaves_by_path.items():
            node = tree
            for name in names[:-1]:
                node = node.setdefault(name, cls())
                if not isinstance(node, Tree):
                    raise _collision(names)
            if names[-1] in node:
                raise _collision(names)
            node[names[-1]] = leaf
        return tree


def _collision(names: tuple[str, ...]) -> QueryError:
    return QueryError(31249, f"Path collision at {'.'.join(names)}")


def without(value: Any, tree: Tree) -> Any:
    """A copy without the paths of a tree."""
    if isinstance(value, list):
        return [without(each, tree) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without(inner, tree[name]) if isinstance(tree.get(name), Tree) else inner
        for name, inner in value.items()
        if name not in tree or isinstance(tree[name], Tree)
    }
