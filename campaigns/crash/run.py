"""Trials one after the other, and what they found."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from campaigns import results
from campaigns.crash.trials import Calls, Damages, FullCalls, FullDisks, Kills
from campaigns.dice import Dice
from campaigns.laws import BrokenLawError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from campaigns.crash.trials import Trials

#: How many of each in a whole run.
KINDS: Mapping[str, tuple[Callable[[Path], Trials], int]] = MappingProxyType(
    {
        "kills": (Kills, 150),
        "disks": (FullDisks, 60),
        "calls": (Calls, 150),
        "fulls": (FullCalls, 60),
        "damages": (Damages, 1500),
    }
)


@dataclass(kw_only=True, slots=True)
class Score:
    """What the trials of a kind found."""

    kind: str
    seconds: float = 0.0
    found: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def run(kind: str, *, seed: int, count: int, to: TextIO) -> Score:
    """Do so many trials of a kind, up to the first that breaks a law; its directory is kept."""
    score = Score(kind=kind)
    began = reported = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix=f"fakeviam-{kind}-"), "data")
    trials = KINDS[kind][0](place)
    try:
        for number in range(count):
            try:
                score.found += trials.trial(Dice(seed, kind, number))
            except BrokenLawError as broken:
                score.broken.append(f"{broken}")
                print(
                    f"BROKEN  {broken.law}\n        {broken.what}\n"
                    f"data    {place.parent}\n"
                    f"again   make crash ARGS='--seed {seed} --only {kind}'   (trial {number}; "
                    "moments of kills differ)",
                    file=to,
                )
                break
            now = time.monotonic()
            if now - reported > 10 or number + 1 == count:
                reported = now
                print(f"{kind}: {number + 1} of {count}, {dict(score.found)}", file=to, flush=True)
    finally:
        if not score.broken:
            _remove(place.parent)
    score.seconds = time.monotonic() - began
    return score


def _remove(place: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place.rename(Path(folder, "gone"))


def write(scores: list[Score], *, seed: int, command: str) -> Path:
    """Write `campaigns/results/crash.md`."""
    rows = [
        (score.kind, what, count) for score in scores for what, count in sorted(score.found.items())
    ]
    seconds = sum(score.seconds for score in scores)
    lines = [f"- {score.kind}: {each}" for score in scores for each in score.broken]
    return results.write(
        "crash",
        "# The last run of `make crash`",
        f"{seconds / 60:.0f} minutes, seed {seed}. `{command}`. {results.machine()}",
        "Laws: no acknowledged write is lost and none is half done, whenever `fakeviam serve` is "
        "killed, in whichever RPC, and however full its disk is (its files may not grow beyond a "
        "size); the same calls are answered alike by a fake that is not killed; a write that "
        "cannot be kept is refused by DD-4 and leaves no trace; a damaged file is never read as "
        "another state in silence: it is refused by its name, or set right, which is said; "
        "`data-dir check` agrees; a repair says what is lost and makes nothing up.",
        results.table(("trials", "what was found", "times"), rows),
        *(["Broken:", "\n".join(lines)] if lines else ["No law was broken."]),
    )
