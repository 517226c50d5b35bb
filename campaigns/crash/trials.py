"""The three kinds of trial."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from campaigns.crash.writers import Ledger, found_in, settle, write_together
from campaigns.damage import KINDS, FileDamage, files_of
from campaigns.laws import require
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
            done, undone = settle(self._ledger, asyncio.run(found_in(server.unix_socket)))
        require(not self._ledger.refused, "writes with room are kept", self._ledger.refused)
        return Counter(
            {
                "kills": 1,
                "acknowledged writes, all found": self._ledger.acknowledged - acknowledged,
                "unanswered writes found whole": done,
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
        server.kill()
        await writing


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
            outcome = self._judge(damage)
        return Counter({"damaged files": 1, outcome: 1})

    def _judge(self, damage: FileDamage) -> str:
        problems = self._problems()
        with logged() as lines:
            try:
                found = self._opened(self._copy)
            except UsageError as error:
                refusal = str(error)
            else:
                require(found == self._expected, "never another state in silence", damage)
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
