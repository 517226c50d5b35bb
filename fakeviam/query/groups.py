"""Groups documents by key, and applies accumulators."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from fakeviam.query.accumulators import Accumulator, compile_accumulator
from fakeviam.query.errors import QueryError
from fakeviam.query.paths import Constant, Fields, column
from fakeviam.query.values import or_null, sort_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.paths import Of
    from fakeviam.query.values import Document


def compile_outputs(spec: Any, compiler: Compiler) -> list[tuple[str, Accumulator]]:
    """The accumulators of a group, by field.

    Raises:
        QueryError: One is invalid.
    """
    outputs: list[tuple[str, Accumulator]] = []
    for field, value in spec.items():
        if not isinstance(value, dict):
            raise QueryError(40234, f"The field '{field}' must be an accumulator object")
        if len(value) != 1:
            raise QueryError(40238, f"The field '{field}' must specify one accumulator")
        if "." in field:
            raise QueryError(40235, f"The field name '{field}' cannot contain '.'")
        if field.startswith("$"):
            raise QueryError(40236, f"The field name '{field}' cannot be an operator name")
        ((name, operands),) = value.items()
        outputs.append((field, compile_accumulator(name, operands, compiler)))
    return outputs


#: Documents are processed in batches, so that no more of them are in memory at a time.
_BATCH = 4096


def grouped(
    key: Of, outputs: list[tuple[str, Accumulator]]
) -> Callable[[Iterable[Document]], Iterator[tuple[object, Document]]]:
    """Groups of documents by key: the key's first value, and the fields of the group."""

    def group(documents: Iterable[Document]) -> Iterator[tuple[object, Document]]:
        stream, groups = iter(documents), _Groups(key, outputs)
        while batch := list(islice(stream, _BATCH)):
            groups.add(batch)
        return groups.finished()

    return group


class _Groups:
    """Accumulates groups: the values of each group, without the documents."""

    def __init__(self, key: Of, outputs: list[tuple[str, Accumulator]]) -> None:
        self._key = key
        self._fields = key if isinstance(key, Fields) else None
        self._outputs = outputs
        self._numbers: dict[object, int] = {}  # group numbers by mark, the identity of a key
        self._heads: list[object] = []
        self._sizes: Counter[int] = Counter()
        # Values of constants are not collected: the sizes of the groups suffice.
        self._values: list[list[list[object]]] = [[] for _ in outputs]

    def add(self, documents: list[Document]) -> None:
        """Put documents into their groups."""
        if self._fields is not None:
            columns = self._fields.columns(documents)
            marked = list(map(_marks, columns))
            marks = list(zip(*marked, strict=True)) if marked else [()] * len(documents)
        else:
            columns = [list(map(or_null, column(self._key, documents)))]
            marks = _marks(columns[0])
        self._open(marks, columns)
        # One pass per column instead of one per document: no Python code runs per document and
        # field.
        numbers = list(map(self._numbers.__getitem__, marks))
        self._sizes.update(numbers)
        for (_, accumulator), groups in zip(self._outputs, self._values, strict=True):
            if not isinstance(accumulator.evaluate, Constant):
                appends = [values.append for values in groups]
                values = column(accumulator.evaluate, documents)
                for number, value in zip(numbers, values, strict=True):
                    appends[number](value)

    def _open(self, marks: list[Any], columns: list[list[Any]]) -> None:
        """Create a group for every new mark."""
        # In reverse, so that the first occurrence of a mark overwrites later ones.
        firsts = dict(zip(reversed(marks), range(len(marks) - 1, -1, -1), strict=True))
        for mark in dict.fromkeys(marks):
            if mark not in self._numbers:
                self._numbers[mark] = len(self._heads)
                row = [values[firsts[mark]] for values in columns]
                fields = self._fields
                self._heads.append(row[0] if fields is None else fields.document(row))
                for groups in self._values:
                    groups.append([])

    def finished(self) -> Iterator[tuple[object, Document]]:
        """The key and the fields of each group, in the order of their first documents."""
        for place, head in enumerate(self._heads):
            fields = {}
            for (field, accumulator), groups in zip(self._outputs, self._values, strict=True):
                evaluate, values = accumulator.evaluate, groups[place]
                if isinstance(evaluate, Constant):
                    values = [evaluate.value] * self._sizes[place]
                fields[field] = accumulator.fold(values)
            yield head, fields


#: Types whose equal values are one key; across types they need not be: 1 and true are equal.
_SINGLE = frozenset({float, int, datetime})


def _marks(values: list[object]) -> list[Any]:
    """Hashable marks that are equal if and only if MongoDB treats the keys as equal.

    Texts, the most common keys, are used unchanged; the others need a sort key, because in Python
    1 equals true, and arrays and documents cannot be hashed.
    """
    kinds = set(map(type, values))
    if kinds == {str}:
        return values
    if len(kinds) == 1 and kinds <= _SINGLE:
        known = {value: sort_key(value) for value in dict.fromkeys(values)}
        return list(map(known.__getitem__, values))
    return [value if type(value) is str else sort_key(value) for value in values]


def fields_of(members: list[Document], outputs: list[tuple[str, Accumulator]]) -> Document:
    """The fields of a group."""
    return {
        field: accumulator.fold(column(accumulator.evaluate, members))
        for field, accumulator in outputs
    }
