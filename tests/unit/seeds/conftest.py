"""A folder to write seeds into, and fakes to apply them to."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from fakeviam import Clock, FakeViam, seeds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file; paths of errors are as seen from its folder."""
    monkeypatch.chdir(tmp_path)

    def one(text: str | bytes, name: str = "seed.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
        path.write_bytes(data)
        return path.relative_to(tmp_path)

    return one


@pytest.fixture
def cloud() -> FakeViam:
    """A fake that need not run: seeds are applied to its state."""
    return FakeViam(seed=1, clock=Clock.frozen("2026-03-10T12:00:00Z"))


@pytest.fixture
def mistakes(write: Write) -> Callable[[str], str]:
    """What is wrong with the text of a seed, a line each."""

    def told(text: str) -> str:
        path = write(text)
        with pytest.raises(seeds.SeedError) as caught:
            seeds.read(path)
        return "\n".join(map(str, caught.value.diagnostics))

    return told
