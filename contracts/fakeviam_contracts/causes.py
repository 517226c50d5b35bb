"""Groups findings by cause, so that one defect with many symptoms is reported once.

Two findings have one cause if the same field of a filter goes wrong by itself, if values are
changed in the same way (to lower case, without blanks, to another form of Unicode, to true and
false), or if the same aspect of the same thing differs in the same way.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.results import Finding


def _without_case(text: str) -> str:
    return text.lower()


def _without_blanks(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


#: How values are changed, wherever they stand, from the mildest on.
_CHANGES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("the case of values", _without_case),
    ("blanks in values", _without_blanks),
    ("the Unicode form of values", _composed),
)


def cause_of(assertion: Assertion) -> str:
    """What is behind a failed comparison, in a few words; equal for those of one cause."""
    if assertion.cause:
        return f"filters by {assertion.cause}"
    expected, observed = assertion.expected, assertion.observed
    if expected == "OK" or observed == "OK":
        return f"{assertion.what}: {_status(observed)}"
    change = _change(expected, observed)
    if change:
        return change
    return f"{_aspect(assertion.what)}: {_difference(expected, observed)}"


def by_cause(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Findings by their causes, in the order in which these were found."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[cause_of(finding.assertion)].append(finding)
    return dict(groups)


def _status(observed: object) -> str:
    return str(observed).partition(":")[0]


def _aspect(what: str) -> str:
    """What was compared, whatever number it has."""
    return re.sub(r"\s*#", "", re.sub(r"\d+", "#", what)).strip()


def _change(expected: object, observed: object) -> str:
    """How texts were changed, if that is all that differs."""
    one, other = _texts(expected), _texts(observed)
    if not one or one == other:
        return ""
    for name, change in _CHANGES:
        if sorted(map(change, one)) == sorted(map(change, other)):
            return name
    return ""


def _texts(value: object) -> list[str]:
    """All texts in a value, and what stands beside them; nothing where there are none."""
    found: list[str] = []

    def walk(inner: object) -> None:
        if isinstance(inner, str):
            found.append(inner)
        elif isinstance(inner, dict):
            for name, each in inner.items():
                walk(name)
                walk(each)
        elif isinstance(inner, list | tuple | set | frozenset):
            for each in inner:
                walk(each)
        else:
            found.append(repr(inner))

    walk(value)
    return found if any(isinstance(value, kind) for kind in (str, dict, list, tuple, set)) else []


def _difference(expected: object, observed: object) -> str:
    """The kind of a difference."""
    if isinstance(expected, list | set | tuple) and isinstance(observed, list | set | tuple):
        one, other = [repr(each) for each in expected], [repr(each) for each in observed]
        if sorted(one) == sorted(other):
            return "in another order"
        if not set(other) - set(one):
            return "some are missing"
        return "some are too many" if not set(one) - set(other) else "some are others"
    if isinstance(expected, int | float) and isinstance(observed, int | float):
        return "too few" if observed < expected else "too many"
    return "other"
