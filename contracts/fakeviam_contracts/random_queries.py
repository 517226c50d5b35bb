"""Random pipelines over readings, of stages and operators that the naive interpreter knows.

What may go wrong for a reason that no document names is left out: arithmetic is done on fields
that hold numbers or nothing, and what is sorted has something unique to be sorted by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fakeviam_contracts.queries import Stages

IN = "data.readings."
#: Each is different in each reading, numbers or nothing, texts or nothing, arrays, documents.
UNIQUE, NUMBER, WORD, LIST, INNER = (
    f"{IN}{name}" for name in ("unique", "number", "word", "listed", "inner")
)
SCALARS = (NUMBER, WORD, f"{INNER}.number", "component_name", "method_name", "part_id")
PATHS = (*SCALARS, LIST, INNER, f"{LIST}.number", "tags", UNIQUE)

#: What is only asked of readings that are made for it: operators that take values of one kind
#: alone, and sorts, which may put equals as they like.
_PARTICULAR = ("'$add'", "$subtract", "$multiply", "$abs", "$concat", "'$sort'")

NUMBERS = (0, 1, 2, -1, 1.5, None)
WORDS = ("a", "b", "B", "", "é", "1", "$a", None)
TAGS = ("dog", "Dog", "none")


def reading(random: Random, unique: int) -> dict[str, object]:
    """A reading that random pipelines have something to ask of."""
    choice = random.choice
    fields: dict[str, object] = {
        "number": choice(NUMBERS),
        "word": choice(WORDS),
        "listed": choice(([], [1, 2], [2, None], ["a"], [{"number": 1}, {"number": 2}], [[1]], 1)),
        "inner": choice(({}, {"number": 1}, {"number": None, "deep": {"x": 1}}, {"word": "a"})),
    }
    kept = [name for name in fields if random.random() < 0.8]
    return {"readings": {"unique": unique, **{name: fields[name] for name in kept}}}


def pipeline(random: Random) -> Stages:
    """A pipeline of a few stages."""
    stages: Stages = []
    for _ in range(random.randint(0, 3)):
        stages.append(random.choice((_match, _match, _set, _unset, _unwind))(random))
    ending = random.choice((_no_end, _page, _group, _project, _count, _grouped_and_sorted))
    stages += ending(random, any("$unwind" in stage for stage in stages))
    if any(name in str(stages) for name in _PARTICULAR):
        return [{"$match": {UNIQUE: {"$exists": True}}}, *stages]
    return stages


def beginning(random: Random) -> Stages:
    """Stages that leave documents whole, so that others can follow."""
    found: Stages = [random.choice((_match, _set))(random) for _ in range(random.randint(1, 2))]
    if random.random() < 0.3:
        found += [{"$sort": {UNIQUE: random.choice((1, -1))}}, {"$limit": random.choice((1, 2, 3))}]
    if any(name in str(found) for name in _PARTICULAR):
        return [{"$match": {UNIQUE: {"$exists": True}}}, *found]
    return found


# Stages ----------------------------------------------------------------------------------


def _value(random: Random, path: str) -> object:
    if path in ("component_name", "method_name", "part_id"):
        return random.choice(("cam", "sensor", "Readings", "", "nobody"))
    if path == "tags":
        return random.choice(TAGS)
    if path == UNIQUE:
        return random.randint(0, 8)
    return random.choice((*NUMBERS, *WORDS[:3], True))


def _condition(random: Random) -> dict[str, object]:
    path = random.choice(PATHS)
    value = _value(random, path)
    kind = random.choice(("", "$eq", "$ne", "$in", "$nin", "$exists", "$gt", "$gte", "$lt", "$lte"))
    if kind in ("$in", "$nin"):
        return {path: {kind: [value, _value(random, path)]}}
    if kind == "$exists":
        return {path: {kind: random.random() < 0.5}}
    if kind in ("", "$eq", "$ne"):
        return {path: {kind: value} if kind else value}
    # What null is greater than is a question of its own.
    return {path: {kind: value if value is not None else 1}}


def _match(random: Random) -> dict[str, object]:
    one, other = _condition(random), _condition(random)
    spec = random.choice((one, one, {"$or": [one, other]}, {"$and": [one, other]},
                          {"$nor": [one]}, {"$expr": {"$gt": [f"${NUMBER}", 0]}}))  # fmt: skip
    return {"$match": spec}


def _expression(random: Random) -> object:
    number, other = f"${NUMBER}", random.choice((1, 2.5, f"${UNIQUE}", f"${INNER}.number"))
    return random.choice(
        (
            {"$add": [number, other]},
            {"$subtract": [number, other]},
            {"$multiply": [number, other, 2]},
            {"$abs": number},
            {"$concat": [f"${WORD}", "-", f"${WORD}"]},
            {"$ifNull": [f"${random.choice(PATHS)}", "nothing"]},
            {"$cond": [{"$gt": [number, 0]}, "more", f"${WORD}"]},
            {"$and": [number, {"$lte": [f"${UNIQUE}", 3]}]},
            {"$not": [number]},
            {"$eq": [number, other]},
            {"$isArray": f"${LIST}"},
            {"$literal": "$not a path"},
            {"a": number, "b": [f"${WORD}", 1]},
            f"${random.choice(PATHS)}",
        )
    )


def _set(random: Random) -> dict[str, object]:
    name = random.choice(("$set", "$addFields"))
    path = random.choice(("new", "new.deep", f"{IN}more", WORD))
    if path == WORD:
        return {name: {path: random.choice(("x", f"${WORD}"))}}
    return {name: {path: _expression(random)}}


def _unset(random: Random) -> dict[str, object]:
    path = random.choice((NUMBER, WORD, INNER, "tags"))
    return {"$unset": random.choice((path, [path, "method_name"]))}


def _unwind(random: Random) -> dict[str, object]:
    path = random.choice((f"${LIST}", "$tags"))
    keeps = {"path": path, "preserveNullAndEmptyArrays": random.random() < 0.5}
    return {"$unwind": random.choice((path, keeps))}


# Ends ------------------------------------------------------------------------------------


def _no_end(random: Random, unwound: bool) -> Stages:  # noqa: FBT001 - all ends take the same
    del random, unwound
    return []


def _page(random: Random, unwound: bool) -> Stages:  # noqa: FBT001
    """Sorted by something unique, and cut off; after an $unwind nothing is unique."""
    if unwound:
        return []
    spec = {random.choice((UNIQUE, NUMBER, "component_name")): random.choice((1, -1))}
    spec.setdefault(UNIQUE, random.choice((1, -1)))
    pages: Sequence[Stages] = ([], [{"$limit": 2}], [{"$skip": 2}], [{"$skip": 1}, {"$limit": 1}])
    return [{"$sort": spec}, *random.choice(pages)]


def _accumulators(random: Random) -> dict[str, object]:
    found: dict[str, object] = {
        "sum": {"$sum": f"${NUMBER}"},
        "avg": {"$avg": f"${NUMBER}"},
        "least": {"$min": f"${NUMBER}"},
        "most": {"$max": f"${UNIQUE}"},
        "count": {"$sum": 1},
        "rows": {"$count": {}},
    }
    return {name: found[name] for name in random.sample(sorted(found), 3)}


def _group(random: Random, unwound: bool) -> Stages:  # noqa: FBT001
    name = random.choice((None, f"${random.choice(SCALARS)}", {"word": f"${WORD}"}))
    stages: Stages = [{"$group": {"_id": name, **_accumulators(random)}}]
    if not unwound and random.random() < 0.3:
        firsts = {"first": {"$first": f"${WORD}"}, "all": {"$push": f"${WORD}"}}
        return [{"$sort": {UNIQUE: 1}}, {"$group": {"_id": name, **firsts}}]
    return stages


def _grouped_and_sorted(random: Random, unwound: bool) -> Stages:  # noqa: FBT001
    return [*_group(random, unwound), {"$sort": {"_id": random.choice((1, -1))}}]


def _count(random: Random, unwound: bool) -> Stages:  # noqa: FBT001
    del unwound
    return [{"$count": random.choice(("n", "total"))}]


def _project(random: Random, unwound: bool) -> Stages:  # noqa: FBT001
    del unwound
    chosen: Callable[[], dict[str, Any]] = random.choice(
        (
            lambda: {UNIQUE: 1, random.choice((NUMBER, WORD, INNER)): 1},
            lambda: {"_id": 0, UNIQUE: 1, "new": _expression(random)},
            lambda: {NUMBER: 0, "tags": 0},
            lambda: {"_id": 0, "component_name": 1, "time_requested": 1},
        )
    )
    return [{"$project": chosen()}]
