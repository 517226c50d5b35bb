"""Renders templates, which escape all values unless they say otherwise."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from functools import partial
from http import HTTPStatus
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from fakeviam.model.clock import moment_of
from fakeviam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from fakeviam.web.page.visit import Visit

_KIB = 1024

#: Texts with more lines are not compared line by line.
_LONG = 500

#: The views in the order of the menu: name in the address, and title.
VIEWS = (
    ("calls", "Calls"),
    ("files", "Files"),
    ("readings", "Readings"),
    ("query", "Query"),
    ("datasets", "Datasets"),
    ("sequences", "Sequences"),
    ("pipelines", "Pipelines"),
    ("fleet", "Fleet"),
    ("policy", "Policy"),
    ("controls", "Controls"),
)


class Templates:
    """The page's templates."""

    def __init__(self) -> None:
        """Load them on first use."""
        self._environment = Environment(
            loader=PackageLoader("fakeviam.web.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "bytes": show_bytes,
            "compact": partial(show_json, indent=None),
            "moment": show_moment,
            "phrase": lambda status: HTTPStatus(status).phrase,
            "pretty": show_json,
            "seconds": show_seconds,
        }

    def render(self, template: str, visit: Visit, **values: object) -> str:
        """Render a page or a part of one; any text can be displayed."""
        page = self._environment.get_template(template).render(
            visit=visit,
            views=VIEWS,
            version=__version__,
            now=visit.handle.clock.moment(),
            is_frozen=visit.handle.clock.is_frozen,
            sessions=sorted(visit.fake.sessions),
            **values,
        )
        # Lone surrogates, as in a refused value, cannot be encoded.
        return page.encode(errors="backslashreplace").decode()


def show_bytes(size: int) -> str:
    """A size for display: `1.5 MiB`."""
    amount, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < _KIB:
            break
        amount, unit = amount / _KIB, larger
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"


def show_moment(moment: datetime | int | None) -> str:
    """A UTC time for display: date, time, and milliseconds unless they are zero."""
    if moment is None:
        return ""
    if isinstance(moment, int):  # ns since the epoch
        moment = moment_of(moment)
    plain = moment.strftime("%Y-%m-%d %H:%M:%S")
    return f"{plain}.{moment.microsecond // 1000:03}" if moment.microsecond else plain


def show_seconds(seconds: float | None) -> str:
    """A duration for display: `1.2 ms`."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def show_json(value: object, indent: int | None = 2) -> str:
    """JSON for display; without an indent, on one line."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)


class LinePair(NamedTuple):
    """Two lines of texts that are shown side by side."""

    left: str
    right: str
    differs: bool


def side_by_side(left: str, right: str) -> Iterator[LinePair]:
    """Two texts side by side, with common lines aligned."""
    ours, theirs = left.splitlines(), right.splitlines()
    # In long texts, difflib ignores very frequent lines; otherwise it would take minutes.
    is_long = max(len(ours), len(theirs)) > _LONG
    matcher = SequenceMatcher(None, ours, theirs, autojunk=is_long)
    for what, start, end, other_start, other_end in matcher.get_opcodes():
        for mine, other in zip_longest(
            ours[start:end], theirs[other_start:other_end], fillvalue=""
        ):
            yield LinePair(mine, other, what != "equal")
