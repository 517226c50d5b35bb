"""Which server gets which key, organization and parts, where one run looks at several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.run_config import RunConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


def configs(
    *,
    targets: Sequence[str],
    own: bool,
    policies: Sequence[str],
    api_key_ids: Sequence[str] = (),
    api_keys: Sequence[str] = (),
    organizations: Sequence[str] = (),
    parts: Sequence[str] = (),
    **options: Any,
) -> list[RunConfig]:
    """One configuration for each subject and policy: the fake first, then the targets.

    A value `TARGET=VALUE` is for that target; one without is for every target. Keys are
    secrets: among several targets each must say whose it is.

    Raises:
        CannotRunError: A value is for an unknown target, or a target has several values.
    """
    subjects: list[dict[str, Any]] = [
        {
            "target": target,
            "api_key_id": _key("--api-key-id", target, targets, api_key_ids),
            "api_key": _key("--api-key", target, targets, api_keys),
            "organization": _one("--organization", target, targets, organizations),
            "parts": _of(target, targets, parts),
        }
        for target in dict.fromkeys(targets)
    ]
    for subject in subjects:
        if bool(subject["api_key_id"]) != bool(subject["api_key"]):
            raise CannotRunError(
                f"{subject['target']} needs both --api-key-id and --api-key, or neither; they are "
                "also read from VIAM_API_KEY_ID and VIAM_API_KEY"
            )
    if own:
        subjects.insert(0, {})
    return [
        RunConfig(policy=policy, **subject, **options)
        for subject in subjects
        for policy in dict.fromkeys(policies)
    ]


def _key(option: str, target: str, targets: Sequence[str], values: Sequence[str]) -> str:
    if len(set(targets)) > 1 and any(_owner(value, targets) is None for value in values):
        raise CannotRunError(
            f"with several targets {option} must say whose it is: {option} {target}=..., "
            "so that no key goes to a server that it is not meant for"
        )
    return _one(option, target, targets, values)


def _one(option: str, target: str, targets: Sequence[str], values: Sequence[str]) -> str:
    owned = _of(target, targets, values)
    if len(owned) > 1:
        raise CannotRunError(f"{target} has {len(owned)} values for {option}; give it one")
    return owned[0] if owned else ""


def _of(target: str, targets: Sequence[str], values: Sequence[str]) -> tuple[str, ...]:
    """The values that name the target, or else those that name none."""
    owned = [value for value in values if _owner(value, targets) == target]
    if owned:
        return tuple(value.removeprefix(f"{target}=") for value in owned)
    return tuple(value for value in values if _owner(value, targets) is None)


def _owner(value: str, targets: Sequence[str]) -> str | None:
    """The target that a value names; keys may hold a `=` of their own."""
    owners = [target for target in targets if value.startswith(f"{target}=")]
    return max(owners, key=len, default=None)
