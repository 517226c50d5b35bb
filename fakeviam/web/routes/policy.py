"""The policy as JSON, and changes of it."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

from pydantic import Field, create_model

from fakeviam.model.durations import LONGEST
from fakeviam.model.policy import PageLimit, Policy
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Count, Flag, Number
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import ABSENT
from fakeviam.web.routes.clock import with_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.web.endpoint import ControlRequest


class Limit(Model):
    """A limit of pages."""

    size: Count = field("The maximum number of records per page.", 100)
    beyond: Literal["clamp", "refuse"] = field(
        "How larger requests are handled.", "refuse", default="clamp"
    )


def _type_of(hint: Any) -> Any:
    if type(None) in get_args(hint):
        (inner,) = (each for each in get_args(hint) if each is not type(None))
        return _type_of(inner) | None
    if hint is timedelta:
        return Annotated[Number, Field(ge=0, le=LONGEST)]
    if hint is PageLimit:
        return Limit
    return {bool: Flag, int: Count}.get(hint, hint)


def _policy_model(name: str, text: str, **more: Any) -> type[Model]:
    """A model with a field for each of a policy's, all of which may be left out."""
    hints = get_type_hints(Policy)
    defaults = policy_json(Policy())
    declared: dict[str, Any] = {
        each.name: (
            _type_of(hints[each.name]),
            field(f"See `Policy.{each.name}`.", defaults[each.name], default=ABSENT),
        )
        for each in fields(Policy)
    }
    return create_model(name, __base__=Model, __doc__=text, **declared, **more)


def policy_json(policy: Policy) -> dict[str, object]:
    """A policy as JSON-able values; durations are seconds."""
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in asdict(policy).items()
    }


#: The names of ready-made policies.
Preset = Literal["documented", "observed", "strict"]

PolicyModel = _policy_model("PolicyModel", "How disputed points are decided.")

PolicyChange = _policy_model(
    "PolicyChange",
    "The fields to change.",
    preset=(
        Annotated[Preset, Field()],
        field(
            "The preset to start from; by default the current policy.", "observed", default=ABSENT
        ),
    ),
)


def changed(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """The policy with these fields, as JSON has them, instead of its own.

    Raises:
        UsageError: A value is out of range.
    """
    fields = dict(changes)
    preset = fields.pop("preset", None)
    if "visibility_lag" in fields:
        fields["visibility_lag"] = timedelta(seconds=fields["visibility_lag"])
    for name in ("max_page", "binary_page"):
        if fields.get(name) is not None:
            fields[name] = PageLimit(**fields[name])
    return replace(policy if preset is None else Policy.preset(preset), **fields)


def _show(request: ControlRequest) -> dict[str, object]:
    return policy_json(request.handle.policy)


def _change(request: ControlRequest) -> dict[str, object]:
    changes = request.body.model_dump(exclude_unset=True)
    policy = with_field("policy", changes, lambda: changed(request.handle.policy, changes))
    request.handle.policy = policy
    return _show(request)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/policy",
        title="Show the policy",
        tag="policy",
        handler=_show,
        response=PolicyModel,
    ),
    Endpoint(
        method="PATCH",
        path="/policy",
        title="Change the policy",
        tag="policy",
        handler=_change,
        body=PolicyChange,
        response=PolicyModel,
    ),
)
