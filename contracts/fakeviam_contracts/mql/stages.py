"""MongoDB's stages, implemented literally."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.mql.expressions import (
    MISSING,
    UnknownError,
    absent,
    evaluated,
    greatest,
    key,
    known,
    least,
    matches,
    nulled,
    rank,
    reached,
    same,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fakeviam_contracts.mql.expressions import Document


def run(documents: Iterable[Document], stages: Iterable[Mapping[str, object]]) -> list[Document]:
    """Run a pipeline."""
    result = list(documents)
    for stage in stages:
        ((name, spec),) = stage.items()
        result = known(_STAGES, name)(result, spec)
    return result


# Groups ----------------------------------------------------------------------------------


def _numbers(values: Iterable[object]) -> list[Any]:
    return [value for value in values if rank(value) == 2]


def _sum(values: Iterable[object]) -> Any:
    """The sum of the numbers, with the precision of doubles."""
    numbers = _numbers(values)
    exact = all(map(math.isfinite, numbers)) and any(isinstance(each, float) for each in numbers)
    return math.fsum(numbers) if exact else sum(numbers)


def _mean(values: list[Any]) -> object:
    count = len(_numbers(values))
    return _sum(values) / count if count else None


_ACCUMULATORS: dict[str, Callable[[list[object]], object]] = {
    "$sum": _sum,
    "$avg": _mean,
    "$min": least,
    "$max": greatest,
    "$first": lambda values: nulled(values[0]),
    "$last": lambda values: nulled(values[-1]),
    "$push": lambda values: [value for value in values if value is not MISSING],
}


def _grouped(documents: list[Document], spec: Mapping[str, Any]) -> list[Document]:
    groups: list[tuple[object, list[Document]]] = []
    for document in documents:
        name = nulled(evaluated(document, spec["_id"]))
        group = next((members for other, members in groups if same(other, name)), None)
        if group is None:
            groups.append((name, [document]))
        else:
            group.append(document)
    return [
        {
            "_id": name,
            **{k: _accumulated(v, members) for k, v in spec.items() if k != "_id"},
        }
        for name, members in groups
    ]


def _accumulated(spec: Mapping[str, object], members: list[Document]) -> object:
    ((name, expression),) = spec.items()
    if name == "$count":
        return len(members)
    return known(_ACCUMULATORS, name)([evaluated(member, expression) for member in members])


# Stages ----------------------------------------------------------------------------------


def _sorted(documents: list[Document], spec: Mapping[str, int]) -> list[Document]:
    for path, direction in reversed(list(spec.items())):

        def sort_key(document: Document, path: str = path, direction: int = direction) -> Any:
            keys: list[Any] = [
                each for value in reached(document, path) for each in _sort_keys(value)
            ]
            return (min if direction == 1 else max)(keys or [key(None)])

        # The sort is stable in both directions.
        documents = sorted(documents, key=sort_key, reverse=direction == -1)
    return documents


def _sort_keys(value: object) -> list[object]:
    """The sort key of a value: an array sorts by its elements, an empty one before null."""
    if not isinstance(value, list):
        return [key(nulled(value))]
    return [key(entry) for entry in value] or [(0,)]


def _leaves(spec: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Flatten a specification: nested documents are paths too."""
    leaves: dict[str, Any] = {}
    for name, value in spec.items():
        if isinstance(value, dict) and value and not any(each.startswith("$") for each in value):
            leaves.update(_leaves(value, f"{before}{name}."))
        else:
            leaves[before + name] = value
    return leaves


def _projected(documents: list[Document], spec: Mapping[str, object]) -> list[Document]:
    spec = _leaves(spec)
    others = [value for name, value in spec.items() if name != "_id"] or list(spec.values())
    if all(_is_flag(value) and not value for value in others):
        excluded = [name for name, value in spec.items() if not value]
        return [_without(document, excluded) for document in documents]
    return [_chosen(document, spec) for document in documents]


def _is_flag(value: object) -> bool:
    """Whether a field is included or excluded, and not computed."""
    return isinstance(value, bool | int | float)


def _chosen(document: Document, spec: Mapping[str, Any]) -> Document:
    tree: dict[str, Any] = {}
    if not any(path.partition(".")[0] == "_id" for path in spec):
        tree["_id"] = True
    for path, flag in spec.items():
        *above, last = path.split(".")
        node = tree
        for name in above:
            node = node.setdefault(name, {})
        node[last] = bool(flag) if _is_flag(flag) else [flag]
    result: Document = _computed(_included(document, tree), tree, document)
    return result


def _included(value: object, tree: object) -> Any:
    """The included part of a value: documents remain, even if they become empty."""
    if tree is True:
        return value
    if isinstance(value, list) and isinstance(tree, dict):
        return [_included(entry, tree) for entry in value]
    if not isinstance(value, dict) or not isinstance(tree, dict):
        return MISSING
    included = {name: _included(each, tree[name]) for name, each in value.items() if name in tree}
    return {name: each for name, each in included.items() if each is not MISSING}


def _computed(value: object, tree: dict[str, Any], document: Document) -> Any:
    """A value with the computed fields of a tree, whose other branches keep documents only."""
    if isinstance(value, list):
        inner = [_computed(entry, tree, document) for entry in value]
        return [entry for entry in inner if entry is not MISSING]
    if not isinstance(value, dict) and not _computes(tree):
        return MISSING
    result = dict(value) if isinstance(value, dict) else {}
    for name, branch in tree.items():
        if isinstance(branch, list):
            computed = evaluated(document, branch[0])
        elif isinstance(branch, dict):
            computed = _computed(result.get(name, MISSING), branch, document)
        else:
            continue
        result.pop(name, None) if computed is MISSING else result.update({name: computed})
    return result


def _computes(tree: dict[str, Any]) -> bool:
    inner = tree.values()
    return any(isinstance(w, list) or (isinstance(w, dict) and _computes(w)) for w in inner)


def _at(document: object, path: str) -> object:
    """The value at a path, without traversing arrays."""
    name, _, rest = path.partition(".")
    inner = document.get(name, MISSING) if isinstance(document, dict) else MISSING
    return _at(inner, rest) if rest and inner is not MISSING else inner


def _with(value: object, path: str, new: object) -> Any:
    """A value with another value at a path; anything but a document on the way is replaced."""
    if not path:
        return new
    if isinstance(value, list):
        return [_with(entry, path, new) for entry in value]
    name, _, rest = path.partition(".")
    result = dict(value) if isinstance(value, dict) else {}
    inner = _with(result.get(name, MISSING), rest, new)
    result.pop(name, None) if inner is MISSING else result.update({name: inner})
    return result


def _without(value: object, paths: Iterable[str]) -> Any:
    for path in paths:
        value = _removed(value, path)
    return value


def _removed(value: object, path: str) -> object:
    if isinstance(value, list):
        return [_removed(entry, path) for entry in value]
    name, _, rest = path.partition(".")
    if not isinstance(value, dict) or name not in value:
        return value
    if not rest:
        return {other: each for other, each in value.items() if other != name}
    return {**value, name: _removed(value[name], rest)}


def _set(documents: list[Document], spec: Mapping[str, object]) -> list[Document]:
    results = []
    for document in documents:
        result: Document = document
        for path, expression in _leaves(spec).items():
            result = _with(result, path, evaluated(document, expression))
        results.append(result)
    return results


def _unwound(documents: list[Document], spec: Any) -> list[Document]:
    if isinstance(spec, dict) and "includeArrayIndex" in spec:
        raise UnknownError("includeArrayIndex")
    path = (spec if isinstance(spec, str) else spec["path"])[1:]
    keeps = isinstance(spec, dict) and bool(spec.get("preserveNullAndEmptyArrays"))
    results = []
    for document in documents:
        value = _at(document, path)
        if isinstance(value, list) and value:
            results += [_with(document, path, entry) for entry in value]
        elif isinstance(value, list):
            results += [_without(document, [path])] * keeps
        elif keeps or not absent(value):
            results.append(document)
    return results


def _sorted_by_count(documents: list[Document], expression: object) -> list[Document]:
    groups = _grouped(documents, {"_id": expression, "count": {"$count": {}}})
    return sorted(groups, key=lambda group: -group["count"])


_STAGES: dict[str, Callable[[list[Document], Any], list[Document]]] = {
    "$match": lambda documents, spec: [d for d in documents if matches(d, spec)],
    "$sort": _sorted,
    "$limit": lambda documents, spec: documents[: int(spec)],
    "$skip": lambda documents, spec: documents[int(spec) :],
    "$count": lambda documents, spec: [{spec: len(documents)}] if documents else [],
    "$project": _projected,
    "$set": _set,
    "$addFields": _set,
    "$unset": lambda documents, spec: [
        _without(d, [spec] if isinstance(spec, str) else spec) for d in documents
    ],
    "$group": _grouped,
    "$unwind": _unwound,
    "$sortByCount": _sorted_by_count,
    "$replaceRoot": lambda documents, spec: [evaluated(d, spec["newRoot"]) for d in documents],
}
