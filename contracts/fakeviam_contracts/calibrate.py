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
LOOKS = 7

#: Which reads of the first looks are sent twice: the first one of the second look.
PLANNED = ((), (True,), ())

#: The value of a point of which a look has decided nothing.
UNDECIDED = object()

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
    value, seen = _looked(subject, probe, settled, _doubles(0, chance))
    # Where nothing is decided, fewer looks have to do: they may wait long.
    for look in range(1, min(looks, len(PLANNED)) if value is UNDECIDED else looks):
        another, also = _looked(subject, probe, settled, _doubles(look, chance))
        if another != value:
            raise UnsettledError(f"it is not always the same: {seen}; another time, {also}")
    if value is UNDECIDED:
        raise UnsettledError(seen)
    return value, seen


def _doubles(look: int, chance: random.Random) -> Callable[[], bool]:
    """Which reads of a look are sent twice: else who takes turns is met at the same turn each time.

    Without chance at first: of two looks in a row, or of the first and the third, one meets the
    other turn, whether a look has an even number of calls or not.
    """
    if look >= len(PLANNED):
        return lambda: chance.random() < 1 / 2
    doubled = iter(PLANNED[look])
    return lambda: next(doubled, False)


def _looked(
    subject: Subject, probe: Probe, settled: Found, doubles: Callable[[], bool]
) -> tuple[object, str]:
    """What a look has found, which may be that nothing is decided, and why."""
    session = subject.open_session()
    session.wire.doubles = doubles
    try:
        return probe(session, settled)
    except (ConnectionLostError, CannotRunError):
        raise
    except (UnsettledError, ContractBrokenError, ForeignDataError, MayNotError) as reason:
        return UNDECIDED, str(reason)
    except Exception as error:  # noqa: BLE001 - whatever a server answers, it is told
        return UNDECIDED, f"its answers make no sense: {type(error).__name__}: {error}"
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
