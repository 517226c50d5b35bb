"""Schedules of pipelines: cron expressions in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from fakeviam.model.clock import SECOND, moment_of, nanos_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: One of the five fields: numbers, names of months and days, lists, ranges and steps.
_FIELD = re.compile(r"(?:\*|[0-9]+|[a-z]{3})(?:[-/,](?:\*|[0-9]+|[a-z]{3}))*", re.IGNORECASE)

#: A tick that no clock reaches: the first second after the year 9999.
NEVER = 253_402_300_800 * SECOND

_BEGIN = -62_135_596_800 * SECOND

#: The maximum length; a list of every minute and every day is shorter.
_LONGEST = 500


class ScheduleError(ValueError):
    """A text is not a valid schedule."""


class Schedule:
    """The ticks of a cron expression.

    Two consecutive ticks delimit a window, which includes its start but not its end.
    """

    def __init__(self, text: str) -> None:
        """Parse five fields: minute, hour, day of month, month, day of week.

        Raises:
            ScheduleError: They are not a cron expression, or one without any tick.
        """
        if len(text) > _LONGEST:
            raise ScheduleError(f"it has {len(text)} characters; at most {_LONGEST} are served")
        fields = text.split()
        if len(fields) != 5:
            raise ScheduleError(f"cron has five fields, got {len(fields)}")
        for field in fields:
            if not _FIELD.fullmatch(field):
                raise ScheduleError(f"{field!r} is no field of cron")
        self._text = " ".join(fields)
        from cronsim import CronSimError  # noqa: PLC0415 - with the first pipeline

        try:
            self.after(0)
        except CronSimError as error:
            raise ScheduleError(str(error)) from None

    def after(self, nanos: int) -> int:
        """The first tick after a time; `NEVER` beyond the calendar."""
        return next(self.ticks_after(nanos))

    def upto(self, nanos: int) -> int:
        """The last tick at or before a time; at least the calendar's first second."""
        try:
            return nanos_of(next(self._from(nanos // SECOND + 1, reverse=True)))
        except OverflowError:  # the calendar starts after the last tick
            return _BEGIN

    def ticks_after(self, nanos: int) -> Iterator[int]:
        """The ticks after a time; each further one takes a tenth of the time of the first."""
        try:
            yield from map(nanos_of, self._from(nanos // SECOND))
        except OverflowError:
            yield NEVER

    def _from(self, seconds: int, *, reverse: bool = False) -> Iterator[datetime]:
        from cronsim import CronSim  # noqa: PLC0415 - with the first pipeline

        moment = moment_of(seconds * SECOND).astimezone(timezone.utc)
        return CronSim(self._text, moment, reverse)


@lru_cache(maxsize=256)
def schedule_of(text: str) -> Schedule:
    """The schedule of a text, which is parsed only once.

    Raises:
        ScheduleError: It is invalid.
    """
    return Schedule(text)
