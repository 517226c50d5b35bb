"""The kinds of trial."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from campaigns.crash import calls
from campaigns.crash.writers import Ledger, found_in, settle, write_together
from campaigns.damage import KINDS, FileDamage, files_of
from campaigns.laws import BrokenLawError, require
from campaigns.logs import logged
from campaigns.server import Server
from campaigns.states import filled_fake, state_of
from fakeviam import Clock, FakeViam, UsageError
from fakeviam.datadir.repair import check, repair

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.dice import Dice


class Trials(Protocol):
    """Trials of one kind, one after the other."""

    def trial(self, dice: Dice) -> Counter[str]:
        """Do one; what was found, counted.

        Raises:
            BrokenLawError: Data was lost, or told wrongly.
        """
        ...


#: What ends a server: mostly without a word, and else as soon as it can.
_SIGNALS = (
    *[signal.SIGKILL] * 5,
    *(signal.SIGTERM, signal.SIGINT, signal.SIGUSR1),  # nohup lets it ignore others
)


class Kills:
    """A server that is killed in the midst of writes, again and again, on one directory."""

    def __init__(self, place: Path) -> None:
        """Begin with an empty directory."""
        self._place, self._ledger = place, Ledger()

    def trial(self, dice: Dice) -> Counter[str]:
        """Start, write, kill, start again, compare."""
        acknowledged = self._ledger.acknowledged
        with Server.running("--data-dir", str(self._place)) as server:
            asyncio.run(self._write_and_kill(server, dice))
        with Server.running("--data-dir", str(self._place)) as server:
            applied, undone = settle(self._ledger, asyncio.run(found_in(server.unix_socket)))
        require(not self._ledger.refused, "writes with room are kept", self._ledger.refused)
        return Counter(
            {
                "kills": 1,
                "acknowledged writes, all found": self._ledger.acknowledged - acknowledged,
                "unanswered writes found whole": applied,
                "unanswered writes not there": undone,
            }
        )

    async def _write_and_kill(self, server: Server, dice: Dice) -> None:
        writing = asyncio.create_task(
            write_together(server.unix_socket, self._ledger, dice, most=1_000_000)
        )
        await self._ledger.reaches(self._ledger.acknowledged + dice.randrange(1, 40))
        # Somewhere within the next writes.
        await asyncio.sleep(dice.random() * 0.004)
        server.kill(dice.choice(_SIGNALS))
        await writing


class Calls:
    """A server that is killed during calls of every RPC that writes, beside a fake that is not."""

    def __init__(self, place: Path) -> None:
        """Begin with something of everything."""
        self._place, self._hours = place, 0
        asyncio.run(calls.begin(place, _moment(0)))

    def trial(self, dice: Dice) -> Counter[str]:
        """Plan calls, make them, kill; what is there must be what the fake holds by then."""
        self._hours += 1
        moment = _moment(self._hours)  # pipelines and exports are due
        deeds = asyncio.run(self._plan(dice, moment))
        options = ["--data-dir", str(self._place), "--clock", f"frozen:{moment}"]
        options += ["--seed", str(calls.SEED)]
        if dice.chance(0.3):
            options += ["--durability", "power"]
        with Server.running(*options, largest_file=self._room(dice)) as server:
            said = asyncio.run(self._make_and_kill(server, deeds, dice))
        return self._settled(deeds, said, moment)

    def _room(self, dice: Dice) -> int | None:
        """The size beyond which no file may grow, if there is one."""
        del dice
        return None

    def _patience(self, dice: Dice) -> int:
        """After how many answers to kill, if there is room for as many."""
        return dice.randrange(1, 40)

    async def _plan(self, dice: Dice, moment: str) -> list[calls.Deed]:
        async with calls.Clerk.at(self._place, moment) as clerk:
            self._before = clerk.state
            return await clerk.plan(dice, 40)

    async def _make_and_kill(
        self, server: Server, deeds: list[calls.Deed], dice: Dice
    ) -> list[str]:
        reached = asyncio.Event()
        making = asyncio.create_task(
            calls.make(server.unix_socket, deeds, reached, self._patience(dice))
        )
        await reached.wait()
        await asyncio.sleep(dice.random() * 0.004)  # somewhere within the next calls
        server.kill()
        return await making

    def _settled(self, deeds: list[calls.Deed], said: list[str], moment: str) -> Counter[str]:
        full = bool(said) and said[-1].endswith(calls.FULL)
        done = said[:-1] if full else said
        for deed, outcome in zip(deeds, done, strict=False):
            same = outcome == deed.outcome
            require(same, "the same calls are answered alike", f"{deed} was {outcome}")
        states = [self._before, *(deed.state for deed in deeds)]
        fake = FakeViam(seed=calls.SEED, data_dir=self._place, clock=Clock.frozen(moment))
        fake._storage.close()  # noqa: SLF001 - it was never started
        found, expected, whole = state_of(fake), states[len(done)], False
        if found != expected:
            next_deed = deeds[len(done)] if len(done) < len(deeds) else None
            steps = () if next_deed is None else next_deed.steps
            whole = next_deed is not None and found == next_deed.state
            if found not in (steps[:-1] if full else steps):
                parts = [(a, b) for a, b in zip(expected, found, strict=True) if a != b]
                what = f"after {len(done)} calls, then {str(next_deed)[:500]}: {str(parts)[:3000]}"
                raise BrokenLawError("nothing acknowledged is lost, nothing is half done", what)
        changed = sum(a != b for a, b in pairwise(states[: len(done) + 1]))
        return Counter(
            {
                "kills": 1,
                "acknowledged calls, what they wrote found": changed + whole,
                "unanswered calls found whole": whole,
                "full disks": full,
            }
        )


class FullCalls(Calls):
    """The same on a disk that is soon full."""

    def _room(self, dice: Dice) -> int | None:
        # What forty calls write is often less than the largest of these.
        more = dice.randrange(3000, 25_000) if dice.chance(0.8) else dice.randrange(60_000)
        return (self._place / "log.jsonl").stat().st_size + more

    def _patience(self, dice: Dice) -> int:
        return 40 if dice.chance(0.7) else super()._patience(dice)


def _moment(hours: int) -> str:
    """So many hours after noon."""
    return (datetime(2026, 3, 10, 12) + timedelta(hours=hours)).isoformat() + "Z"  # noqa: DTZ001


class FullDisks:
    """A server whose files may not grow beyond a size that it soon reaches."""

    def __init__(self, place: Path) -> None:
        """Begin with an empty directory."""
        self._place, self._ledger = place, Ledger()

    def trial(self, dice: Dice) -> Counter[str]:
        """Write until no more can be kept, go on for a while, kill; then there is room again."""
        ledger = self._ledger
        acknowledged, log = ledger.acknowledged, self._place / "log.jsonl"
        size = log.stat().st_size if log.exists() else 1000
        room = size + dice.randrange(200, 6000)
        with Server.running("--data-dir", str(self._place), largest_file=room) as server:
            asyncio.run(write_together(server.unix_socket, ledger, dice, most=25))
            # All that was acknowledged can be read, and nothing that was refused.
            settle(ledger, asyncio.run(found_in(server.unix_socket)))
            server.kill()
        with Server.running("--data-dir", str(self._place)) as server:
            settle(ledger, asyncio.run(found_in(server.unix_socket)))
        unexpected = set(ledger.refused) - {"RESOURCE_EXHAUSTED DD-4", "UNAVAILABLE DD-5"}
        require(not unexpected, "a write that cannot be kept is refused by DD-4", unexpected)
        refused = sum(ledger.refused.values())
        ledger.refused.clear()
        return Counter(
            {
                "full disks": 1,
                "acknowledged writes, all found": ledger.acknowledged - acknowledged,
                "refused writes, none found": refused,
            }
        )


class Damages:
    """A data directory in which one file is damaged, each file in turn, in every way."""

    def __init__(self, place: Path) -> None:
        """Make a directory with something of everything."""
        self._place, self._copy = place, place.with_name("copy")
        filled_fake(data_dir=place)
        self._expected = self._opened(place)
        self._turn = 0

    def trial(self, dice: Dice) -> Counter[str]:
        """Damage, open, check, repair, open."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._place, self._copy)
        files = files_of(self._copy)
        path = files[self._turn % len(files)]
        kind = KINDS[self._turn // len(files) % len(KINDS)]
        self._turn += 1
        damage = FileDamage.of(dice, path, kind)
        if not damage.changed:
            return Counter({"damages that change nothing": 1})
        with damage.done():
            outcome = self._outcome_of(damage)
        return Counter({"damaged files": 1, outcome: 1})

    def _outcome_of(self, damage: FileDamage) -> str:
        problems = self._problems()
        with logged() as lines:
            try:
                state = self._opened(self._copy)
            except UsageError as error:
                refusal = str(error)
            else:
                require(state == self._expected, "never another state in silence", damage)
                require(lines, "what is set right is said", damage)
                require(not problems, "what is opened is whole", f"{damage}: {problems}")
                return "set right, which is said"
        require(str(damage.path) in refusal, "damage is told with its file", f"{damage}: {refusal}")
        require(problems, "`data-dir check` finds what is refused", damage)
        return self._repaired(damage)

    def _problems(self) -> str:
        try:
            return "; ".join(each.what for each in check(self._copy).problems)
        except UsageError as error:
            return str(error)

    def _repaired(self, damage: FileDamage) -> str:
        try:
            report = repair(self._copy, now=lambda: 0)
        except UsageError:
            return "refused, file named; beyond repair, which is said"
        require(report.problems, "a repair says what is lost", damage)
        strangers = _ids(self._opened(self._copy)) - _ids(self._expected)
        require(not strangers, "a repair makes nothing up", f"{damage}: {strangers}")
        return "refused, file named; repaired, loss told"

    def _opened(self, place: Path) -> list[object]:
        fake = FakeViam(data_dir=place, clock=Clock.frozen("2026-03-10T12:00:00Z"))
        fake._storage.close()  # noqa: SLF001 - it was never started
        return state_of(fake)


def _ids(state: list[object]) -> set[str]:
    """The file ids of all records."""
    rows: Any = state[:2]
    return {row.record.file_id for part in rows for row in part}
