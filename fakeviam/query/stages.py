"""Stages of pipelines: each compiles to a function from documents to documents."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from itertools import islice, pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.query.accumulators import Accumulator, compile_accumulator
from fakeviam.query.errors import QueryError
from fakeviam.query.filling import compile_densify, compile_fill
from fakeviam.query.matching import compile_filter
from fakeviam.query.operators.logic import NO_BRANCH
from fakeviam.query.paths import FieldPath, column, split, with_value
from fakeviam.query.projection import compile_projection, compile_set, compile_unset
from fakeviam.query.sorting import sorter
from fakeviam.query.values import MISSING, compare, is_number, number, sort_key, type_name
from fakeviam.query.windows import compile_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.paths import Of
    from fakeviam.query.values import Document

    Stage = Callable[[Iterator[Document]], Iterable[Document]]


def compile_stage(name: str, spec: Any, compiler: Compiler) -> Stage:
    """Compile one stage.

    Raises:
        QueryError: There is no such stage, or its specification makes no sense.
    """
    if name not in STAGES:
        raise QueryError(40324, f"Unrecognized pipeline stage name: '{name}'")
    return STAGES[name](spec, compiler)


def _match(spec: Any, compiler: Compiler) -> Stage:
    fits = compile_filter(spec, compiler)
    return lambda documents: filter(fits, documents)


def _mapped(change: Callable[[Document], Document]) -> Stage:
    return lambda documents: map(change, documents)


def _sort(spec: Any, compiler: Compiler) -> Stage:
    del compiler
    return sorter(spec)


def _whole(name: str, value: Any, code: int) -> int:
    if not is_number(value) or number(value) % 1:
        raise QueryError(code, f"invalid argument to {name} stage: Expected an integer: {value!r}")
    return int(number(value))


def _limit(spec: Any, compiler: Compiler) -> Stage:
    del compiler
    count = _whole("$limit", spec, 5107201)
    if count <= 0:
        raise QueryError(15958, "the limit must be positive")
    return lambda documents: islice(documents, count)


def _skip(spec: Any, compiler: Compiler) -> Stage:
    del compiler
    count = _whole("$skip", spec, 5107200)
    if count < 0:
        raise QueryError(
            5107200,
            f"invalid argument to $skip stage: Expected a non-negative number in: $skip: {spec}",
        )
    return lambda documents: islice(documents, count, None)


def _count(spec: Any, compiler: Compiler) -> Stage:
    del compiler
    if not isinstance(spec, str) or not spec:
        raise QueryError(40156, "the count field must be a non-empty string")
    if spec.startswith("$") or "." in spec or "\0" in spec:
        raise QueryError(
            40158, "the count field cannot be a $-prefixed path, hold '.' or a null byte"
        )

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        count = sum(1 for _ in documents)
        if count:  # over nothing there is no document, not even one with 0
            yield {spec: count}

    return stage


# Grouping -------------------------------------------------------------------------------------


def compile_outputs(spec: Any, compiler: Compiler) -> list[tuple[str, Accumulator]]:
    """The accumulators of a group, by field.

    Raises:
        QueryError: One makes no sense.
    """
    outputs: list[tuple[str, Accumulator]] = []
    for field, value in spec.items():
        if not isinstance(value, dict):
            raise QueryError(40234, f"The field '{field}' must be an accumulator object")
        if len(value) != 1:
            raise QueryError(40238, f"The field '{field}' must specify one accumulator")
        if "." in field:
            raise QueryError(40235, f"The field name '{field}' cannot contain '.'")
        ((name, operands),) = value.items()
        outputs.append((field, compile_accumulator(name, operands, compiler)))
    return outputs


def _grouped(
    key: Of, outputs: list[tuple[str, Accumulator]]
) -> Callable[[Iterable[Document]], Iterator[tuple[Any, Document]]]:
    """Groups of documents by key: the key's first value, and the fields of the group."""

    def group(documents: Iterable[Document]) -> Iterator[tuple[Any, Document]]:
        groups: dict[Any, tuple[Any, list[Document]]] = {}
        rows = list(documents)
        for value, document in zip(column(key, rows), rows, strict=True):
            # Texts, the usual keys, are their own; others can be equal without being alike.
            mark = value if type(value) is str else sort_key(_null(value))
            known = groups.get(mark)
            if known is None:
                known = groups[mark] = (_null(value), [])
            known[1].append(document)
        for value, members in groups.values():
            yield value, fields_of(members, outputs)

    return group


def fields_of(members: list[Document], outputs: list[tuple[str, Accumulator]]) -> Document:
    """The fields of a group."""
    return {
        field: accumulator.fold(column(accumulator.evaluate, members))
        for field, accumulator in outputs
    }


def _group(spec: Any, compiler: Compiler) -> Stage:
    if not isinstance(spec, dict):
        raise QueryError(15947, "a group's fields must be specified in an object")
    if "_id" not in spec:
        raise QueryError(15955, "a group specification must include an _id")
    fields = {name: value for name, value in spec.items() if name != "_id"}
    group = _grouped(compiler.of_document(spec["_id"]), compile_outputs(fields, compiler))
    return lambda documents: ({"_id": value, **rest} for value, rest in group(documents))


def _sort_by_count(spec: Any, compiler: Compiler) -> Stage:
    if not (isinstance(spec, str) and spec.startswith("$")) and not isinstance(spec, dict):
        raise QueryError(40149, "the sortByCount field must be a $-prefixed path or an expression")
    group = _group({"_id": spec, "count": {"$sum": 1}}, compiler)
    arrange = sorter({"count": -1})
    return lambda documents: arrange(group(documents))


_DEFAULT_OUTPUT = MappingProxyType({"count": {"$sum": 1}})


def _bounds(spec: Any) -> list[Any]:
    if not isinstance(spec, dict):
        raise QueryError(40201, "Argument to $bucket stage must be an object")
    unknown = set(spec) - {"groupBy", "boundaries", "default", "output"}
    if unknown:
        raise QueryError(40197, f"Unrecognized option to $bucket: {min(unknown)}")
    if "groupBy" not in spec or "boundaries" not in spec:
        raise QueryError(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified")
    bounds = spec["boundaries"]
    if not isinstance(bounds, list) or len(bounds) < 2:
        raise QueryError(40192, "$bucket 'boundaries' must be an array of at least 2 values")
    if any(compare(low, high) >= 0 for low, high in pairwise(bounds)):
        raise QueryError(40194, "$bucket 'boundaries' must be sorted in ascending order")
    return bounds


def _bucket(spec: Any, compiler: Compiler) -> Stage:
    bounds = _bounds(spec)
    keys = [sort_key(bound) for bound in bounds]
    of = compiler.of_document(spec["groupBy"])

    def key(document: Document) -> Any:
        place = bisect_right(keys, sort_key(of(document))) - 1
        if 0 <= place < len(keys) - 1:
            return bounds[place]
        if "default" not in spec:
            raise QueryError(40066, f"$bucket {NO_BRANCH}")
        return spec["default"]

    outputs = compile_outputs(spec.get("output", _DEFAULT_OUTPUT), compiler)
    group = _grouped(key, outputs)

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        groups = sorted(group(documents), key=lambda each: sort_key(each[0]))
        return ({"_id": value, **rest} for value, rest in groups)

    return stage


def _bucket_auto(spec: Any, compiler: Compiler) -> Stage:
    if not isinstance(spec, dict) or "groupBy" not in spec or "buckets" not in spec:
        raise QueryError(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified")
    if spec.get("granularity") is not None:
        raise QueryError(40260, "$bucketAuto: 'granularity' is not supported by fakeviam")
    count = _whole("$bucketAuto", spec["buckets"], 40241)
    if count <= 0:
        raise QueryError(
            40243, f"The $bucketAuto 'buckets' field must be greater than 0, but found: {count}"
        )
    of = compiler.of_document(spec["groupBy"])
    outputs = compile_outputs(spec.get("output", _DEFAULT_OUTPUT), compiler)

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        pairs = sorted(
            ((_null(of(each)), each) for each in documents),
            key=lambda pair: sort_key(pair[0]),
        )
        buckets = _cut(pairs, count)
        for place, bucket in enumerate(buckets):
            low = bucket[0][0]
            high = buckets[place + 1][0][0] if place + 1 < len(buckets) else bucket[-1][0]
            fields = fields_of([each for _, each in bucket], outputs)
            yield {"_id": {"min": low, "max": high}, **fields}

    return stage


def _cut(pairs: list[Any], count: int) -> list[list[Any]]:
    """Buckets of about equal size; equal values are never cut apart."""
    size = max(1, round(len(pairs) / count))
    buckets: list[list[Any]] = []
    start = 0
    while start < len(pairs):
        end = min(start + size, len(pairs)) if len(buckets) < count - 1 else len(pairs)
        while end < len(pairs) and sort_key(pairs[end][0]) == sort_key(pairs[end - 1][0]):
            end += 1
        buckets.append(pairs[start:end])
        start = end
    return buckets


def _null(value: Any) -> Any:
    return None if value is MISSING else value


# Shape ----------------------------------------------------------------------------------------


class _Unwinding(NamedTuple):
    """What an `$unwind` does.

    Attributes:
        path: Where the array is.
        keeps: Whether documents without elements stay.
        index_path: Where the index of each element goes; empty is nowhere.
    """

    path: tuple[str, ...]
    keeps: bool
    index_path: tuple[str, ...]


def _unwinding(spec: Any) -> _Unwinding:
    options = spec if isinstance(spec, dict) else {"path": spec}
    unknown = set(options) - {"path", "preserveNullAndEmptyArrays", "includeArrayIndex"}
    if unknown:
        raise QueryError(28811, f"unrecognized option to $unwind stage: {min(unknown)}")
    path, index = options.get("path"), options.get("includeArrayIndex")
    if not isinstance(path, str):
        raise QueryError(28808, "expected a string as the path for $unwind stage")
    if not path.startswith("$"):
        text = f"path option to $unwind stage should be prefixed with a '$': {path}"
        raise QueryError(28818, text)
    keeps = options.get("preserveNullAndEmptyArrays", False)
    if not isinstance(keeps, bool):
        text = "expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage"
        raise QueryError(28809, text)
    if index is not None and (not isinstance(index, str) or not index or index[0] == "$"):
        text = "includeArrayIndex must be a non-empty string that does not start with '$'"
        raise QueryError(28810, f"$unwind: {text}")
    return _Unwinding(split(path[1:]), keeps, split(index) if index else ())


def _unwind(spec: Any, compiler: Compiler) -> Stage:
    names, keeps, index_names = _unwinding(spec)
    get = FieldPath(names)

    def one(document: Document, value: Any, index: Any) -> Document:
        result: Document = with_value(document, names, value) if value is not MISSING else document
        return with_value(result, index_names, index) if index_names else result

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        for document in documents:
            value = get(document)
            if not isinstance(value, list):
                if (value is not None and value is not MISSING) or keeps:
                    yield one(document, value, None)
            elif value:
                for index, each in enumerate(compiler.budget.metered(value)):
                    yield one(document, each, index)
            elif keeps:
                yield one(with_value(document, names, MISSING), MISSING, None)

    return stage


def _replaced(evaluate: Of) -> Stage:
    def change(document: Document) -> Document:
        value = evaluate(document)
        if not isinstance(value, dict):
            raise QueryError(
                40228,
                f"'newRoot' must evaluate to an object, but was of type: {type_name(value)}",
            )
        return value

    return _mapped(change)


def _replace_root(spec: Any, compiler: Compiler) -> Stage:
    if not isinstance(spec, dict) or set(spec) != {"newRoot"}:
        raise QueryError(40231, "$replaceRoot needs a 'newRoot' and nothing else")
    return _replaced(compiler.of_document(spec["newRoot"]))


def _redact(spec: Any, compiler: Compiler) -> Stage:
    keep, prune, descend = object(), object(), object()
    inner = compiler.with_constants({"KEEP": keep, "PRUNE": prune, "DESCEND": descend})
    evaluate = inner.of_document(spec)

    def judge(document: Document) -> Document | None:
        verdict = evaluate(document)
        if verdict is keep:
            return document
        if verdict is prune:
            return None
        if verdict is not descend:
            raise QueryError(
                17053,
                "$redact's expression must return $$KEEP, $$DESCEND or $$PRUNE",
            )
        result: Document = {}
        for name, value in document.items():
            inner_value = below(value)
            if inner_value is not MISSING:
                result[name] = inner_value
        return result

    def below(value: Any) -> Any:
        if isinstance(value, dict):
            judged = judge(value)
            return MISSING if judged is None else judged
        if isinstance(value, list):
            return [each for each in map(below, value) if each is not MISSING]
        return value

    return lambda documents: (each for each in map(judge, documents) if each is not None)


def _sample(spec: Any, compiler: Compiler) -> Stage:
    if not isinstance(spec, dict) or set(spec) != {"size"}:
        raise QueryError(28745, "the $sample stage specification must be an object with a 'size'")
    size = _whole("$sample", spec["size"], 28746)
    if size <= 0:
        raise QueryError(28747, "size argument to $sample must be a positive integer")

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        drawn = ((compiler.random.random(), place, each) for place, each in enumerate(documents))
        return (each for _, _, each in heapq.nsmallest(size, drawn))

    return stage


def _geo(spec: Any, compiler: Compiler) -> Stage:
    del spec, compiler
    raise QueryError(
        2,
        "$geoNear needs a geospatial index, and readings have none in fakeviam",
    )


STAGES: Mapping[str, Callable[[Any, Compiler], Stage]] = MappingProxyType(
    {
        "$addFields": lambda spec, compiler: _mapped(compile_set(spec, compiler, "$addFields")),
        "$bucket": _bucket,
        "$bucketAuto": _bucket_auto,
        "$count": _count,
        "$densify": compile_densify,
        "$fill": compile_fill,
        "$geoNear": _geo,
        "$group": _group,
        "$limit": _limit,
        "$match": _match,
        "$project": lambda spec, compiler: _mapped(compile_projection(spec, compiler)),
        "$redact": _redact,
        "$replaceRoot": _replace_root,
        "$replaceWith": lambda spec, compiler: _replaced(compiler.of_document(spec)),
        "$sample": _sample,
        "$set": lambda spec, compiler: _mapped(compile_set(spec, compiler, "$set")),
        "$setWindowFields": compile_windows,
        "$skip": _skip,
        "$sort": _sort,
        "$sortByCount": _sort_by_count,
        "$unset": lambda spec, _: _mapped(compile_unset(spec)),
        "$unwind": _unwind,
    }
)
