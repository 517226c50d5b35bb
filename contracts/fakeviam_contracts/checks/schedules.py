"""Schedules of data pipelines, on a subject whose clock can be advanced."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fakeviam.wire import datapipelines
from fakeviam.wire.times import nanos_from
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import SECOND, Need, check
from fakeviam_contracts.checks.pipelines import RUNS, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.session import Session

MINUTE, DAYS = 60 * SECOND, 9

#: Lists, ranges, steps, days and months, and what they mean.
SCHEDULES: dict[str, Callable[[dt.datetime], bool]] = {
    "15,45 6-18/6 * * *": lambda at: at.minute in (15, 45) and at.hour in (6, 12, 18),
    "30 5 * * 1,3": lambda at: (at.hour, at.minute) == (5, 30) and at.isoweekday() in (1, 3),
    "*/40 9 2-30/3 * *": lambda at: at.day % 3 == 2 and at.hour == 9 and at.minute in (0, 40),
    "10 10 * 2,3,12 *": lambda at: (at.hour, at.minute) == (10, 10) and at.month in (2, 3, 12),
}


@check("DP-1", "DP-2", needs=(Need.HOURS,))
def windows_of_schedules(session: Session) -> None:
    """Runs end at the ticks of their schedule, and begin at the ones before."""
    place = session.place
    assert place.now is not None  # noqa: S101 - what the check needs
    assert place.advance is not None  # noqa: S101
    begun = place.now()
    made = {text: create(session, text, schedule=text) for text in SCHEDULES}
    place.advance(DAYS * 24 * 60 * MINUTE)
    latest = place.now() - 3 * MINUTE  # a run starts two minutes after its tick
    minutes = [at * MINUTE for at in range(begun // MINUTE + 1, latest // MINUTE + 1)]
    dates = [dt.datetime.fromtimestamp(at // SECOND, dt.timezone.utc) for at in minutes]
    for text, ticks in SCHEDULES.items():
        request = datapipelines.ListDataPipelineRunsRequest(id=made[text], page_size=100)
        runs = raw.call(session, "DP-5", RUNS, request).runs
        ends = sorted(nanos_from(run.data_end_time) for run in runs)
        expected = [minute for minute, at in zip(minutes, dates, strict=True) if ticks(at)]
        observed = [end for end in ends if end <= latest]
        session.expect("DP-1", f"ticks of {text}", expected, observed)
        starts = sorted(nanos_from(run.data_start_time) for run in runs)
        session.expect("DP-2", f"where windows of {text} begin", ends[:-1], starts[1:])


CHECKS = (windows_of_schedules,)
