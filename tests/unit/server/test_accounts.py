"""API keys with roles, that end, and what is kept of tokens."""

from __future__ import annotations

import itertools
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import FakeViam, UsageError
from fakeviam.model.clock import Clock
from fakeviam.model.errors import UnauthenticatedError
from fakeviam.model.ids import Ids
from fakeviam.server.state.accounts import Accounts
from fakeviam.wire import app, data, methods
from fakeviam.wire import dataset as dataset_wire

from .driver import (
    DEFAULT_PART,
    METHODS,
    ORGANIZATION,
    As,
    RefusedError,
    Viam,
    login,
    refused,
    signed_in,
)
from .fleet_requests import fleet_requests

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Start

HOUR = timedelta(hours=1)

#: What an operator may do; everything else takes the owner.
OPERATORS = {
    "BinaryDataByFilter",
    "BinaryDataByIDs",
    "BoundingBoxLabelsByFilter",
    "CreateBinaryDataSignedURL",
    "ExportTabularData",
    "GetDatabaseConnection",
    "GetLatestTabularData",
    "TabularDataByFilter",
    "TabularDataByMQL",
    "TabularDataBySQL",
    *(rpc for rpc in fleet_requests(DEFAULT_PART) if not rpc.startswith("Update")),
}


# Roles -----------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_operators_look_at_data_and_do_nothing_else(start: Start) -> None:
    """Every RPC with an empty request: the role decides first (AC-1, AC-2, AC-3, AP-10)."""
    viam = await start(auth="keys")
    key = viam.cloud.add_api_key(organizations=ORGANIZATION, role="operator")
    operator = await signed_in(viam, key.id, key.key)
    denied = set()
    for method in methods():
        if method.name == "Authenticate":
            continue
        with suppress(RefusedError):
            await operator.rpc(method.name, METHODS[method.name].request())
        call = viam.cloud.calls.where(method.name).last()
        if call.status == "PERMISSION_DENIED":
            told = "requires an API key with the role 'owner'; this one has 'operator' [AC-3]"
            assert call.text == f"{method.name} {told}"
            denied.add(method.name)
    assert denied == {method.name for method in methods()} - OPERATORS - {"Authenticate"}
    assert {"AC-1", "AC-2", "AC-3", "AP-10"} <= viam.cited()


@pytest.mark.asyncio
async def test_operators_see_what_they_may(start: Start) -> None:
    """Records with their tags; a refusal changes nothing (AC-1, AC-3)."""
    viam = await start(auth="keys")
    owner = await signed_in(viam)
    await owner.upload("a", tags=["x"])
    key = viam.cloud.add_api_key(organizations=ORGANIZATION, role="operator")
    operator = await signed_in(viam, key.id, key.key)
    page = await operator.binary()
    assert list(page.data[0].metadata.capture_metadata.tags) == ["x"]
    with viam.refuses(Status.PERMISSION_DENIED, "AC-3"):
        await operator.upload("b")
    with viam.refuses(Status.PERMISSION_DENIED, "AC-3"):
        await operator.rpc("DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterRequest())


@pytest.mark.asyncio
async def test_roles_rest_on_the_documentation_where_it_has_them(start: Start) -> None:
    """Reading as an operator is documented; what the table leaves open is assumed (AC-1, AC-2)."""
    viam = await start(auth="keys")
    key = viam.cloud.add_api_key(organizations=ORGANIZATION, role="operator")
    operator = await signed_in(viam, key.id, key.key)
    await operator.binary(count_only=True)
    assert "AC-1" in viam.cited()
    assert "AC-2" not in viam.cited()
    await operator.rpc("BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest())
    assert "AC-2" in viam.cited()


# Keys of locations and machines ----------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("level", ["locations", "machines"])
async def test_keys_of_places_see_and_change_what_is_there(start: Start, level: str) -> None:
    """And datasets of the organization; only its owners rename and delete them (AC-8, AC-9)."""
    viam = await start(auth="keys")
    part = viam.cloud.fleet.add_part("arm", robot="r", location="den")
    place: dict[str, Any] = {level: part if level == "machines" else part.location_id}
    key = viam.cloud.add_api_key(**place)
    owner, narrow = await signed_in(viam), await signed_in(viam, key.id, key.key)
    hidden = await owner.upload("hidden", tags=["hidden"])
    dataset = await owner.create_dataset("shared")
    await owner.add_members(dataset, hidden)
    seen = await narrow.upload("seen", tags=["seen"], part_id=part.id)
    with viam.refuses(Status.UNKNOWN, "A22"):
        await narrow.upload("elsewhere")
    assert await narrow.names() == ["seen"]
    assert await narrow.tags_by_filter() == ["seen"]
    (found,) = (await narrow.by_ids(hidden, seen)).data
    assert found.metadata.file_name == "seen"
    await narrow.add_tags(hidden, seen, tags=["new"])
    await narrow.add_members(dataset, hidden, seen)
    assert await narrow.names(data.Filter(dataset_id=dataset)) == ["seen"]
    listed = await narrow.rpc(
        "ListDatasetsByOrganizationID",
        dataset_wire.ListDatasetsByOrganizationIDRequest(organization_id=ORGANIZATION),
    )
    assert [each.name for each in listed.datasets] == ["shared"]
    rename = dataset_wire.RenameDatasetRequest(id=dataset, name="mine")
    for rpc, request, clause in (
        ("RenameDataset", rename, "AC-8"),
        ("DeleteDataset", dataset_wire.DeleteDatasetRequest(id=dataset), "AC-8"),
        ("MergeDatasets", dataset_wire.MergeDatasetsRequest(), "AC-9"),
        ("GetDatabaseConnection", data.GetDatabaseConnectionRequest(), "AC-9"),
        ("ConfigureDatabaseUser", data.ConfigureDatabaseUserRequest(), "AC-9"),
        ("UpdateOrganizationMetadata", app.UpdateOrganizationMetadataRequest(), "AC-9"),
    ):
        with viam.refuses(Status.PERMISSION_DENIED, clause, f"this one is of a {level[:-1]}"):
            await narrow.rpc(rpc, request)
    removed = await narrow.rpc("DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterRequest())
    assert removed.deleted_count == 1
    assert await owner.names() == ["hidden"]
    assert "new" not in await owner.tags_of(hidden)
    await owner.rpc("RenameDataset", rename)


@pytest.mark.asyncio
@pytest.mark.parametrize("policy", ["documented", "strict"])
async def test_who_creates_datasets(start: Start, policy: str) -> None:
    """Owners at any level, or those of organizations alone; operators never (AC-10, AC-3)."""
    viam = await start(auth="keys", policy=policy)
    keys = {
        "owner": viam.cloud.add_api_key(locations=[DEFAULT_PART.location_id]),
        "operator": viam.cloud.add_api_key(machines=DEFAULT_PART.robot_id, role="operator"),
        "organization": viam.cloud.add_api_key(organizations=ORGANIZATION),
    }
    clients = {name: await signed_in(viam, key.id, key.key) for name, key in keys.items()}
    await clients["organization"].create_dataset("first")
    with viam.refuses(Status.PERMISSION_DENIED, "AC-3"):
        await clients["operator"].create_dataset("second")
    if policy == "documented":
        await clients["owner"].create_dataset("third")
        assert "AC-10" in viam.cited()
        return
    with viam.refuses(Status.PERMISSION_DENIED, "AC-10", "requires an API key of an organization"):
        await clients["owner"].create_dataset("third")


def test_what_a_key_is_for() -> None:
    """One of the three, and in the fleet (AC-8)."""
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "give organizations, locations or machines, got none of them"),
        ({"organizations": []}, "got none of them"),
        (
            {"locations": DEFAULT_PART.location_id, "machines": DEFAULT_PART},
            "got locations and machines",
        ),
        ({"locations": ["no"]}, "no location has the id 'no'"),
        ({"machines": "no"}, "no machine has the id 'no'"),
        ({"organizations": DEFAULT_PART}, "no organization has the id "),
        ({"organizations": 7}, "organizations must be ids, or things of the fleet, got 7"),
    )
    with FakeViam() as cloud:
        for arguments, text in cases:
            with pytest.raises(UsageError, match=text):
                cloud.add_api_key(**arguments)
        key = cloud.add_api_key(machines=[DEFAULT_PART.id])
        assert key.organization_ids == {ORGANIZATION}
        assert key.robot_ids == {DEFAULT_PART.robot_id}
        snapshot = cloud.snapshot()
        cloud.revoke_api_key(key)
        cloud.restore(snapshot)
        assert key in cloud.api_keys


# Their end -------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_keys_end_by_the_clock(start: Start) -> None:
    """Login and tokens alike, at that very nanosecond; not before, and not in real time (AC-4)."""
    viam = await start(auth="keys")
    key = viam.cloud.add_api_key(organizations=ORGANIZATION, expires_in=HOUR)
    client = await signed_in(viam, key.id, key.key)
    viam.cloud.clock.advance(seconds=3599.999999)
    await client.binary()
    viam.cloud.clock.advance(seconds=0.000001)
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "the API key has expired"):
        await client.binary()
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "the API key has expired"):
        await login(viam, key.id, key.key)
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "the API key id or the API key is invalid"):
        await login(viam, key.id, "a guess")
    viam.cloud.clock.advance(seconds=-1)
    await client.binary()


@pytest.mark.asyncio
async def test_keys_end_at_a_given_time(start: Start) -> None:
    """As datetime or text; one that is past is dead from the start (AC-4)."""
    viam = await start(auth="keys", clock=Clock.frozen("2026-01-01"))
    cloud = viam.cloud
    later = cloud.add_api_key(
        organizations=ORGANIZATION, expires=datetime(2026, 1, 2, tzinfo=timezone.utc)
    )
    past = cloud.add_api_key(organizations=ORGANIZATION, expires="2025-12-31T23:59:59Z")
    await login(viam, later.id, later.key)
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "the API key has expired"):
        await login(viam, past.id, past.key)
    assert [key.id for key in cloud.api_keys] == [cloud.api_key_id, later.id, past.id]


@pytest.mark.asyncio
async def test_a_revoked_key_ends_at_once(start: Start) -> None:
    """With every token that was given for it, and no other (AC-4)."""
    viam = await start(auth="keys")
    keys = [viam.cloud.add_api_key(organizations=ORGANIZATION) for _ in range(2)]
    ending, staying = [await signed_in(viam, key.id, key.key) for key in keys]
    second = await signed_in(viam, keys[0].id, keys[0].key)
    viam.cloud.revoke_api_key(keys[0])
    for client in (ending, second):
        with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "an API key that was revoked"):
            await client.binary()
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "the API key id or the API key is invalid"):
        await login(viam, keys[0].id, keys[0].key)
    await staying.binary()
    viam.cloud.revoke_api_key(keys[1].id)
    with refused(Status.UNAUTHENTICATED, "AU-4", "revoked"):
        await staying.binary()
    assert [key.id for key in viam.cloud.api_keys] == [viam.cloud.api_key_id]


def test_mistakes_with_keys_say_what_to_do() -> None:
    cloud = FakeViam(seed=1)
    organizations = ORGANIZATION
    with pytest.raises(UsageError, match="role must be one of 'owner', 'operator', got 'admin'"):
        cloud.add_api_key(organizations=organizations, role="admin")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="expires and expires_in cannot be combined"):
        cloud.add_api_key(organizations=organizations, expires="2026-01-01", expires_in=HOUR)
    for wrong in (timedelta(0), -HOUR, 60):
        with pytest.raises(UsageError, match="expires_in must be a timedelta above 0"):
            cloud.add_api_key(organizations=organizations, expires_in=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not an ISO 8601 time"):
        cloud.add_api_key(organizations=organizations, expires="soon")
    with pytest.raises(UsageError, match=r"no API key has the id 'x'; cloud\.api_keys lists them"):
        cloud.revoke_api_key("x")
    assert cloud.api_key not in repr(cloud.api_keys)


# Secrets ---------------------------------------------------------------------------------


def accounts(seed: int = 1) -> Accounts:
    clock = Clock.frozen("2026-01-01")
    return Accounts(mode="keys", clock=clock, ids=Ids(seed=seed, clock=clock))


def test_tokens_are_not_kept() -> None:
    """They are signed, which other fakes do differently (AC-6)."""
    one, other = accounts(1), accounts(2)
    before = repr(vars(one))
    key = one.keys[0]
    token = one.authenticate(key.id, "api-key", key.key)
    assert repr(vars(one)) == before
    assert one.principal(f"Bearer {token}").organization_ids == key.organization_ids
    with pytest.raises(UnauthenticatedError, match="did not issue"):
        other.principal(f"Bearer {token}")


@pytest.mark.parametrize("lifetime", [None, HOUR])
def test_what_a_token_says_cannot_be_changed(lifetime: timedelta | None) -> None:
    """Neither its holder nor its end, nor any character of it (AC-6)."""
    clock = Clock.frozen("2026-01-01")
    made = Accounts(mode="keys", clock=clock, ids=Ids(seed=1, clock=clock), token_lifetime=lifetime)
    for key in (made.keys[0], made.add_key(organization_ids=["o"])):
        token = made.authenticate(key.id, "api-key", key.key)
        assert made.principal(f"Bearer {token}").organization_ids == key.organization_ids
        for at, character in enumerate(token):
            other = "A" if character != "A" else "B"
            with pytest.raises(UnauthenticatedError, match="did not issue"):
                made.principal(f"Bearer {token[:at]}{other}{token[at + 1 :]}")


@pytest.mark.asyncio
async def test_tokens_outlive_the_process_where_the_data_does(tmp_path: Path) -> None:
    """A client goes on as if nothing had happened (AC-7, PG-3, AU-2)."""
    options: dict[str, Any] = {"auth": "keys", "data_dir": tmp_path, "seed": None}
    async with Viam.running(**options, token_lifetime=HOUR) as viam:
        client = await signed_in(viam)
        for number in range(3):
            await client.upload(str(number))
        last = (await client.binary(limit=1)).last
        keys = [viam.cloud.add_api_key(organizations=ORGANIZATION) for _ in range(2)]
        tokens = [client.token, *[await login(viam, key.id, key.key) for key in keys]]
        viam.cloud.revoke_api_key(keys[0])
    async with Viam.running(**options) as viam:
        client, revoked, staying = (As(viam.cloud, viam.channel, token) for token in tokens)
        assert len((await client.binary(last=last)).data) == 2
        await staying.binary()
        with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "an API key that was revoked"):
            await revoked.binary()
        viam.cloud.clock.advance(seconds=3600)
        with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "has expired; call Authenticate again"):
            await client.binary()


@pytest.mark.asyncio
async def test_a_token_that_nobody_paid_for_is_worth_nothing(tmp_path: Path) -> None:
    """What mode `any` gave away does not count where keys do (AC-7, AU-4)."""
    async with Viam.running(data_dir=tmp_path) as viam:
        token = await login(viam)
    async with Viam.running(data_dir=tmp_path, auth="keys") as viam:
        with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "issued without a key"):
            await As(viam.cloud, viam.channel, token).binary()


def test_no_two_keys_are_alike_in_any_life(tmp_path: Path) -> None:
    """The count of secrets ends with each process, so it is not all they are made of (SN-2)."""
    made = []
    for _ in range(4):
        with FakeViam(data_dir=tmp_path) as cloud:
            made.append(cloud.add_api_key(organizations=ORGANIZATION))
    assert len({key.id for key in made}) == len({key.key for key in made}) == 4


def test_secrets_are_compared_by_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never `==`, and as often for an id that nobody has as for a wrong key (AC-6)."""
    compared: list[tuple[Any, Any]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    made = accounts()
    monkeypatch.setattr("hmac.compare_digest", compare)
    for entity, payload in itertools.product([made.keys[0].id, "nobody"], ["", "x", "x" * 999]):
        with pytest.raises(Exception, match="the API key id or the API key is invalid"):
            made.authenticate(entity, "api-key", payload)
    assert compared == [(32, 32)] * 6


def test_tokens_cannot_be_guessed() -> None:
    """Each is 64 letters and digits under a seed of 64 bits that nobody knows (AC-6)."""
    tokens = {FakeViam().add_api_key(organizations=ORGANIZATION).key for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 64 and token.isalnum() for token in tokens)


@pytest.mark.asyncio
async def test_almost_a_token_is_none(start: Start) -> None:
    """One letter less, one more, another case (AC-6, AU-4)."""
    viam = await start(auth="keys")
    token = await login(viam)
    for wrong in (token[:-1], token + "a", token.swapcase(), f" {token}"):
        with refused(Status.UNAUTHENTICATED, "AU-4"):
            await viam.rpc(
                "TagsByFilter",
                data.TagsByFilterRequest(),
                metadata={"authorization": f"Bearer {wrong}"},
            )


@pytest.mark.asyncio
async def test_any_serves_keys_that_ended(viam: Viam) -> None:
    """Mode `any` serves everyone (AC-4)."""
    key = viam.cloud.add_api_key(organizations=ORGANIZATION, role="operator", expires="2001-01-01")
    client = await signed_in(viam, key.id, key.key)
    viam.cloud.revoke_api_key(key)
    await client.upload("a")
