"""Finding out how a server decides the points that no document decides.

Each probe makes a little data of its own and looks at one point alone, so that no point hides
another. What they find is a policy, which a fake can be made to obey.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam_contracts.assertions import ContractBrokenError, MayNotError
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.foreign_data import ForeignDataError
from fakeviam_contracts.probes import NOT_SERVED, ONCE, PROBES
from fakeviam_contracts.probing import Settled, UnsettledError
from fakeviam_contracts.wirelog import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam_contracts.probing import Found, Probe
    from fakeviam_contracts.subject import Subject

#: How often a point is looked at, on data of its own: a server that flaps decides nothing.
LOOKS = 5

#: Longer observations are cut.
LONGEST = 300


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
        try:
            # What shows a server that flaps, shows it again.
            chance = random.Random(field)  # noqa: S311 - no secret
            looks = 1 if field in ONCE else LOOKS
            value, seen = _decided(subject, probe, settled, looks, chance)
        except UnsettledError as reason:
            unsettled[field] = str(reason)
        else:
            settled[field] = Settled(field=field, value=value, clause=clause, seen=seen)
    return Calibration(settled=list(settled.values()), open=unsettled)


def _decided(
    subject: Subject, probe: Probe, settled: Found, looks: int, chance: random.Random
) -> tuple[object, str]:
    """The value of a point, and what was seen, if that is the same each time.

    Raises:
        UnsettledError: It is not, or the server does not answer as it must.
    """
    value, seen = _probed(subject, probe, settled, chance)
    for _ in range(looks - 1):
        another, also = _probed(subject, probe, settled, chance)
        if another != value:
            raise UnsettledError(f"it is not always the same: {seen}; another time, {also}")
    return value, seen


def _probed(
    subject: Subject, probe: Probe, settled: Found, chance: random.Random
) -> tuple[object, str]:
    session = subject.open_session()
    # Else one that takes turns would be met at the same turn each time.
    session.wire.doubles = lambda: chance.random() < 1 / 2
    try:
        return probe(session, settled)
    except (UnsettledError, ConnectionLostError, CannotRunError):
        raise
    except (ContractBrokenError, ForeignDataError, MayNotError) as reason:
        raise UnsettledError(str(reason)) from reason
    except Exception as error:
        why = f"its answers make no sense: {type(error).__name__}: {error}"
        raise UnsettledError(why) from error
    finally:
        subject.close_session(session)


def as_toml(calibration: Calibration, *, target: str, day: str) -> str:
    """A policy file: `FakeViam(policy=...)` and `fakeviam serve --policy` obey it."""
    lines = [
        f"# How {_line(target)} decides what no document decides;",
        "# found by `fakeviam contract calibrate`.",
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
    lines += ["", "[open]", *(f"{k} = {_toml(_line(v))}" for k, v in calibration.open.items())]
    return "\n".join(lines) + "\n"


def _comment(one: Settled) -> str:
    return f"{one.clause}: {_line(one.seen)}"


def _line(text: str) -> str:
    """A text in one line, as a comment may have it."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(line.split())[:LONGEST]


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
