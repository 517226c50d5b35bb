"""Policies as TOML files, such as `fakeviam contract calibrate` writes."""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError
from fakeviam.model.policy import PageLimit, Policy
from fakeviam.model.text import short

if TYPE_CHECKING:
    import os

SUFFIX = ".toml"

#: What a file may say: `open` are points that nobody could settle.
_TABLES = frozenset(("policy", "open", "date", "target"))


def policy_of(policy: Policy | str | os.PathLike[str] | None) -> Policy:
    """The policy itself, that of a `.toml` file, the preset of that name, or the default.

    Raises:
        UsageError: It is none of these, or the file is invalid.
    """
    if policy is None or isinstance(policy, Policy):
        return Policy.of(policy)
    if isinstance(policy, str | Path) and str(policy).endswith(SUFFIX):
        return read_policy(policy)
    return Policy.of(str(policy) if isinstance(policy, Path) else policy)  # type: ignore[arg-type]


def read_policy(path: str | os.PathLike[str]) -> Policy:
    """The policy of a file: a table `policy` of fields, and perhaps a `preset` to start from.

    Raises:
        UsageError: The file cannot be read, or a field or a value is invalid.
    """
    try:
        document = _parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"policy file {path}: {_why(error)}") from error
    strangers = sorted(set(document) - _TABLES)
    if strangers:
        what = f"{strangers[0]} = {short(document[strangers[0]])}"
        raise UsageError(f"policy file {path}: {what} is not read; fields are in a table [policy]")
    table = document.get("policy", {})
    if not isinstance(table, dict):
        raise UsageError(f"policy file {path}: policy must be a table, got {short(table)}")
    try:
        return _policy(dict(table))
    except UsageError as error:
        raise UsageError(f"policy file {path}: {error}") from error


def _policy(table: dict[str, Any]) -> Policy:
    base = Policy.of(table.pop("preset", None))
    names = [field.name for field in fields(Policy)]
    for name, value in table.items():
        if name not in names:
            raise UsageError(f"policy has no field {name}; it has {', '.join(names)}")
        table[name] = _value(name, value)
    return replace(base, **table)


def _value(name: str, value: Any) -> Any:
    if name in ("max_page", "binary_page") and isinstance(value, dict):
        strangers = set(value) - {"size", "beyond"}
        if strangers or "size" not in value:
            raise UsageError(f"{name} must have a size, and optionally beyond, got {short(value)}")
        return PageLimit(**value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name != "visibility_lag" or not is_number:
        return value
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise UsageError(f"{name} is no number of seconds: {short(value)}") from error


def _parse(text: str) -> dict[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only where a file is read
    else:
        import tomli as tomllib  # noqa: PLC0415
    parsed: dict[str, object] = tomllib.loads(text)
    return parsed


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
