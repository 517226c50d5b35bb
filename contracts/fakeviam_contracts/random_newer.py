"""Random steps of the newest RPCs: two kinds of things in each program, changed and looked at.

All kinds in every program would leave little of each; of two there is enough for them to meet.
They come from a random generator of their own, and change nothing that the other steps look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts import newer, random_queries, strategies
from fakeviam_contracts.newer.fleet import HOLDERS
from fakeviam_contracts.newer.pipelines import BAD_SCHEDULES, SCHEDULES, SINK, STANDARD
from fakeviam_contracts.newer.sequences import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fakeviam_contracts.model import File, Row
    from fakeviam_contracts.queries import Stages
    from fakeviam_contracts.session import Session

#: How often a step of the newest RPCs follows another step.
OFTEN = 0.4
#: Names that no server takes for one another, and one that is none.
NAMES = ("zebras", "apes", "größe", "a b/c.d", "x" * 60)
SIZES = (0, 0, 1, 2, 3, 50)
LONG_AGO, FAR_OFF = strategies.BASE - 10**17, strategies.BASE + 10**17
IN = random_queries.IN

#: What a statement in SQL may ask for, and the stage that asks for the same.
CONDITIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("number > 0", {f"{IN}number": {"$gt": 0}}),
    ("number <= 1", {f"{IN}number": {"$lte": 1}}),
    ("number = 1", {f"{IN}number": 1}),
    ("number IN (1, 2)", {f"{IN}number": {"$in": [1, 2]}}),
    ("number IS NULL", {f"{IN}number": None}),
    ("number IS NOT NULL", {f"{IN}number": {"$ne": None}}),
    ("number BETWEEN 0 AND 1", {f"{IN}number": {"$gte": 0, "$lte": 1}}),
    ("word = 'a'", {f"{IN}word": "a"}),
    ("word IS MISSING", {f"{IN}word": {"$exists": False}}),
    ("unique >= 200", {f"{IN}unique": {"$gte": 200}}),
)


class RandomNewer:
    """Changes what the newest RPCs keep on a session's subject, and looks at it."""

    def __init__(self, session: Session, random: Random, kinds: Sequence[str] = ()) -> None:
        """Do what `random` says; by default it chooses the kinds, too."""
        self._session, self._random, self._over = session, random, False
        every: dict[str, Callable[[], None]] = {
            "saved queries": self._saved_query,
            "pipelines": self._pipeline,
            "indexes": self._index,
            "sequences": self._sequence,
            "exports": self._export,
            "latest": self._latest,
            "statements": self._statement,
            "fleet": self._fleet,
        }
        self._kinds = [every[name] for name in kinds or random.sample(sorted(every), 2)]

    def run(self) -> None:
        """Do something, most of the time."""
        if self._over or self._session.ended_by or self._random.random() >= OFTEN:
            return
        self._random.choice(self._kinds)()
        # What these cannot go on from does not end the rest, which Hypothesis expects to be the
        # same each time.
        self._over, self._session.ended_by = bool(self._session.ended_by), ""

    def _one(self, created: Sequence[str], kept: Sequence[Any]) -> int | None:
        """A handle of what was created: mostly of what is still there."""
        if not created:
            return None
        if kept and self._random.random() < 0.85:
            return int(self._random.choice(kept).handle)
        return self._random.randrange(len(created))

    def _name(self, kept: Sequence[Any]) -> str:
        """A name, now and then one that is taken, or none."""
        taken = [each.name for each in kept]
        name: str = self._random.choice((*NAMES, *NAMES, *taken, " "))
        return name

    # Saved queries -----------------------------------------------------------------------

    def _stages(self) -> Stages:
        """Stages that leave documents whole; now and then none, or such as cannot be kept."""
        random = self._random
        if random.random() < 0.15:
            bad: tuple[Stages, ...] = (
                [],
                [{"$nothing": {}}],
                [{"$limit": 1}, {"$out": "elsewhere"}],
            )
            return random.choice(bad)
        return random_queries.beginning(random)

    def _saved_query(self) -> None:
        session, random = self._session, self._random
        created, kept = session.handles.queries, session.model.kept.queries
        query = self._one(created, kept)
        kind = random.random()
        if query is None or kind < 0.3:
            newer.save_query(session, self._name(kept), self._stages())
        elif kind < 0.55:
            name, stages = self._name(kept), self._stages()
            if random.random() < 0.5:
                name, stages = random.choice((("", stages or [{"$limit": 2}]), (name, [])))
            newer.update_query(session, query, name, stages)
        elif kind < 0.65:
            newer.delete_query(session, query)
        elif kind < 0.75:
            newer.check_saved_queries(session, limit=random.choice((1, 2, 3)))
        else:
            newer.check_behind(session, query, random_queries.pipeline(random))

    # Pipelines and indexes ---------------------------------------------------------------

    def _pipeline(self) -> None:
        session, random = self._session, self._random
        created, kept = session.handles.pipelines, session.model.kept.pipelines
        pipeline = self._one(created, kept)
        kind = random.random()
        if pipeline is None or kind < 0.4:
            self._create_pipeline()
        elif kind < 0.6:
            newer.rename_pipeline(session, pipeline, self._name(kept))
        elif kind < 0.85:
            newer.toggle_pipeline(session, pipeline, enable=random.random() < 0.5)
        else:
            newer.delete_pipeline(session, pipeline)

    def _create_pipeline(self) -> None:
        random, session = self._random, self._session
        # Never two faults in one: the refusal of one hides the other.
        fault = random.choice(("", "", "", "", "stages", "schedule", "source"))
        newer.create_pipeline(
            session,
            self._name(session.model.kept.pipelines) if not fault else random.choice(NAMES),
            self._stages() if fault == "stages" else random_queries.beginning(random),
            schedule=random.choice(BAD_SCHEDULES if fault == "schedule" else SCHEDULES),
            source=SINK if fault == "source" else random.choice((None, STANDARD, STANDARD + 1)),
        )

    def _index(self) -> None:
        session, random = self._session, self._random
        kept = session.model.kept
        pipelines = [each.handle for each in kept.pipelines if not each.renamed]
        kind = random.random()
        index = self._one(session.handles.indexes, kept.indexes)
        if len(pipelines) < 2 and kind < 0.3:
            newer.create_pipeline(session, random.choice(NAMES), [{"$limit": 1}])
        elif pipelines and kind < 0.35:
            newer.delete_pipeline(session, random.choice(pipelines))
        elif index is not None and kind < 0.55:
            newer.delete_index(session, index)
        elif kind < 0.65:
            newer.check_indexes(session, pipeline=random.choice((None, *pipelines)))
        else:
            fields = random.sample(("a", "b", "a.b"), random.choice((0, 1, 1, 1, 2, 2)))
            newer.create_index(
                session,
                {name: random.choice((1, 1, -1, -1, 1, -1, 0, "sideways")) for name in fields},
                name=random.choice(("", "", "named")),
                pipeline=random.choice((None, *pipelines)),
            )

    # Sequences ---------------------------------------------------------------------------

    def _time(self, file: File | None) -> int:
        """A time near those of files: often that of one, or just beside it."""
        random = self._random
        if file is not None and random.random() < 0.7:
            near = file.requested + random.choice((0, 0, 1, -1, strategies.SECOND))
            return min(max(near, strategies.FIRST), strategies.LAST)
        return random.choice((strategies.BASE, LONG_AGO, FAR_OFF))

    def _resources(self, file: File | None) -> list[tuple[str, str]]:
        """Resources: mostly that of a file, and one more; now and then bad ones."""
        random = self._random
        if random.random() < 0.05:
            return random.choice(([], [(" ", "ReadImage")], [("cam", "")]))
        found = [("cam", "ReadImage")]
        if file is not None and file.origin.component_name and file.origin.method:
            found = [(file.origin.component_name, file.origin.method)]
        return found + ([("cam-1", "readimage")] if random.random() < 0.3 else [])

    def _file(self) -> File | None:
        """A file, mostly one that can be inside."""
        files = self._session.model.files
        named = [f for f in files if f.origin.component_name.strip() and f.origin.method.strip()]
        images = [file for file in named if file.mime_type in IMAGES]
        best = images if images and self._random.random() < 0.8 else named or files
        return self._random.choice(best) if best else None

    def _window(self, file: File | None) -> tuple[int, int]:
        start, end = self._time(file), self._time(file)
        if self._random.random() < 0.9:
            return min(start, end), max(start, end)
        return start, end

    def _sequence_tags(self) -> list[str]:
        tags = self._random.sample(("day", "Day", "größe", "a b"), self._random.randint(0, 2))
        return tags + ([" "] if self._random.random() < 0.05 else [])

    def _sequence(self) -> None:
        session, random = self._session, self._random
        created, kept = session.handles.sequences, session.model.kept.sequences
        sequence, kind = self._one(created, kept), random.random()
        if sequence is None or kind < 0.3:
            self._create_sequence()
        elif kind < 0.45:
            newer.update_sequence(session, sequence, self._changes())
        elif kind < 0.55:
            newer.delete_sequence(session, sequence)
        elif kind < 0.65:
            newer.check_sequences(session, size=random.choice(SIZES))
        else:
            newer.check_inside(session, sequence, size=random.choice(SIZES))

    def _create_sequence(self) -> None:
        file, parts = self._file(), self._session.place.parts
        own = [part.part_id for part in parts]
        part = own.index(file.origin.part_id) if file and file.origin.part_id in own else 0
        start, end = self._window(file)
        newer.create_sequence(
            self._session,
            part=part,
            resources=self._resources(file),
            start=start,
            end=end,
            tags=self._sequence_tags(),
        )

    def _changes(self) -> dict[str, Any]:
        file = self._file()
        start, end = self._window(file)
        values: dict[str, Any] = {
            "resources": self._resources(file),
            "sequence_tags": self._sequence_tags(),
            "start_time": start,
            "end_time": end,
        }
        chosen = self._random.sample(sorted(values), self._random.choice((1, 1, 2, 3)))
        return {name: values[name] for name in chosen}

    # Readings ----------------------------------------------------------------------------

    def _resource(self) -> dict[str, Any]:
        """What names a resource: mostly one that has readings."""
        parts = [part.part_id for part in self._session.place.parts]
        rows: list[Row] = [row for row in self._session.model.rows
                           if row.origin.part_id in parts]  # fmt: skip
        full = [row for row in rows if row.origin.component_name and row.origin.component_type
                and row.origin.method]  # fmt: skip
        if not rows:
            return {"part": 0, "component": "sensor", "component_type": "sensor",
                    "method": "Readings"}  # fmt: skip
        origin = self._random.choice(full if full and self._random.random() < 0.9 else rows).origin
        names = {
            "component": origin.component_name,
            "component_type": origin.component_type,
            "method": origin.method,
        }
        if self._random.random() < 0.15:
            names[self._random.choice(sorted(names))] = self._random.choice(("nobody", ""))
        return {"part": parts.index(origin.part_id), **names}

    def _export(self) -> None:
        times = sorted(row.requested for row in self._session.model.rows)
        # Between the times of readings: whether its ends are inside is an open point (A2).
        ends: dict[str, Any] = {name: self._random.choice(times) + 500 for name in ("start", "end")
                if times and self._random.random() < 0.3}  # fmt: skip
        if set(times) & set(ends.values()) or max(ends.values(), default=0) > strategies.LAST:
            ends = {}
        newer.check_export(self._session, **self._resource(), **ends)

    def _latest(self) -> None:
        newer.check_latest(self._session, **self._resource())

    def _statement(self) -> None:
        random = self._random
        ours = (_in_full("unique >= 0"), {f"{IN}unique": {"$gte": 0}})
        (one, first), (other, second) = random.sample(CONDITIONS, 2)
        one, other = (f"({_in_full(text)})" for text in (one, other))
        joined = random.choice(("", "", "AND", "OR"))
        condition = f"{ours[0]} AND {f'({one} {joined} {other})' if joined else one}"
        asked = {"": first, "AND": {"$and": [first, second]}, "OR": {"$or": [first, second]}}
        begin: Stages = [{"$match": {"$and": [ours[1], asked[joined]]}}]
        statement, end = random.choice(_STATEMENTS)(random)
        newer.check_statement(self._session, statement, condition, [*begin, *end])

    # The fleet ---------------------------------------------------------------------------

    def _fleet(self) -> None:
        random, session = self._random, self._session
        part, kind = random.randrange(len(session.place.parts)), random.random()
        if kind < 0.35:
            newer.check_fleet(session, part)
        elif kind < 0.7:
            limit, everywhere = random.choice((0, 0, 0, 1, 2)), random.random() < 0.5
            newer.check_summaries(session, part, limit=limit, everywhere=everywhere)
        else:
            leaves: Sequence[object] = (None, True, 0.0, "", "text", [1.0, None], {"b": {}})
            names = random.sample(("a", "b.c", "é", ""), random.randint(0, 3))
            values = {name: random.choice(leaves) for name in names}
            newer.check_metadata(session, random.choice(tuple(HOLDERS)), part, values)


def _in_full(condition: str) -> str:
    """A condition on a reading's field, by its path; some names are reserved words."""
    name, _, rest = condition.partition(" ")
    return f"{IN}`{name}` {rest}"


def _rows(random: Random) -> tuple[str, Stages]:
    """Rows one by one, in an order, perhaps only some."""
    downwards, limit = random.random() < 0.5, random.choice((0, 1, 2))
    statement = f"SELECT {IN}`unique` AS u FROM readings ORDER BY u{' DESC' if downwards else ''}"  # noqa: S608
    stages: Stages = [
        {"$project": {"_id": 0, "u": f"${IN}unique"}},
        {"$sort": {"u": -1 if downwards else 1}},
    ]
    if limit:
        return f"{statement} LIMIT {limit}", [*stages, {"$limit": limit}]
    return statement, stages


def _totals(_: Random) -> tuple[str, Stages]:
    """One row about all of them; none about none (SL-6)."""
    unique = f"{IN}`unique`"
    statement = f"SELECT COUNT(*) AS n, MIN({unique}) AS a, MAX({unique}) AS b FROM readings"  # noqa: S608
    least, most = {"$min": f"${IN}unique"}, {"$max": f"${IN}unique"}
    group = {"_id": None, "n": {"$sum": 1}, "a": least, "b": most}
    return statement, [{"$group": group}, {"$project": {"_id": 0}}]


def _groups(_: Random) -> tuple[str, Stages]:
    """A row for each of their methods."""
    statement = "SELECT method_name AS m, COUNT(*) AS n FROM readings GROUP BY method_name"
    stages: Stages = [
        {"$group": {"_id": "$method_name", "n": {"$sum": 1}}},
        {"$project": {"_id": 0, "m": "$_id", "n": 1}},
    ]
    return statement, stages


_STATEMENTS: tuple[Callable[[Random], tuple[str, Stages]], ...] = (_rows, _rows, _totals, _groups)
