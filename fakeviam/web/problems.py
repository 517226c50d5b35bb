"""Errors of the control API."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.archive.files import NO_ROOM
from fakeviam.model.errors import Refusal, StatusCode, shortened

if TYPE_CHECKING:
    from fakeviam.model.errors import UsageError

#: Errors that are not the request's fault: nothing can be written (DD-4, DD-5).
OF_THE_SERVER = MappingProxyType({StatusCode.RESOURCE_EXHAUSTED: 507, StatusCode.UNAVAILABLE: 503})


class HttpProblem(Exception):  # noqa: N818 - a response rather than an error of ours
    """A refused request; it changed nothing (HT-4).

    Attributes:
        status: HTTP status.
        headers: Headers that this status requires.
    """

    def __init__(
        self,
        status: int,
        what: str,
        *,
        field: str | None = None,
        value: object = None,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Create a problem.

        Args:
            status: HTTP status.
            what: A description of the problem.
            field: The field of the request, as a path like `spec.rpc`.
            value: The value of the field.
            hint: What to do instead.
            headers: Headers that this status requires.
        """
        super().__init__(what)
        self.status = status
        self.headers = headers or {}
        self._detail: dict[str, object] = {"what": shortened(what)}
        if field is not None:
            self._detail["field"] = field
            self._detail["value"] = _short(value)
        if hint is not None:
            self._detail["hint"] = hint

    def to_json(self) -> dict[str, Any]:
        """The body of the response, without empty fields."""
        return {"error": self._detail}


def _short(value: Any) -> object:
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


def problem_of(error: UsageError | Refusal | OSError) -> HttpProblem:
    """Convert an error to a problem: 422, unless it is the server's fault."""
    if isinstance(error, Refusal):
        return HttpProblem(OF_THE_SERVER.get(error.status, 422), str(error))
    what = str(error)
    cause = error.__cause__
    if isinstance(error, OSError):
        cause, what = error, f"the server cannot use its files: {error.strerror or error}"
    if isinstance(cause, OSError) and cause.errno in NO_ROOM:
        return HttpProblem(507, what)
    return HttpProblem(503 if cause is error else 422, what)
