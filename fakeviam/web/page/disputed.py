"""The view of the policy: each disputed point, its interpretations, and affected calls."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from fakeviam.model.catalogue import CATALOGUE
from fakeviam.model.policy import Policy
from fakeviam.web.page.replaying import Change, replay
from fakeviam.web.problems import HttpProblem
from fakeviam.web.routes.policy import Preset, policy_json

if TYPE_CHECKING:
    from fakeviam.model.evidence import Clause
    from fakeviam.web.page.visit import Visit

PRESETS: tuple[str, ...] = get_args(Preset)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A disputed point.

    Attributes:
        name: The field of the policy.
        value: The current interpretation, as JSON.
        about: What the point is about.
        clause: The clause of the decision.
        calls: How many recorded calls depended on it.
    """

    name: str
    value: Any
    about: str
    clause: Clause | None
    calls: int


class PointChoice(NamedTuple):
    """One interpretation: its value as JSON, the presets that use it, the calls it would change."""

    value: Any
    chosen: bool
    presets: list[str]
    changes: list[Change]


def show_list(visit: Visit) -> tuple[str, dict[str, object]]:
    """All points."""
    return "policy.html", {"points": _points(visit), "presets": PRESETS}


def show_point(visit: Visit) -> tuple[str, dict[str, object]]:
    """One point: its interpretations, and the recorded calls whose replies each would change."""
    point = next((each for each in _points(visit) if each.name == visit.path), None)
    if point is None:
        raise HttpProblem(404, f"the policy has no field {visit.path!r}")
    policy = visit.handle.policy
    policies = _interpretations(point.name, policy)
    answers = replay(visit, policies)
    presets = {name: getattr(Policy.preset(name), point.name) for name in PRESETS}
    return "point.html", {
        "point": point,
        "interpretations": [
            PointChoice(
                value=policy_json(each)[point.name],
                chosen=each == policy,
                presets=[name for name, value in presets.items() if value == _value(each, point)],
                changes=changes,
            )
            for each, changes in zip(policies, answers.changes, strict=True)
        ],
        "answers": answers,
        "streams": [
            call
            for call in visit.handle.calls
            if point.clause and point.clause.id in call.cited and call.method.client_streaming
        ],
    }


def _value(policy: Policy, point: Point) -> object:
    return getattr(policy, point.name)


def _interpretations(name: str, policy: Policy) -> list[Policy]:
    """The policy with each value of a field: all values, or those that presets use."""
    hint = get_type_hints(Policy)[name]
    values = [getattr(each, name) for each in (policy, *map(Policy.preset, PRESETS))]
    if get_origin(hint) is Literal:
        values = list(get_args(hint))
    elif hint is bool:
        values = [False, True]
    return [replace(policy, **{name: value}) for value in dict.fromkeys(values)]


def _points(visit: Visit) -> list[Point]:
    values, told = policy_json(visit.handle.policy), _told()
    rested: dict[str, int] = {}
    for call in visit.handle.calls:
        for clause in call.cited:
            rested[clause] = rested.get(clause, 0) + 1
    points = []
    for each in fields(Policy):
        (clause, *_), about = told[each.name]
        points.append(
            Point(
                name=each.name,
                value=values[each.name],
                about=about,
                clause=CATALOGUE.get(clause),
                calls=rested.get(clause, 0),
            )
        )
    return points


def points_by_clause() -> dict[str, str]:
    """The policy field that decides a clause, if there is one."""
    return {clause: name for name, (clauses, _) in _told().items() for clause in clauses}


def _told() -> dict[str, tuple[list[str], str]]:
    """The clauses that each policy field decides, and its description, from the docstring."""
    names = {each.name for each in fields(Policy)}
    texts: dict[str, str] = {}
    name = ""
    for line in (Policy.__doc__ or "").splitlines():
        first, colon, rest = line.strip().partition(": ")
        if colon and first in names:
            name, texts[first] = first, rest
        elif name and line.strip():
            texts[name] += f" {line.strip()}"
    told = {}
    for field, text in texts.items():
        clauses, _, about = text.partition(": ")
        told[field] = (clauses.split(", "), about.replace("`", ""))
    return told
