"""Dotted paths into documents: how expressions, filters and projections each follow them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.query.values import Document

    #: An expression as a function of the document alone.
    Of = Callable[[Document], object]


def split(path: str) -> tuple[str, ...]:
    """The names in a path.

    Raises:
        QueryError: A name is empty or begins with a dollar sign.
    """
    names = tuple(path.split("."))
    if not path:
        raise QueryError(40352, "FieldPath cannot be constructed with empty string")
    if not names[-1]:
        raise QueryError(40353, "FieldPath must not end with a '.'.")
    for name in names:
        if not name:
            raise QueryError(15998, "FieldPath field names may not be empty strings.")
        if name.startswith("$"):
            raise QueryError(16410, f"FieldPath field names may not start with '$', got {path!r}")
    return names


def split_reference(path: str) -> tuple[str, ...]:
    """The names in a path that follows a dollar sign.

    Raises:
        QueryError: It is invalid.
    """
    if path == "$":
        raise QueryError(16872, "'$' by itself is not a valid FieldPath")
    return split(path[1:])


class OfDocument(ABC):
    """An expression that can be evaluated for many documents at once."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, document: object) -> object:
        """Its value for one document."""

    @abstractmethod
    def column(self, documents: Sequence[Document]) -> list[object]:
        """Its values for many documents."""


class FieldPath(OfDocument):
    """Reads the value at a path, as expressions do: from each document of an array."""

    __slots__ = ("_names",)

    def __init__(self, names: tuple[str, ...]) -> None:
        """Follow these names."""
        self._names = names

    def __call__(self, document: object) -> object:
        """The value at the path in one document."""
        value = document
        for index, name in enumerate(self._names):
            if type(value) is not dict:
                return _get(value, self._names, index)
            value = value.get(name, MISSING)
        return value

    def column(self, documents: Sequence[Document]) -> list[object]:
        """The values at the path in many documents; no Python code runs where all have it."""
        values: Iterable[Any] = documents
        for name in self._names:
            values = map(itemgetter(name), values)
        try:
            return list(values)
        except (KeyError, TypeError):  # it is missing, or in an array
            return list(map(self, documents))


class Constant(OfDocument):
    """The same value for every document.

    Attributes:
        value: The value.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        """Answer this value."""
        self.value = value

    def __call__(self, document: object) -> object:
        """The value."""
        del document
        return self.value

    def column(self, documents: Sequence[Document]) -> list[object]:
        """The value, as often as there are documents."""
        return [self.value] * len(documents)


class Applied(OfDocument):
    """A function of other expressions."""

    __slots__ = ("_apply", "_operands")

    def __init__(self, apply: Callable[..., object], operands: Sequence[Of]) -> None:
        """Apply a function to the values of its operands, of which there are some."""
        self._apply = apply
        self._operands = operands

    def __call__(self, document: Any) -> object:
        """Its value for one document."""
        return self._apply(*[of(document) for of in self._operands])

    def column(self, documents: Sequence[Document]) -> list[object]:
        """Its values, from the columns of its operands."""
        return list(map(self._apply, *[column(of, documents) for of in self._operands]))


class Fields(OfDocument):
    """A document whose fields are other expressions; a field without a value is left out."""

    __slots__ = ("_names", "_ofs")

    def __init__(self, fields: Sequence[tuple[str, Of]]) -> None:
        """Make documents with these fields."""
        self._names = [name for name, _ in fields]
        self._ofs = [of for _, of in fields]

    def __call__(self, document: Any) -> Document:
        """The fields of one document."""
        return self.document([of(document) for of in self._ofs])

    def document(self, values: Iterable[object]) -> Document:
        """The document with these values in its fields."""
        pairs = zip(self._names, values, strict=True)
        return {name: value for name, value in pairs if value is not MISSING}

    def columns(self, documents: Sequence[Document]) -> list[list[object]]:
        """The values of each field."""
        return [column(of, documents) for of in self._ofs]

    def column(self, documents: Sequence[Document]) -> list[object]:
        """The fields of many documents."""
        if not self._ofs:
            return [{} for _ in documents]
        return list(map(self.document, zip(*self.columns(documents), strict=True)))


def column(of: Of, documents: Sequence[Document]) -> list[object]:
    """What an expression is for each of many documents."""
    return of.column(documents) if isinstance(of, OfDocument) else list(map(of, documents))


def _get(value: object, names: tuple[str, ...], index: int) -> object:
    if index == len(names):
        return value
    if isinstance(value, dict):
        return _get(value.get(names[index], MISSING), names, index + 1)
    if isinstance(value, list):
        inner = (_get(each, names, index) for each in value if isinstance(each, dict))
        return [each for each in inner if each is not MISSING]
    return MISSING


def leaves(value: object, names: tuple[str, ...], index: int = 0) -> Iterator[object]:
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


def with_value(document: object, names: tuple[str, ...], value: object) -> Any:
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
    def of(cls, leaves_by_path: dict[tuple[str, ...], object]) -> Tree:
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


def without(value: object, tree: Tree) -> Any:
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
