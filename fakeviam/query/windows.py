"""`$setWindowFields`: functions over each document's neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.accumulators import compile_accumulator
from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import check_fields
from fakeviam.query.paths import Tree, split, with_value
from fakeviam.query.sorting import sorter
from fakeviam.query.values import (
    MISSING,
    sort_key,
)
from fakeviam.query.window_frames import Order, compile_frame
from fakeviam.query.window_functions import COVARIANCES, WINDOW_FUNCTIONS, compile_covariance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.values import Document
    from fakeviam.query.window_functions import WindowFunction


def compile_windows(
    spec: object, compiler: Compiler
) -> Callable[[Iterator[Document]], Iterable[Document]]:
    """Compile a `$setWindowFields`.

    Raises:
        QueryError: It is invalid.
    """
    if not isinstance(spec, dict):
        raise QueryError(9, "the $setWindowFields stage specification must be an object")
    check_fields("$setWindowFields", spec, ("output",), ("partitionBy", "sortBy"))
    if not isinstance(spec["output"], dict):
        raise QueryError(14, "$setWindowFields: 'output' must be an object")
    order = _order(spec.get("sortBy"))
    partition = compiler.of_document(spec.get("partitionBy"))
    outputs = [
        (split(name), _compile_output(name, output, order, compiler))
        for name, output in spec["output"].items()
    ]
    Tree.of(dict.fromkeys((names for names, _ in outputs), True))

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        parts: dict[Any, list[Document]] = {}
        for document in documents:
            key = partition(document)
            if isinstance(key, list):
                raise QueryError(
                    14, "An expression used to partition cannot evaluate to value of type array"
                )
            parts.setdefault(sort_key(None if key is MISSING else key), []).append(document)
        for key in sorted(parts):
            yield from _with_outputs(parts[key], order, outputs)

    return stage


def _with_outputs(
    rows: list[Document], order: Order | None, outputs: list[tuple[tuple[str, ...], WindowFunction]]
) -> Iterator[Document]:
    ordered = sorter(order.spec)(rows) if order else rows
    columns = [(names, function(ordered)) for names, function in outputs]
    for place, row in enumerate(ordered):
        result = row
        for names, column in columns:
            result = with_value(result, names, column[place])
        yield result


def _order(spec: Any) -> Order | None:
    if spec is None:
        return None
    sorter(spec)  # validates the specification
    names = list(spec)
    return Order(spec, split(names[0]) if len(names) == 1 else None, spec[names[0]] == -1)


def _compile_output(
    name: str, spec: object, order: Order | None, compiler: Compiler
) -> WindowFunction:
    if not isinstance(spec, dict):
        raise QueryError(9, f"The field '{name}' must be an object")
    functions = [key for key in spec if key.startswith("$")]
    if len(functions) != 1 or set(spec) - {functions[0], "window"}:
        raise QueryError(
            9, f"The field '{name}' must have one window function, and perhaps a 'window'"
        )
    (function,) = functions
    if function in WINDOW_FUNCTIONS:
        if "window" in spec and function not in {"$derivative", "$integral"}:
            raise QueryError(5371601, f"{function} takes no 'window'")
        if order is None:
            raise QueryError(
                5371602, f"{function} must be specified with a top level sortBy expression"
            )
        return WINDOW_FUNCTIONS[function](spec[function], order, spec.get("window"), compiler)
    compile_function = compile_covariance if function in COVARIANCES else compile_accumulator
    accumulator = compile_function(function, spec[function], compiler)
    frame = compile_frame(spec.get("window"), order)

    def over(rows: Sequence[Document]) -> list[object]:
        values = [accumulator.evaluate(row) for row in rows]
        frames = frame(rows)
        if all(bounds == (0, len(rows)) for bounds in frames):
            whole = accumulator.fold(values)
            return [whole] * len(rows)
        compiler.budget.spend(sum(end - start for start, end in frames))
        return [accumulator.fold(values[start:end]) for start, end in frames]

    return over
