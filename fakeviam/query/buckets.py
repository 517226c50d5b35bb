"""`$bucket` and `$bucketAuto`: groups of adjacent values."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.query.errors import QueryError
from fakeviam.query.groups import compile_outputs, fields_of, grouped
from fakeviam.query.operators.logic import NO_BRANCH
from fakeviam.query.preferred_numbers import rounder_of
from fakeviam.query.reads import is_constant
from fakeviam.query.values import MISSING, as_long, compare, is_number, or_null, rank, sort_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.preferred_numbers import Rounder
    from fakeviam.query.values import Document

    Stage = Callable[[Iterator[Document]], Iterable[Document]]


_DEFAULT_OUTPUT = MappingProxyType({"count": {"$sum": 1}})


def _check_buckets(name: str, spec: Document, codes: tuple[int, int]) -> None:
    """Check what both stages require; only their error codes differ."""
    of_group, of_output = codes
    by = spec["groupBy"]
    if not isinstance(by, dict) and not (isinstance(by, str) and by.startswith("$")):
        text = f"The {name} 'groupBy' field must be defined as a $-prefixed path or an expression"
        raise QueryError(of_group, text)
    if not isinstance(spec.get("output", {}), dict):
        raise QueryError(of_output, f"The {name} 'output' field must be an object")


def _constant(spec: object, compiler: Compiler, code: int, what: str) -> object:
    if not is_constant(spec):
        raise QueryError(code, f"{what} must be constant values")
    return compiler.of_document(spec)({})


def _boundaries(spec: object, compiler: Compiler) -> list[object]:
    if not isinstance(spec, dict):
        raise QueryError(40201, "Argument to $bucket stage must be an object")
    unknown = set(spec) - {"groupBy", "boundaries", "default", "output"}
    if unknown:
        raise QueryError(40197, f"Unrecognized option to $bucket: {min(unknown)}")
    if "groupBy" not in spec or "boundaries" not in spec:
        raise QueryError(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified")
    _check_buckets("$bucket", spec, (40202, 40196))
    what = "The $bucket 'boundaries'"
    if not isinstance(spec["boundaries"], list):
        raise QueryError(40200, f"{what} field must be an array")
    bounds = [_constant(each, compiler, 40191, what) for each in spec["boundaries"]]
    if len(bounds) < 2:
        raise QueryError(40192, f"{what} field must have at least 2 values")
    for low, high in pairwise(bounds):
        if rank(low) != rank(high):
            raise QueryError(40193, f"All values in the {what[4:]} must have the same type")
        if compare(low, high) >= 0:
            raise QueryError(40194, f"{what} must be sorted in ascending order")
    return bounds


def compile_bucket(spec: Any, compiler: Compiler) -> Stage:
    """Compile a `$bucket`.

    Raises:
        QueryError: It is invalid.
    """
    bounds = _boundaries(spec, compiler)
    keys = [sort_key(bound) for bound in bounds]
    of = compiler.of_document(spec["groupBy"])
    default: object = MISSING
    if "default" in spec:
        default = _constant(spec["default"], compiler, 40195, "The $bucket 'default'")
        if keys[0] <= sort_key(default) < keys[-1]:
            text = "The $bucket 'default' field must be less than the lowest boundary or greater"
            raise QueryError(40199, f"{text} than or equal to the highest boundary")

    def key(document: Document) -> object:
        place = bisect_right(keys, sort_key(of(document))) - 1
        if 0 <= place < len(keys) - 1:
            return bounds[place]
        if default is MISSING:
            raise QueryError(40066, f"$bucket {NO_BRANCH}")
        return default

    outputs = compile_outputs(spec.get("output", _DEFAULT_OUTPUT), compiler)
    group = grouped(key, outputs)

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        groups = sorted(group(documents), key=lambda each: sort_key(each[0]))
        return ({"_id": value, **rest} for value, rest in groups)

    return stage


def compile_bucket_auto(spec: object, compiler: Compiler) -> Stage:
    """Compile a `$bucketAuto`.

    Raises:
        QueryError: It is invalid.
    """
    if not isinstance(spec, dict):
        raise QueryError(40240, "The argument to $bucketAuto must be an object")
    unknown = set(spec) - {"groupBy", "buckets", "output", "granularity"}
    if unknown:
        raise QueryError(40245, f"Unrecognized option to $bucketAuto: {min(unknown)}")
    if "groupBy" not in spec or "buckets" not in spec:
        raise QueryError(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified")
    _check_buckets("$bucketAuto", spec, (40239, 40244))
    rounder = rounder_of(spec["granularity"]) if "granularity" in spec else None
    count = as_long(spec["buckets"])
    if count is None or count >= 2**31:
        code = 40242 if is_number(spec["buckets"]) else 40241
        raise QueryError(code, "The $bucketAuto 'buckets' field must be a whole number of 32 bits")
    if count <= 0:
        raise QueryError(
            40243, f"The $bucketAuto 'buckets' field must be greater than 0, but found: {count}"
        )
    of = compiler.of_document(spec["groupBy"])
    outputs = compile_outputs(spec.get("output", _DEFAULT_OUTPUT), compiler)

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        pairs = sorted(
            ((or_null(of(each)), each) for each in documents),
            key=lambda pair: sort_key(pair[0]),
        )
        for bucket in _cut([value for value, _ in pairs], count, rounder):
            fields = fields_of([each for _, each in pairs[bucket.start : bucket.end]], outputs)
            yield {"_id": {"min": bucket.low, "max": bucket.high}, **fields}

    return stage


class _Bucket(NamedTuple):
    """A bucket of sorted values.

    Attributes:
        start: The index of its first value.
        end: The index after its last value.
        low: The lower bound.
        high: The upper bound; exclusive, except for the last bucket.
    """

    start: int
    end: int
    low: object
    high: object


def _cut(values: Sequence[object], count: int, rounder: Rounder | None) -> Iterator[_Bucket]:
    """Split sorted values into buckets; equal values stay in the same bucket.

    Raises:
        QueryError: A value cannot be rounded.
    """
    size = max(1, math.floor(len(values) / count + 0.5))
    keys = [sort_key(value) for value in values]
    start, bound = 0, None
    for place in range(count):
        if start >= len(values):
            return
        end = len(values) if place == count - 1 else min(start + size, len(values))
        if rounder is not None:
            low = rounder(values[start], False) if bound is None else bound  # noqa: FBT003
            bound = rounder(values[end - 1], True)  # noqa: FBT003
            end = max(end, bisect_left(keys, sort_key(bound)))
            yield _Bucket(start, end, low, bound)
        else:
            end = bisect_right(keys, keys[end - 1])
            high = values[end] if end < len(values) else values[-1]
            yield _Bucket(start, end, values[start], high)
        start = end
