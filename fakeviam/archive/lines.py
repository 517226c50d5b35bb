"""Reading and writing JSON lines."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import SECOND
from fakeviam.model.errors import UsageError, shortened
from fakeviam.validation.json_text import JsonError, parse_json, unfit_part

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def line_of(value: object) -> bytes:
    """Encode a value as canonical JSON, without a line end."""
    return _encode(value).encode()


def value_of(line: bytes) -> Any:
    """Parse a line.

    Raises:
        JsonError: It is not JSON; the message explains why.
    """
    from pydantic_core import from_json  # noqa: PLC0415 - only needed for reading

    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError:
        value = parse_json(line)  # slower, but explains the error
        unfit = unfit_part(value)
        if unfit:
            raise JsonError(f"holds {unfit}") from None
        return value


def time_text(nanos: int) -> str:
    """Format a time as ISO 8601 in UTC with nanoseconds."""
    seconds, rest = divmod(nanos, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    return f"{text}.{rest:09}Z" if rest else f"{text}Z"


class DamageError(UsageError):
    """A file has invalid contents.

    Attributes:
        where: The file, and the line if it is known.
        what: The problem.
    """

    def __init__(self, where: str, what: str, advice: str) -> None:
        """Report damage at `where`, and what to do about it."""
        self.where, self.what = where, shortened(what)
        super().__init__(f"{where}: {self.what}; {advice}")


def damaged(where: str, what: str) -> DamageError:
    """The error for damage at a location."""
    advice = "it is damaged or was edited; restore it from a copy, or export it again"
    return DamageError(where, what, advice)


def without_defaults(values: Mapping[str, object]) -> dict[str, object]:
    """Omit empty fields; nothing is lost, and diffs are shorter."""
    return {name: value for name, value in values.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    # Zero is not empty: a confidence of 0 differs from none.
    return value is None or value is False or value in ("", [])
