"""Which fields of the first documents a pipeline reads, so that no others need to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fakeviam.query.values import Document

#: Stages that let other fields pass, and read no more than their specification names.
_PASSING = frozenset({"$addFields", "$limit", "$match", "$set", "$skip", "$sort", "$unset"})
_PASSING_TOO = frozenset({"$sample", "$unwind"})
#: Stages behind which there are other documents.
_RESHAPING = frozenset({"$bucket", "$bucketAuto", "$count", "$group", "$sortByCount"})
_REPLACING = frozenset({"$replaceRoot", "$replaceWith"})

#: Operators that read a field that is not named as a path.
_BY_NAME = frozenset({"$getField", "$setField", "$unsetField"})


class _WholeError(Exception):
    """The document is read as a whole."""


def paths_read(stages: Sequence[Document]) -> frozenset[str] | None:
    """The paths that a pipeline reads in the documents that it is given; None is all of them.

    There may be some among them that it does not read, and one may lead through another.
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
    """Whether a projection names what stays."""
    if not isinstance(spec, dict):
        return False
    flags = [value for name, value in spec.items() if name != "_id"] or list(spec.values())
    return any(isinstance(value, dict) or value not in (0, False) for value in flags)


def _evaluated(spec: object) -> Iterator[str]:
    """The paths in an expression, or in anything that expressions are in."""
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
    """Paths by their names. A leaf is an empty tree: all that is below it is read."""
    tree: dict[str, Any] = {}
    leaves: set[str] = set()
    for path in sorted(paths, key=len):  # one that others lead through comes before these
        names = path.split(".")
        if not any(".".join(names[:count]) in leaves for count in range(1, len(names))):
            leaves.add(path)
            node = tree
            for name in names:
                node = node.setdefault(name, {})
    return tree
