"""Dotted paths into documents. Expressions, filters and projections traverse arrays differently."""

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
    """Split a path into names.

    Raises:
        QueryError: A name is empty or starts with a dollar sign.
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
    """Split a path that follows a dollar sign.

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
        """The value for one document."""

    @abstractmethod
    def column(self, documents: Sequence[Document]) -> list[object]:
        """The values for many documents."""


class FieldPath(OfDocument):
    """The value at a path as expressions see it: an array gives one value per document."""

    __slots__ = ("_names",)

    def __init__(self, names: tuple[str, ...]) -> None:
        """Keep the names of the path."""
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
        """The values at the path; if all documents have it, no Python code runs per document."""
        values: Iterable[Any] = documents
        for name in self._names:
            values = map(itemgetter(name), values)
        try:
            return list(values)
        except (KeyError, TypeError):  # the path is missing somewhere, or leads through an array
            return list(map(self, documents))


class Constant(OfDocument):
    """The same value for every document.

    Attributes:
        value: The value.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        """Keep the value."""
        self.value = value

    def __call__(self, document: object) -> object:
        """The value."""
        del document
        return self.value

    def column(self, documents: Sequence[Document]) -> list[object]:
        """The value, repeated for each document."""
        return [self.value] * len(documents)


class Applied(OfDocument):
    """A function applied to other expressions."""

    __slots__ = ("_apply", "_operands")

    def __init__(self, apply: Callable[..., object], operands: Sequence[Of]) -> None:
        """Keep the function and its operands, at least one."""
        self._apply = apply
        self._operands = operands

    def __call__(self, document: Any) -> object:
        """The value for one document."""
        return self._apply(*[of(document) for of in self._operands])

    def column(self, documents: Sequence[Document]) -> list[object]:
        """The values for many documents, from the columns of the operands."""
        return list(map(self._apply, *[column(of, documents) for of in self._operands]))


class Fields(OfDocument):
    """A document with expressions as fields; fields without a value are omitted."""

    __slots__ = ("_names", "_ofs")

    def __init__(self, fields: Sequence[tuple[str, Of]]) -> None:
        """Keep the expressions by name."""
        self._names = [name for name, _ in fields]
        self._ofs = [of for _, of in fields]

    def __call__(self, document: Any) -> Document:
        """The document for one input document."""
        return self.document([of(document) for of in self._ofs])

    def document(self, values: Iterable[object]) -> Document:
        """A document with these values as its fields."""
        pairs = zip(self._names, values, strict=True)
        return {name: value for name, value in pairs if value is not MISSING}

    def columns(self, documents: Sequence[Document]) -> list[list[object]]:
        """The values of each field, as columns."""
        return [column(of, documents) for of in self._ofs]

    def column(self, documents: Sequence[Document]) -> list[object]:
        """The documents for many input documents."""
        if not self._ofs:
            return [{} for _ in documents]
        return list(map(self.document, zip(*self.columns(documents), strict=True)))


def column(of: Of, documents: Sequence[Document]) -> list[object]:
    """Evaluate an expression for many documents."""
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
    """All values at a path as filters see them: through arrays by index and by element."""
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
    """A copy with a value set at a path; in arrays, it is set in each element."""
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
    """Paths as nested dicts by name; the leaves describe what to do at each path."""

    @classmethod
    def of(cls, leaves_by_path: dict[tuple[str, ...], object]) -> Tree:
        """Build a tree.

        Raises:
            QueryError: A path is a prefix of another.
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
    """A copy without the paths in a tree."""
    if isinstance(value, list):
        return [without(each, tree) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without(inner, tree[name]) if isinstance(tree.get(name), Tree) else inner
        for name, inner in value.items()
        if name not in tree or isinstance(tree[name], Tree)
    }
