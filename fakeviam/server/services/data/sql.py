"""Queries over readings in MongoDB's dialect of SQL.

The dialect, and with it sqlglot, is imported with the first statement.
"""

from __future__ import annotations

from difflib import get_close_matches
from random import Random
from typing import TYPE_CHECKING

from fakeviam.model.clock import moment_of
from fakeviam.model.errors import InvalidArgumentError, UnimplementedError
from fakeviam.server.services.data.queries import (
    ENGINE,
    check_organization,
    encoded,
    refusal,
    run_pipeline,
)
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.turns import InTurns, computed, with_modules
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.policy import Policy
    from fakeviam.query.sql.statements import Translation
    from fakeviam.server.state.call import Call

_DIALECT = (*ENGINE, "fakeviam.query.sql.statements", "fakeviam.query.sql.operators")

_UNBOUNDED = (
    "the statement has no lower bound on time_received, so SQL finds nothing "
    "(policy sql_needs_time_bound); add time_received >= CAST('...' AS TIMESTAMP)"
)


def _grounds(_request: data.TabularDataBySQLRequest, policy: Policy) -> Iterator[str]:
    yield from ("SL-1", "SL-2", "SL-3", "SL-4", "SL-5")
    if policy.sql_needs_time_bound:
        yield "SL-13"


@rpc("TabularDataBySQL", grounds=_grounds)
def tabular_data_by_sql(
    call: Call, request: data.TabularDataBySQLRequest
) -> data.TabularDataBySQLResponse | InTurns[data.TabularDataBySQLResponse]:
    """Run a SELECT over an organization's readings (SL-1 … SL-13)."""
    return with_modules(_DIALECT, lambda: _checked(call, request))


def _checked(
    call: Call, request: data.TabularDataBySQLRequest
) -> data.TabularDataBySQLResponse | InTurns[data.TabularDataBySQLResponse]:
    check_organization(call, request.organization_id)
    translation = translated(call, request)
    if call.policy.sql_needs_time_bound and translation.reads and not translation.bounded:
        call.note = _UNBOUNDED
        return data.TabularDataBySQLResponse()
    return computed(call, lambda still: _answer(still, request.organization_id, translation))


def _answer(
    call: Call, organization_id: str, translation: Translation
) -> data.TabularDataBySQLResponse:
    from fakeviam.query.errors import QueryError  # noqa: PLC0415 - with the first statement

    try:
        rows = _rows(call, organization_id, translation)
        return data.TabularDataBySQLResponse(raw_data=encoded(call, rows))
    except QueryError as error:
        raise refusal(error, "SL-8") from None


def translated(call: Call, request: data.TabularDataBySQLRequest) -> Translation:
    """Translate the statement of a request to stages.

    Raises:
        InvalidArgumentError: The statement is invalid.
        UnimplementedError: The fake does not support it.
    """
    from fakeviam.query.errors import QueryError  # noqa: PLC0415 - with the first statement
    from fakeviam.query.sql.errors import SqlError, UnservedSqlError  # noqa: PLC0415
    from fakeviam.query.sql.statements import translate  # noqa: PLC0415

    try:
        translation = translate(request.sql_query, now=moment_of(call.clock.now()))
    except SqlError as error:
        call.cite(["SL-8"])
        raise InvalidArgumentError(str(error), clause="SL-7") from None
    except UnservedSqlError as error:
        raise UnimplementedError(str(error), clause="SL-12") from None
    except QueryError as error:
        raise refusal(error, "SL-8") from None
    _cite(call, translation)
    return translation


def _cite(call: Call, translation: Translation) -> None:
    if translation.text_dates:
        call.cite(["SL-9"])
    if translation.counts_rows:
        call.cite(["SL-6"])
    if translation.compares:
        call.cite(["SL-10"])
    if translation.unknown:
        call.cite(["SL-11"])
        call.note = "; ".join(map(_unknown, translation.unknown))


def _unknown(name: str) -> str:
    from fakeviam.query.sql.datasources import COLUMNS  # noqa: PLC0415 - with the first statement

    near = get_close_matches(name, COLUMNS, n=1)
    hint = f", did you mean {near[0]!r}?" if near else f"; they have {', '.join(COLUMNS)}"
    return f"readings have no column {name!a}{hint}"


def _rows(call: Call, organization_id: str, translation: Translation) -> list[dict[str, object]]:
    from fakeviam.query.pipeline import Pipeline  # noqa: PLC0415 - with the first statement
    from fakeviam.query.sql.operators import SQL_OPERATORS  # noqa: PLC0415

    if not translation.reads:
        now, chance = moment_of(call.clock.now()), Random(0)  # noqa: S311
        stages = translation.stages
        return Pipeline(stages, now=now, random=chance, operators=SQL_OPERATORS).run([{}])
    return run_pipeline(call, organization_id, translation.stages, SQL_OPERATORS)
