"""Random pipelines, answered by our engine and by others: `make query-oracles`.

SecantusDB and mongoeco are installed into environments of their own. SecantusDB is under the GPL:
it is only ever talked to over its socket. mongoeco needs Python 3.13. (mongomock, which has few
operators, is asked in tests/unit/query.) None of them decides: MongoDB's manual does. Each
disagreement is explained by a row of tests/quality/query_oracles.tsv; one without a row fails the
run. Where another engine refuses what ours answers it proves nothing, and is only counted.

    python scripts/query_oracles.py [--cases 400] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import pymongo
import test_mongo
from bson import json_util

from fakeviam.query.errors import QueryError
from fakeviam.query.pipeline import Pipeline, encodable
from fakeviam.query.values import sort_key

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = list[Any] | str

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "quality" / "query_oracles.tsv"
MONGOECO = "mongoeco==4.11.0"
NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)

# Cases ------------------------------------------------------------------------------------------

_SCALARS = [None, True, False, 0, 1, 2, -3, 2.5, "a", "b", "", NOW, NOW + timedelta(hours=30)]


def documents(draw: Random) -> list[dict[str, Any]]:
    """A few documents, with missing fields, arrays and values of several types."""

    def value() -> Any:
        kind = draw.random()
        if kind < 0.7:
            return draw.choice(_SCALARS)
        if kind < 0.85:
            return [draw.choice(_SCALARS) for _ in range(draw.randrange(3))]
        return {"x": draw.choice(_SCALARS)}

    rows = []
    for place in range(draw.randrange(1, 8)):
        row = {"_id": place, "t": NOW + timedelta(minutes=draw.randrange(6000))}
        row |= {name: value() for name in "abc" if draw.random() < 0.8}
        row["n"] = draw.choice([1, 2, 3.5, -1, 0])
        rows.append(row)
    return rows


def _condition(draw: Random) -> Any:
    name = draw.choice(["a", "b", "c", "a.x", "n", "t"])
    bound = draw.choice(_SCALARS)
    return {
        name: draw.choice(
            [
                bound,
                {"$gt": bound},
                {"$lte": bound},
                {"$ne": bound},
                {"$in": [bound, draw.choice(_SCALARS)]},
                {"$nin": [bound]},
                {"$exists": draw.random() < 0.5},
                {"$type": draw.choice(["string", "number", "array", "null", "date"])},
                {"$not": {"$gte": bound}},
                {"$size": draw.randrange(3)},
            ]
        )
    }


def _expression(draw: Random, depth: int = 2) -> Any:
    if depth == 0 or draw.random() < 0.3:
        return draw.choice(["$a", "$b", "$c", "$a.x", "$n", "$t", "$none", 1, 2.5, None, "a"])
    one, other = _expression(draw, depth - 1), _expression(draw, depth - 1)
    unit = draw.choice(["day", "hour", "month", "week"])
    return draw.choice(
        [
            {"$eq": [one, other]},
            {"$lt": [one, other]},
            {"$cmp": [one, other]},
            {"$ifNull": [one, other]},
            {"$cond": [{"$gte": [one, other]}, one, other]},
            {"$and": [one, other]},
            {"$not": [one]},
            {"$type": one},
            {"$isArray": [one]},
            {"$add": ["$n", draw.choice([1, "$n", "$none"])]},
            {"$multiply": ["$n", 2]},
            {"$abs": "$n"},
            {"$round": ["$n", 0]},
            {"$dateTrunc": {"date": "$t", "unit": unit}},
            {"$dateToString": {"date": "$t", "format": "%Y-%m-%d %H:%M"}},
            {"$dateAdd": {"startDate": "$t", "unit": unit, "amount": draw.randrange(-3, 4)}},
            {"$hour": "$t"},
            {"$concat": [{"$type": one}, "-"]},
            {"$mergeObjects": [{"p": one}, {"q": other}]},
            {"$switch": {"branches": [{"case": {"$gt": [one, 1]}, "then": 1}], "default": other}},
        ]
    )


def pipeline(draw: Random) -> list[dict[str, Any]]:
    """A pipeline of a few stages, sorted first so that every engine sees one order."""

    def accumulator() -> Any:
        inner = draw.choice(["$n", "$a", _expression(draw, 1)])
        name = draw.choice(["$sum", "$avg", "$min", "$max", "$first", "$last", "$push"])
        return {name: inner}

    def stage() -> dict[str, Any]:
        stages: list[dict[str, Any]] = [
            {"$match": _condition(draw)},
            {"$match": {"$or": [_condition(draw), _condition(draw)]}},
            {"$set": {"z": _expression(draw)}},
            {"$project": {"n": 1, "t": 1, "y": {"v": {"$ifNull": [_expression(draw), "$none"]}}}},
            {"$unset": draw.choice(["a", "b", "a.x"])},
            {"$unwind": {"path": draw.choice(["$a", "$b"])}},
            {"$skip": 1},
            {"$limit": 3},
            {"$sort": {draw.choice("abcn"): draw.choice([1, -1]), "_id": 1}},
            {"$group": {"_id": _expression(draw, 1), "v": accumulator()}},
            {"$count": "count"},
        ]
        return draw.choice(stages)

    return [
        {"$sort": {"_id": draw.choice([1, -1])}},
        *(stage() for _ in range(draw.randrange(1, 4))),
    ]


# Engines ----------------------------------------------------------------------------------------


def ours(stages: list[Any], rows: list[Any]) -> Answer:
    """The answer of fakeviam's engine; a text says how it refuses."""
    try:
        answer = Pipeline(stages, now=NOW, random=Random(1)).run(rows)  # noqa: S311
        return [encodable(row) for row in answer]
    except QueryError as error:
        return f"refused: {error}"


def of_collection(collection: Any) -> Callable[[list[Any], list[Any]], Answer]:
    """What answers with a driver's collection."""

    def answer(stages: list[Any], rows: list[Any]) -> Answer:
        collection.delete_many({})
        collection.insert_many([dict(row) for row in rows])
        try:
            return list(collection.aggregate(stages))
        except Exception as error:  # noqa: BLE001 - engines crash in many ways
            return f"refused: {type(error).__name__} {error}"

    return answer


_WORKER = """
import sys
from bson import json_util
from mongoeco import MongoClient
from datetime import timezone
options = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=timezone.utc)
collection = MongoClient().db.rows
for line in sys.stdin:
    stages, rows = json_util.loads(line, json_options=options)
    try:
        collection.delete_many({})
        collection.insert_many(rows)
        answer = list(collection.aggregate(stages))
    except Exception as error:
        answer = f"refused: {type(error).__name__} {error}"
    print(json_util.dumps(answer, json_options=options), flush=True)
"""
_JSON = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=timezone.utc)


def mongoeco() -> Callable[[list[Any], list[Any]], Answer] | None:
    """What asks mongoeco in an environment of its own; None without Python 3.13."""
    python = shutil.which("python3.13")
    if python is None:
        return None
    folder = ROOT / ".envs" / "mongoeco"
    program = folder / "bin" / "python"
    if not (folder / "installed.txt").exists():
        print(f"installing {MONGOECO} into {folder.relative_to(ROOT)}", flush=True)
        try:
            test_mongo.run([python, "-m", "venv", folder])
            test_mongo.run([program, "-m", "pip", "install", "--quiet", MONGOECO, "pymongo"])
        except test_mongo.MissingError:
            return None
        (folder / "installed.txt").write_text(MONGOECO, encoding="utf-8")
    worker = subprocess.Popen(
        [program, "-c", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    questions, answers = worker.stdin, worker.stdout
    if questions is None or answers is None:
        return None

    def answer(stages: list[Any], rows: list[Any]) -> Answer:
        questions.write(json_util.dumps([stages, rows], json_options=_JSON) + "\n")
        questions.flush()
        loaded: Answer = json_util.loads(answers.readline(), json_options=_JSON)
        return loaded

    return answer


# Comparison -------------------------------------------------------------------------------------


class Explanation(NamedTuple):
    """A row of the table: which disagreements it explains, and who is right by the manual."""

    engine: str
    words: tuple[str, ...]
    right: str
    why: str

    def fits(self, engine: str, stages: list[Any], theirs: Answer) -> bool:
        """Whether it explains a disagreement: all of its words are in the case or the answer."""
        text = json.dumps(stages, default=str) + (theirs if isinstance(theirs, str) else "")
        return engine == self.engine and all(word in text for word in self.words)


def explanations() -> list[Explanation]:
    """The table."""
    rows = []
    for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]:
        engine, words, right, why = line.split("\t")
        rows.append(Explanation(engine, tuple(words.split(" & ")), right, why))
    return rows


def canonical(answer: Answer, *, ordered: bool) -> Any:
    """Something equal for answers that are one: numbers by value, dates to the millisecond."""
    if isinstance(answer, str):
        return "refused"
    keys = [repr(sort_key(encodable(row))) for row in answer]
    return keys if ordered else sorted(keys)


def _is_ordered(stages: list[Any]) -> bool:
    return not any("$group" in stage for stage in stages)


def main() -> int:
    """Compare; 1 if a disagreement has no explanation."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    engines: dict[str, Callable[[list[Any], list[Any]], Answer]] = {}
    eco = mongoeco()
    if eco is None:
        print("skipped: mongoeco needs Python 3.13 and a package index")
    else:
        engines["mongoeco"] = eco
    try:
        with test_mongo.server() as url:
            client: Any = pymongo.MongoClient(url, tz_aware=True)
            engines["SecantusDB"] = of_collection(client.oracle.rows)
            return compare(engines, options.cases, options.seed)
    except test_mongo.MissingError as error:
        print(f"skipped: {error}")
        return compare(engines, options.cases, options.seed)


def compare(engines: dict[str, Any], cases: int, seed: int) -> int:
    """Ask all of them, and print what is not explained."""
    table, draw = explanations(), Random(seed)  # noqa: S311 - repeatable
    used: Counter[Explanation] = Counter()
    unexplained = 0
    agreed: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for _ in range(cases):
        rows, stages = documents(draw), pipeline(draw)
        mine, ordered = ours(stages, rows), _is_ordered(stages)
        for name, ask in engines.items():
            theirs = ask(stages, rows)
            if canonical(mine, ordered=ordered) == canonical(theirs, ordered=ordered):
                agreed[name] += 1
                continue
            if isinstance(theirs, str) and not isinstance(mine, str):
                refused[name] += 1  # it crashed, or does not have an operator: no answer
                continue
            row = next((each for each in table if each.fits(name, stages, theirs)), None)
            if row is not None:
                used[row] += 1
                continue
            unexplained += 1
            print(f"{name} disagrees:\n  pipeline {stages}\n  documents {rows}")
            print(f"  fakeviam {mine}\n  {name} {theirs}")
    for name in engines:
        print(
            f"{name}: agreed in {agreed[name]} of {cases} cases, had no answer in {refused[name]}"
        )
    print(f"{unexplained} disagreements without an explanation, {sum(used.values())} with one")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
