"""`$densify` and `$fill`: documents and values for the gaps in a series."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.operators.dates import shifted, unit_of
from fakeviam.query.paths import FieldPath, split, with_value
from fakeviam.query.sorting import sorter
from fakeviam.query.values import MISSING, as_utc, is_finite, number, sort_key, type_name
from fakeviam.query.windows import compile_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.paths import Of
    from fakeviam.query.values import Document

    Stage = Callable[[Iterator[Document]], Iterable[Document]]


def compile_densify(spec: Any, compiler: Compiler) -> Stage:
    """Compile a `$densify`.

    Raises:
        QueryError: It makes no sense.
    """
    if not isinstance(spec, dict) or not isinstance(spec.get("range"), dict):
        raise QueryError(
            5733201, "The $densify stage specification must be an object with 'field' and 'range'"
        )
    if not isinstance(spec.get("field"), str):
        raise QueryError(40414, "BSON field '$densify.field' is missing but a required field")
    names = split(spec["field"])
    partitions = [split(name) for name in spec.get("partitionByFields", [])]
    step, bounds, unit = (
        spec["range"].get("step"),
        spec["range"].get("bounds"),
        spec["range"].get("unit"),
    )
    if not is_finite(step) or number(step) <= 0:
        raise QueryError(
            5733401,
            "the step parameter in a range statement must be a strictly positive numeric value",
        )
    if bounds not in ("full", "partition") and not (isinstance(bounds, list) and len(bounds) == 2):
        raise QueryError(
            5946802,
            "range.bounds must be 'full', 'partition' or an ascending array of two values",
        )
    if unit is not None:
        unit_of("$densify", unit)

    def following(value: Any) -> Any:
        if unit is not None:
            return shifted(as_utc(value), unit, int(number(step)))
        return number(value) + number(step)

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        parts = _partitions(documents, names, partitions, dates=unit is not None)
        values = [value for _, rows in parts for value, _ in rows if value is not None]
        for keys, rows in parts:
            inside = (
                values if bounds == "full" else [value for value, _ in rows if value is not None]
            )
            limits = list(bounds) if isinstance(bounds, list) else _ends(inside)
            yield from _dense(
                rows,
                limits,
                explicit=isinstance(bounds, list),
                following=following,
                make=partial(_made, names, partitions, keys),
                compiler=compiler,
            )

    return stage


def _partitions(
    documents: Iterator[Document],
    names: tuple[str, ...],
    partitions: list[tuple[str, ...]],
    *,
    dates: bool,
) -> list[tuple[list[Any], list[tuple[Any, Document]]]]:
    get, by = FieldPath(names), [FieldPath(each) for each in partitions]
    parts: dict[Any, tuple[list[Any], list[tuple[Any, Document]]]] = {}
    for document in documents:
        value = get(document)
        if value is None or value is MISSING:
            value = None
        elif isinstance(value, datetime) is not dates:
            kind = "date" if dates else "numeric"
            text = f"$densify field type must be {kind}, found {type_name(value)}"
            raise QueryError(5733201, text)
        keys = [each(document) for each in by]
        mark = tuple(map(sort_key, keys))
        parts.setdefault(mark, (keys, []))[1].append((value, document))
    for _, rows in parts.values():
        rows.sort(key=lambda row: sort_key(row[0]))
    return list(parts.values())


def _ends(values: list[Any]) -> list[Any]:
    return [min(values, key=sort_key), max(values, key=sort_key)] if values else []


def _dense(
    rows: list[tuple[Any, Document]],
    limits: list[Any],
    *,
    explicit: bool,
    following: Callable[[Any], Any],
    make: Callable[[Any], Document],
    compiler: Compiler,
) -> Iterator[Document]:
    """The rows of a partition, and new ones at each step between the limits."""
    present = {sort_key(value) for value, _ in rows}
    series: list[tuple[Any, Document]] = []
    if limits:
        value, last = limits[0], sort_key(limits[1])
        # Explicit upper bounds are outside, those of the data are there anyway.
        while sort_key(value) < last or (not explicit and sort_key(value) == last):
            compiler.budget.spend(10)  # a document, its key and its place in the series
            if sort_key(value) not in present:
                series.append((value, make(value)))
            value = following(value)
    yield from (row for _, row in sorted([*rows, *series], key=lambda row: sort_key(row[0])))


def _made(
    names: tuple[str, ...], partitions: list[tuple[str, ...]], keys: list[Any], value: Any
) -> Document:
    document: Document = {}
    for path, key in zip(partitions, keys, strict=True):
        document = with_value(document, path, key)
    return dict(with_value(document, names, value))


def compile_fill(spec: Any, compiler: Compiler) -> Stage:
    """Compile a `$fill`.

    Raises:
        QueryError: It makes no sense.
    """
    if not isinstance(spec, dict) or not isinstance(spec.get("output"), dict) or not spec["output"]:
        raise QueryError(40414, "$fill needs an 'output' with at least one field")
    if "partitionBy" in spec and "partitionByFields" in spec:
        raise QueryError(
            6050204,
            "Maximum one of 'partitionBy' and 'partitionByFields' can be specified in '$fill'",
        )
    methods, values = _outputs(spec["output"], compiler)
    windows = _windows(spec, methods, compiler) if methods else None

    def stage(documents: Iterator[Document]) -> Iterable[Document]:
        rows = (
            windows(documents)
            if windows
            else sorter(spec["sortBy"])(documents)
            if "sortBy" in spec
            else documents
        )
        return map(with_values, rows)

    def with_values(document: Document) -> Document:
        result = document
        for names, evaluate in values.items():
            if FieldPath(names)(document) in (None, MISSING):
                result = with_value(result, names, evaluate(document))
        return result

    return stage


def _outputs(spec: Document, compiler: Compiler) -> tuple[Document, dict[tuple[str, ...], Of]]:
    """The window functions of fields filled by a method, and the values of the others."""
    methods: Document = {}
    values: dict[tuple[str, ...], Of] = {}
    for name, output in spec.items():
        if (
            not isinstance(output, dict)
            or len(output) != 1
            or not set(output) <= {"value", "method"}
        ):
            text = f"$fill output {name!r} needs exactly one of 'method' or 'value'"
            raise QueryError(6050202, text)
        if "value" in output:
            values[split(name)] = compiler.of_document(output["value"])
        elif output["method"] in _METHODS:
            methods[name] = {_METHODS[output["method"]]: f"${name}"}
        else:
            raise QueryError(6050200, "$fill method must be one of 'locf' or 'linear'")
    return methods, values


_METHODS = {"linear": "$linearFill", "locf": "$locf"}


def _windows(spec: Document, output: Document, compiler: Compiler) -> Stage:
    if "sortBy" not in spec:
        raise QueryError(605001, "$fill with a 'method' needs a 'sortBy'")
    partition = spec.get("partitionBy")
    if "partitionByFields" in spec:
        partition = {name.replace(".", "_"): f"${name}" for name in spec["partitionByFields"]}
    return compile_windows(
        {"partitionBy": partition, "sortBy": spec["sortBy"], "output": output}, compiler
    )
