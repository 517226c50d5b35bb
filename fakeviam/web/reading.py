"""From an HTTP request to an `Ask`: everything is checked before anything is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakeviam.web import schema
from fakeviam.web.endpoint import Ask
from fakeviam.web.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.host import Host
    from fakeviam.web.endpoint import Endpoint
    from fakeviam.web.shelf import Shelf

SESSION_HEADER = "fakeviam-session"

JSON_TYPE = "application/json"

#: A body that is not streamed holds no data, only what to do.
LARGEST_BODY = 16 * 1024 * 1024


async def ask_of(request: Request, endpoint: Endpoint, *, fake: Host, shelf: Shelf) -> Ask:
    """What the request asks of the endpoint.

    Raises:
        Problem: It is no good, and why.
    """
    name = request.headers.get(SESSION_HEADER, "")
    _world(fake, name)
    query = _query(request, endpoint)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body: dict[str, Any] = {}
    if endpoint.streams:
        _check_content_type(content_type, endpoint.streams)
    else:
        body = _body(await _read(request), content_type, endpoint)
    return Ask(
        fake=fake,
        find=lambda: _world(fake, name),
        session=name,
        shelf=shelf,
        path=request.path_params,
        query=query,
        body=body,
        stream=request.stream(),
        content_type=content_type,
        gone=request.receive,
    )


def _world(fake: Host, name: str) -> CloudHandle:
    if not name:
        return fake.base
    found = fake.sessions.get(name)
    if found is None:
        raise Problem(
            404,
            f"there is no session {name!r}",
            field=SESSION_HEADER,
            value=name,
            hint="POST /control/v1/sessions makes one",
        )
    return found


def _query(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in request.query_params:
        told = request.query_params.getlist(name)
        wanted = endpoint.query.get(name)
        if wanted is None:
            raise schema.unknown_field(name, endpoint.query, field=name, value=told[-1])
        if len(told) > 1:
            raise Problem(422, f"{name} is there {len(told)} times", field=name, value=told)
        found[name] = _parsed(told[0], wanted)
        schema.check(wanted, found[name], name)
    return found


def _parsed(told: str, wanted: schema.Schema) -> Any:
    """The JSON value that the text of a query stands for."""
    if wanted["type"] == "string":
        return told
    try:
        return json.loads(told)
    except ValueError:
        return told


async def _read(request: Request) -> bytes:
    read = bytearray()
    async for piece in request.stream():
        read += piece
        if len(read) > LARGEST_BODY:
            raise Problem(413, f"the body is larger than {LARGEST_BODY} bytes")
    return bytes(read)


def _body(read: bytes, content_type: str, endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.body is None:
        if read:
            raise Problem(422, f"{endpoint.method} {endpoint.path} takes no body")
        return {}
    if read:
        _check_content_type(content_type, (JSON_TYPE,))
    body = json_of(read) if read else {}
    schema.check(endpoint.body, body)
    assert isinstance(body, dict)  # noqa: S101 - every body's shape is an object
    return body


def json_of(read: bytes) -> Any:
    """The value that JSON says.

    Raises:
        Problem: 400, it is no JSON.
    """
    try:
        return json.loads(read.decode(), parse_constant=_no_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise Problem(400, "the body is not UTF-8") from error
    except RecursionError as error:
        raise Problem(400, "the body is nested too deeply") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(400, f"the body is no JSON: {error.msg} at {where}") from error


def _no_constant(name: str) -> Any:
    raise Problem(400, f"the body is no JSON: there is no {name} in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(400, f"the body has the field {twice!r} twice", field=twice)
    return found


def _check_content_type(told: str, allowed: tuple[str, ...]) -> None:
    if told not in allowed:
        raise Problem(
            415,
            f"the content type must be {' or '.join(allowed)}, got {told!r}",
            field="content-type",
            value=told,
            hint=f"send `Content-Type: {allowed[0]}`",
        )
