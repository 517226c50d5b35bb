"""Values that careless servers change: Unicode forms, spaces, escapes, line ends."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import TYPE_CHECKING, Any

from fakeviam_contracts import reads, writes
from fakeviam_contracts.awkward_values import AWKWARD, NAME
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

WHOLE = (0.0, 0.0, 1.0, 1.0)
WAYS = ("DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload")
#: More pieces of a file than a server might keep.
MANY_PIECES = 130


@check("TA-3", "UP-7", "FI-6", "TA-1", "TA-5", "TR-1", "NM-2")
def awkward_tags(session: Session) -> None:
    """Tags are stored unchanged, distinguished by filters, and removed one at a time."""
    for at, value in enumerate(AWKWARD):
        writes.upload(
            session, way=WAYS[at % 3], part=0, chunks=[b"%d" % at], times=(BASE, BASE), tags=[value]
        )
    for value in AWKWARD:
        reads.check_files(session, FilterSpec(tags=(value,)), descending=False)
    reads.check_tags(session, FilterSpec())
    writes.tag(session, [0], AWKWARD)
    reads.check_by_ids(session, [0])
    writes.tag(session, [0], AWKWARD[::2], remove=True)
    second = FilterSpec(tags=(AWKWARD[1],))
    writes.tag_matching(session, second, [NAME, *AWKWARD[2:]])
    writes.tag_matching(session, second, [NAME, *AWKWARD[3::2]], remove=True)
    reads.check_by_ids(session, [0, 1])
    writes.upload_rows(
        session, part=0, rows=[raw.READING], times=[(BASE, BASE)], tags=list(AWKWARD)
    )
    reads.check_rows(session, FilterSpec(tags=(AWKWARD[1],)))


@check("FI-1", "FI-4", "CU-1", "FU-1", "SU-1", "NM-2")
def awkward_sources(session: Session) -> None:
    """Names of components, types and methods are stored unchanged and compared exactly."""
    for at, value in enumerate(AWKWARD):
        names = {"component": value, "component_type": value, "method": value}
        writes.upload(session, way=WAYS[at % 3], part=0, chunks=[b"%d" % at],
                      times=(BASE, BASE), **names)  # type: ignore[arg-type]  # fmt: skip
        writes.upload_rows(
            session, part=0, rows=[{"readings": {"n": float(at)}}], times=[(BASE, BASE)], **names
        )
    # On a shared server, the session has its own component.
    fields = ("component_type", "method", *(() if session.place.component else ("component_name",)))
    for value in AWKWARD:
        for name in fields:
            source: dict[str, Any] = {name: value}
            reads.check_files(session, FilterSpec(**source), descending=False)
        reads.check_rows(session, FilterSpec(component_name=value, method=value), descending=False)


#: MIME types that a server might confuse, or replace by well-known ones.
TYPES = ("image/jpg", "image/jpeg", "IMAGE/JPEG", "text/plain", "text/plain; charset=utf-8", "x/Y")


@check("UP-5", "FI-4", "NM-2")
def awkward_types(session: Session) -> None:
    """MIME types are stored unchanged and compared exactly, with any extension."""
    for way in WAYS:
        for mime_type in TYPES:
            writes.upload(session, way=way, part=0, chunks=[b"x"], times=(BASE, BASE),
                          mime_type=mime_type, extension=".png")  # fmt: skip
    reads.check_files(session, FilterSpec(), descending=False)
    for mime_type in TYPES:
        reads.check_files(session, FilterSpec(mime_types=(mime_type,)), descending=False)


#: Limits: of all times, of int64 nanoseconds, of the epoch, of microseconds. None of them arrives
#: in the order of times, before 1970 or within a microsecond either.
TIMES = (
    2,
    253_402_300_800 * SECOND - 1,
    -1,
    2**63,
    -(2**63),
    1,
    2**63 - 1,
    -62_135_510_400 * SECOND,
)


@check("FI-13", "TM-1", "TM-3", "PG-6", "A2", "A3", "A32")
def awkward_times(session: Session) -> None:
    """All valid times are stored, compared and ordered with nanosecond precision."""
    for at, time in enumerate(TIMES):
        writes.upload(session, way=WAYS[at % 3], part=0, chunks=[b"x"], times=(time, time))
        writes.upload_rows(session, part=0, rows=[raw.READING], times=[(time, time)])
    for way in WAYS:  # received before it was asked for, which is odd, but what was uploaded
        writes.upload(session, way=way, part=0, chunks=[b"x"], times=(BASE, BASE - SECOND))
    for time in (*TIMES, 0):
        for spec in (
            FilterSpec(start=time),
            FilterSpec(end=time),
            FilterSpec(start=time, end=time),
        ):
            reads.check_files(session, spec, descending=False)
            reads.check_rows(session, spec, descending=False)


@check("BX-5", "FI-10", "BU-1", "BL-1", "NM-2")
def awkward_labels(session: Session) -> None:
    """Labels of boxes are stored unchanged, distinguished by filters, and listed separately."""
    writes.upload_many(session, 3)
    for at, value in enumerate(AWKWARD):
        writes.box(session, at % 2, value, WHOLE)
    reads.check_by_ids(session, [0, 1])
    for value in AWKWARD:
        reads.check_files(session, FilterSpec(box_labels=(value,)), descending=False)
    reads.check_labels(session, FilterSpec())
    writes.update_box(session, 0, 0, {"label": NAME})
    reads.check_labels(session, FilterSpec())


@check("UP-6", "DS-1", "DS-3", "NM-1", "NM-2")
def awkward_names(session: Session) -> None:
    """Names of files and datasets are stored unchanged."""
    for at, value in enumerate(AWKWARD):
        writes.upload(session, way=WAYS[at % 3], part=0, chunks=[b"x"], file_name=value,
                      times=(BASE, BASE))  # fmt: skip
    # Names that only differ in case, spaces or Unicode form may be treated as equal (DS-8).
    plain = (name for name in AWKWARD if name.strip() == name and name.isascii())
    names = {name.casefold(): name for name in plain}.values()
    for name in (*names, NAME):
        writes.create_dataset(session, name)
    writes.check_datasets(session)
    for name in (f"{name}-again" for name in names):
        writes.rename_dataset(session, 0, name)
    writes.rename_dataset(session, 0, f"{NAME}-again")


#: Readings that do not survive a conversion to another format.
READINGS: tuple[dict[str, object], ...] = (
    {"$set": 1.0, "$": {"$gt": 0.0}, "a.b": 2.0, "a": {"b": 3.0}},
    {"": 1.0, " ": 2.0, "_id": "x", "__proto__": {"a": 1.0}, "constructor": "x"},
    {"caf\u00e9": 1.0, "cafe\u0301": 2.0, "FISH": 1.0, "fish": 2.0, "x" * 300: 1.0},
    {"null": None, "no": False, "zero": 0.0, "empty": "", "list": [], "map": {}},
    {"mixed": [None, False, 0.0, "", [], {}, [None], {"a": None}], "more": [1.0, True, "1", None]},
    {"long": [float(at) for at in range(300)], "wide": {f"key {at}": 1.0 for at in range(300)}},
    {"time": "2024-01-01T00:00:00Z", "date": "2024-01-01", "number": "1.0", "yes": "true"},
    {"digits": "0123", "decimal": "1e3", "hex": "0x10", "true": "True"},
    {"text": "null", "id": "0123456789abcdef01234567", "nan": "NaN", "bytes": "AAEC"},
    {"big": 1.7976931348623157e308, "small": 5e-324, "third": 1 / 3, "int": 9007199254740991.0},
    {"deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": [[[[1.0]]]]}}}}}}}},
    {"text": 'a\x00b\r\nc \\ " \U0001f436', "long": "x" * 70_000, "trailing": "a \n"},
)


@check("TD-3", "CU-13")
def awkward_readings(session: Session) -> None:
    """Readings keep all keys and values."""
    for at, row in enumerate(READINGS):
        writes.upload_rows(session, part=0, rows=[{"readings": row}], times=[(BASE + at, BASE)])
        writes.upload_rows(session, part=0, rows=[row], times=[(BASE + at, BASE)])
    reads.check_rows(session, FilterSpec(), descending=False)


@check("FU-1", "FU-3", "SU-1", "CU-1", "UP-9")
def random_contents(session: Session) -> None:
    """Contents keep their order and length, even if pieces are repeated or swapped."""
    sizes = (65_536, 65_536, 1)
    for way in WAYS:
        for order in ([0, 1, 2], [1, 0, 2], [0, 0, 1], [2, 2, 2], [2, 0, 2]):
            writes.upload_pieces(session, way=way, sizes=sizes, order=order)
        for pieces in (
            [b"\x1f\x8b\x08\x00"],
            [b"\xef\xbb\xbfa\r\nb\r", b"\nc\n"],
            [b"\x00\x00a\x00", b"\x00"],
            [b" a ", b" \n"],
            [b"\xff\xfe\x80", b"\xc3", b"\xa9"],
            # What a server might unpack or decode, and more pieces than it might keep.
            [gzip.compress(b"x", mtime=0)],
            [zlib.compress(b"x")],
            [base64.b64encode(b"a picture of a dog")],
            [b"%d;" % at for at in range(MANY_PIECES)],
        ):
            writes.upload(session, way=way, part=0, chunks=pieces, times=(BASE, BASE))
    files = range(len(session.handles.files))
    reads.check_by_ids(session, files)
    reads.check_files(session, FilterSpec(), limit=1, descending=False, with_bytes=True)


CHECKS = (
    awkward_tags,
    awkward_sources,
    awkward_types,
    awkward_times,
    awkward_labels,
    awkward_names,
    awkward_readings,
    random_contents,
)
