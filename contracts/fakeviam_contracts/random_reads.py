"""Random reads after each step: pages to their end, counts, tags, labels, datasets, files by id.

Reads change nothing, so Hypothesis cannot learn anything from them: they are drawn from one random
generator, seeded by Hypothesis. This makes them cheap enough for several after each step. Half of
the filters are derived from an existing record, so that they select something.
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

#: The relative frequency of each kind of read.
_WEIGHTS = {"files": 6, "rows": 3, "counts": 3, "ids": 3, "tags": 3, "labels": 1, "datasets": 1,
            "query": 2, "wrong ids": 1}  # fmt: skip


class RandomReads:
    """Random reads of a session's subject."""

    def __init__(self, session: Session, random: Random, pools: Pools) -> None:
        """Read what `random` chooses, with values from `pools`."""
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
        """Make a number of reads."""
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
        """A filter, mostly with few fields, and half of them derived from an existing record."""
        record = self._record()
        names = self._random.sample(_FIELDS, self._random.choice((0, 1, 1, 2, 2, 3)))
        fields: dict[str, Any] = {}
        for name in names:
            own = record is not None and self._random.random() < 0.7
            fields[name] = self._own(name, record) if own and record else self._any(name)
        if fields.keys() & {"tags", "label_of"} and self._random.random() < 0.8:
            # TAGGED and UNTAGGED ignore the list of tags.
            fields["tag_rule"] = self._random.choice(("", "", "unspecified"))
        self._combine(fields)
        return FilterSpec(**{name: value for name, value in fields.items() if value is not None})

    def _combine(self, fields: dict[str, object]) -> None:
        """Combine fields whose combination has a meaning of its own (FI-7, FI-12)."""
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
        """A condition that a record meets, or just fails to meet."""
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
        """Any condition."""
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
        """A condition on existing datasets or parts."""
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
    """A different value that looks similar; empty stays empty."""
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
#: Multi-valued fields of a record, of which a filter uses some.
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
