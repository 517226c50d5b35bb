"""The command line, run in this process against a fake in a thread."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import FakeViam
from fakeviam.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., "Done"]
    Start = Callable[..., FakeViam]


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        assert self.status == 0, self.err
        return self.out.splitlines()

    @property
    def refusal(self) -> str:
        """The one line that a failure gets."""
        assert self.status
        assert not self.out
        (line,) = self.err.splitlines()
        assert line.startswith("fakeviam: error: ")
        return line.removeprefix("fakeviam: error: ")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FAKEVIAM_TARGET", "FAKEVIAM_CONTROL_TOKEN", "FAKEVIAM_SESSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `fakeviam` with these arguments to its end."""

    def go(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        told = capsys.readouterr()
        return Done(status=int(ended.value.code or 0), out=told.out, err=told.err)

    return go


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a fake with these options."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(FakeViam(**options))


@pytest.fixture
def cloud(start: Start, monkeypatch: pytest.MonkeyPatch) -> FakeViam:
    """A fake that commands find by their environment."""
    found = start(seed=1)
    monkeypatch.setenv("FAKEVIAM_TARGET", found.target)
    return found
