"""Reading and deleting binary data."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError, ResourceExhaustedError
from fakeviam.server.services.arguments import id_grounds, records_named
from fakeviam.server.services.encoding import MetadataEncoders
from fakeviam.server.services.filters import query_from
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.paging import page_footer, page_request
from fakeviam.wire import data
from fakeviam.wire.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.message import Message

    from fakeviam.model.policy import Policy
    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.state.call import Call
    from fakeviam.store.base import Store


def _page_grounds(request: data.BinaryDataByFilterRequest, _policy: Policy) -> tuple[str, ...]:
    if request.count_only:
        return ("PG-8", "PG-9", "A5")
    single = request.include_binary and request.data_request.limit == 1
    return ("BF-1", "BF-2", "PG-9", "BF-4") if single else ("BF-1", "BF-2", "PG-9")


@rpc("BinaryDataByFilter", grounds=_page_grounds)
def binary_data_by_filter(
    call: Call, request: data.BinaryDataByFilterRequest
) -> Encoded | data.BinaryDataByFilterResponse:
    """One page of binary records, or their totals (BF-1 … BF-4)."""
    data_request = request.data_request
    query = query_from(call, data_request.filter, include_internal=request.include_internal_data)
    if request.count_only:
        totals = call.store.binary_totals(query)
        return data.BinaryDataByFilterResponse(count=totals.records, total_size_bytes=totals.size)
    wanted = page_request(call, data_request, with_bytes=request.include_binary, of="files")
    page = call.store.binary_page(
        query, after=wanted.after, limit=wanted.limit, descending=wanted.descending
    )
    count, size, last = page_footer(call, data_request, wanted, page, "files")
    if call.policy.count == "total":
        count, size = call.store.binary_totals(query)
    tail = data.BinaryDataByFilterResponse(count=count, total_size_bytes=size, last=last)
    return _reply(call, page.records, tail, with_bytes=request.include_binary)


# BI-4 is not cited: no client reads this count.
@rpc("BinaryDataByIDs", rests_on=["BI-1", "BI-2"], grounds=id_grounds)
def binary_data_by_ids(call: Call, request: data.BinaryDataByIDsRequest) -> Encoded:
    """The records with the requested ids, in request order (BI-1 … BI-6)."""
    records = records_named(call, request.binary_ids, request.binary_data_ids)
    if len(records) > 1:
        call.cite(["BI-3"])
    tail = data.BinaryDataByIDsResponse(count=len(records))
    return _reply(call, records, tail, with_bytes=request.include_binary)


def _delete_grounds(
    request: data.DeleteBinaryDataByFilterRequest, _policy: Policy
) -> tuple[str, ...]:
    return ("DF-3",) if request.include_internal_data else ()


@rpc("DeleteBinaryDataByFilter", rests_on=["DF-1", "DF-4", "A54"], grounds=_delete_grounds)
def delete_binary_data_by_filter(
    call: Call, request: data.DeleteBinaryDataByFilterRequest
) -> data.DeleteBinaryDataByFilterResponse:
    """Delete the records that a filter selects (DF-1 … DF-4, A16)."""
    query = query_from(call, request.filter, include_internal=request.include_internal_data)
    if not query.organization_ids:
        if call.policy.empty_delete_filter == "refuse":
            text = "filter.organization_ids must not be empty in a delete"
            raise InvalidArgumentError(text, clause="A16")
        call.cite(["A16"])
    return data.DeleteBinaryDataByFilterResponse(
        deleted_count=call.store.delete_binary_matching(query)
    )


@rpc("DeleteBinaryDataByIDs", rests_on=["DI-1", "A54"], grounds=id_grounds)
def delete_binary_data_by_ids(
    call: Call, request: data.DeleteBinaryDataByIDsRequest
) -> data.DeleteBinaryDataByIDsResponse:
    """Delete the records with the requested ids (DI-1)."""
    records = records_named(call, request.binary_ids, request.binary_data_ids)
    deleted = call.store.delete_binary(record.file_id for record in records)
    return data.DeleteBinaryDataByIDsResponse(deleted_count=deleted)


def _reply(
    call: Call, records: Sequence[BinaryRecord], tail: Message, *, with_bytes: bool
) -> Encoded:
    """Build a reply from its `data` entries (ID-3) and the other fields. Files are copied once."""
    if records:
        call.cite(["ID-3", "A52"])
    encoders: MetadataEncoders = call.cloud.by_policy[MetadataEncoders]
    if with_bytes:
        _check_size(call, records)
        files, encode = list(_files(call.store, records)), encoders.of(call).entry_with_bytes
        parts = [part for record, file in files for part in encode(record, file)]
    else:
        parts = encoders.of(call).entries(records)
    return Encoded((*parts, tail.SerializeToString()))


def _files(store: Store, records: Sequence[BinaryRecord]) -> Iterator[tuple[BinaryRecord, bytes]]:
    for record in records:
        # Another server on the same database may have deleted it meanwhile (MG-1).
        with suppress(KeyError):
            yield record, store.read(record.file_id)


def _check_size(call: Call, records: Sequence[BinaryRecord]) -> None:
    ceiling = call.policy.max_response_bytes
    size = sum(record.size for record in records)
    if ceiling is not None and size > ceiling:
        text = (
            f"INCLUDE_BINARY_TOO_LARGE: {size} bytes of data are more than {ceiling} in one "
            "reply; ask for fewer records, or without bytes"
        )
        raise ResourceExhaustedError(text, clause="BI-6")
