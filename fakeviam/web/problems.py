"""Errors of the control API."""

from __future__ import annotations

import json
from typing import Any

from fakeviam.model.errors import shortened


class Problem(Exception):  # noqa: N818 - an answer, not an error of ours
    """A refused request; it changed nothing (HT-4).

    Attributes:
        status: HTTP status.
        headers: Headers that this status asks for.
    """

    def __init__(
        self,
        status: int,
        what: str,
        *,
        field: str | None = None,
        value: Any = None,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Refuse because of `what`.

        Args:
            status: HTTP status.
            what: A description of the problem.
            field: The field of the request, as a path like `spec.rpc`.
            value: The value of the field.
            hint: What to do instead.
            headers: Headers that this status asks for.
        """
        super().__init__(what)
        self.status = status
        self.headers = headers or {}
        self._detail: dict[str, Any] = {"what": shortened(what)}
        if field is not None:
            self._detail["field"] = field
            self._detail["value"] = _short(value)
        if hint is not None:
            self._detail["hint"] = hint

    def to_json(self) -> dict[str, Any]:
        """The body of the response, without empty fields."""
        return {"error": self._detail}


def _short(value: Any) -> Any:
    """The value, or a description of it that JSON can represent."""
    if isinstance(value, str):
        return shortened(value)
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return f"a value of type {type(value).__name__}"
    if len(text) > 1000:
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return value
