"""Determines which fields of its input a pipeline reads, so that no others are converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fakeviam.query.values import Document

#: Stages that pass all fields on, and read only those in their specification.
_PASSING = frozenset({"$addFields", "$limit", "$match", "$set", "$skip", "$sort", "$unset"})
_PASSING_TOO = frozenset({"$sample", "$unwind"})
#: Stages that replace the documents: later stages cannot read the input any more.
_RESHAPING = frozenset({"$bucket", "$bucketAuto", "$count", "$group", "$sortByCount"})
_REPLACING = frozenset({"$replaceRoot", "$replaceWith"})

#: Operators whose field is not written as a path, and may be computed.
_BY_NAME = frozenset({"$getField", "$setField", "$unsetField"})


class _WholeError(Exception):
    """The whole document is read."""


def paths_read(stages: Sequence[Document]) -> frozenset[str] | None:
    """The paths that a pipeline reads in its input; None if it may read all.

    The paths are an upper bound, and one may be a prefix of another.
    """
    paths: set[str] = set()
    try:
        for stage in stages:
            ((name, spec),) = stage.items()
            paths.update(_read(name, spec))
            if name in _RESHAPING | _REPLACING or (name == "$project" and _includes(spec)):
                return frozenset(paths)
    except _WholeError:
        pass
    return None


def is_constant(spec: object) -> bool:
    """Whether an expression has the same value for every document."""
    try:
        return next(_evaluated(spec), None) is None
    except _WholeError:
        return False


def _read(name: str, spec: Any) -> Iterator[str]:
    if name == "$match":
        yield from _filtered(spec)
    elif name == "$sort":
        yield from spec
    elif name == "$project":
        yield from _projected(spec)
    elif name in _PASSING | _PASSING_TOO | _RESHAPING | _REPLACING:
        yield from _evaluated(spec)
    else:
        raise _WholeError


def _filtered(spec: object) -> Iterator[str]:
    for name, value in spec.items() if isinstance(spec, dict) else ():
        if name == "$expr":
            yield from _evaluated(value)
        elif name.startswith("$"):
            for each in value if isinstance(value, list) else ():
                yield from _filtered(each)
        else:
            yield name
            yield from _evaluated(value)  # in case an $elemMatch holds an $expr


def _projected(spec: object) -> Iterator[str]:
    yield "_id"
    if isinstance(spec, dict):
        yield from spec
    yield from _evaluated(spec)


def _includes(spec: object) -> bool:
    """Whether a projection lists the fields to keep."""
    if not isinstance(spec, dict):
        return False
    flags = [value for name, value in spec.items() if name != "_id"] or list(spec.values())
    return any(isinstance(value, dict) or value not in (0, False) for value in flags)


def _evaluated(spec: object) -> Iterator[str]:
    """The paths in an expression, or in anything that contains expressions."""
    if isinstance(spec, str):
        yield from _path(spec)
    elif isinstance(spec, (list, tuple)):
        yield from _each(spec)
    elif isinstance(spec, dict):
        if spec.keys() & _BY_NAME:
            raise _WholeError
        by_name = spec.get("sortBy")
        if isinstance(by_name, dict):
            yield from by_name
        if spec.keys() != {"$literal"}:
            yield from _each(spec.values())


def _each(specs: Iterable[object]) -> Iterator[str]:
    for spec in specs:
        yield from _evaluated(spec)


def _path(spec: str) -> Iterator[str]:
    if spec.startswith("$$"):
        name, _, rest = spec[2:].partition(".")
        if name in {"ROOT", "CURRENT"}:
            if not rest:
                raise _WholeError
            yield rest
    elif spec.startswith("$"):
        yield spec[1:]


def tree_of(paths: Iterable[str]) -> dict[str, Any]:
    """Paths as a tree of names. A leaf is an empty tree: everything below it is read."""
    tree: dict[str, Any] = {}
    leaves: set[str] = set()
    for path in sorted(paths, key=len):  # a prefix of other paths comes before them
        names = path.split(".")
        if not any(".".join(names[:count]) in leaves for count in range(1, len(names))):
            leaves.add(path)
            node = tree
            for name in names:
                node = node.setdefault(name, {})
    return tree
