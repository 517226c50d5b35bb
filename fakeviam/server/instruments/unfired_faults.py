"""Explains to a test why planned faults did not fire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.server.instruments.journal.calls import Calls

if TYPE_CHECKING:
    from fakeviam.server.instruments.faults.plan import Faults
    from fakeviam.server.instruments.journal.journal import Journal


def explain_unfired(faults: Faults, journal: Journal) -> str:
    """The planned faults that did not fire, with near misses; empty if all fired (FT-3)."""
    lines = []
    for planned in faults:
        if planned.missing:
            lines.append(f"  {planned.unfired}")
            near = Calls(journal, (planned.fault.conditions,)).nearest() if not planned.seen else ""
            lines += [f"    {near}"] if near else []
    if faults.unmade:
        lines.append(f"  {faults.unmade}")
    if not lines:
        return ""
    return "\n".join(
        [
            "these planned faults never fired, so the test did not exercise them:",
            *lines,
            "Correct the plan, or mark faults that need not fire with .optional() or --optional.",
        ]
    )
