"""Rounds of inputs, and what they found."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
import time
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from math import ceil
from multiprocessing import get_context
from typing import TYPE_CHECKING, TextIO

from campaigns.dice import Dice
from campaigns.fuzz.targets import TARGETS
from campaigns.laws import BrokenLawError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from campaigns.fuzz.target import Player, Target

#: Seconds of CPU: a round that takes longer hangs, so its process prints where, and ends.
LONGEST_ROUND = 300.0

#: Enough to see what is wrong.
_MOST_FAILURES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An input that broke a law.

    Attributes:
        target: Where it went.
        round: Number of the round.
        at: Number of the input in its round.
        law: The law.
        what: What happened instead.
        input: The input, for people.
    """

    target: str
    round: int
    at: int
    law: str
    what: str
    input: str

    def told(self, seed: int) -> str:
        """All there is to say, and how to see it again."""
        return (
            f"BROKEN  {self.law}\n"
            f"        {self.what}\n"
            f"input   {self.input}\n"
            f"again   make fuzz ARGS='--seed {seed} --only {self.target} --round {self.round}'"
            f"   (input {self.at} of the round)"
        )


@dataclass(kw_only=True, slots=True)
class Score:
    """What became of the inputs of a target."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Count what another round of the target found."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.outcomes += other.outcomes
        self.failures += other.failures


def play(name: str, seed: int, number: int, most: int | None = None) -> Score:
    """Play one round of a target, or its first inputs."""
    target = TARGETS[name]
    return asyncio.run(_play(target, seed, number, most or target.size))


def _play_or_exit(name: str, seed: int, number: int) -> Score:
    """Play one round, in a process of its own or not; one that hangs prints where, and exits."""
    logging.lastResort = logging.NullHandler()  # what is refused is logged, and there is much of it
    faulthandler.register(signal.SIGVTALRM, chain=True)  # which ends the process
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_ROUND)
    try:
        return play(name, seed, number)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


async def _play(target: Target, seed: int, number: int, size: int) -> Score:
    score = Score(target=target.name)
    began = time.perf_counter()
    at = -1
    async with target.opened(Dice(seed, target.name, number)) as player:
        for at in range(size):
            try:
                score.outcomes[await player.take(Dice(seed, target.name, number, at))] += 1
            except BrokenLawError as broken:  # noqa: PERF203 - the round goes on
                score.failures.append(_failure(target, number, at, broken, player))
                if len(score.failures) >= _MOST_FAILURES:
                    break
        try:
            await player.look_back()
        except BrokenLawError as broken:
            score.failures.append(_failure(target, number, at, broken, player))
    score.inputs = at + 1
    score.seconds = time.perf_counter() - began
    return score


def _failure(
    target: Target, number: int, at: int, error: BrokenLawError, player: Player
) -> Failure:
    return Failure(
        target=target.name,
        round=number,
        at=at,
        law=error.law,
        what=error.what,
        input=player.last_input(),
    )


def rounds_of(names: Sequence[str], inputs: int) -> list[tuple[str, int]]:
    """The rounds that so many inputs take, the targets in turn."""
    whole = sum(TARGETS[name].share for name in names)
    counts = {
        name: ceil(inputs * TARGETS[name].share / whole / TARGETS[name].size) for name in names
    }
    # Evenly mixed, so that a run that is stopped has seen something of everything.
    turns = [
        ((at + 0.5) / count, name, at) for name, count in counts.items() for at in range(count)
    ]
    return [(name, at) for _, name, at in sorted(turns)]


def campaign(
    rounds: Sequence[tuple[str, int]], *, seed: int, jobs: int, seconds: float | None, to: TextIO
) -> dict[str, Score]:
    """Play rounds, and print how far they are and what they find."""
    scores: dict[str, Score] = {}
    progress = _Progress(rounds, to)
    for score in _played(rounds, seed=seed, jobs=jobs, seconds=seconds):
        total = scores.setdefault(score.target, Score(target=score.target))
        new = {each.law for each in score.failures} - {each.law for each in total.failures}
        for failure in score.failures:
            if failure.law in new or len(total.failures) < _MOST_FAILURES:
                print(failure.told(seed), file=to)
        total.add(score)
        progress.step(score)
    return scores


def _played(
    rounds: Sequence[tuple[str, int]], *, seed: int, jobs: int, seconds: float | None
) -> Iterator[Score]:
    end = None if seconds is None else time.monotonic() + seconds
    if jobs == 1:
        for name, number in rounds:
            if end is not None and time.monotonic() > end:
                return
            yield _play_or_exit(name, seed, number)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Score]] = deque()
        for name, number in rounds:
            if end is not None and time.monotonic() > end:
                break
            waiting.append(pool.submit(_play_or_exit, name, seed, number))
            if len(waiting) == jobs * 8:  # so that none is idle, and few are late
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Progress:
    """Says how far it is, every few seconds."""

    def __init__(self, rounds: Sequence[tuple[str, int]], to: TextIO) -> None:
        self._whole = sum(TARGETS[name].size for name, _ in rounds)
        self._to, self._inputs, self._broken = to, 0, 0
        self._began = self._told = time.monotonic()

    def step(self, score: Score) -> None:
        self._inputs += score.inputs
        self._broken += len(score.failures)
        now = time.monotonic()
        if now - self._told < 10 and self._inputs < self._whole:
            return
        self._told = now
        rate = self._inputs / max(now - self._began, 1e-9)
        left = (self._whole - self._inputs) / rate if rate else 0
        print(
            f"{self._inputs:,} of {self._whole:,} inputs, {rate:,.0f} a second, "
            f"{left / 60:.0f} minutes left, {self._broken} broken laws",
            file=self._to,
            flush=True,
        )


def broken(scores: dict[str, Score]) -> int:
    """How many inputs broke a law."""
    return sum(len(score.failures) for score in scores.values())
