"""The view of readings: tables with dotted columns, and a chart of each number over time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam import wire
from fakeviam.web.page import code, filters
from fakeviam.web.page.known import known_values, latest
from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam.wire.values import mapping_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fakeviam.web.page.visit import Visit

#: The maximum number of columns; sensors with more are better queried.
_COLUMNS = 24

#: How many values of a sensor's latest reading are shown.
_FEW = 8

_WIDTH, _HEIGHT = 600, 120


class ReadingRow(NamedTuple):
    """A reading in a table."""

    captured: int
    component: str
    method: str
    part_id: str
    tags: Sequence[str]
    cells: Sequence[Any]


class Chart(NamedTuple):
    """A number over time, as an SVG polyline from the oldest reading to the newest."""

    field: str
    points: str
    least: float
    most: float
    width: int = _WIDTH
    height: int = _HEIGHT


def show(visit: Visit) -> tuple[str, dict[str, Any]]:
    """A page of the selected readings, newest first."""
    request = data.TabularDataByFilterRequest(data_request=filters.page_of(visit))
    reply = visit.ask("TabularDataByFilter", request)
    totals = visit.ask(
        "TabularDataByFilter",
        data.TabularDataByFilterRequest(
            data_request=data.DataRequest(filter=request.data_request.filter), count_only=True
        ),
    )
    flat = [dict(_flat(mapping_from(each.data))) for each in reply.data]
    seen = Counter(name for each in flat for name in each)
    columns = sorted(seen, key=lambda name: (-seen[name], name))[:_COLUMNS]
    sources = [reply.metadata[each.metadata_index] for each in reply.data]
    rows = [
        ReadingRow(
            captured=nanos_from(each.time_requested),
            component=source.component_name,
            method=source.method_name,
            part_id=source.part_id,
            tags=list(source.tags),
            cells=[cells.get(name, "") for name in columns],
        )
        for each, source, cells in zip(reply.data, sources, flat, strict=True)
    ]
    times = [nanos_from(each.time_requested) for each in reply.data]
    charts = [_chart(name, times, flat) for name in columns]
    return "readings.html", {
        "rows": rows,
        "columns": columns,
        "left_out": len(seen) - len(columns),
        "charts": [chart for chart in charts if chart is not None],
        "total": totals.count,
        "next": filters.next_of(visit, "TabularDataByFilter", request, reply),
        "asked": filters.asked_of(visit.query),
        "link": filters.link_of(visit.query),
        "limit": request.data_request.limit,
        "known": known_values(visit, latest(visit, visit.store.tabular_page)),
        "latest": [] if visit.query.keys() - {"session"} else _latest(visit),
        "snippets": code.request_snippets(visit, wire.method("TabularDataByFilter"), request),
    }


def _latest(visit: Visit) -> list[ReadingRow]:
    """The latest reading of each sensor, with its first values."""
    rows = []
    for source, record in latest(visit, visit.store.tabular_page).items():
        values = dict(_flat(mapping_from(Struct.FromString(record.payload))))
        rows.append(
            ReadingRow(
                captured=record.time_requested,
                component=source.component_name,
                method=source.method_name,
                part_id=source.part_id,
                tags=list(record.tags),
                cells=sorted(values.items())[:_FEW],
            )
        )
    return rows


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a reading by dotted path."""
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", inner


def _chart(name: str, times: list[int], rows: list[dict[str, Any]]) -> Chart | None:
    """A chart of a column with at least two values, all numbers."""
    points = [
        (at, row[name])
        for at, row in zip(times, rows, strict=True)
        if isinstance(row.get(name), float) and abs(row[name]) < float("inf")
    ]
    if len(points) < 2:
        return None
    start, end = min(at for at, _ in points), max(at for at, _ in points)
    least, most = min(y for _, y in points), max(y for _, y in points)
    span, height = (end - start) or 1, (most - least) or 1
    line = " ".join(
        f"{(at - start) / span * _WIDTH:.1f},{_HEIGHT - (y - least) / height * _HEIGHT:.1f}"
        for at, y in sorted(points)
    )
    return Chart(name, line, least, most)
