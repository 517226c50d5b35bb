"""The bytes of files, for the page's images and videos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.web.downloads import file_response
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from starlette.responses import Response

    from fakeviam.model.records import BinaryRecord
    from fakeviam.web.page.visit import Visit


def record_of(visit: Visit) -> BinaryRecord:
    """The file in the address, by its binary data id or file id.

    Raises:
        HttpProblem: 404, there is none.
    """
    (record,) = visit.store.find_binary([visit.path.rpartition("/")[2]])
    if record is None or visit.path not in (record.binary_data_id, record.file_id):
        raise HttpProblem(404, f"there is no file {visit.path!r}", hint="it may have been deleted")
    return record


async def content(visit: Visit) -> Response:
    """The bytes of a file, or a range of them."""
    return file_response(visit.cloud, record_of(visit), visit.request)
