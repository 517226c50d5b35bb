"""Parses forms: fields, and files that were chosen or dropped."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

from fakeviam.web.problems import HttpProblem
from fakeviam.web.request_parsing import LARGEST_BODY, read_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

#: The maximum size of a form with files in bytes.
LARGEST: Final = 4 * LARGEST_BODY

#: The maximum length of a number; Python refuses to parse thousands of digits.
_DIGITS: Final = 18


def whole(name: str, text: str) -> int:
    """Parse a field as a whole number.

    Raises:
        HttpProblem: 422, it is not a number, or out of any range.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise HttpProblem(422, f"{name} must be a whole number", field=name, value=text)
    return int(text)


class SentFile(NamedTuple):
    """A file that was sent."""

    name: str
    content: bytes


class Form(NamedTuple):
    """The fields of a form, and its files."""

    fields: dict[str, str]
    files: list[SentFile]


async def read_form(request: Request) -> Form:
    """Parse the form of a request.

    Raises:
        HttpProblem: 413, 415 or 422: it is too large, or not a form.
    """
    told = Message()
    told["content-type"] = request.headers.get("content-type", "")
    kind = told.get_content_type() if request.headers.get("content-type") else "nothing"
    if kind == "application/x-www-form-urlencoded":
        text = (await read_body(request, LARGEST_BODY)).decode(errors="replace")
        return Form(dict(parse_qsl(text, keep_blank_values=True)), [])
    if kind != "multipart/form-data":
        raise HttpProblem(415, f"the page takes forms, not {kind}")
    form = Form({}, [])
    body = await read_body(request, LARGEST)
    for name, file, content in _parts(body, str(told.get_boundary("")).encode()):
        if file is None:
            form.fields[name] = content.decode(errors="replace")
        elif file or content:  # browsers send an empty file if none was chosen
            form.files.append(SentFile(file, content))
    return form


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, str | None, bytes]]:
    """The parts of a form: name, file name if it is a file, content (RFC 7578)."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not boundary or not pieces[-1].startswith(b"--"):
        raise HttpProblem(422, "the form is not complete")
    for piece in pieces[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        told = Message()
        for line in head.decode(errors="replace").split("\r\n"):
            header, _, value = line.partition(":")
            if header.strip().lower() == "content-disposition":
                told["content-disposition"] = value.strip()
        field = told.get_param("name", "", "content-disposition")
        file = told.get_param("filename", None, "content-disposition")
        yield str(field), None if file is None else str(file).replace("%22", '"'), content
