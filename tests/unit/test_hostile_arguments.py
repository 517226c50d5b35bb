"""Whatever the Python API is given is taken, or refused by an error that can be shown anywhere."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import FakeViam, FakeViamError

from .test_arguments import cases, run
from .web.browser import Browser
from .web.test_hostile import everything_answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Raising:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Unencodable:
    def __repr__(self) -> str:
        return "\ud800"


HUGE = 10**5000  # `repr` refuses that many digits

HOSTILE: dict[str, Any] = {
    "huge": HUGE,
    "-huge": -HUGE,
    "beyond 64 bits": 2**64,
    "-1": -1,
    "NaN": float("nan"),
    "inf": float("inf"),
    "1e308": 1e308,
    "surrogate": "\ud800",
    "NUL": "a\0b",
    "blank": " ",
    "empty": "",
    "long": "x" * 10**6,
    "bytes": b"\xff" * 10**6,
    "list of huge": [HUGE],
    "huge key": {HUGE: HUGE},
    "surrogate key": {"\ud800": "\ud800"},
    "many": list(range(10**4)),
    "deep": json.loads("[" * 500 + "]" * 500),
    "raising": Raising(),
    "list of raising": [Raising()],
    "unencodable": Unencodable(),
    "longest span": timedelta.max,
    "shortest span": timedelta.min,
    "True": True,
    "type": int,
}


def state(cloud: FakeViam) -> list[object]:
    """All that arguments could change."""
    return [
        cloud.fleet.state(),
        cloud.clock.state(),
        cloud.policy,
        cloud.api_keys,
        cloud.snapshots,
        cloud.faults.report(),
        cloud.faults.refusing,
        cloud.replies.report(),
        [dataset.id for dataset in cloud.datasets],
        [file.id for file in cloud.files],
    ]


def refusal(function: Callable[..., Any], arguments: dict[str, Any]) -> str:
    try:
        run(function, arguments)
    except FakeViamError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.thinned(5)
def test_hostile_values_of_every_parameter(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused at once, by a text of bounded length, or taken: all can be read afterwards (HT-4)."""
    monkeypatch.chdir(tmp_path)
    with FakeViam(seed=1) as cloud:
        for case, function, parameter, arguments in cases(cloud):
            before, begun = state(cloud), time.thread_time()
            if text := refusal(function, arguments | {parameter: HOSTILE[name]}):
                assert len(text.encode()) < 6000, case
                assert state(cloud) == before, case
            assert time.thread_time() - begun < 1, case
        cloud.export("archive")
        everything_answers(Browser(cloud))
