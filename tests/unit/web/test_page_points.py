"""Point clouds on the page, whatever their files hold."""

from __future__ import annotations

import base64
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakeviam.web.page import points

from .shown import page, told

if TYPE_CHECKING:
    from .browser import Browser


def pcd(form: str, points: bytes, count: int = 2) -> str:
    head = (
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\n"
        f"COUNT 1 1 1 1\nWIDTH {count}\nHEIGHT 1\nPOINTS {count}\nDATA {form}\n"
    )
    return base64.b64encode(head.encode() + points).decode()


def lzf(content: bytes) -> bytes:
    """The simplest way to compress: what was there before is copied, as long as it can be."""
    out, at = bytearray(), 0
    while at < len(content):
        for length in range(min(264, len(content) - at), 2, -1):
            start = content.rfind(content[at : at + length], max(0, at - 8192), at + length - 1)
            if start >= 0:
                short, far = min(length - 2, 7), at - start - 1
                out += bytes([short << 5 | far >> 8])
                out += bytes([length - 9] if short == 7 else []) + bytes([far & 255])
                at += length
                break
        else:
            out += bytes([0, content[at]])
            at += 1
    return bytes(out)


def compressed(fields: bytes) -> bytes:
    packed = lzf(fields)
    return struct.pack("<II", len(packed), len(fields)) + packed


FIELDS = struct.pack("<6f2I", 0, 4, 0, 1, 0, 1, 1, 7)  # x, y and z of two points, and what else


@given(st.lists(st.sampled_from([b"a", b"bc", b"defgh" * 60, bytes(300)])).map(b"".join))
@example(bytes(9000))
def test_what_was_compressed_is_unpacked(content: bytes) -> None:
    """Copies of what is before, near and far, that reach into themselves (PA-2)."""
    packed = lzf(content)
    assert points.unpacked(packed, len(content)) == content
    for damaged, size in ((packed[:-1], len(content)), (packed, len(content) + 1)):
        if content:
            with pytest.raises(ValueError, match=r"points|copy"):
                points.unpacked(damaged, size)


@given(st.binary(), st.integers(0, 2000))
def test_whatever_is_unpacked_is_bounded(packed: bytes, size: int) -> None:
    """No more than its header says, or an error (PA-2)."""
    with suppress(ValueError):
        assert len(points.unpacked(packed, size)) == size


@pytest.mark.parametrize(
    ("name", "content", "says", "dots"),
    [
        ("ascii", pcd("ascii", b"0 0 0 1\n2 2 1 7\n"), "extent 2 from side to side", 2),
        (
            "binary",
            pcd("binary", struct.pack("<fffIfffI", 0, 0, 0, 1, 4, 1, 1, 7)),
            "extent 4 from side to side",
            2,
        ),
        ("many", pcd("ascii", b"1 2 3 0\n" * 9000, 9000), "points 9000", 3000),
        ("cut", pcd("binary", struct.pack("<fffI", 0, 0, 0, 1), 10**9), "points 1000000000", 1),
        ("nan", pcd("ascii", b"nan 0 0 0\n"), "it has no finite points", 0),
        ("lzf", pcd("binary_compressed", compressed(FIELDS)), "extent 4 from side to side", 2),
        ("lzf", pcd("binary_compressed", compressed(FIELDS)[:-1]), "its points end early", 0),
        (
            "lzf",
            pcd("binary_compressed", compressed(FIELDS + b"9")),
            "33 bytes are unpacked, and 2",
            0,
        ),
        (
            "lzf",
            pcd("binary_compressed", struct.pack("<II", 2, 32) + b"\x20\0"),
            "a copy begins",
            0,
        ),
        ("lzf", pcd("binary_compressed", struct.pack("<II", 1, 32) + b"\xe0"), "end early", 0),
        ("lzf", pcd("binary_compressed", struct.pack("<II", 2, 32) + b"\0\0"), "are damaged", 0),
        (
            "lzf",
            pcd("binary_compressed", struct.pack("<II", 0, 1 << 31)),
            "too many to be drawn",
            0,
        ),
        ("zip", pcd("binary_zipped", b"\0"), "binary_zipped points are not drawn", 0),
        ("zip", pcd("binary_compressed", b"\0"), "the file is invalid", 0),
        ("text", pcd("ascii", b"<b> & x\n"), "could not convert string to float: '<b>'", 0),
        ("none", base64.b64encode(b"POINTS 1\n").decode(), "pointcloud/pcd", 0),
    ],
)
@pytest.mark.thinned(3)
def test_point_clouds(web: Browser, name: str, content: str, says: str, dots: int) -> None:
    """Some of the points from above and what the header says, whatever the file is (PA-2)."""
    web.cloud.load({"files": [{"name": f"{name}.pcd", "data": content}]})
    path = f"file/{web.cloud.files[0].id}"
    assert says in told(web, path)
    assert page(web, path).count("h0") == dots
    assert page(web, "files").count("h0") <= 400


_HEADS = st.fixed_dictionaries(
    {
        "FIELDS": st.lists(st.sampled_from(["x", "y", "z", "rgb"]), max_size=5).map(" ".join),
        **{
            name: st.lists(st.integers(-1, 9), max_size=5).map(
                lambda each: " ".join(map(str, each))
            )
            for name in ("SIZE", "COUNT")
        },
        "TYPE": st.lists(st.sampled_from("FIUX"), max_size=5).map(" ".join),
        "POINTS": st.integers(-1, 10**12).map(str),
        "DATA": st.sampled_from(["ascii", "binary", "binary_compressed", ""]),
    }
)


@pytest.mark.parametrize(
    ("more", "rest"),
    [
        ("DATA ascii\n", b"9 1 2 3\n9 1 2 4\n8 8 8 8\n"),
        (
            "SIZE 2 4 4 4\nTYPE U F F F\nCOUNT 3 1 1 1\nDATA binary\n",
            struct.pack("<3H3f", 9, 9, 9, 5, 6, 7) + struct.pack("<3H3f", 9, 9, 9, 5, 6, 8) + b"88",
        ),
    ],
)
def test_what_is_no_point_is_passed_over(more: str, rest: bytes) -> None:
    """Other fields, of several values, and what follows the last point (PA-2)."""
    head = "FIELDS other x y z\nPOINTS 2\n" + more
    cloud = points.read(head.encode() + rest, 5, largest=9999)
    assert cloud is not None
    assert (cloud.why, cloud.width) == ("", 1)  # all of them are in one place
    assert sum(path.count("h0") for path in cloud.shades) == 2


def test_a_header_without_end_is_none() -> None:
    """However well it begins (PA-2)."""
    assert points.read(b"FIELDS x y z\nPOINTS 1\nDATA ascii", 5, largest=9999) is None


@given(head=_HEADS, left_out=st.sets(st.sampled_from(["SIZE", "COUNT", "TYPE"])), rest=st.binary())
@example(
    head={"FIELDS": "x y z", "SIZE": "4 4 4", "COUNT": "1 1 1", "TYPE": "F F F", "POINTS": "9"}
    | {"DATA": "binary"},
    left_out=set(),
    rest=struct.pack("<9f", *range(9)),
)
def test_any_point_cloud(head: dict[str, str], left_out: set[str], rest: bytes) -> None:
    """Whatever the file holds, some dots or the reason why there are none (PA-2)."""
    lines = [f"{name} {value}" for name, value in head.items() if name not in left_out]
    cloud = points.read("\n".join(lines).encode() + b"\n" + rest, 5, largest=9999)
    if cloud is not None:
        dots = sum(path.count("h0") for path in cloud.shades)
        assert dots <= 5
        assert bool(dots) != bool(cloud.why)
