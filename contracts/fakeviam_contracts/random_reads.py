"""Random reads after each step: pages to their end, counts, tags, labels, datasets, files by id.

They change nothing, so there is nothing for Hypothesis to learn of them: they come from one
random generator, which Hypothesis seeds. That makes them cheap enough to do several after each
step. Half of the filters are made from a record that is there, so that they select something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts import queries, random_queries, reads, strategies, writes
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.wrong_ids import BY_IDS, WRONG, check_wrong_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fakeviam_contracts.model import File, Row
    from fakeviam_contracts.random_values import Pools
    from fakeviam_contracts.session import Session

LIMITS = (0, 1, 2, 3, 7, 50, 100, 1000)
FORMS = ("string", "string", "message", "both")
RULES = ("unspecified", "tagged", "untagged")
ORDERS = (None, True, False)

#: How often each kind of read comes.
_WEIGHTS = {"files": 6, "rows": 3, "counts": 3, "ids": 3, "tags": 3, "labels": 1, "datasets": 1,
            "query": 2, "wrong ids": 1}  # fmt: skip


class RandomReads:
    """Looks at a session's subject."""

    def __init__(self, session: Session, random: Random, pools: Pools) -> None:
        """Look at what `random` says, with the values in `pools`."""
        self._session, self._random, self._pools = session, random, pools
        self._kinds: dict[str, Callable[[], None]] = {
            "files": self._files,
            "rows": self._rows,
            "counts": lambda: reads.check_counts(session, self.filter_spec()),
            "ids": self._ids,
            "tags": lambda: reads.check_tags(session, self.filter_spec()),
            "labels": lambda: reads.check_labels(session, self.filter_spec()),
            "datasets": lambda: writes.check_datasets(session),
            "wrong ids": self._wrong_ids,
            "query": lambda: queries.check_query(session, random_queries.pipeline(random)),
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
            sample = self._random.choices(handles, k=self._random.randint(1, 4))
            reads.check_by_ids(
                self._session,
                sample,
                form=self._random.choice(FORMS),
                with_bytes=self._random.choice((True, False)),
            )

    def _wrong_ids(self) -> None:
        handles = range(len(self._session.handles.files))
        if handles:
            choice = self._random.choice
            check_wrong_id(
                self._session,
                choice(handles),
                segment=choice((0, 1, 2)),
                how=choice(tuple(WRONG)),
                form=choice(("string", "message")),
                rpc=choice(tuple(BY_IDS)),
            )

    # Filters -----------------------------------------------------------------------------

    def filter_spec(self) -> FilterSpec:
        """A filter: mostly of few fields, and half of them of a record that is there."""
        record = self._record()
        names = self._random.sample(_FIELDS, self._random.choice((0, 1, 1, 2, 2, 3)))
        fields: dict[str, Any] = {}
        for name in names:
            own = record is not None and self._random.random() < 0.7
            fields[name] = self._own(name, record) if own and record else self._any(name)
        if fields.keys() & {"tags", "label_of"} and self._random.random() < 0.8:
            # With TAGGED and UNTAGGED, tags mean nothing.
            fields["tag_rule"] = self._random.choice(("", "", "unspecified"))
        self._combine(fields)
        return FilterSpec(**{name: value for name, value in fields.items() if value is not None})

    def _combine(self, fields: dict[str, object]) -> None:
        """Put together what has a meaning of its own together (FI-7, FI-12)."""
        if "dataset" in fields and "tags" not in fields and self._random.random() < 0.3:
            fields["tag_rule"] = "untagged"
        elif fields.get("tag_rule") in ("tagged", "untagged") and self._random.random() < 0.5:
            fields["tags"] = self._some(self._pools.tags, 1, 1)

    def _record(self) -> File | Row | None:
        model = self._session.model
        records: Sequence[File | Row] = [*model.files, *model.rows]
        if not records or self._random.random() < 0.3:
            return None
        return self._random.choice(records)

    def _own(self, name: str, record: File | Row) -> object:
        """A constraint that the record meets, or just not."""
        if name in ("start", "end"):
            time = record.requested + self._random.choice((0, 0, 1, -1))
            return min(max(time, strategies.FIRST), strategies.LAST)
        if name == "dataset":
            return next(iter(self._some(getattr(record, "datasets", ()), 1, 1)), None)
        if name in _OWN:
            others = _LIST_POOLS[name](self._pools) if name in _LIST_POOLS else ()
            return self._some(_OWN[name](record), 1, 2) + self._some(others, 0, 1)
        if name == "tag_rule":
            return self._random.choice(RULES)
        value = getattr(record.origin, name)
        return _nearly(value, self._random) if self._random.random() < 0.15 else value

    def _any(self, name: str) -> object:
        """Any constraint."""
        choice = self._random.choice
        if name in ("start", "end"):
            unit = choice((1, strategies.SECOND, 86_400 * strategies.SECOND))
            near = strategies.BASE + self._random.randint(-3, 4) * unit
            return choice((near, near, near, strategies.FIRST, strategies.LAST, 0))
        if name == "tag_rule":
            return choice(RULES)
        if name in _POOLS:
            return choice(_POOLS[name](self._pools))
        if name in _LIST_POOLS and name not in _LISTS:
            return self._some(_LIST_POOLS[name](self._pools), 1, 3)
        return self._any_of_these(name)

    def _any_of_these(self, name: str) -> object:
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
        return _nearly(value, self._random) if self._random.random() < 0.3 else value

    def _some(self, values: Sequence[object], least: int, most: int) -> tuple[object, ...]:
        size = self._random.randint(least, most) if values else 0
        return tuple(self._random.choices(values, k=size)) if size else ()


def _nearly(value: str, random: Random) -> str:
    """Another value, which only looks like it; none of nothing."""
    near = (value[:-1], value[1:], f"{value} ", value.swapcase(), f"{value[:-1]}*", f"{value}\x00")
    return random.choice(near) if value else value


_LISTS = {"location_ids": "location_id", "organization_ids": "organization_id"}
_POOLS: dict[str, Callable[[Pools], Sequence[str]]] = {
    "component_name": lambda pools: pools.components,
    "component_type": lambda pools: pools.component_types,
    "method": lambda pools: pools.methods,
}
_LIST_POOLS: dict[str, Callable[[Pools], Sequence[str]]] = {
    "mime_types": lambda _: strategies.MIME_TYPES,
    "tags": lambda pools: pools.tags,
    "box_labels": lambda pools: pools.labels,
    "location_ids": lambda _: ["nobody"],
    "organization_ids": lambda _: ["nobody"],
}
#: What a record has, of which it may be asked for some.
_OWN: dict[str, Callable[[Any], Sequence[Any]]] = {
    "mime_types": lambda record: [record.mime_type],
    "tags": lambda record: record.tags,
    "box_labels": lambda record: [box.label for box in getattr(record, "boxes", ())],
    "label_of": lambda record: getattr(record, "datasets", ()),
    "location_ids": lambda record: [record.origin.location_id],
    "organization_ids": lambda record: [record.origin.organization_id],
}
_FIELDS = (
    *_POOLS,
    *_LIST_POOLS,
    "tag_rule",
    "start",
    "end",
    "dataset",
    "label_of",
    "robot_name",
    "robot_id",
    "part_name",
    "part_id",
)
