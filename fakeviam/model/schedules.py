"""When a pipeline runs: cron in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from fakeviam.model.clock import SECOND, moment_of, nanos_of

#: One of the five fields: numbers, names of months and days, lists, ranges, steps.
_FIELD = re.compile(r"(?:\*|[0-9]+|[a-z]{3})(?:[-/,](?:\*|[0-9]+|[a-z]{3}))*", re.IGNORECASE)

#: Characters; lists of every minute and every day are shorter.
_LONGEST = 500


class ScheduleError(ValueError):
    """A text that is no schedule."""


class Schedule:
    """The ticks of a cron expression.

    Two ticks that follow each other are a window, with its start and without its end.
    """

    def __init__(self, text: str) -> None:
        """Read five fields: minute, hour, day of month, month, day of week.

        Raises:
            ScheduleError: They are no cron expression, or one that never comes.
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
        try:
            self.after(0)
        except (ValueError, KeyError, OverflowError) as error:
            raise ScheduleError(str(error)) from None

    def after(self, nanos: int) -> int:
        """The first tick after a time."""
        return nanos_of(self._from(nanos // SECOND).get_next(datetime))

    def upto(self, nanos: int) -> int:
        """The last tick that is not after a time."""
        return nanos_of(self._from(nanos // SECOND + 1).get_prev(datetime))

    def _from(self, seconds: int) -> Any:
        from croniter import croniter  # noqa: PLC0415 - with the first pipeline

        moment = moment_of(seconds * SECOND).astimezone(timezone.utc)
        return croniter(self._text, moment)


@lru_cache(maxsize=256)
def schedule_of(text: str) -> Schedule:
    """The schedule of a text, which is read once.

    Raises:
        ScheduleError: It is none.
    """
    return Schedule(text)
