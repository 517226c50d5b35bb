"""What a new user types before reading anything works, or is refused in a line that helps."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import Clock, FakeViam, FakeViamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: For arguments that a type checker would refuse.
Fake: Any = FakeViam

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


@pytest.fixture
def cloud() -> FakeViam:
    """Two files, and nobody connects."""
    files = [
        {"name": name, "data": base64.b64encode(name.encode()).decode(), "tags": [tag]}
        for name, tag in (("a.jpg", "dog"), ("b.jpg", "cat"))
    ]
    return FakeViam(clock=Clock.frozen(NOON), load={"version": 1, "files": files})


WORKS: dict[str, Callable[[Any], Any]] = {
    "first file": lambda cloud: cloud.files.first().name == "a.jpg",
    "last file": lambda cloud: cloud.files.last().name == cloud.files[-1].name == "b.jpg",
    "file by name": lambda cloud: cloud.files["a.jpg"].data == b"a.jpg",
    "file by position": lambda cloud: cloud.files.where("a.jpg").one() == cloud.files[0],
    "files by pattern": lambda cloud: cloud.files.where(name="*.jpg").count() == 2,
    "files by positional pattern": lambda cloud: len(cloud.files.where("?.jpg")) == 2,
    "files by predicate": lambda cloud: cloud.files.count(lambda file: file.size > 4) == 2,
    "count by name": lambda cloud: cloud.files.count("a.jpg") == 1,
    "count of a value": lambda cloud: cloud.files.count(cloud.files[0]) == 1,
    "tag": lambda cloud: [file.name for file in cloud.files.where(tag="cat")] == ["b.jpg"],
    "contains": lambda cloud: "a.jpg" in cloud.files and "c.jpg" not in cloud.files,
    "truth": lambda cloud: bool(cloud.files) and not cloud.readings and not cloud.datasets,
    "compare": lambda cloud: cloud.readings == [] and cloud.files == list(cloud.files),
    "part by name": lambda cloud: cloud.fleet["fake-robot-main"] == cloud.default_part,
    "number of parts": lambda cloud: len(cloud.fleet) == len(cloud.fleet.parts) == 1,
    "move by timedelta": lambda cloud: (
        cloud.clock.advance(timedelta(days=1)) or cloud.clock.moment() == NOON + timedelta(days=1)
    ),
    "set by datetime": lambda cloud: cloud.clock.set(NOON) or cloud.clock.moment() == NOON,
    "named snapshot": lambda cloud: cloud.snapshot("x") and cloud.restore("x") is None,
    "key of an object": lambda cloud: cloud.add_api_key(
        organizations=cloud.fleet.organizations[0]
    ).role == "owner",
    "nothing was called": lambda cloud: cloud.calls.assert_not_called() is None,
    "policy by name": lambda _: Fake(policy="strict").policy.unknown_ids == "refuse",
    "load again": lambda cloud: cloud.load({"version": 1}) is not None,
}  # fmt: skip

REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "bare amount": (lambda cloud: cloud.clock.advance(5), "for seconds write seconds="),
    "amount as text": (lambda cloud: cloud.clock.advance(days="2"), "days must be a number"),
    "no number": (lambda cloud: cloud.clock.advance(days=float("nan")), "days must be a number"),
    "clock of text": (lambda _: Fake(clock="2026-01-01"), "such as Clock.frozen('2026-"),
    "seed file as seed": (lambda _: Fake(seed="lab.yaml"), "load= takes seed files"),
    "policy misspelt": (lambda _: Fake(policy="strcit"), "documented, observed, strict"),
    "no such file": (lambda cloud: cloud.load("/nope.yaml"), "/nope.yaml: cannot be read"),
    "file misspelt": (lambda cloud: cloud.files["a.jgp"], "'a.jpg', 'b.jpg'"),
    "tag misspelt": (lambda cloud: cloud.files.where(tgas="dog"), "did you mean 'tags'?"),
    "part misspelt": (lambda cloud: cloud.fleet["fake-robot"], "did you mean 'fake-robot-main'?"),
    "snapshot misspelt": (lambda cloud: cloud.restore("x"), "there is no snapshot 'x'"),
    "call missing": (lambda cloud: cloud.calls.first(), "No call was made at all"),
    "rpc misspelt": (
        lambda cloud: cloud.calls.assert_called_once_with("FielUpload"),
        "did you mean 'FileUpload'?",
    ),
    "nothing to explain": (lambda cloud: cloud.explain(), "no call has selected data yet"),
    "none of them": (
        lambda cloud: cloud.files.where(tag="x").first(),
        "wanted a file with tag='x'",
    ),
    "a number as name": (lambda cloud: cloud.files.where(5), "must be a name, an id or a function"),
}


@pytest.mark.parametrize("guess", WORKS)
def test_a_natural_guess_works(cloud: FakeViam, guess: str) -> None:
    assert WORKS[guess](cloud)


@pytest.mark.parametrize("guess", REFUSED)
def test_a_wrong_guess_is_told_what_to_do(cloud: FakeViam, guess: str) -> None:
    attempt, text = REFUSED[guess]
    with pytest.raises(FakeViamError) as caught:
        attempt(cloud)
    assert text in str(caught.value)


def test_an_export_is_loaded_again(cloud: FakeViam, tmp_path: Path) -> None:
    cloud.export(tmp_path / "archive")
    again = FakeViam(load=tmp_path / "archive")
    assert again.files == cloud.files
