"""Ownership of data: internal data, other organizations, databases, logins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import app, auth, data, datapipelines, dataset, datasync
from fakeviam_contracts import queries
from fakeviam_contracts.assertions import ProgramEndedError
from fakeviam_contracts.checks import pipelines, raw, sequences
from fakeviam_contracts.checks.base import BASE, Need, check
from fakeviam_contracts.checks.sql import statement_of
from fakeviam_contracts.session import permission

if TYPE_CHECKING:
    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.session import Session

PAGES = BINARY, TABULAR = ("BinaryDataByFilter", "TabularDataByFilter")


def _upload(session: Session, part: Origin | None, *, reading: bool = False) -> str:
    """Upload a file or a reading of a part; returns its id."""
    content = datasync.SensorData(metadata=raw.sensor(BASE, BASE))
    if reading:
        content.struct.CopyFrom(raw.reading().struct)
    else:
        content.binary = b"x"
    upload = raw.metadata(session, raw.TABULAR if reading else raw.BINARY, part)
    reply = raw.call(session, "CU-1", "DataCaptureUpload", raw.capture(upload, content))
    return str(reply.binary_data_id)


def _expect_count(session: Session, clause: str, rpc: str, count: int, **how: object) -> None:
    reply = raw.page(session, clause, rpc, raw.mine(session), **how)
    session.expect(clause, f"count of {rpc}", count, reply.count)


def _expect_later(session: Session, rpc: str) -> None:
    """Later pages include internal data, too."""
    for order in (data.ORDER_ASCENDING, data.ORDER_DESCENDING):
        asked = data.DataRequest(filter=raw.mine(session), limit=1, sort_order=order)
        request = getattr(data, f"{rpc}Request")(data_request=asked, include_internal_data=True)
        for page in ("first", "second"):
            reply = raw.call(session, "PG-10", rpc, request)
            session.expect("PG-10", f"count of the {page} page of {rpc}", 1, reply.count)
            request.data_request.last = reply.last


@check("PG-10", needs=(Need.INTERNAL,))
def internal_data(session: Session) -> None:
    """Internal data is only visible if the request includes it, in pages and in totals."""
    for rpc in PAGES:
        for part in (session.place.parts[0], session.place.internal):
            _upload(session, part, reading=rpc == TABULAR)
        for only in (False, True):
            _expect_count(session, "PG-10", rpc, 1, count_only=only)
            _expect_count(session, "PG-10", rpc, 2, count_only=only, include_internal_data=True)
        _expect_later(session, rpc)


@check("DF-3", "DF-4", needs=(Need.INTERNAL,))
def deletes_of_internal_data(session: Session) -> None:
    """Deleting by filter only affects internal data if the request includes it."""
    for part in (session.place.parts[0], session.place.internal):
        _upload(session, part)
    for internal in (False, True):
        request = data.DeleteBinaryDataByFilterRequest(
            filter=raw.mine(session, organization_ids=[session.place.organization_id]),
            include_internal_data=internal,
        )
        reply = raw.call(session, "DF-3", "DeleteBinaryDataByFilter", request)
        session.expect("DF-4", "deleted", 1, reply.deleted_count)
        left = 0 if internal else 1
        _expect_count(session, "DF-3", BINARY, left, include_internal_data=True)


@check("DM-7", "DS-4", "DS-8", needs=(Need.FOREIGN,))
def data_of_others(session: Session) -> None:
    """Data of other organizations cannot join our datasets, which they do not list either."""
    foreign = _upload(session, session.place.foreign)
    create = dataset.CreateDatasetRequest(
        name="pets", organization_id=session.place.organization_id
    )
    dataset_id = raw.call(session, "DS-1", "CreateDataset", create).id
    joining = data.AddBinaryDataToDatasetByIDsRequest(
        dataset_id=dataset_id, binary_data_ids=[foreign]
    )
    raw.refuse(session, "DM-7", "INVALID_ARGUMENT", "AddBinaryDataToDatasetByIDs", joining)
    listing = dataset.ListDatasetsByOrganizationIDRequest(organization_id=foreign.partition("/")[0])
    listed = raw.call(session, "DS-4", "ListDatasetsByOrganizationID", listing).datasets
    session.expect("DS-4", "datasets of another organization", [], [d.id for d in listed])
    # Names are unique in an organization alone.
    for name in ("pets", "cars"):
        create = dataset.CreateDatasetRequest(name=name, organization_id=listing.organization_id)
        raw.call(session, "DS-8", "CreateDataset", create)
    renaming = dataset.RenameDatasetRequest(id=dataset_id, name="cars")
    raw.call(session, "DS-8", "RenameDataset", renaming)


@check("DT-1", "DF-1", needs=(Need.FOREIGN,))
def deletes_among_others(session: Session) -> None:
    """The data of other organizations remains."""
    organization_id = session.place.organization_id
    for part in (None, session.place.foreign):
        _upload(session, part, reading=True)
    request = data.DeleteTabularDataRequest(organization_id=organization_id)
    raw.call(session, "DT-1", "DeleteTabularData", request)
    _expect_count(session, "DT-1", TABULAR, 1)
    for part in (None, session.place.foreign):
        _upload(session, part)
    filter_ = raw.mine(session, organization_ids=[organization_id])
    # A filter that ignores organizations is wrong before it deletes anything.
    count, what = raw.page(session, "FI-1", BINARY, filter_).count, "files of one organization"
    if not session.expect("FI-1", what, 1, count, cause="organization_ids"):
        return
    ours = data.DeleteBinaryDataByFilterRequest(filter=filter_)
    raw.call(session, "DF-1", "DeleteBinaryDataByFilter", ours)
    _expect_count(session, "DF-1", BINARY, 1)


def _expect_queries_of(session: Session, organization_id: str) -> None:
    """Queries of either language read one organization."""
    asking = queries.request(session, [{"$group": {"_id": "$organization_id"}}])
    asking.organization_id = organization_id
    found = queries.decoded(raw.call(session, "MQ-1", queries.RPC, asking))
    what = "organizations of what a query reads"
    session.expect("MQ-1", what, [organization_id], [each["_id"] for each in found])
    statement = "SELECT DISTINCT organization_id AS o FROM readings"
    request = statement_of(session, statement)
    request.organization_id = organization_id
    rows = queries.decoded(raw.call(session, "SL-1", "TabularDataBySQL", request))
    what = "organizations of what a statement reads"
    session.expect("SL-1", what, [organization_id], [each.get("o") for each in rows])


@check("MQ-1", "SL-1", needs=(Need.FOREIGN,))
def queries_of_two_organizations(session: Session) -> None:
    """Each organization's queries read its own readings only."""
    for part in (session.place.parts[0], session.place.foreign):
        assert part is not None  # noqa: S101 - required by the check
        _upload(session, part, reading=True)
    for part in (session.place.parts[0], session.place.foreign):
        assert part is not None  # noqa: S101
        _expect_queries_of(session, part.organization_id)


@check("SQ-1", "DP-1", "AP-1", needs=(Need.FOREIGN,))
def lists_of_two_organizations(session: Session) -> None:
    """Sequences, pipelines and locations are in the list of their organization only."""
    here, there = session.place.parts[0], session.place.foreign
    assert there is not None  # noqa: S101 - required by the check
    sequence_id, pipeline_id = sequences.create(session), pipelines.create(session, "zebras")
    for origin in (here, there):
        owner = {"organization_id": origin.organization_id}
        for clause, rpc, request, name, ours in (
            ("SQ-1", sequences.LIST, data.ListSequencesRequest(page_size=900, **owner),
             "sequences", sequence_id),
            ("DP-1", pipelines.LIST, datapipelines.ListDataPipelinesRequest(**owner),
             "data_pipelines", pipeline_id),
            ("AP-1", "ListLocations", app.ListLocationsRequest(**owner),
             "locations", here.location_id),
        ):  # fmt: skip
            reply = raw.call(session, clause, rpc, request)
            if origin is here and rpc == sequences.LIST:
                continue  # ours may be on a later page
            is_there = ours in {each.id for each in getattr(reply, name)}
            what = f"our own is in {'our' if origin is here else 'the other'} list by {rpc}"
            session.expect(clause, what, origin is here, is_there)


@check("A48", "DT-1", needs=(Need.EXCLUSIVE,))
def deletes_of_nobody(session: Session) -> None:
    """A delete of readings requires an organization."""
    _upload(session, None, reading=True)
    request = data.DeleteTabularDataRequest()
    if raw.refuse(session, "A48", "INVALID_ARGUMENT", "DeleteTabularData", request):
        _expect_count(session, "A48", TABULAR, 1)


def _connection(session: Session, organization_id: str = "") -> Any:
    organization_id = organization_id or session.place.organization_id
    request = data.GetDatabaseConnectionRequest(organization_id=organization_id)
    rpc = "GetDatabaseConnection"
    reply = session.outcome("DB-1", rpc, session.wire.call(rpc, request), [permission("A46")])
    if reply is None:
        session.left_out = "the organization has no database yet (A46)"
        raise ProgramEndedError(rpc)
    return reply


@check("DB-1", "DB-2", "DB-6", "A46")
def databases(session: Session) -> None:
    """Each organization has its own constant host; a request without one is refused."""
    host = _connection(session).hostname
    session.expect("DB-1", "there is a host", expected=True, observed=bool(host))
    session.expect("DB-1", "the host once more", host, _connection(session).hostname)
    rpc, request = "GetDatabaseConnection", data.GetDatabaseConnectionRequest()
    raw.refuse(session, "DB-6", "INVALID_ARGUMENT", rpc, request)
    request.organization_id = "no such organization"
    raw.refuse(session, "DB-2", "NOT_FOUND", rpc, request)


# It changes the password of the database's users, so it only runs if there are none.
@check("DB-2", "DB-3", "DB-4", "DB-5", "DB-6", needs=(Need.EXCLUSIVE,))
def users_of_databases(session: Session) -> None:
    """Users are created with a password, which can be reset; the connection data mentions them."""
    rpc, organization_id = "ConfigureDatabaseUser", session.place.organization_id
    for owner_id, password, clause, status in (
        ("", "Secret12345secret", "DB-6", "INVALID_ARGUMENT"),
        ("no such organization", "Secret12345secret", "DB-2", "NOT_FOUND"),
        (organization_id, "", "DB-5", "INVALID_ARGUMENT"),
    ):
        wrong = data.ConfigureDatabaseUserRequest(organization_id=owner_id, password=password)
        raw.refuse(session, clause, status, rpc, wrong)
    if session.place.advance is not None:
        # A fake has been reset before; elsewhere, users persist.
        had = _connection(session).has_database_user
        session.expect("DB-4", "there is a user", expected=False, observed=had)
    for password in ("Secret12345secret", "Another67890another"):
        request = data.ConfigureDatabaseUserRequest(
            organization_id=organization_id, password=password
        )
        raw.call(session, "DB-3", rpc, request)
        has = _connection(session).has_database_user
        session.expect("DB-4", "there is a user", expected=True, observed=has)
        session.comparisons["DB-3"] += 1
    if session.place.foreign is not None and session.place.advance is not None:
        has = _connection(session, session.place.foreign.organization_id).has_database_user
        what = "another organization has a user"
        session.expect("DB-4", what, expected=False, observed=has)


@check("AU-1", "AU-3", needs=(Need.LOGIN,))
def logins(session: Session) -> None:
    """Every login is answered with a token, any number of times."""
    request = auth.AuthenticateRequest(
        entity="somebody", credentials=auth.Credentials(type="api-key", payload="a key")
    )
    for _ in range(2):
        token = raw.call(session, "AU-1", "Authenticate", request).access_token
        for clause in ("AU-1", "AU-3"):
            session.expect(clause, "there is a token", expected=True, observed=bool(token))


CHECKS = (
    internal_data,
    deletes_of_internal_data,
    data_of_others,
    deletes_among_others,
    queries_of_two_organizations,
    lists_of_two_organizations,
    deletes_of_nobody,
    databases,
    users_of_databases,
    logins,
)
