"""TabularDataBySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
import pytest
from grpclib.const import Status

from fakeviam import Policy
from fakeviam.wire import data

from .driver import ORGANIZATION, Viam, at, reading, refused, signed_in

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio


async def ask(viam: Viam, statement: str, organization_id: str = ORGANIZATION) -> list[Any]:
    request = data.TabularDataBySQLRequest(organization_id=organization_id, sql_query=statement)
    reply = await viam.rpc("TabularDataBySQL", request)
    return [bson.decode(row) for row in reply.raw_data]


async def noted(viam: Viam, statement: str) -> tuple[int, str]:
    """How many rows a statement has, and the note beside them."""
    request = data.TabularDataBySQLRequest(organization_id=ORGANIZATION, sql_query=statement)
    async with viam.calling("TabularDataBySQL") as stream:
        await stream.send_message(request, end=True)
        reply = await stream.recv_message()
        await stream.recv_trailing_metadata()
    return len(reply.raw_data), str((stream.trailing_metadata or {}).get("fakeviam-note", ""))


async def upload_three(viam: Viam) -> None:
    await viam.upload_readings(reading({"k": 1}, at(0), at(3)), component_name="a")
    await viam.upload_readings(reading({"k": 2}, at(1), at(2)), component_name="a", tags=["x"])
    await viam.upload_readings(reading({"k": 3}, at(2), at(1)), component_name="b")


async def test_rows_are_the_documents_that_pipelines_see(viam: Viam) -> None:
    """SL-1, SL-2."""
    await upload_three(viam)
    rows = await ask(viam, "SELECT * FROM readings")
    pipeline = data.TabularDataByMQLRequest(organization_id=ORGANIZATION)
    reply = await viam.rpc("TabularDataByMQL", pipeline)
    assert rows == [bson.decode(document) for document in reply.raw_data]
    assert len(rows) == 3
    assert {"SL-1", "SL-2", "SL-3", "SL-4", "SL-5", "MQ-6"} <= viam.cited()


async def test_the_store_and_the_stages_select_alike(viam: Viam) -> None:
    """SL-1: what the store decides is what an expression would."""
    await upload_three(viam)
    pushed = "component_name = 'a' AND time_received > CAST('2026-03-10T12:00:02Z' AS TIMESTAMP)"
    order = "ORDER BY time_received DESC LIMIT 2"
    (row,) = await ask(viam, f"SELECT data.k FROM readings WHERE {pushed} {order}")  # noqa: S608
    assert row == {"k": 1}
    computed = await ask(viam, f"SELECT data.k FROM readings WHERE ({pushed}) OR NULL {order}")  # noqa: S608
    assert computed == [row]


async def test_what_a_count_rests_on(viam: Viam) -> None:
    """SL-6, SL-9, SL-10."""
    await upload_three(viam)
    count = "SELECT COUNT(*) AS n FROM readings WHERE data.k > 1 AND time_received > '2026-03-10'"
    assert await ask(viam, count) == [{"n": 2}]
    assert {"SL-6", "SL-9", "SL-10"} <= viam.cited()
    assert await ask(viam, "SELECT COUNT(*) FROM readings WHERE component_name = 'none'") == []


async def test_empty_texts_are_values(viam: Viam) -> None:
    """SL-4: an empty text is neither null nor missing, in a column of the store and in data."""
    for component, values in (("", {"t": ""}), ("a", {"t": None}), ("b", {}), ("c", {"t": "x"})):
        await viam.upload_readings(reading(values, at(len(component))), component_name=component)
    for condition, components in {
        "component_name = ''": [""],
        "component_name <> ''": ["a", "b", "c"],
        "component_name IN ('', 'c')": ["", "c"],
        "component_name IS NULL": [],
        "data.t = ''": [""],
        "data.t <> ''": ["c"],
        "data.t IS NULL": ["a", "b"],
        "data.t IS MISSING": ["b"],
        "data.t IS NOT NULL": ["", "c"],
        "data.t LIKE ''": [""],
        "COALESCE(data.t, 'n') = 'n'": ["a", "b"],
        "NULLIF(data.t, '') IS NULL": ["", "a", "b"],
        "CHAR_LENGTH(data.t) = 0": [""],
    }.items():
        rows = await ask(
            viam,
            f"SELECT component_name FROM readings WHERE {condition} ORDER BY component_name",  # noqa: S608
        )
        assert [row["component_name"] for row in rows] == components, condition
    rows = await ask(viam, "SELECT data.t, COUNT(*) AS n FROM readings GROUP BY data.t ORDER BY t")
    assert rows == [{"t": None, "n": 2}, {"t": "", "n": 1}, {"t": "x", "n": 1}]


async def test_other_organizations_stay_out(viam: Viam) -> None:
    """SL-1, A48, A51."""
    await upload_three(viam)
    where = f"WHERE organization_id = '{ORGANIZATION}'"
    other = viam.cloud.fleet.add_part("arm", robot="r", organization="other").organization_id
    assert await ask(viam, f"SELECT * FROM readings {where}", other) == []  # noqa: S608
    assert len(await ask(viam, f"SELECT * FROM readings {where}")) == 3  # noqa: S608
    with refused(Status.INVALID_ARGUMENT, "A48"):
        await ask(viam, "SELECT * FROM readings", "")


async def test_a_key_sees_its_own_organization(start: Start) -> None:
    """A51."""
    viam = await start(auth="keys")
    owner = await signed_in(viam)
    assert await ask(owner, "SELECT * FROM readings") == []
    other = viam.cloud.fleet.add_part("arm", robot="r", organization="other").organization_id
    with refused(Status.PERMISSION_DENIED, "A51"):
        await ask(owner, "SELECT * FROM readings", other)


async def test_refusals_have_the_number_of_the_dialect(viam: Viam) -> None:
    """SL-7, SL-8."""
    with refused(Status.INVALID_ARGUMENT, "SL-7", "Failed to translate SQL: Error 3002"):
        await ask(viam, "SELECT data, * FROM readings")
    assert "SL-8" in viam.cited()


async def test_a_statement_that_fails_over_its_rows(viam: Viam) -> None:
    """SL-8, QG-2."""
    await viam.upload_readings(reading({"k": "text"}, at(0), at(3)))
    with refused(Status.INVALID_ARGUMENT, "SL-8", "only supports numeric"):
        await ask(viam, "SELECT data.k + 1 FROM readings")


async def test_what_is_not_served(viam: Viam) -> None:
    """SL-12."""
    with refused(Status.UNIMPLEMENTED, "SL-12", "UNION"):
        await ask(viam, "SELECT data FROM readings UNION SELECT data FROM readings")


async def test_columns_that_no_reading_has_are_noted(viam: Viam) -> None:
    """SL-11."""
    await upload_three(viam)
    assert await noted(viam, "SELECT componentName FROM readings") == (
        3,
        "readings have no column 'componentName', did you mean 'component_name'?",
    )
    assert "SL-11" in viam.cited()
    rows, note = await noted(viam, "SELECT `ü`, data.k FROM readings")
    assert (rows, note.startswith("readings have no column '\\xfc'; they have _id, ")) == (3, True)
    assert await noted(viam, "SELECT data.nothing FROM readings") == (3, "")


async def test_without_a_bound_the_real_service_finds_nothing(start: Start) -> None:
    """SL-13."""
    viam = await start(policy=Policy(sql_needs_time_bound=True))
    await upload_three(viam)
    rows, note = await noted(viam, "SELECT * FROM readings")
    assert (rows, "time_received >=" in note) == (0, True)
    assert await noted(viam, "SELECT * FROM readings WHERE time_received > '2026-01-01'") == (3, "")
    assert "SL-13" in viam.cited()
    assert await ask(viam, "SELECT 1 AS one") == [{"one": 1}]


async def test_a_statement_writes_nothing(viam: Viam) -> None:
    """SL-7."""
    await upload_three(viam)
    before = viam.contents()
    for statement in ("DELETE FROM readings", "SELECT 1; DELETE FROM readings"):
        with refused(Status.INVALID_ARGUMENT, "SL-7"):
            await ask(viam, statement)
    assert viam.contents() == before
