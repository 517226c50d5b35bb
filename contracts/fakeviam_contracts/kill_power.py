"""Which checks find most wrong servers with a call, for those who have little time.

The table is measured: `make quality` in a checkout writes it again.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam_contracts.checks.base import Check

#: Check, wrong servers that it was the first to find, calls it makes of the right one. What finds
#: most with a call comes first, so that the calls to the first finding are few on average.
TABLE = Path(__file__).with_name("kill_power.tsv")


def by_kill_power(checks: Iterable[Check]) -> list[Check]:
    """The checks in the order of the table; those that it does not know come last."""
    text = (resources.files("fakeviam_contracts") / TABLE.name).read_text(encoding="utf-8")
    order = {line.split("\t")[0]: at for at, line in enumerate(text.splitlines())}
    return sorted(checks, key=lambda check: order.get(check.name, len(order)))
