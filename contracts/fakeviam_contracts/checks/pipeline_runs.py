"""Runs of data pipelines, on a subject whose clock can be advanced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data, datapipelines
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import mql, queries, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import SECOND, Need, check
from fakeviam_contracts.checks.pipelines import CREATE, SINK, change, create, creation
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session

RUNS = "ListDataPipelineRuns"
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
HOURLY = "0 * * * *"
SCHEDULED, COMPLETED, FAILED = (
    datapipelines.DATA_PIPELINE_RUN_STATUS_SCHEDULED,
    datapipelines.DATA_PIPELINE_RUN_STATUS_COMPLETED,
    datapipelines.DATA_PIPELINE_RUN_STATUS_FAILED,
)
#: Computed from single readings, so that the ids of results differ.
TWICE: queries.Stages = [
    {"$set": {"twice": {"$multiply": ["$data.readings.n", 2]}}},
    {"$project": {"twice": 1, "component_name": 1}},
]


class _Clock(NamedTuple):
    """The subject's clock in hours.

    Attributes:
        first: The tick at or before the start of the check.
    """

    session: Session
    first: int

    def forward(self, nanos: int) -> None:
        assert self.session.place.advance is not None  # noqa: S101 - what the checks need
        self.session.place.advance(nanos)

    def until(self, hours: float, *, after: int = 0) -> None:
        """Advance to a number of hours after the first tick, and a few seconds more."""
        assert self.session.place.now is not None  # noqa: S101
        self.forward(self.first + round(hours * HOUR) + after - self.session.place.now())

    def upload(self, *hours: float, late: float = 0.0) -> None:
        """Upload readings, captured at hours after the first tick."""
        moments = [self.first + round(hour * HOUR) for hour in hours]
        writes.upload_rows(
            self.session,
            part=0,
            rows=[{"readings": {"n": round(hour, 6)}} for hour in hours],
            times=[(moment, moment + round(late * HOUR)) for moment in moments],
            component="sensor",
        )


def _clock(session: Session) -> _Clock:
    assert session.place.now is not None  # noqa: S101 - what the checks need
    return _Clock(session, session.place.now() // HOUR * HOUR)


def _page(session: Session, made: str, **how: Any) -> datapipelines.ListDataPipelineRunsResponse:
    request = datapipelines.ListDataPipelineRunsRequest(id=made, **{"page_size": 100, **how})
    page: datapipelines.ListDataPipelineRunsResponse = raw.call(session, "DP-5", RUNS, request)
    return page


def _runs(session: Session, made: str) -> list[datapipelines.DataPipelineRun]:
    """All runs, on pages of any size."""
    page = _page(session, made)
    runs = list(page.runs)
    while page.next_page_token and page.runs:
        page = _page(session, made, page_token=page.next_page_token)
        runs += page.runs
    return runs


def _windows(
    clock: _Clock, runs: Sequence[datapipelines.DataPipelineRun]
) -> list[tuple[float, float]]:
    """The windows of runs, in hours after the first tick."""
    return [
        (
            (nanos_from(run.data_start_time) - clock.first) / HOUR,
            (nanos_from(run.data_end_time) - clock.first) / HOUR,
        )
        for run in runs
    ]


def _sink(session: Session, made: str, *stages: dict[str, Any]) -> list[mql.Document]:
    """The documents in the sink of a pipeline."""
    import bson  # noqa: PLC0415 - with the first query

    request = data.TabularDataByMQLRequest(
        organization_id=session.place.organization_id,
        mql_binary=[bson.encode(stage) for stage in stages],
        data_source=data.TabularDataSource(type=SINK, pipeline_id=made),
    )
    answer = session.wire.call(queries.RPC, request)
    found = queries.decoded(session.answered("DP-4", queries.RPC, answer))
    # The id of a reading may also be a text (MQ-2).
    return [{**d, "_id": queries.SOME_ID} if isinstance(d.get("_id"), str) else d for d in found]


def _results(
    session: Session, stages: queries.Stages, run: datapipelines.DataPipelineRun
) -> list[mql.Document]:
    """The expected results of a run, from the readings in its window."""
    start, end = nanos_from(run.data_start_time), nanos_from(run.data_end_time)
    window = {"time_requested": {"$gte": mql.time_of(start), "$lt": mql.time_of(end)}}
    mark = {
        "id": run.id,
        "interval": {"start": mql.time_of(start), "end": mql.time_of(end)},
        "organization_id": session.place.organization_id,
    }
    found = mql.run(queries.readings_of(session), [{"$match": window}, *stages])
    return [{**document, "_viam_pipeline_run": mark} for document in found]


def _sorted(documents: Sequence[mql.Document], *names: str) -> list[mql.Document]:
    """Sort documents by their identifying field; only some fields of them if requested."""
    chosen = [{n: d.get(n) for n in names or d} for d in documents]
    return sorted(chosen, key=lambda document: sorted(map(repr, document.items())))


def _expect_sink(
    session: Session, clause: str, made: str, runs: Sequence[datapipelines.DataPipelineRun],
    what: str,
) -> None:  # fmt: skip
    """Expect exactly the results of these runs in the sink."""
    expected = [each for run in runs for each in _results(session, TWICE, run)]
    found = _sink(session, made)
    unmarked = sum("_viam_pipeline_run" not in document for document in found)
    session.expect("DP-4", f"documents of the sink of no run {what}", 0, unmarked)
    session.expect(clause, f"results in the sink {what}", _sorted(expected, "twice"),
                   _sorted(found, "twice"))  # fmt: skip
    session.expect("DP-4", f"documents of the sink {what}", _sorted(expected), _sorted(found))


@check("DP-1", "DP-2", "DP-4", needs=(Need.HOURS,))
def windows_of_a_pipeline(session: Session) -> None:
    """Each tick has a run over the preceding window, including its start, excluding its end."""
    clock = _clock(session)
    clock.upload(-0.5, 0, 0.25, 1 - 1 / 3600, 1, 2.5)
    made = create(session, "hours", TWICE, schedule=HOURLY)
    for hours in (1, 3):
        clock.until(hours, after=2 * MINUTE)
        runs = _runs(session, made)
        expected = [(float(hour), hour + 1.0) for hour in range(hours)]
        found = sorted(_windows(clock, runs))
        session.expect("DP-2", f"windows of the first {hours} runs", expected, found)
        _expect_sink(session, "DP-2", made, runs, f"after {hours} windows")
    renaming = datapipelines.RenameDataPipelineRequest(id=made, name="days")
    raw.call(session, "DP-1", "RenameDataPipeline", renaming)
    left = sorted(run.id for run in _runs(session, made))
    session.expect("DP-1", "runs of a renamed pipeline", sorted(run.id for run in runs), left)
    _expect_sink(session, "DP-1", made, runs, "of a renamed pipeline")


@check("DP-18", needs=(Need.HOURS,))
def windows_are_of_the_time_of_capture(session: Session) -> None:
    """A window contains what was captured in it, even if it was received later."""
    clock = _clock(session)
    clock.upload(0.5, late=1)
    made = create(session, "hours", TWICE, schedule=HOURLY)
    clock.until(1, after=2 * MINUTE)
    found = [each.get("twice") for each in _sink(session, made)]
    session.expect("DP-18", "results of what was captured in the window", [1.0], found)


@check("DP-1", "DP-5", needs=(Need.HOURS,))
def runs_begin_after_their_ticks(session: Session) -> None:
    """Runs are scheduled at the tick, and start two minutes later."""
    clock = _clock(session)
    made = create(session, "hours", TWICE, schedule=HOURLY)
    for moment, status in (
        (0, SCHEDULED),
        (2 * MINUTE - SECOND, SCHEDULED),
        (2 * MINUTE, COMPLETED),
    ):
        clock.until(1, after=moment)
        runs = _runs(session, made)
        what = f"state of a run {moment // SECOND} s after its tick"
        session.expect("DP-5", what, [status], [run.status for run in runs])
    (run,) = runs
    source = data.TABULAR_DATA_SOURCE_TYPE_STANDARD
    session.expect("DP-1", "the source of a run", source, run.data_source_type)
    started = (nanos_from(run.start_time) - clock.first - HOUR) // MINUTE
    session.expect("DP-5", "minutes from a tick to its run", 2, started)
    ended = run.HasField("end_time") and nanos_from(run.end_time) >= nanos_from(run.start_time)
    session.expect("DP-5", "a run that is completed has ended", expected=True, observed=ended)
    session.expect("DP-5", "the error of a run that is completed", "", run.error_message)


@check("DP-5", "DP-6", needs=(Need.HOURS,))
def runs_with_too_many_results(session: Session) -> None:
    """10,000 results are allowed; with more, the run fails and stores nothing."""
    clock = _clock(session)
    time = clock.first + HOUR // 2
    rows = [{"readings": {"list": [float(n) for n in range(10_001)]}}]
    writes.upload_rows(session, part=0, rows=rows, times=[(time, time)], component="sensor")
    each: queries.Stages = [
        {"$unwind": "$data.readings.list"},
        {"$project": {"_id": 0, "n": "$data.readings.list"}},
    ]
    many = create(session, "many", each, schedule=HOURLY)
    most = create(session, "most", [*each, {"$limit": 10_000}], schedule=HOURLY)
    clock.until(1, after=2 * MINUTE)
    _expect_ends(session, "DP-6", many, [FAILED], 0)
    _expect_ends(session, "DP-6", most, [COMPLETED], 10_000)


@check("DP-5", "DP-8", needs=(Need.HOURS,))
def runs_with_two_results_of_one_id(session: Session) -> None:
    """Duplicate ids in one run or in two: the later run fails and stores nothing."""
    clock = _clock(session)
    clock.upload(0.25, 0.5, 1.5)
    one: queries.Stages = [{"$project": {"_id": "one"}}]
    twins = create(session, "twins", one, schedule=HOURLY)
    single = create(session, "single", [{"$limit": 1}, *one], schedule=HOURLY)
    clock.until(2, after=2 * MINUTE)
    _expect_ends(session, "DP-8", twins, [FAILED, COMPLETED], 1)
    _expect_ends(session, "DP-8", single, [COMPLETED, FAILED], 1)


def _expect_ends(session: Session, clause: str, made: str, states: list[int], count: int) -> None:
    """Expect the states of a pipeline's runs, oldest first, and the contents of its sink."""
    runs = sorted(_runs(session, made), key=lambda run: nanos_from(run.data_end_time))
    what = f"how runs end that put {count} documents into the sink"
    session.expect(clause, what, states, [run.status for run in runs])
    told = [bool(run.error_message) for run in runs]
    expected = [state == FAILED for state in states]
    session.expect("DP-5", "runs that say why they failed", expected, told)
    found = _sink(session, made, {"$count": "n"})
    session.expect(clause, "documents in the sink", count, found[0]["n"] if found else 0)


@check("DP-7", "DP-14", needs=(Need.HOURS,))
def windows_of_the_past(session: Session) -> None:
    """With backfill, past windows are run too: ten at once, ten more two minutes later."""
    clock = _clock(session)
    past = [*range(-10, 0), -12, -13]
    clock.upload(*(hour + 0.5 for hour in past))
    made = create(session, "filled", TWICE, schedule=HOURLY, enable_backfill=True)
    # What changes a pipeline otherwise leaves that to it.
    change(session, "Disable", made)
    renaming = datapipelines.RenameDataPipelineRequest(id=made, name="renamed")
    raw.call(session, "DP-1", "RenameDataPipeline", renaming)
    change(session, "Enable", made)
    windows = [(float(hour), hour + 1.0) for hour in sorted(past)]
    for count in (10, 12):
        clock.forward(2 * MINUTE)
        runs = _runs(session, made)
        found = sorted(_windows(clock, runs))
        newest = windows[-count:]
        filled = [window for window in found if window in windows]
        session.expect("DP-7", f"the newest {count} windows of the past", newest, filled)
        empty = [window for window in found if window not in windows]
        session.expect("DP-14", "windows that were run though nothing is in them", [], empty)
        _expect_sink(session, "DP-7", made, runs, f"after {count} windows of the past")


@check("DP-7", needs=(Need.HOURS,))
def data_that_comes_late(session: Session) -> None:
    """With backfill, late data causes another run, which replaces the results of the window."""
    clock = _clock(session)
    clock.upload(-2.5)
    made = create(session, "filled", TWICE, schedule=HOURLY, enable_backfill=True)
    clock.forward(3 * MINUTE)
    clock.upload(-2.75)
    clock.forward(3 * MINUTE)
    runs = _runs(session, made)
    windows = [(-3.0, -2.0)] * 2
    session.expect("DP-7", "windows run again for late data", windows, _windows(clock, runs))
    latest = max(runs, key=lambda run: nanos_from(run.start_time))
    _expect_sink(session, "DP-7", made, [latest], "after late data")


@check("DP-7", needs=(Need.HOURS,))
def the_past_without_back_fill(session: Session) -> None:
    """Without backfill, there are no runs for past windows and late data."""
    clock = _clock(session)
    made = create(session, "unfilled", TWICE, schedule=HOURLY)
    clock.upload(-2.5)
    clock.forward(5 * MINUTE)
    found = _windows(clock, _runs(session, made))
    session.expect("DP-7", "windows of the past without back-fill", [], found)


@check("DP-9", needs=(Need.HOURS,))
def windows_of_a_pause(session: Session) -> None:
    """Windows that end while a pipeline is disabled are never run."""
    clock = _clock(session)
    made = create(session, "paused", TWICE, schedule=HOURLY)
    change(session, "Disable", made)
    clock.until(2.5)
    found = _windows(clock, _runs(session, made))
    session.expect("DP-9", "windows run while disabled", [], found)
    change(session, "Enable", made)
    clock.until(3, after=2 * MINUTE)
    later = _windows(clock, _runs(session, made))
    session.expect("DP-9", "windows run later", [(2.0, 3.0)], sorted(later))


@check("DP-15", needs=(Need.HOURS,))
def runs_of_a_pause(session: Session) -> None:
    """Scheduled runs continue when their pipeline is disabled."""
    clock = _clock(session)
    made = create(session, "paused", TWICE, schedule=HOURLY)
    clock.until(1, after=MINUTE)
    change(session, "Disable", made)
    clock.until(1, after=3 * MINUTE)
    states = [run.status for run in _runs(session, made)]
    session.expect("DP-15", "a run that waited when its pipeline was disabled", [COMPLETED], states)


@check("DP-10", needs=(Need.HOURS,))
def pipelines_leave_nothing(session: Session) -> None:
    """A new pipeline with the name of a deleted one has no runs and an empty sink."""
    clock = _clock(session)
    clock.upload(0.5)
    made = create(session, "apes", TWICE, schedule=HOURLY)
    clock.until(1, after=2 * MINUTE)
    change(session, "Delete", made, "DP-10")
    again = raw.call(session, "DP-10", CREATE, creation(session, "apes", TWICE)).id
    session.expect("DP-10", "runs of a new pipeline", 0, len(_runs(session, again)))
    session.expect("DP-10", "results in a new sink", [], _sink(session, again))
    listing = datapipelines.ListDataPipelineRunsRequest(id=made)
    is_refused = isinstance(session.wire.call(RUNS, listing), Refused)
    what = "runs of a deleted pipeline are refused"
    session.expect("DP-10", what, expected=True, observed=is_refused)


@check("DP-1", "DP-13", needs=(Need.HOURS,))
def runs_in_pages(session: Session) -> None:
    """Runs are listed newest first, in pages of the requested size."""
    clock = _clock(session)
    hot = data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
    made = create(session, "apes", TWICE, schedule=HOURLY, data_source_type=hot)
    clock.until(5, after=2 * MINUTE)
    expected = [(float(hour), hour + 1.0) for hour in range(4, -1, -1)]
    whole = _page(session, made, page_size=0)
    session.expect("DP-13", "runs, the newest first", expected, _windows(clock, whole.runs))
    session.expect("DP-13", "whose runs they are", made, whole.pipeline_id)
    sources = {run.data_source_type for run in whole.runs}
    session.expect("DP-1", "sources of the runs over the hot store", {hot}, sources)
    token, found, sizes = "", list[datapipelines.DataPipelineRun](), list[int]()
    for _ in range(6):
        page = _page(session, made, page_size=2, page_token=token)
        found += page.runs
        sizes.append(len(page.runs))
        token = page.next_page_token
        if not token:
            break
    session.expect("DP-13", "sizes of pages of two", [2, 2, 1], sizes)
    session.expect("DP-13", "runs, page by page", expected, _windows(clock, found))


CHECKS = (
    windows_of_a_pipeline,
    windows_are_of_the_time_of_capture,
    runs_begin_after_their_ticks,
    runs_with_too_many_results,
    runs_with_two_results_of_one_id,
    windows_of_the_past,
    data_that_comes_late,
    the_past_without_back_fill,
    windows_of_a_pause,
    runs_of_a_pause,
    pipelines_leave_nothing,
    runs_in_pages,
)
