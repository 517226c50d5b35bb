"""Random reads after each step: pages to their end, counts, tags, labels, datasets, files by id.

They change nothing, so there is nothing for Hypothesis to learn of them: they come from one
random generator, which Hypothesis seeds. That makes them cheap enough to do several after each
step. Half of the filters are made from a record that is there, so that they select something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts import reads, strategies, writes
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fakeviam_contracts.model import File, Row
    from fakeviam_contracts.session import Session

LIMITS = (0, 1, 2, 3, 7, 50, 100, 1000)
FORMS = ("string", "string", "message", "both")
RULES = ("unspecified", "tagged", "untagged")
ORDERS = (None, True, False)

#: How often each kind of read comes.
_WEIGHTS = {"files": 6, "rows": 3, "counts": 3, "ids": 3, "tags": 3, "labels": 1, "datasets": 1}


class RandomReads:
    """Looks at a session's subject."""

    def __init__(self, session: Session, random: Random) -> None:
        """Look at what `random` says."""
        self._session, self._random = session, random
        self._kinds: dict[str, Callable[[], None]] = {
            "files": self._files,
            "rows": self._rows,
            "counts": lambda: reads.check_counts(session, self.filter_spec()),
            "ids": self._ids,
            "tags": lambda: reads.check_tags(session, self.filter_spec()),
            "labels": lambda: reads.check_labels(session, self.filter_spec()),
            "datasets": lambda: writes.check_datasets(session),
        }

    def run(self, times: int) -> None:
        """Read so many times."""
        for kind in self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=times):
            self._kinds[kind]()

    def _files(self) -> None:
        choice = self._random.choice
        reads.check_files(
            self._session,
            self.filter_spec(),
            limit=choice(LIMITS),
            descending=choice(ORDERS),
            with_bytes=choice((True, False)),
        )

    def _rows(self) -> None:
        choice = self._random.choice
        reads.check_rows(
            self._session, self.filter_spec(), limit=choice(LIMITS), descending=choice(ORDERS)
        )

    def _ids(self) -> None:
        handles = range(len(self._session.handles.files))
        if handles:
            chosen = self._random.choices(handles, k=self._random.randint(1, 4))
            reads.check_by_ids(
                self._session,
                chosen,
                form=self._random.choice(FORMS),
                with_bytes=self._random.choice((True, False)),
            )

    # Filters -----------------------------------------------------------------------------

    def filter_spec(self) -> FilterSpec:
        """A filter: mostly of few fields, and half of them of a record that is there."""
        record = self._record()
        names = self._random.sample(_FIELDS, self._random.choice((0, 1, 1, 1, 2, 3)))
        chosen: dict[str, Any] = {}
        for name in names:
            own = record is not None and self._random.random() < 0.7
            chosen[name] = self._own(name, record) if own and record else self._any(name)
        if chosen.keys() & {"tags", "label_of"} and self._random.random() < 0.8:
            # With TAGGED and UNTAGGED, tags mean nothing.
            chosen["tag_rule"] = self._random.choice(("", "", "unspecified"))
        self._combine(chosen)
        return FilterSpec(**{name: value for name, value in chosen.items() if value is not None})

    def _combine(self, chosen: dict[str, Any]) -> None:
        """Put together what has a meaning of its own together (FI-7, FI-12)."""
        if "dataset" in chosen and "tags" not in chosen and self._random.random() < 0.3:
            chosen["tag_rule"] = "untagged"
        elif chosen.get("tag_rule") in ("tagged", "untagged") and self._random.random() < 0.5:
            chosen["tags"] = self._some(strategies.TAGS, 1, 1)

    def _record(self) -> File | Row | None:
        model = self._session.model
        records: Sequence[File | Row] = [*model.files, *model.rows]
        if not records or self._random.random() < 0.3:
            return None
        return self._random.choice(records)

    def _own(self, name: str, record: File | Row) -> Any:
        """A constraint that the record meets, or just not."""
        if name in ("start", "end"):
            time = record.requested + self._random.choice((0, 0, 1, -1))
            return min(max(time, strategies.FIRST), strategies.LAST)
        if name == "dataset":
            return next(iter(self._some(getattr(record, "datasets", ()), 1, 1)), None)
        if name in _OWN:
            own, others = _OWN[name](record)
            return self._some(own, 1, 2) + self._some(others, 0, 1)
        if name == "tag_rule":
            return self._random.choice(RULES)
        return getattr(record.origin, name)

    def _any(self, name: str) -> Any:
        """Any constraint."""
        choice = self._random.choice
        if name in ("start", "end"):
            unit = choice((1, strategies.SECOND, 86_400 * strategies.SECOND))
            near = strategies.BASE + self._random.randint(-3, 4) * unit
            return choice((near, near, near, strategies.FIRST, strategies.LAST, 0))
        if name in _POOLS:
            return choice(_POOLS[name])
        if name in _LIST_POOLS:
            return self._some(_LIST_POOLS[name], 1, 3)
        return self._any_of_these(name)

    def _any_of_these(self, name: str) -> Any:
        """Any constraint to the datasets or the parts that there are."""
        datasets = range(len(self._session.handles.datasets))
        if name == "label_of":
            return self._some(datasets, 1, 2)
        if name == "dataset":
            return next(iter(self._some(datasets, 1, 1)), None)
        parts = self._session.place.parts
        if name in _LISTS:
            return self._some([*(getattr(p, _LISTS[name]) for p in parts), "nobody"], 1, 2)
        value = getattr(self._random.choice(parts), name)
        # Now and then what only begins like it, and is another value.
        return value[:-1] if self._random.random() < 0.2 else value

    def _some(self, values: Sequence[Any], least: int, most: int) -> tuple[Any, ...]:
        size = self._random.randint(least, most) if values else 0
        return tuple(self._random.choices(values, k=size)) if size else ()


_LISTS = {"location_ids": "location_id", "organization_ids": "organization_id"}
_POOLS: dict[str, Sequence[str]] = {
    "component_name": strategies.COMPONENTS,
    "component_type": strategies.COMPONENT_TYPES,
    "method": strategies.METHODS,
    "tag_rule": RULES,
}
_LIST_POOLS: dict[str, Sequence[str]] = {
    "mime_types": strategies.MIME_TYPES,
    "tags": strategies.TAGS,
    "box_labels": strategies.LABELS,
}
#: Of a record: what it has, and what else may be asked for along with it.
_OWN: dict[str, Callable[[Any], tuple[Sequence[Any], Sequence[Any]]]] = {
    "mime_types": lambda record: ([record.mime_type], strategies.MIME_TYPES),
    "tags": lambda record: (record.tags, strategies.TAGS),
    "box_labels": lambda record: (
        [box.label for box in getattr(record, "boxes", ())],
        strategies.LABELS,
    ),
    "label_of": lambda record: (getattr(record, "datasets", ()), ()),
    "location_ids": lambda record: ([record.origin.location_id], ["nobody"]),
    "organization_ids": lambda record: ([record.origin.organization_id], ["nobody"]),
}
_FIELDS = (
    *_POOLS,
    *_LIST_POOLS,
    *_LISTS,
    "start",
    "end",
    "dataset",
    "label_of",
    "robot_name",
    "robot_id",
    "part_name",
    "part_id",
)
