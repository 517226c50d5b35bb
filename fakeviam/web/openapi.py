"""The control API's description of itself, made of the table that routes."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.version import __version__
from fakeviam.web.schema import ANYTHING, shape, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fakeviam.web.endpoint import Endpoint

#: Version of the control API. It grows when something is added; what is there stays.
API_VERSION = "1.0"

_ABOUT = """\
Drives a running fakeviam. Every request is one step: a refused one changes nothing.
The header `fakeviam-session` chooses a session; without it, requests are about the server's own
world. Without a token only this machine is served."""

ERROR = shape(
    {
        "error": shape(
            {"what": text("What is wrong, for people.")},
            {
                "field": text("Which field of the request."),
                "value": dict(ANYTHING),
                "hint": text("What to do instead."),
            },
        )
    }
)

_SESSION: Mapping[str, Any] = MappingProxyType(
    {
        "name": "fakeviam-session",
        "in": "header",
        "description": "The session that the request is about.",
        "schema": {"type": "string"},
    }
)


def openapi(endpoints: Iterable[Endpoint], *, root: str) -> dict[str, Any]:
    """The OpenAPI document of these endpoints."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, root)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fakeviam control API",
            "version": API_VERSION,
            "description": f"{_ABOUT}\nServed by fakeviam {__version__}.",
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "responses": {"Error": _content("The request was refused.", _ref("schemas/Error"))},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, root: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(endpoint, root),
        "summary": endpoint.title,
        "tags": [_below(endpoint, root).split("/")[0] or "server"],
        "responses": {
            str(endpoint.status): _answer(endpoint),
            "default": _ref("responses/Error"),
        },
    }
    parameters = _parameters(endpoint)
    if parameters:
        described["parameters"] = parameters
    body = _body(endpoint)
    if body is not None:
        described["requestBody"] = body
    return described


def _body(endpoint: Endpoint) -> dict[str, Any] | None:
    if endpoint.streams:
        streamed: dict[str, Any] = {kind: {"schema": {}} for kind in endpoint.streams}
        return {"required": True, "content": streamed}
    if endpoint.body is None:
        return None
    content = {"application/json": {"schema": endpoint.body}}
    return {"required": bool(endpoint.body.get("required")), "content": content}


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answer_type != "application/json":
        return {"description": "Done.", "content": {endpoint.answer_type: {"schema": {}}}}
    return _content("Done.", endpoint.answer)


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [] if endpoint.everywhere else [dict(_SESSION)]
    found += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    for name, wanted in endpoint.query.items():
        told = {key: value for key, value in wanted.items() if key != "description"}
        found.append(
            {
                "name": name,
                "in": "query",
                "description": wanted.get("description", ""),
                "schema": told,
            }
        )
    return found


def _operation_id(endpoint: Endpoint, root: str) -> str:
    words = re.findall(r"\w+", _below(endpoint, root))
    return "_".join([endpoint.method.lower(), *words]) if words else "index"


def _below(endpoint: Endpoint, root: str) -> str:
    return endpoint.path.removeprefix(root).strip("/")


def _content(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{name}"}
