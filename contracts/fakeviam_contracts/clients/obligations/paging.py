"""Obligations about pages and the number of downloaded files."""

from __future__ import annotations

from typing import Any, cast

from fakeviam.wire import data
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import (
    BrokenError,
    ObservedError,
    Scenario,
    obligation,
    same,
)
from fakeviam_contracts.clients.obligations.values import awkward
from fakeviam_contracts.clients.protocol import Asked
from fakeviam_contracts.clients.scripted import COUNTING, Refuse

TABULAR = "TabularDataByFilter"
BINARY = "BinaryDataByFilter"


async def _three_pages(scenario: Scenario) -> list[tuple[str, int]]:
    scenario.follows_pages()
    scenario.server.script(
        TABULAR,
        replies.readings(1, 2, last="a"),
        replies.readings(3, last="b", component="barometer"),
        replies.readings(3, 4, 4, 5, last="c"),
        replies.readings(),
    )
    records = (await scenario.do("tabular_data_by_filter"))["records"]
    times = {(one["time_requested"], one["time_received"]) for one in records}
    same("pairs of times", 1, len(times))  # all pages have the same
    return [(record["component_name"], record["data"]["n"]) for record in records]


#: What stands on those three pages; each page has metadata of its own.
_READ = [
    *(("thermometer", number) for number in (1, 2)),
    ("barometer", 3),
    *(("thermometer", number) for number in (3, 4, 4, 5)),
]


@obligation("pages-complete", "PG-1", "PG-5", "TD-1", "TD-2", "CL-38")
async def pages_complete(scenario: Scenario) -> None:
    """Downloads go on after a short page and give all records in order, equal ones too."""
    same("readings", _READ, await _three_pages(scenario))
    # Pages as full as they were asked for, and many of them.
    for total, most in ((300, 1000), (90, 1)):
        scenario.server.reset()
        scenario.server.script(TABULAR, replies.shelf(total, most=most, of=replies.readings))
        result = await scenario.do("tabular_data_by_filter")
        same("readings of many pages", list(range(total)), replies.numbers_of(result))
    scenario.server.reset()
    scenario.server.script(BINARY, replies.shelf(9, most=2))
    expected = [(f"o/l/f{at}", f"file {at}", b"bytes of %d" % at) for at in range(9)]
    result = await scenario.do("binary_data_by_filter", num_files=0)
    got = [(one["id"], one["file_name"], one["data"]) for one in result["records"]]
    same("files", expected, got)
    result = await scenario.do("binary_data_by_filter", num_files=0, include_file_data=False)
    same("files", replies.ids(*range(9)), replies.ids_of(result))


@obligation("pages-end", "PG-5", "CL-38")
async def pages_end(scenario: Scenario) -> None:
    """Downloads end at the empty page and ask no further."""
    await _three_pages(scenario)
    same("calls for three pages and the end", 4, scenario.server.count(TABULAR))


@obligation("pages-continue", "PG-3", "CL-38")
async def pages_continue(scenario: Scenario) -> None:
    """Each request carries the `last` of the page before, the first none."""
    await _three_pages(scenario)
    lasts = [request.data_request.last for request in scenario.server.sent(TABULAR)]
    same("last of the requests", ["", "a", "b", "c"], lasts[:4])


@obligation("pages-same-question", "PG-3")
async def pages_same_question(scenario: Scenario) -> None:
    """Between pages nothing but `last` and `limit` changes."""
    scenario.follows_pages()
    more = {
        "filter": Asked(tags=["t"], part_id="p"),
        "sort_order": 2,
        "include_internal_data": True,
    }
    for rpc, method, page, end, args in (
        (TABULAR, "tabular_data_by_filter", replies.readings, replies.readings(), {}),
        (BINARY, "binary_data_by_filter", replies.files, replies.files(),
         {"num_files": 0, "include_file_data": False}),
        (BINARY, "binary_data_by_filter", replies.files, replies.files(), {"num_files": 0}),
    ):  # fmt: skip
        scenario.server.reset()
        scenario.server.script(rpc, page(1, 2, last="a"), page(3, last="b"), page(4, last="c"), end)
        await scenario.do(method, **more, **args)
        questions = [_without_place(request) for request in scenario.server.sent(rpc)]
        same("questions", [questions[0]] * 4, questions)
        same("include_internal_data", True, questions[0].include_internal_data)  # noqa: FBT003
        asked = questions[0].data_request
        same("filter", ("p", ["t"]), (asked.filter.part_id, list(asked.filter.tags_filter.tags)))


def _without_place(request: Any) -> Any:
    question = type(request)()
    question.CopyFrom(request)
    question.data_request.last, question.data_request.limit = "", 0
    return question


@obligation("pages-repeated", "PG-4")
async def pages_repeated(scenario: Scenario) -> str:
    """A server that gives the same page for ever does not hold the client for ever."""
    scenario.follows_pages()
    scenario.server.script(TABULAR, replies.readings(1, last="a"))
    answer = await scenario.ask("tabular_data_by_filter")
    if scenario.server.stopped:
        raise BrokenError(f"still asking after {len(scenario.server.calls) - 1} equal pages")
    return f"{answer} after {scenario.server.count(TABULAR)} calls"


@obligation("pages-by-hand", "PG-1", "PG-3", "PG-9")
async def pages_by_hand(scenario: Scenario) -> None:
    """One page can be fetched: `limit` and `last` are passed on, the page's `last` comes back."""
    for limit in (1, 7, 500):
        numbers = range(min(limit, 250))
        scenario.server.reset()
        scenario.server.script(TABULAR, replies.readings(*numbers, last="b"))
        scenario.server.script(BINARY, replies.files(*numbers, last="b"))
        place = {"limit": limit, "last": awkward("last")}
        page = await scenario.do("tabular_data_by_filter", **place)
        same("readings", list(numbers), replies.numbers_of(page))
        _expect_page(scenario.server.sent(TABULAR)[0], page, place, len(numbers))
        page = await scenario.do("binary_data_by_filter", include_file_data=False, **place)
        same("files", replies.ids(*numbers), replies.ids_of(page))
        _expect_page(scenario.server.sent(BINARY)[0], page, place, len(numbers))


def _expect_page(request: Any, page: dict[str, Any], place: dict[str, Any], count: int) -> None:
    asked = request.data_request
    same("limit and last", (place["limit"], place["last"]), (asked.limit, asked.last))
    same("last of the result", "b", page.get("last"))
    same("count of the result", count, page.get("count"))


@obligation("count-only", "PG-8", "PG-9", "A5")
async def count_only(scenario: Scenario) -> None:
    """`count_only` counts and reads nothing, and the server's count comes back."""
    for rpc, method, reply in (
        (TABULAR, "tabular_data_by_filter", data.TabularDataByFilterResponse),
        (BINARY, "binary_data_by_filter", data.BinaryDataByFilterResponse),
    ):
        scenario.server.script(rpc + COUNTING, reply(count=_LARGE))
        counted = await scenario.do(method, count_only=True)
        same(f"result of {method}", (_LARGE, []), (counted.get("count"), counted["records"]))
        same(f"calls of {method} that read", 0, scenario.server.count(rpc))
        await scenario.do(method)
        same(f"calls of {method} that read", True, scenario.server.count(rpc) > 0)  # noqa: FBT003


#: More than 32 bits hold.
_LARGE = 2**32 + 5


@obligation("limit-left-open", "PG-1")
async def limit_left_open(scenario: Scenario) -> str:
    """A limit of 0 stays unset, so that the server's default counts, or is that default."""
    await scenario.do("binary_data_by_filter", limit=0)
    limit = scenario.one(BINARY).data_request.limit
    if limit not in (0, 50):
        raise BrokenError(f"expected 0 or 50, got {limit}")
    return f"limit {limit or 'unset'}"


@obligation("limit-served", "PG-2", "A6")
async def limit_served(scenario: Scenario) -> None:
    """How many records are asked for where the caller leaves it open is told."""
    await scenario.do("tabular_data_by_filter")
    await scenario.do("binary_data_by_filter", include_file_data=False)
    requested = {request.data_request.limit for request in scenario.server.sent(TABULAR)}
    requested |= {request.data_request.limit for request in scenario.server.sent(BINARY)}
    limits = ", ".join(str(one or "unset") for one in sorted(requested))
    raise ObservedError(f"limit {limits}")


@obligation("order-passed-on", "PG-6")
async def order_passed_on(scenario: Scenario) -> str:
    """`sort_order` is passed on; without one none is sent, or one and the same for all pages."""
    scenario.server.script(TABULAR, replies.readings(1, last="a"), replies.readings())
    for order in (data.ORDER_DESCENDING, data.ORDER_ASCENDING):
        scenario.server.calls.clear()
        await scenario.do("tabular_data_by_filter", sort_order=int(order))
        await scenario.do("binary_data_by_filter", sort_order=int(order))
        requests = [*scenario.server.sent(TABULAR), *scenario.server.sent(BINARY)]
        same("sort_order", {order}, {one.data_request.sort_order for one in requests})
    scenario.server.calls.clear()
    await scenario.do("tabular_data_by_filter")
    orders = {one.data_request.sort_order for one in scenario.server.sent(TABULAR)}
    same("number of orders where none is wanted", 1, len(orders))
    return f"sends {data.Order.Name(orders.pop())} where none is wanted"


@obligation("internal-only-on-request", "PG-10")
async def internal_only_on_request(scenario: Scenario) -> None:
    """Internal data is asked for only when the caller does."""
    for rpc, method in ((TABULAR, "tabular_data_by_filter"), (BINARY, "binary_data_by_filter")):
        await scenario.do(method)
        await scenario.do(method, include_internal_data=True)
        flags = [request.include_internal_data for request in scenario.server.sent(rpc)]
        same(f"include_internal_data of {method}", [False, True], flags)


@obligation("page-error-raised", "PG-5", "CL-44")
async def page_error_raised(scenario: Scenario) -> None:
    """An error on a later page is an error of the download, not its end."""
    scenario.follows_pages()
    scenario.server.script(
        TABULAR, replies.readings(1, last="a"), Refuse("PERMISSION_DENIED", "no more for you")
    )
    answer = await scenario.ask("tabular_data_by_filter")
    same("outcome", "grpc PERMISSION_DENIED: no more for you", str(answer))
    scenario.server.script(
        BINARY, replies.files(1, last="a"), Refuse("PERMISSION_DENIED", "no more for you")
    )
    answer = await scenario.ask("binary_data_by_filter")
    same("outcome of files", "grpc PERMISSION_DENIED: no more for you", str(answer))
    for status in ("UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"):
        await _interrupted(scenario, status)


async def _interrupted(scenario: Scenario, status: str) -> None:
    """A page that fails for a while, or for good: what is there is all, or it is an error."""
    shelf = replies.shelf(6, most=3, of=replies.readings)
    refusal = Refuse(status, "later")
    for steps in ((shelf, refusal, shelf), (shelf, refusal)):
        scenario.server.reset()
        scenario.server.script(TABULAR, *steps)
        answer = await scenario.ask("tabular_data_by_filter")
        if answer.ok:
            numbers = replies.numbers_of(cast("dict[str, Any]", answer.result))
            same(f"readings after {status} at the second page", list(range(6)), numbers)


# How many files --------------------------------------------------------------------------


async def _fetched(scenario: Scenario, total: int | None, **args: object) -> list[str]:
    scenario.follows_pages()
    scenario.server.script(BINARY, replies.shelf(total))
    return replies.ids_of(await scenario.do("binary_data_by_filter", **args))


@obligation("num-files-default", "BF-1", "CL-11")
async def num_files_default(scenario: Scenario) -> None:
    """Without `num_files` 10 files come with their bytes."""
    same("files", replies.ids(*range(10)), await _fetched(scenario, None))


@obligation("num-files-default-without-bytes", "BF-1", "CL-11")
async def num_files_default_without_bytes(scenario: Scenario) -> None:
    """Without `num_files` 100 files come without their bytes."""
    got = await _fetched(scenario, None, include_file_data=False)
    same("files", replies.ids(*range(100)), got)


@obligation("num-files-zero", "BF-1", "CL-10")
async def num_files_zero(scenario: Scenario) -> None:
    """`num_files=0` is all files."""
    with_bytes = await _fetched(scenario, 13, num_files=0)
    same("files", replies.ids(*range(13)), with_bytes)
    without = await _fetched(scenario, 103, num_files=0, include_file_data=False)
    same("files without bytes", replies.ids(*range(103)), without)


@obligation("num-files-first", "BF-1", "CL-12")
async def num_files_first(scenario: Scenario) -> None:
    """`num_files` gives that many of the first, or all if there are fewer."""
    same("files", replies.ids(0, 1, 2), await _fetched(scenario, None, num_files=3))
    without = await _fetched(scenario, None, num_files=130, include_file_data=False)
    same("of many files", replies.ids(*range(130)), without)
    few = await _fetched(scenario, 2, num_files=3, include_file_data=False)
    same("of two files", replies.ids(0, 1), few)


@obligation("num-files-negative", "BF-1", "CL-13")
async def num_files_negative(scenario: Scenario) -> None:
    """A negative `num_files` is a ValueError, and nothing is sent."""
    answer = await scenario.ask("binary_data_by_filter", num_files=-1)
    same("calls", 0, len(scenario.server.calls))
    same("kind of error", "value", answer.kind)


@obligation("bytes-by-default", "BF-2", "CL-9")
async def bytes_by_default(scenario: Scenario) -> None:
    """Bytes are asked for unless the caller does not want them."""
    await scenario.do("binary_data_by_filter")
    await scenario.do("binary_data_by_filter", include_file_data=False)
    flags = [request.include_binary for request in scenario.server.sent(BINARY)]
    same("include_binary", [True, False], flags)


@obligation("bytes-intact-down", "BF-2")
async def bytes_intact_down(scenario: Scenario) -> None:
    """The bytes of a file come back as the server sent them."""
    contents = bytes(range(256)) * 3
    page = data.BinaryDataByFilterResponse(data=[replies.file(1, contents=contents)], last="x")
    scenario.server.script(BINARY, page, replies.files())
    result = await scenario.do("binary_data_by_filter")
    same("bytes", [contents], [record["data"] for record in result["records"]])


OBLIGATIONS = (
    pages_complete,
    pages_end,
    pages_continue,
    pages_same_question,
    pages_repeated,
    pages_by_hand,
    count_only,
    limit_left_open,
    limit_served,
    order_passed_on,
    internal_only_on_request,
    page_error_raised,
    num_files_default,
    num_files_default_without_bytes,
    num_files_zero,
    num_files_first,
    num_files_negative,
    bytes_by_default,
    bytes_intact_down,
)
