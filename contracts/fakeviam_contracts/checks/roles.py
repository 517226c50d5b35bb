"""API keys: authentication, and permissions in each scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts.assertions import AnyError, AnyOf
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, Need, check
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam_contracts.keyed import Keyed
    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.session import Session
    from fakeviam_contracts.wirelog import Wire

FILES, READINGS = "BinaryDataByFilter", "TabularDataByFilter"
LISTS = "ListDatasetsByOrganizationID"


def keyed_of(session: Session) -> Keyed:
    """The server that requires keys, without data."""
    assert session.place.keyed is not None  # noqa: S101 - required by the check
    return session.place.keyed()


def as_holder(session: Session, keyed: Keyed, key: str) -> Wire:
    """A connection with a key."""
    reply = session.answered("AU-1", "Authenticate", keyed.log_in(key, session.wire.calls))
    return keyed.wire(reply.access_token, session.wire.calls)


def _upload(
    session: Session, keyed: Keyed, wire: Wire, part: Origin, *, reading: bool = False
) -> str:
    kind = raw.TABULAR if reading else raw.BINARY
    content = raw.reading() if reading else datasync.SensorData(binary=b"x")
    content.metadata.CopyFrom(raw.sensor(BASE, BASE))
    metadata = datasync.UploadMetadata(
        part_id=part.part_id, type=kind, component_name="cam", tags=["dog"]
    )
    answer = wire.call("DataCaptureUpload", raw.capture(metadata, content))
    keyed.settle(session.interpretation.visibility)
    return str(session.answered("CU-1", "DataCaptureUpload", answer).binary_data_id)


def status_of(answer: object) -> str:
    """The gRPC status of a reply."""
    return answer.status if isinstance(answer, Refused) else "OK"


def _denied(session: Session, clause: str, wire: Wire, request: Message, who: str) -> None:
    rpc = request.DESCRIPTOR.name.removesuffix("Request")
    status = status_of(wire.call(rpc, request))
    session.expect(clause, f"{rpc} of {who}", AnyError(), status)
    session.expect("AC-3", f"status of {rpc} of {who}", "PERMISSION_DENIED", status)


def _ids(session: Session, clause: str, wire: Wire, **fields: Any) -> list[str]:
    request = data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(filter=data.Filter(**fields), sort_order=data.ORDER_ASCENDING)
    )
    reply = session.answered(clause, FILES, wire.call(FILES, request))
    return [entry.metadata.binary_data_id for entry in reply.data]


def _edits(keyed: Keyed, whole: str, dataset_id: str) -> list[Message]:
    """Requests that only owners may make."""
    organization = keyed.here.organization_id
    return [
        data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=[whole], tags=["new"]),
        data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=[whole], tags=["dog"]),
        data.AddTagsToBinaryDataByFilterRequest(filter=data.Filter(), tags=["new"]),
        data.DeleteBinaryDataByIDsRequest(binary_data_ids=[whole]),
        data.DeleteBinaryDataByFilterRequest(filter=data.Filter(organization_ids=[organization])),
        data.DeleteTabularDataRequest(organization_id=organization),
        data.TagsByFilterRequest(filter=data.Filter()),
        dataset.ListDatasetsByOrganizationIDRequest(organization_id=organization),
        dataset.CreateDatasetRequest(name="new", organization_id=organization),
        dataset.RenameDatasetRequest(id=dataset_id, name="new"),
        dataset.DeleteDatasetRequest(id=dataset_id),
        data.AddBinaryDataToDatasetByIDsRequest(dataset_id=dataset_id, binary_data_ids=[whole]),
    ]


def _dataset(session: Session, keyed: Keyed, wire: Wire) -> str:
    request = dataset.CreateDatasetRequest(name="pets", organization_id=keyed.here.organization_id)
    answer = wire.call("CreateDataset", request)
    return str(session.answered("DS-1", "CreateDataset", answer).id)


@check("AU-2", "AU-4", needs=(Need.KEYS,))
def who_is_let_in(session: Session) -> None:
    """Unknown keys and missing or invalid tokens are refused."""
    keyed = keyed_of(session)
    wrong = status_of(keyed.log_in("nobody", session.wire.calls))
    session.expect("AU-4", "login with a wrong key", "UNAUTHENTICATED", wrong)
    for token in ("", "no token"):
        for rpc in (FILES, READINGS, "TagsByFilter"):
            request = getattr(data, f"{rpc}Request")()
            status = status_of(keyed.wire(token, session.wire.calls).call(rpc, request))
            session.expect("AU-4", f"{rpc} without a token", "UNAUTHENTICATED", status)
    owner = as_holder(session, keyed, "owner")
    whole = _upload(session, keyed, owner, keyed.here)
    session.expect("AU-2", "files of the holder of a token", [whole], _ids(session, "AU-2", owner))


@check("AC-1", needs=(Need.KEYS,))
def operators_see_data(session: Session) -> None:
    """Operators can read files with their bytes, and readings."""
    keyed = keyed_of(session)
    owner, operator = as_holder(session, keyed, "owner"), as_holder(session, keyed, "operator")
    whole = _upload(session, keyed, owner, keyed.here)
    _upload(session, keyed, owner, keyed.there, reading=True)
    session.expect("AC-1", "files of an operator", [whole], _ids(session, "AC-1", operator))
    named = data.BinaryDataByIDsRequest(binary_data_ids=[whole], include_binary=True)
    reply = session.answered("AC-1", "BinaryDataByIDs", operator.call("BinaryDataByIDs", named))
    session.expect("AC-1", "bytes for an operator", [b"x"], [entry.binary for entry in reply.data])
    counting = data.TabularDataByFilterRequest(count_only=True)
    reply = session.answered("AC-1", READINGS, operator.call(READINGS, counting))
    session.expect("AC-1", "readings of an operator", 1, reply.count)


@check("AC-1", "AC-2", "AC-3", needs=(Need.KEYS,))
def operators_edit_nothing(session: Session) -> None:
    """Writes by operators are refused, and change nothing."""
    keyed = keyed_of(session)
    owner, operator = as_holder(session, keyed, "owner"), as_holder(session, keyed, "operator")
    whole = _upload(session, keyed, owner, keyed.here)
    dataset_id = _dataset(session, keyed, owner)
    for edit in _edits(keyed, whole, dataset_id):
        _denied(session, "AC-1", operator, edit, "an operator")
    more: tuple[Message, ...] = (
        data.AddBoundingBoxToImageByIDRequest(binary_data_id=whole, label="dog"),
        raw.capture(
            datasync.UploadMetadata(part_id=keyed.here.part_id, type=raw.BINARY),
            datasync.SensorData(binary=b"x"),
        ),
    )
    for edit in more:
        _denied(session, "AC-2", operator, edit, "an operator")
    reply = session.answered("AC-2", "BoundingBoxLabelsByFilter", operator.call(
        "BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest()))  # fmt: skip
    session.expect("AC-2", "labels for an operator", [], list(reply.labels))
    session.expect("AC-1", "files after an operator's edits", [whole], _ids(session, "AC-1", owner))


@check("AC-8", "AC-10", "AC-9", needs=(Need.KEYS,))
def keys_of_places(session: Session) -> None:
    """A key of a location or a machine only gives access to the data there."""
    keyed = keyed_of(session)
    owner = as_holder(session, keyed, "owner")
    for kind in ("location", "machine"):
        holder = as_holder(session, keyed, kind)
        here, there = (_upload(session, keyed, owner, part) for part in (keyed.here, keyed.there))
        who = f"a key of a {kind}"
        session.expect("AC-8", f"files of {who}", [here], _ids(session, "AC-8", holder))
        request = data.DeleteBinaryDataByFilterRequest(
            filter=data.Filter(organization_ids=[keyed.here.organization_id])
        )
        holder.call("DeleteBinaryDataByIDs",
                    data.DeleteBinaryDataByIDsRequest(binary_data_ids=[there]))  # fmt: skip
        session.expect("AC-8", f"files after {who} named another's", {here, there},
                       set(_ids(session, "AC-8", owner)))  # fmt: skip
        reply = session.answered(
            "AC-8", "DeleteBinaryDataByFilter", holder.call("DeleteBinaryDataByFilter", request)
        )
        session.expect("AC-8", f"deleted by {who}", 1, reply.deleted_count)
        session.expect("AC-8", f"files after {who} deleted", [there], _ids(session, "AC-8", owner))
        dataset_id = _dataset(session, keyed, owner)
        for edit in (
            dataset.RenameDatasetRequest(id=dataset_id, name="new"),
            dataset.DeleteDatasetRequest(id=dataset_id),
        ):
            _denied(session, "AC-8", holder, edit, who)
        creating = dataset.CreateDatasetRequest(
            name="cars", organization_id=keyed.here.organization_id
        )
        allowed = AnyOf("OK", "PERMISSION_DENIED")
        created = status_of(holder.call("CreateDataset", creating))
        session.expect("AC-10", f"a dataset made by {who}", allowed, created)
        connection = data.GetDatabaseConnectionRequest(organization_id=keyed.here.organization_id)
        _denied(session, "AC-9", holder, connection, who)
        listing = dataset.ListDatasetsByOrganizationIDRequest(
            organization_id=keyed.here.organization_id
        )
        reply = session.answered("AC-8", LISTS, holder.call(LISTS, listing))
        seen = dataset_id in [listed.id for listed in reply.datasets]
        session.expect("AC-8", f"{who} sees the dataset", expected=True, observed=seen)
        keyed = keyed_of(session)
        owner = as_holder(session, keyed, "owner")


@check("A51", needs=(Need.KEYS,))
def organizations_of_keys(session: Session) -> None:
    """A key gives access to its organizations; others are refused, and absent from lists."""
    keyed = keyed_of(session)
    owner, foreign = as_holder(session, keyed, "owner"), as_holder(session, keyed, "foreign")
    ours, theirs = (
        _upload(session, keyed, wire, part)
        for wire, part in ((owner, keyed.here), (foreign, keyed.foreign))
    )
    for wire, whole in ((owner, ours), (foreign, theirs)):
        session.expect("A51", "files of a key", [whole], _ids(session, "A51", wire))
    named = data.Filter(organization_ids=[keyed.foreign.organization_id])
    request = data.BinaryDataByFilterRequest(data_request=data.DataRequest(filter=named))
    status = status_of(owner.call(FILES, request))
    session.expect("A51", "files of another organization", "PERMISSION_DENIED", status)


CHECKS = (
    who_is_let_in,
    operators_see_data,
    operators_edit_nothing,
    keys_of_places,
    organizations_of_keys,
)
