"""What a filter selects: compared, explained by open points, and blamed on one field.

A mismatch may mean that the subject decides an open point otherwise, which is no failure, or that
it breaks one clause of many. So first the model is asked under other interpretations; if none fits,
the subject is asked for each field of the filter alone, and the first that goes wrong is to blame.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam_contracts.interpretation import ALTERNATIVES, CLAUSES, RELIED_ON
from fakeviam_contracts.model import LISTS, SCALARS, FilterSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.session import Session

_INTERVAL = ("start", "end")


class Question(NamedTuple):
    """Something that a filter is sent for.

    Attributes:
        base: The clause by which it is answered at all.
        fetch: What the subject answers, in the model's terms.
        expected: What the model answers under an interpretation.
        points: Open points that decide the answer besides those of filters.
        control: Whether something else that is asked the same answers rightly.
        stored: Whether the records have what the filter asks for; tells what they lack.
    """

    base: str
    fetch: Callable[[FilterSpec], object]
    expected: Callable[[FilterSpec, Interpretation], object]
    points: tuple[str, ...] = ()
    control: Callable[[FilterSpec], bool] = lambda _: False
    stored: Callable[[FilterSpec], bool] = lambda _: True


def compare(
    session: Session, spec: FilterSpec, question: Question, what: str, observed: object
) -> bool:
    """Compare what a filter selects; the answer says whether the model can go on with it.

    Raises:
        ContractBrokenError: A binding clause is broken: the one of the field that goes wrong.
    """
    expected = question.expected(spec, session.interpretation)
    if observed == expected:
        _count(session, spec, question)
        return True
    explanation = _explained(session.interpretation, spec, question, observed)
    if explanation is None:
        if not question.stored(spec):
            return False
        clause, field = _blamed(session, spec, question)
        return session.expect(clause, _by(what, field), expected, observed, cause=field)
    changed = {
        p: value for p, value in explanation.items() if value != getattr(session.interpretation, p)
    }
    for point in changed:
        clause, legal = CLAUSES[point], CLAUSES[point] not in RELIED_ON
        field = "" if legal else _blamed(session, spec, question)[1]
        session.expect(clause, _by(what, field), expected, observed, legal=legal, cause=field)
    # What clients rely on is broken, not learned.
    learned = {p: value for p, value in changed.items() if CLAUSES[p] not in RELIED_ON}
    session.learn(**learned)
    return learned == changed


def fields_of(spec: FilterSpec) -> list[str]:
    """The fields of a filter that ask for something; both ends of an interval count as one."""
    names = [f.name for f in dataclasses.fields(spec) if getattr(spec, f.name) != f.default]
    if "tag_rule" in names and ("tags" in names or "label_of" in names):
        names.remove("tag_rule")
    return names


def clauses_of(spec: FilterSpec, name: str) -> tuple[str, ...]:
    """The clauses that decide what a field of a filter selects."""
    if name in SCALARS:
        return ("FI-1", "FI-4")
    if name in LISTS:
        return ("FI-1", "FI-5") if len(getattr(spec, name)) > 1 else ("FI-1",)
    if name in _INTERVAL:
        return ("FI-13",)
    if name == "dataset":
        return ("FI-11", "FI-12") if spec.tag_rule == "untagged" else ("FI-11",)
    if name == "box_labels":
        return ("FI-10",)
    return _clauses_of_tags(spec)


def _clauses_of_tags(spec: FilterSpec) -> tuple[str, ...]:
    if spec.tag_rule in ("tagged", "untagged"):
        return ("FI-7",)
    if spec.tags or spec.label_of:
        return ("FI-6", *(("A10",) if spec.label_of else ()))
    return ("FI-8",) if spec.tag_rule == "unspecified" else ("A17", "FI-9")


def _count(session: Session, spec: FilterSpec, question: Question) -> None:
    """Count a comparison for each clause that could have made a difference."""
    model = session.model
    if not (model.files or model.rows):
        return
    names = fields_of(spec)
    if names == ["component_name"] and session.place.component:
        names = []
    for name in names:
        session.comparisons.update(clauses_of(spec, name))
    if not names:
        session.comparisons["FI-3"] += 1
    elif not question.expected(spec, session.interpretation):
        session.comparisons["FI-15"] += 1
    if "start" in names or "end" in names:
        _count_interval(session, spec)
    if spec.mime_types or spec.box_labels or spec.dataset is not None:
        session.comparisons.update({"A18": 1, "FI-16": 1})
    session.comparisons[question.base] += 1


def _count_interval(session: Session, spec: FilterSpec) -> None:
    ends = {spec.start, spec.end}
    records: list[Any] = [*session.model.files, *session.model.rows]
    for record in records:
        if record.requested in ends:
            session.comparisons.update({"A2": 1, "FI-14": 1})
        if record.requested != record.received:
            session.comparisons["A3"] += 1


# Other interpretations -------------------------------------------------------------------


def _explained(
    now: Interpretation, spec: FilterSpec, question: Question, observed: object
) -> dict[str, object] | None:
    """The decisions of open points, as few as possible, under which all is as it should be."""
    points = list(dict.fromkeys([*_points(spec), *question.points]))
    choices = [
        sorted(ALTERNATIVES[point], key=lambda v, p=point: v != getattr(now, p))  # type: ignore[misc]
        for point in points
    ]
    combinations: Iterator[dict[str, Any]] = (
        dict(zip(points, values, strict=True)) for values in itertools.product(*choices)
    )

    def changes(combination: dict[str, object]) -> int:
        return sum(value != getattr(now, point) for point, value in combination.items())

    for combination in sorted(combinations, key=changes):
        if question.expected(spec, dataclasses.replace(now, **combination)) == observed:
            return combination
    return None


def _points(spec: FilterSpec) -> Iterator[str]:
    """The open points that a filter touches."""
    if spec.start is not None or spec.end is not None:
        yield from ("interval_bounds", "interval_clock")
    if spec.label_of:
        yield "dataset_label"
    if spec.tag_rule in ("tagged", "untagged"):
        yield "label_is_tag"
    elif spec.tag_rule == "or" and not (spec.tags or spec.label_of):
        yield "empty_or"
    if spec.box_labels or spec.dataset is not None:
        yield "file_filters_on_rows"
    if spec.mime_types:
        yield "mime_filter_on_rows"
    if any(getattr(spec, name) for name in SCALARS):
        yield "strings"
    if any(len(getattr(spec, name)) > 1 for name in LISTS):
        yield "lists"


# The field to blame ----------------------------------------------------------------------


class _Whole(NamedTuple):
    """A field of the service's filter that is several of ours.

    Attributes:
        cause: What it is called if all of it goes wrong.
        clause: The clause that decides it.
        probes: Filters by it that nothing matches; all go wrong if it is ignored.
    """

    cause: str
    clause: str
    probes: tuple[dict[str, Any], ...]


_TAGS = _Whole("tags", "FI-6", ({"tags": ("nobody",), "tag_rule": "or"},))
_TIMES = _Whole("interval", "FI-13", ({"start": 4 * 10**18}, {"end": 1}))
_WHOLE = {
    **dict.fromkeys(("tags", "tag_rule", "label_of"), _TAGS),
    **dict.fromkeys(_INTERVAL, _TIMES),
}


def _by(what: str, field: str) -> str:
    return f"{what} by {field}" if field else what


def _blamed(session: Session, spec: FilterSpec, question: Question) -> tuple[str, str]:
    """The clause and the field that goes wrong by itself; the field is "" if none does."""

    def is_right(probe: FilterSpec) -> bool:
        return bool(question.fetch(probe) == question.expected(probe, session.interpretation))

    bare = session.within(FilterSpec())
    names = fields_of(spec)
    if session.place.component and "component_name" in names:
        names.remove("component_name")
    if question.control(spec) or not is_right(bare):
        # What is stored is not what should be, whatever is asked for.
        return question.base, ""
    for name in names:
        if not is_right(_alone(bare, spec, name)):
            whole = _WHOLE.get(name)
            if whole and not any(is_right(dataclasses.replace(bare, **p)) for p in whole.probes):
                return whole.clause, whole.cause
            clauses = clauses_of(spec, name)
            # A name that nobody has tells whether a field is ignored or compared loosely.
            nobody: dict[str, Any] = {name: "nobody"}
            is_loose = name in SCALARS and is_right(dataclasses.replace(bare, **nobody))
            return clauses[-1 if is_loose else 0], name
    if len(names) == 2:
        return "FI-13" if set(names) <= set(_INTERVAL) else "FI-1", " with ".join(names)
    return ("FI-1" if len(names) > 1 else question.base), ""


def _alone(bare: FilterSpec, spec: FilterSpec, name: str) -> FilterSpec:
    """A filter of one field; what only means something together stays together."""
    together = {"tags": ("tag_rule", "label_of"), "label_of": ("tag_rule", "tags")}
    names = (name, *together.get(name, ()))
    if name == "dataset" and spec.tag_rule == "untagged":
        names = ("dataset", "tag_rule")
    return dataclasses.replace(bare, **{one: getattr(spec, one) for one in names})
