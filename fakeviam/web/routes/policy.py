"""How disputed points are decided: a policy as JSON, and changes of one."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from fakeviam.model.policy import PageLimit, Policy
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.routes.clock import with_field
from fakeviam.web.schema import Schema, flag, maybe, number, shape, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.web.endpoint import Ask

_LIMIT = shape(
    {"size": whole(minimum=1)},
    {"beyond": text("What a request for a larger page gets.", enum=["clamp", "refuse"])},
)


def _schema_of(hint: Any) -> Schema:
    if get_origin(hint) is Literal:
        return text(enum=list(get_args(hint)))
    if type(None) in get_args(hint):
        (inner,) = (each for each in get_args(hint) if each is not type(None))
        return maybe(_schema_of(inner))
    if hint is timedelta:
        return number("Seconds.", minimum=0)
    if hint is PageLimit:
        return dict(_LIMIT)
    return flag() if hint is bool else whole(minimum=1)


def _fields() -> dict[str, Schema]:
    hints = get_type_hints(Policy)
    return {field.name: _schema_of(hints[field.name]) for field in fields(Policy)}


def policy_json(policy: Policy) -> dict[str, Any]:
    """A policy as JSON-able values; durations are seconds."""
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in asdict(policy).items()
    }


def changed(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """The policy with these fields, as JSON has them, instead of its own.

    Raises:
        UsageError: A value is out of range.
    """
    given = dict(changes)
    preset = given.pop("preset", None)
    if "visibility_lag" in given:
        given["visibility_lag"] = timedelta(seconds=given["visibility_lag"])
    for name in ("max_page", "binary_page"):
        if given.get(name) is not None:
            given[name] = PageLimit(**given[name])
    return replace(policy if preset is None else Policy.preset(preset), **given)


def _show(ask: Ask) -> dict[str, Any]:
    return policy_json(ask.world.policy)


def _change(ask: Ask) -> dict[str, Any]:
    ask.world.policy = with_field("policy", ask.body, lambda: changed(ask.world.policy, ask.body))
    return _show(ask)


_POLICY = shape(_fields())

_PRESET = text(
    "Start from this instead of what is in force.", enum=["documented", "observed", "strict"]
)

ENDPOINTS = (
    Endpoint(method="GET", path="/policy", title="Show the policy", act=_show, answer=_POLICY),
    Endpoint(
        method="PATCH",
        path="/policy",
        title="Decide disputed points in another way from now on",
        act=_change,
        body=shape(optional={"preset": _PRESET, **_fields()}),
        answer=_POLICY,
    ),
)
