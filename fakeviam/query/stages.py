"""Stages, each compiled to a function from documents to documents."""

from __future__ import annotations

import heapq
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from bson import Int64

from fakeviam.query.buckets import compile_bucket, compile_bucket_auto
from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import Scope
from fakeviam.query.filling import compile_densify, compile_fill
from fakeviam.query.groups import compile_outputs, grouped
from fakeviam.query.matching import compile_filter
from fakeviam.query.paths import FieldPath, split, split_reference, with_value
from fakeviam.query.projection import compile_projection, compile_set, compile_unset
from fakeviam.query.sorting import sorter
from fakeviam.query.values import MISSING, as_long, type_name
from fakeviam.query.windows import compile_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.paths import Of
    from fakeviam.query.values import Document

    Stage = Callable[[Iterator[Document]], Iterable[Document]]


def compile_stage(name: str, spec: object, compiler: Compiler) -> Stage:
    """Compile one stage.

    Raises:
        QueryError: The stage does not exist, or its specification is invalid.
    """
    if name not in STAGES:
        raise QueryError(40324, f"Unrecognized pipeline stage name: '{name}'")
    return STAGES[name](spec, compiler)


def _match(spec: object, compiler: Compiler) -> Stage:
    fits = compile_filter(spec, compiler)
    return lambda documents: filter(fits, documents)


def _mapped(change: Callable[[Document], Document]) -> Stage:
    return lambda documents: map(change, documents)


def _sort(spec: object, compiler: Compiler) -> Stage:
    del compiler
    return sorter(spec)


def _whole(name: str, value: object, code: int) -> int:
    whole = as_long(value)
    if whole is None:
        raise QueryError(code, f"invalid argument to {name} stage: Expected an integer: {value!r}")
    return whole


def _limit(spec: object, compiler: Compiler) -> Stage:
    del compiler
    count = _whole("$limit", spec, 5107201)
    if count < 0:
        text = "invalid argument to $limit stage: Expected a non-negative number in: $limit"
        raise QueryError(5107201, f"{text}: {spec}")
    if count == 0:
        raise QueryError(15958, "the limit must be positive")
    return lambda documents: islice(documents, count)


def _skip(spec: object, compiler: Compiler) -> Stage:
    del compiler
    count = _whole("$skip", spec, 5107200)
    if count < 0:
        raise QueryError(
            5107200,
            f"invalid argument to $skip stage: Expected a non-negative number in: $skip: {spec}",
        )
    return lambda documents: islice(documents, count, None)


def _count(spec: object, compiler: Compiler) -> Stage:
    del compiler
    if not isinstance(spec, str):
        raise QueryError(40156, "the count field must be a non-empty string")
    for code, wrong, text in (
        (40157, not spec, "must be a non-empty string"),
        (40158, spec.startswith("$"), "cannot be a $-prefixed path"),
        (40159, "\0" in spec, "cannot contain a null byte"),
        (40160, "." in spec, "cannot contain '.'"),
    ):
        if wrong:
            raise QueryError(code, f"the count field {text}")

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        count = sum(1 for _ in documents)
        if count:  # without input there is no document, not even one with 0
            yield {spec: count}

    return stage


# Grouping -------------------------------------------------------------------------------------


def _group(spec: object, compiler: Compiler) -> Stage:
    if not isinstance(spec, dict):
        raise QueryError(15947, "a group's fields must be specified in an object")
    if "_id" not in spec:
        raise QueryError(15955, "a group specification must include an _id")
    fields = {name: value for name, value in spec.items() if name != "_id"}
    group = grouped(compiler.of_document(spec["_id"]), compile_outputs(fields, compiler))
    return lambda documents: ({"_id": value, **rest} for value, rest in group(documents))


def _sort_by_count(spec: object, compiler: Compiler) -> Stage:
    if not isinstance(spec, (str, dict)):
        raise QueryError(40149, "the sortByCount field must be a $-prefixed path or an expression")
    if not next(iter(spec) if isinstance(spec, dict) else iter([spec]), "").startswith("$"):
        code = 40147 if isinstance(spec, dict) else 40148
        raise QueryError(code, "the sortByCount field must be a $-prefixed path or an expression")
    group = _group({"_id": spec, "count": {"$sum": 1}}, compiler)
    arrange = sorter({"count": -1})
    return lambda documents: arrange(group(documents))


# Shape ----------------------------------------------------------------------------------------


class _Unwinding(NamedTuple):
    """The parsed specification of an `$unwind`.

    Attributes:
        path: The path of the array.
        keeps: Whether documents without elements are preserved.
        index_path: The field for the index of each element; empty is none.
    """

    path: tuple[str, ...]
    keeps: bool
    index_path: tuple[str, ...]


def _unwinding(spec: object) -> _Unwinding:
    if not isinstance(spec, (str, dict)):
        text = "expected either a string or an object as specification for $unwind stage"
        raise QueryError(15981, text)
    options = spec if isinstance(spec, dict) else {"path": spec}
    unknown = set(options) - {"path", "preserveNullAndEmptyArrays", "includeArrayIndex"}
    if unknown:
        raise QueryError(28811, f"unrecognized option to $unwind stage: {min(unknown)}")
    if "path" not in options:
        raise QueryError(28812, "no path specified to $unwind stage")
    path, index = options["path"], options.get("includeArrayIndex")
    if not isinstance(path, str):
        raise QueryError(28808, "expected a string as the path for $unwind stage")
    if not path.startswith("$"):
        text = f"path option to $unwind stage should be prefixed with a '$': {path}"
        raise QueryError(28818, text)
    keeps = options.get("preserveNullAndEmptyArrays", False)
    if not isinstance(keeps, bool):
        text = "expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage"
        raise QueryError(28809, text)
    if "includeArrayIndex" in options and (not isinstance(index, str) or not index):
        text = "expected a non-empty string for the includeArrayIndex option to $unwind stage"
        raise QueryError(28810, text)
    if index and index[0] == "$":
        text = "includeArrayIndex option to $unwind stage should not be prefixed with a '$'"
        raise QueryError(28822, f"{text}: {index}")
    return _Unwinding(split_reference(path), keeps, split(index) if index else ())


def _unwind(spec: object, compiler: Compiler) -> Stage:
    names, keeps, index_names = _unwinding(spec)
    *outer, name = names
    get = FieldPath(tuple(outer))

    def one(document: Document, value: object, index: object) -> Document:
        result: Document = with_value(document, names, value) if value is not MISSING else document
        return with_value(result, index_names, index) if index_names else result

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        for document in documents:
            inside = get(document)  # arrays on the way to the path are not unwound
            value = inside.get(name, MISSING) if isinstance(inside, dict) else MISSING
            if not isinstance(value, list):
                if (value is not None and value is not MISSING) or keeps:
                    yield one(document, value, None)
            elif value:
                for index, each in enumerate(compiler.budget.metered(value)):
                    yield one(document, each, Int64(index))
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


def _replace_root(spec: object, compiler: Compiler) -> Stage:
    if not isinstance(spec, dict):
        raise QueryError(40229, "expected an object as specification for $replaceRoot stage")
    for name in spec:
        if name != "newRoot":
            raise QueryError(40415, f"BSON field '$replaceRoot.{name}' is an unknown field.")
    if "newRoot" not in spec:
        raise QueryError(40414, "BSON field '$replaceRoot.newRoot' is missing but required")
    return _replaced(compiler.of_document(spec["newRoot"]))


def _redact(spec: object, compiler: Compiler) -> Stage:
    keep, prune, descend = object(), object(), object()
    inner = compiler.with_constants({"KEEP": keep, "PRUNE": prune, "DESCEND": descend})
    evaluate = inner.expression(spec)

    def judged(value: object, root: Document) -> Any:
        if isinstance(value, list):
            inside = (judged(each, root) for each in value)
            return [each for each in inside if each is not MISSING]
        if not isinstance(value, dict):
            return value
        verdict = evaluate(Scope(value, {"ROOT": root}))
        if verdict is keep:
            return value
        if verdict is prune:
            return MISSING
        if verdict is not descend:
            text = "$redact's expression must return $$KEEP, $$DESCEND or $$PRUNE"
            raise QueryError(17053, text)
        fields = ((name, judged(each, root)) for name, each in value.items())
        return {name: each for name, each in fields if each is not MISSING}

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        answers = (judged(each, each) for each in documents)
        return (each for each in answers if each is not MISSING)

    return stage


def _sample(spec: object, compiler: Compiler) -> Stage:
    if not isinstance(spec, dict):
        raise QueryError(28745, "the $sample stage specification must be an object")
    unknown = set(spec) - {"size"}
    if unknown:
        raise QueryError(28748, f"unrecognized option to $sample: {min(unknown)}")
    if "size" not in spec:
        raise QueryError(28749, "$sample stage must specify a size")
    size = _whole("$sample", spec["size"], 28746)
    if size <= 0:
        raise QueryError(28747, "size argument to $sample must be a positive integer")

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        keyed = ((compiler.random.random(), place, each) for place, each in enumerate(documents))
        return (each for _, _, each in heapq.nsmallest(size, keyed))

    return stage


def _geo(spec: object, compiler: Compiler) -> Stage:
    del spec, compiler
    raise QueryError(
        2,
        "$geoNear needs a geospatial index, and readings have none in fakeviam",
    )


STAGES: Mapping[str, Callable[[object, Compiler], Stage]] = MappingProxyType(
    {
        "$addFields": lambda spec, compiler: _mapped(compile_set(spec, compiler, "$addFields")),
        "$bucket": compile_bucket,
        "$bucketAuto": compile_bucket_auto,
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
