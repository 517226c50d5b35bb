"""`$project`, `$set` and `$unset`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.paths import Tree, split, with_value, without
from fakeviam.query.values import MISSING, is_number, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.values import Document

    Change = Callable[[Document], Document]


def compile_projection(spec: object, compiler: Compiler) -> Change:
    """Compile a `$project`.

    Raises:
        QueryError: It is invalid, or both includes and excludes fields.
    """
    if not isinstance(spec, dict):
        raise QueryError(15969, "$project specification must be an object")
    if not spec:
        raise QueryError(51272, "projection specification must have at least one field")
    fields = _flat(spec)
    excluded = {path for path, value in fields.items() if _flag(value) is False}
    Tree.of(dict.fromkeys(fields, True))  # checks that no path is a prefix of another
    if _excludes(fields):
        tree = Tree.of(dict.fromkeys(excluded, True))
        return lambda document: without(document, tree)
    included = {path: value for path, value in fields.items() if path not in excluded}
    return _inclusion(included, compiler, keep_id=("_id",) not in excluded)


def _excludes(fields: dict[tuple[str, ...], object]) -> bool:
    """Whether a projection lists fields to exclude. `_id` may be excluded from either kind.

    Raises:
        QueryError: It both includes and excludes fields.
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


def _flat(
    spec: Document, before: tuple[str, ...] = (), *, may_be_empty: bool = False
) -> dict[tuple[str, ...], object]:
    """Flatten nested specifications to paths; an empty document is a value, if that is valid."""
    fields: dict[tuple[str, ...], object] = {}
    for name, value in spec.items():
        if name.startswith("$"):
            raise QueryError(16410, f"FieldPath field names may not start with '$': {name}")
        path = (*before, *split(name))
        if isinstance(value, dict) and value and not next(iter(value)).startswith("$"):
            fields.update(_flat(value, path, may_be_empty=may_be_empty))
        elif value == {} and not may_be_empty:
            raise QueryError(51270, "an empty object is not a valid value")
        else:
            fields[path] = value
    return fields


def _inclusion(
    fields: dict[tuple[str, ...], object], compiler: Compiler, *, keep_id: bool
) -> Change:
    """Fields by path: flags and expressions."""
    tree = Tree.of(
        {path: _flag(value) or compiler.of_document(value) for path, value in fields.items()}
    )
    # A computed `_id` keeps its position in the document.
    included = tree if not keep_id or isinstance(tree.get("_id"), Tree) else {**tree, "_id": True}
    return lambda document: dict(_computed(_only(document, included), tree, document))


def _only(document: Document, tree: Mapping[str, object]) -> Document:
    """The parts of a document that a tree includes, in the document's order."""
    result: Document = {}
    for name, value in document.items():
        branch = tree.get(name)
        if branch is True:
            result[name] = value
        elif isinstance(branch, Tree):
            inner = _part(value, branch)
            if inner is not MISSING:
                result[name] = inner
    return result


def _part(value: object, branch: Tree) -> object:
    """The included part of a value; elements of arrays are dropped later, to keep the indexes."""
    if isinstance(value, dict):
        return _only(value, branch)
    return [_part(each, branch) for each in value] if isinstance(value, list) else MISSING


def _computed(value: object, tree: Tree, document: Document) -> Any:
    """The included part with computed fields, which are added to each element of an array."""
    if isinstance(value, list):
        inner = [_computed(each, tree, document) for each in value]
        return [each for each in inner if each is not MISSING]
    if not isinstance(value, dict) and not _computes(tree):
        return MISSING
    result = value if isinstance(value, dict) else {}
    for name, branch in tree.items():
        if branch is True:
            continue
        if isinstance(branch, Tree):
            new = _computed(result.get(name, MISSING), branch, document)
        else:
            new = branch(document)
        if new is MISSING:
            result.pop(name, None)
        else:
            result[name] = new
    return result


def _computes(tree: Tree) -> bool:
    return any(_computes(each) if isinstance(each, Tree) else each is not True
               for each in tree.values())  # fmt: skip


def compile_set(spec: object, compiler: Compiler, name: str) -> Change:
    """Compile a `$set` or `$addFields`.

    Raises:
        QueryError: It is invalid.
    """
    if not isinstance(spec, dict):
        raise QueryError(
            40272, f"{name} specification stage must be an object, got {type(spec).__name__}"
        )
    fields = _flat(spec, may_be_empty=True)
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
        QueryError: It is invalid.
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
