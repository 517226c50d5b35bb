"""What is read from files: seeds, archives, data directories. And what is shown of messages."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaigns.client import METHODS
from campaigns.damage import FileDamage, files_of
from campaigns.fuzz.documents import spoiled
from campaigns.fuzz.target import Player, Target
from campaigns.laws import BrokenLawError
from campaigns.logs import logged
from campaigns.messages import random_message
from campaigns.states import filled_fake, state_of
from fakeviam import Clock, FakeViam, UsageError, archive
from fakeviam.archive.format import MANIFEST
from fakeviam.server.instruments.message_fields import leaves_of
from fakeviam.server.instruments.message_json import message_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from campaigns.dice import Dice

_NOON = "2026-03-10T12:00:00Z"


class _Seeds(Player):
    def __init__(self, place: Path) -> None:
        self._path = place / "seed"
        self._cloud = FakeViam(seed=1, clock=Clock.frozen(_NOON))
        (place / "dog.jpg").write_bytes(b"dog")
        (place / "series.csv").write_text("time,v\n1773144000,1\n1773144001,2\n")
        self._text = b""

    async def take(self, dice: Dice) -> str:
        name = dice.choice(("seed.json", "seed.yaml"))
        path = self._path.with_name(name)
        text = spoiled(dice, _SEED, list(_WORDS)).encode("utf-8", "surrogatepass")
        self._text = dice.mutated(text) if dice.chance(0.2) else text
        path.write_bytes(self._text)
        before = state_of(self._cloud)
        try:
            self._cloud.load(path)
        except UsageError as error:
            if not self._names_a_file(error) or state_of(self._cloud) != before:
                raise BrokenLawError(
                    "refused with the file named, nothing changed", str(error)
                ) from error
            return "refused"
        except Exception as error:
            raise BrokenLawError("read or refused, no other error", repr(error)) from error
        _check_writable(self._cloud, path.with_name("out"))
        if self._cloud._cloud.store.stats().binary.records > 100:  # noqa: SLF001
            self._cloud.reset()
        return "read"

    def _names_a_file(self, error: UsageError) -> bool:
        """Whether an error names the seed, or a file that it names."""
        return any(path.name in str(error) for path in self._path.parent.iterdir())

    def last_input(self) -> str:
        return repr(self._text)


def _check_writable(cloud: FakeViam, place: Path) -> None:
    """Whatever was taken can be exported, and read again as it was."""
    try:
        cloud.export(place)
        contents = archive.read(place)
    except Exception as error:
        raise BrokenLawError("what was taken can be exported and read", repr(error)) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if [*contents.store.binary_rows()] != [*cloud._cloud.store.binary_rows()]:  # noqa: SLF001
        raise BrokenLawError("what was taken can be exported and read", "the records differ")


_SEED: dict[str, object] = {
    "version": 1,
    "organizations": [
        {"name": "acme", "locations": [{"name": "hall", "robots": [{"name": "r", "parts": ["p"]}]}]}
    ],
    "datasets": ["dogs", {"name": "cats", "type": "sequence", "organization": "acme"}],
    "images": [
        {
            "files": "*.jpg",
            "part": "p",
            "boxes": [
                {
                    "label": "cat",
                    "x_min_normalized": 0,
                    "y_min_normalized": 0.5,
                    "x_max_normalized": 1,
                    "y_max_normalized": 1,
                }
            ],
            "each": {"dog.jpg": {"tags": "b", "classifications": ["indoor"]}},
        }
    ],
    "files": [{"name": "a.txt", "data": "aGVsbG8=", "tags": ["a"], "time": _NOON, "every": 2}],
    "readings": [
        {"rows": [{"time": _NOON, "at": _NOON, "v": 1}], "component": "s", "received": "at"},
        {"file": "series.csv", "part": "p", "time_unit": "s", "nested": True},
    ],
}
_WORDS = (
    *("time", "every", "name", "files", "data", "tags", "each", "received", "component", "method"),
    *("rows", "time_unit", "time_format", "boxes", "mime_type", "modified", "series.csv", "*"),
    *("dogs", "cats", "acme", "label", "part", "datasets", "organization", "id", "v", "\t", "%Y"),
)


class _Archives(Player):
    def __init__(self, place: Path) -> None:
        self._place = place / "archive"
        filled_fake().export(self._place)
        self._kept = {path: path.read_bytes() for path in files_of(self._place)}
        self._cloud = FakeViam(seed=1, clock=Clock.frozen(_NOON))
        self._told = ""

    async def take(self, dice: Dice) -> str:
        path = dice.choice(sorted(self._kept))
        text = self._changed(dice, path)
        self._told = f"{path.name}: {text[:1500]!r}"
        path.write_bytes(text)
        manifest = self._place / MANIFEST
        if path.suffix == ".jsonl" and dice.chance(0.8):
            table = json.loads(self._kept[manifest])
            digest = hashlib.sha256(text).hexdigest()
            table["files"][path.name] = {"sha256": digest, "lines": text.count(b"\n")}
            manifest.write_text(json.dumps(table))
        before = state_of(self._cloud)
        try:
            self._cloud.load(self._place)
        except UsageError as error:
            if state_of(self._cloud) != before or str(self._place) not in str(error):
                raise BrokenLawError(
                    "refused with the file named, nothing changed", str(error)
                ) from error
            return "refused"
        except Exception as error:
            raise BrokenLawError("read or refused, no other error", repr(error)) from error
        finally:
            for each in {path, manifest}:
                each.write_bytes(self._kept[each])
        _check_writable(self._cloud, self._place.with_name("out"))
        return "read"

    def _changed(self, dice: Dice, path: Path) -> bytes:
        text = self._kept[path]
        if path.suffix not in (".jsonl", ".json") or dice.chance(0.3):
            return dice.mutated(text)
        lines = text.splitlines(keepends=True)
        if path.suffix == ".json" or not lines:
            lines = [text or b"{}"]
        at = dice.randrange(len(lines))
        row = spoiled(dice, json.loads(lines[at]), ["id", "name", "size", "tags", "boxes"])
        lines[at] = row.encode("utf-8", "surrogatepass") + b"\n"
        return b"".join(lines)

    def last_input(self) -> str:
        return self._told


class _DataDirs(Player):
    def __init__(self, place: Path) -> None:
        self._place = place / "data"
        filled_fake(data_dir=self._place)
        with logged():
            self._expected = state_of(_opened(self._place))
        self._told = ""

    async def take(self, dice: Dice) -> str:
        damage = FileDamage.random(dice, self._place)
        self._told = str(damage)
        with logged() as lines, damage.done():
            try:
                state = state_of(_opened(self._place))
            except UsageError as error:
                if str(damage.path) not in str(error):
                    raise BrokenLawError("damage is told with its file", str(error)) from error
                return "refused"
            except Exception as error:
                raise BrokenLawError("opened or refused, no other error", repr(error)) from error
            if state != self._expected:
                raise BrokenLawError("never another state in silence", "the states differ")
            if damage.changed and not lines:
                raise BrokenLawError("what is set right is said", "nothing was logged")
        return "set right" if damage.changed else "unchanged"

    def last_input(self) -> str:
        return self._told


def _opened(place: Path) -> FakeViam:
    """A fake on a data directory, which is closed again and can be looked at."""
    fake = FakeViam(data_dir=place, clock=Clock.frozen(_NOON))
    fake._storage.close()  # noqa: SLF001 - it was never started
    return fake


class _Shown(Player):
    def __init__(self, _place: Path) -> None:
        self._message: Any = ""
        self._classes = sorted(
            {cls for method in METHODS.values() for cls in (method.request, method.response)},
            key=str,
        )

    async def take(self, dice: Dice) -> str:
        cls = dice.choice(self._classes)
        self._message = random_message(dice, cls, {"": ["a"]})
        if dice.chance(0.4):
            try:
                self._message = cls.FromString(dice.mutated(self._message.SerializeToString()))
            except Exception:  # noqa: BLE001 - then it never arrives
                return "no message"
        try:
            json.dumps(message_json(self._message), allow_nan=False).encode()
            for _, value in leaves_of(self._message):
                str(value).encode("utf-8", "backslashreplace")
        except Exception as error:
            raise BrokenLawError("whatever arrives can be shown", repr(error)) from error
        return "shown"

    def last_input(self) -> str:
        return f"{type(self._message).__name__} {self._message.SerializeToString().hex()}"


def _target(of: Any, label: str, what: str, part: int, length: int) -> Target:
    class Files(Target):
        name, takes, share, size = label, what, part, length

        @asynccontextmanager
        async def opened(self, dice: Dice) -> AsyncIterator[Player]:
            del dice  # all rounds begin with the same files
            with tempfile.TemporaryDirectory(prefix="fakeviam-fuzz-") as place:
                yield of(Path(place))

    return Files()


FILE_TARGETS = (
    _target(_Seeds, "seeds", "seed files in YAML and JSON", 20, 100),
    _target(_Archives, "archives", "archives with rows, bytes and manifests changed", 20, 100),
    _target(_DataDirs, "datadirs", "data directories with a file damaged", 10, 100),
    _target(_Shown, "shown", "messages of every class, shown as JSON", 90, 1000),
)
