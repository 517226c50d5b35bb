"""Finding out how a server decides the points that no document decides.

Each probe makes a little data of its own and looks at one point alone, so that no point hides
another. What they find is a policy, which a fake can be made to obey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam_contracts.foreign_data import ForeignDataError
from fakeviam_contracts.probes import NOT_SERVED, PROBES
from fakeviam_contracts.probing import Settled, UnsettledError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam_contracts.subject import Subject


@dataclass(kw_only=True)
class Calibration:
    """What a server was seen to do.

    Attributes:
        settled: The points that were decided.
        open: The other fields of the policy, each with the reason.
    """

    settled: list[Settled]
    open: dict[str, str]


def calibrate(subject: Subject, progress: Callable[[str], None] = lambda _: None) -> Calibration:
    """Look at every point that a policy decides."""
    settled: dict[str, Settled] = {}
    unsettled = dict(NOT_SERVED)
    for field, (clause, probe) in PROBES.items():
        progress(field)
        session = subject.open_session()
        try:
            value, observation = probe(session, settled)
        except UnsettledError as reason:
            unsettled[field] = str(reason)
        except ForeignDataError as reason:
            unsettled[field] = str(reason)
        else:
            settled[field] = Settled(field=field, value=value, clause=clause, seen=observation)
        finally:
            subject.close_session(session)
    return Calibration(settled=list(settled.values()), open=unsettled)


def as_toml(calibration: Calibration, *, target: str, day: str) -> str:
    """A policy file: `FakeViam(policy=...)` and `fakeviam serve --policy` obey it."""
    lines = [
        f"# How {target} decides what no document decides; found by `fakeviam contract calibrate`.",
        f'date = "{day}"',
        f"target = {_toml(target)}",
        "",
        "[policy]",
    ]
    for one in calibration.settled:
        if one.value is None:
            lines.append(f"# {one.field} is not limited: {_comment(one)}")
        else:
            lines.append(f"{one.field} = {_toml(one.value)}  # {_comment(one)}")
    lines += ["", "[open]", *(f"{k} = {_toml(v)}" for k, v in calibration.open.items())]
    return "\n".join(lines) + "\n"


def _comment(one: Settled) -> str:
    return f"{one.clause}: {' '.join(one.seen.split())}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + " }"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else " " for c in escaped) + '"'
    return str(value).lower() if isinstance(value, bool) else str(value)


def settled_clauses(calibration: Calibration) -> Sequence[str]:
    """The assumptions that a calibration settles."""
    return sorted({one.clause for one in calibration.settled})
