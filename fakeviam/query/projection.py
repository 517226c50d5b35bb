"""What `$project`, `$set` and `$unset` make of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.paths import Tree, split, with_value, without
from fakeviam.query.values import MISSING, is_number, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.values import Document

    Change = Callable[[Document], Document]


def compile_projection(spec: object, compiler: Compiler) -> Change:
    """Compile a `$project`.

    Raises:
        QueryError: It makes no sense, or includes and excludes.
    """
    if not isinstance(spec, dict):
        raise QueryError(15969, "$project specification must be an object")
    if not spec:
        raise QueryError(51272, "projection specification must have at least one field")
    fields = _flat(spec)
    included = {path for path, value in fields.items() if _flag(value) is True}
    excluded = {path for path, value in fields.items() if _flag(value) is False}
    computed = {path for path, value in fields.items() if _flag(value) is None}
    Tree.of(dict.fromkeys(fields, True))  # a path through another is refused
    if _excludes(fields):
        tree = Tree.of(dict.fromkeys(excluded, True))
        return lambda document: without(document, tree)
    return _inclusion(fields, included, computed, compiler, keep_id=("_id",) not in excluded)


def _excludes(fields: dict[tuple[str, ...], object]) -> bool:
    """Whether a projection names what goes: `_id` may stay or go in both kinds.

    Raises:
        QueryError: It includes and excludes.
    """
    flags = {path: _flag(value) for path, value in fields.items()}
    deciding = {path: flag for path, flag in flags.items() if path != ("_id",) or flag is None}
    first = next(iter(deciding.values()), flags.get(("_id",)))
    for path, flag in deciding.items():
        name = ".".join(path)
        if first is False and flag is None:
            text = f"Cannot use expression on field {name} in exclusion projection"
            raise QueryError(31252 if isinstance(fields[path], dict) else 31310, text)
        if first is False and flag:
            text = f"Cannot do inclusion on field {name} in exclusion projection"
            raise QueryError(31253, text)
        if first is not False and flag is False:
            text = f"Cannot do exclusion on field {name} in inclusion projection"
            raise QueryError(31254, text)
    return first is False


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return bool(number(value)) if is_number(value) else None


def _flat(spec: Document, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    """The leaves of nested specifications, by path."""
    fields: dict[tuple[str, ...], object] = {}
    for name, value in spec.items():
        if name.startswith("$"):
            raise QueryError(16410, f"FieldPath field names may not start with '$': {name}")
        path = (*before, *split(name))
        if isinstance(value, dict) and value and not next(iter(value)).startswith("$"):
            fields.update(_flat(value, path))
        elif value == {} and isinstance(value, dict):
            raise QueryError(51270, "an empty object is not a valid value")
        else:
            fields[path] = value
    return fields


def _inclusion(
    fields: dict[tuple[str, ...], object],
    included: set[tuple[str, ...]],
    computed: set[tuple[str, ...]],
    compiler: Compiler,
    *,
    keep_id: bool,
) -> Change:
    tree = Tree.of({path: True for path in fields if path in included})
    if keep_id:
        tree.setdefault("_id", True)
    computed_fields = [
        (path, compiler.of_document(fields[path])) for path in fields if path in computed
    ]

    def change(document: Document) -> Document:
        result = _only(document, tree)
        for path, evaluate in computed_fields:
            result = _added(result, document, path, evaluate(document))
        return result

    return change


def _only(document: Document, tree: Tree) -> Document:
    """The parts of a document that a tree names, in the document's order."""
    result: Document = {}
    for name, value in document.items():
        branch = tree.get(name)
        if branch is True:
            result[name] = value
        elif branch is not None:
            inner = _part(value, branch)
            if inner is not MISSING:
                result[name] = inner
    return result


def _part(value: object, branch: Tree) -> object:
    if isinstance(value, dict):
        return _only(value, branch)
    if isinstance(value, list):
        return [inner for inner in (_part(each, branch) for each in value) if inner is not MISSING]
    return MISSING


def _added(result: Document, document: Document, path: tuple[str, ...], value: object) -> Document:
    if len(path) == 1:
        if value is MISSING:
            result.pop(path[0], None)
        else:
            result[path[0]] = value
        return result
    # Without a value there is the document that the field would be in, as in MongoDB.
    shape = result if path[0] in result else {**result, **_shape(document, path)}
    return dict(with_value(shape, path, value))


def _shape(document: Document, path: tuple[str, ...]) -> Document:
    """The arrays that the document has on the way: a computed field lands in each element."""
    value = document.get(path[0])
    if isinstance(value, list) and len(path) > 1:
        return {path[0]: [{} for _ in value]}
    return {}


def compile_set(spec: object, compiler: Compiler, name: str) -> Change:
    """Compile a `$set` or `$addFields`.

    Raises:
        QueryError: It makes no sense.
    """
    if not isinstance(spec, dict):
        raise QueryError(
            40272, f"{name} specification stage must be an object, got {type(spec).__name__}"
        )
    if not spec:
        raise QueryError(
            40177, f"Invalid {name} :: caused by :: specification must have at least one field"
        )
    fields = _flat(spec)
    Tree.of(dict.fromkeys(fields, True))
    evaluates = [(path, compiler.of_document(value)) for path, value in fields.items()]

    def change(document: Document) -> Document:
        values = [(path, evaluate(document)) for path, evaluate in evaluates]
        result = dict(document)
        for path, value in values:
            result = dict(with_value(result, path, value))
        return result

    return change


def compile_unset(spec: Any) -> Change:
    """Compile an `$unset`.

    Raises:
        QueryError: It makes no sense.
    """
    names = spec if isinstance(spec, list) else [spec]
    if not isinstance(spec, (str, list)):
        raise QueryError(31002, "$unset specification must be a string or an array")
    if not names:
        text = "$unset specification must be a string or an array with at least one field"
        raise QueryError(31119, text)
    if not all(isinstance(name, str) for name in names):
        raise QueryError(31120, "$unset specification must be an array of string values only")
    tree = Tree.of({split(name): True for name in names})
    return lambda document: without(document, tree)
