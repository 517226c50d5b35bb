"""`$densify` and `$fill`: add missing documents and values to a series."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam.query.calendars import shifted, unit_of
from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import check_fields
from fakeviam.query.paths import FieldPath, split, with_value
from fakeviam.query.sorting import sorter
from fakeviam.query.values import (
    MISSING,
    as_long,
    as_utc,
    compare,
    is_finite,
    narrowed,
    number,
    sort_key,
    type_name,
)
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
        QueryError: It is invalid.
    """
    check_fields("$densify", spec, ("field", "range"), ("partitionByFields",))
    check_fields("$densify.range", spec["range"], ("step", "bounds"), ("unit",))
    step, bounds, unit = (spec["range"].get(name) for name in ("step", "bounds", "unit"))
    if not is_finite(step) or number(step) <= 0:
        text = "the step parameter in a range statement must be a strictly positive numeric value"
        raise QueryError(5733401, text)
    if unit is not None:
        if as_long(step) is None:
            text = "the step parameter in a range statement must be a whole number with a unit"
            raise QueryError(6586400, text)
        unit_of("$densify", unit)
    _check_bounds(bounds, step=step, dates=unit is not None)
    names = split(_text("$densify.field", spec["field"]))
    partitions = _paths("$densify.partitionByFields", spec.get("partitionByFields", []))
    _check_partitions(names, partitions, bounds)

    def following(value: Any) -> object:
        if unit is not None:
            return shifted(as_utc(value), unit, int(number(step)))
        return narrowed(number(value) + number(step))

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
                make=partial(_generated, names, partitions, keys),
                compiler=compiler,
            )

    return stage


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        text = f"BSON field '{name}' is the wrong type '{type_name(value)}', expected 'string'"
        raise QueryError(14, text)
    return value


def _paths(name: str, values: object) -> list[tuple[str, ...]]:
    if not isinstance(values, list):
        text = f"BSON field '{name}' is the wrong type '{type_name(values)}', expected 'array'"
        raise QueryError(14, text)
    return [split(_text(name, value)) for value in values]


def _check_bounds(bounds: object, *, step: object, dates: bool) -> None:
    if isinstance(bounds, str):
        if bounds not in ("full", "partition"):
            raise QueryError(5946802, "bounds must be 'full' or 'partition' where it is a string")
        return
    if not isinstance(bounds, list):
        text = "the bounds in a range statement must be the string 'full', 'partition', or an"
        raise QueryError(5733404, f"{text} ascending array of two numbers or two dates")
    if len(bounds) != 2:
        text = "a bounding array in a range statement must have exactly two elements"
        raise QueryError(5733403, text)
    if compare(*bounds) > 0:
        text = "a bounding array must be an ascending array of either two dates or two numbers"
        raise QueryError(5733402, text)
    _check_ends(*bounds, step=step, dates=dates)


def _check_ends(first: object, last: object, *, step: object, dates: bool) -> None:
    one_kind = "a bounding array must contain either both dates or both numeric types"
    if is_finite(first):
        if dates:
            raise QueryError(5733409, "numeric bounds may not have unit parameter")
        if not is_finite(last):
            raise QueryError(5733406, one_kind)
        if len({type_name(each) for each in (first, last, step)}) > 1:
            text = "upper bound, lower bound, and step must all have the same type"
            raise QueryError(5876900, text)
    elif isinstance(first, datetime):
        if not isinstance(last, datetime):
            raise QueryError(5733405, one_kind)
        if not dates:
            raise QueryError(5733410, "a bounding array of dates must specify a unit")
    else:
        raise QueryError(5946800, "explicit bounds must be numeric or dates")


def _check_partitions(
    names: tuple[str, ...], partitions: list[tuple[str, ...]], bounds: object
) -> None:
    for path in partitions:
        by, field = ".".join(path), ".".join(names)
        if path[: len(names)] == names:
            text = f"partitionByFields '{by}' cannot include field '{field}' that is densified"
            raise QueryError(8993000, text)
        if names[: len(path)] == path:
            text = f"field '{field}' that is densified cannot include partitionByFields '{by}'"
            raise QueryError(9554500, text)
    if bounds == "partition" and not partitions:
        text = "the bounds 'partition' need partitionByFields that are not empty; 'full' does not"
        raise QueryError(5733408, text)


def _partitions(
    documents: Iterator[Document],
    names: tuple[str, ...],
    partitions: list[tuple[str, ...]],
    *,
    dates: bool,
) -> list[tuple[list[object], list[tuple[object, Document]]]]:
    get, by = FieldPath(names), [FieldPath(each) for each in partitions]
    parts: dict[object, tuple[list[object], list[tuple[object, Document]]]] = {}
    for document in documents:
        value = get(document)
        if value is None or value is MISSING:
            value = None
        elif not (isinstance(value, datetime) if dates else is_finite(value)):
            kind = "date" if dates else "numeric"
            text = f"$densify field type must be {kind}, found {type_name(value)}"
            raise QueryError(5733201, text)
        keys = [each(document) for each in by]
        mark = tuple(map(sort_key, keys))
        parts.setdefault(mark, (keys, []))[1].append((value, document))
    for _, rows in parts.values():
        rows.sort(key=lambda row: sort_key(row[0]))
    return list(parts.values())


def _ends(values: list[object]) -> list[object]:
    return [min(values, key=sort_key), max(values, key=sort_key)] if values else []


def _dense(
    rows: list[tuple[object, Document]],
    limits: list[object],
    *,
    explicit: bool,
    following: Callable[[object], object],
    make: Callable[[object], Document],
    compiler: Compiler,
) -> Iterator[Document]:
    """The rows of a partition, with new rows at each missing step in the range."""
    present = {sort_key(value) for value, _ in rows}
    series: list[tuple[object, Document]] = []
    if limits:
        value, last = limits[0], sort_key(limits[1])
        # The upper bound of an explicit range is exclusive; a row exists at the bounds of "full".
        while sort_key(value) < last or (not explicit and sort_key(value) == last):
            compiler.budget.spend(10)  # a document, its key and its index are more than one step
            if sort_key(value) not in present:
                series.append((value, make(value)))
            value = following(value)
    yield from (row for _, row in sorted([*rows, *series], key=lambda row: sort_key(row[0])))


def _generated(
    names: tuple[str, ...], partitions: list[tuple[str, ...]], keys: list[object], value: object
) -> Document:
    document: Document = {}
    for path, key in zip(partitions, keys, strict=True):
        document = with_value(document, path, key)
    return dict(with_value(document, names, value))


def compile_fill(spec: Any, compiler: Compiler) -> Stage:
    """Compile a `$fill`.

    Raises:
        QueryError: It is invalid.
    """
    optional = ("sortBy", "partitionBy", "partitionByFields")
    check_fields("$fill", spec, ("output",), optional)
    if not isinstance(spec["output"], dict) or not spec["output"]:
        raise QueryError(6050203, "$fill needs an 'output' with at least one field")
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
    """The window functions of fields with a method, and the expressions of fields with a value."""
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
        elif isinstance(output["method"], str) and output["method"] in _METHODS:
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
        paths = _paths("$fill.partitionByFields", spec["partitionByFields"])
        partition = {"_".join(names): "$" + ".".join(names) for names in paths}
    return compile_windows(
        {"partitionBy": partition, "sortBy": spec["sortBy"], "output": output}, compiler
    )
