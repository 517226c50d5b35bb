"""Parses HTTP requests into `ControlRequest`, completely before anything is done."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from fakeviam.validation.json_text import JsonError, holds_many, parse_json
from fakeviam.validation.models import validate
from fakeviam.validation.problems import InvalidError
from fakeviam.validation.scalars import Unquoted
from fakeviam.web.endpoint import ControlRequest
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from starlette.requests import Request

    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.host import Host
    from fakeviam.validation.models import Model
    from fakeviam.web.endpoint import Endpoint

SESSION_HEADER = "fakeviam-session"

JSON_TYPE = "application/json"

#: The maximum size of a body that is not streamed, which contains only instructions.
LARGEST_BODY = 16 * 1024 * 1024
_MOST_VALUES = 1_000_000

#: Larger bodies are parsed in a thread, in bytes.
_PARSED_AT_ONCE = 64 * 1024


async def control_request(
    request: Request, endpoint: Endpoint, *, fake: Host, trusted: bool
) -> ControlRequest:
    """Parse and validate a request for an endpoint.

    Raises:
        Problem: It is invalid; names the field and the reason.
    """
    name = request.headers.get(SESSION_HEADER, "")
    _handle(fake, name)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body: object = None
    if endpoint.streams:
        _check_content_type(content_type, endpoint.streams)
        _check_coding(request)
    else:
        read = await read_body(request, LARGEST_BODY)
        parse = partial(_body, read, content_type, endpoint)
        body = await asyncio.to_thread(parse) if len(read) > _PARSED_AT_ONCE else parse()
    return ControlRequest(
        fake=fake,
        find=lambda: _handle(fake, name),
        session=name,
        path=request.path_params,
        query=_query(request, endpoint),
        body=body,
        stream=request.stream(),
        content_type=content_type,
        trusted=trusted,
        gone=request.receive,
    )


def checked(model: type[Model], value: object) -> object:
    """A value as an instance of a model.

    Raises:
        Problem: 422, with the invalid field.
    """
    try:
        return validate(model, value)
    except InvalidError as error:
        problem = error.problems[0]
        raise HttpProblem(
            422,
            problem.sentence,
            field=problem.field or None,
            value=problem.value,
            hint=problem.hint or None,
        ) from error


def json_of(body: bytes) -> object:
    """The value of a JSON body.

    Raises:
        Problem: 400, it is not JSON; 413, it contains too much.
    """
    if holds_many(body, _MOST_VALUES):
        raise HttpProblem(413, f"the body holds more than {_MOST_VALUES} values")
    try:
        return parse_json(body)
    except JsonError as error:
        raise HttpProblem(400, f"the body {error}") from error


def _handle(fake: Host, name: str) -> CloudHandle:
    if not name:
        return fake.base
    session = fake.sessions.get(name)
    if session is None:
        raise HttpProblem(
            404,
            f"there is no session {name!r}",
            field=SESSION_HEADER,
            value=name,
            hint="open it with `fakeviam sessions open`, or POST /control/v1/sessions",
        )
    return session


def _query(request: Request, endpoint: Endpoint) -> object:
    query: dict[str, Unquoted] = {}
    for name, value in request.query_params.multi_items():
        if name in query:
            values = request.query_params.getlist(name)
            raise HttpProblem(
                422, f"{name} is repeated {len(values)} times", field=name, value=values
            )
        query[name] = Unquoted(value)
    return checked(endpoint.query, query)


async def read_body(request: Request, most: int) -> bytes:
    """A body that is not streamed.

    Raises:
        Problem: 413, it is too large; 415, it has a content coding.
    """
    _check_coding(request)
    said = request.headers.get("content-length", "0")
    if said.isdecimal() and int(said) > most:  # told before it comes
        raise HttpProblem(413, f"the body is larger than {most} bytes")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HttpProblem(413, f"the body is larger than {most} bytes")
    return bytes(body)


def _body(body: bytes, content_type: str, endpoint: Endpoint) -> object:
    if endpoint.body is None:
        if body:
            raise HttpProblem(422, f"{endpoint.method} {endpoint.path} takes no body")
        return None
    if body:
        _check_content_type(content_type, (JSON_TYPE,))
    return checked(endpoint.body, json_of(body) if body else {})


def _check_coding(request: Request) -> None:
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise HttpProblem(
            415,
            f"the body has the content-encoding {coding!r}, which only calls may have",
            field="content-encoding",
            value=coding,
            hint="send it uncompressed, without Content-Encoding",
            headers={"accept-encoding": "identity"},
        )


def _check_content_type(actual: str, types: tuple[str, ...]) -> None:
    if actual not in types:
        raise HttpProblem(
            415,
            f"the content type must be {' or '.join(types)}, got {actual!r}",
            field="content-type",
            value=actual,
            hint=f"send `Content-Type: {types[0]}`",
        )
