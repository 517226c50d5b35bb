"""The control API's description of itself, made of the table that routes and its models."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.validation.schema import json_schemas
from fakeviam.version import __version__
from fakeviam.web.models import Error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fakeviam.web.endpoint import Endpoint

#: Version of the control API. It grows when something is added; what is there stays.
API_VERSION = "1.0"

_ABOUT = """\
Drives a running fakeviam. Every request is atomic: a refused one changes nothing.
The header `fakeviam-session` chooses a session; without it, requests are about the server's own
cloud. Without a token only this machine is served."""

TAGS: Mapping[str, str] = MappingProxyType(
    {
        "server": "Addresses and health of the server.",
        "fleet": "Organizations, locations, robots and parts.",
        "accounts": "API keys, their roles and their expiry.",
        "policy": "How disputed points are decided.",
        "clock": "The fake's clock.",
        "calls": "The journal: calls, and explanations of their replies.",
        "faults": "Planned faults and scripted replies.",
        "data": "Seeds, archives and snapshots.",
        "sessions": "Isolated clouds on one server.",
    }
)

_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "400": "The body is not JSON.",
        "401": "The control token is missing or wrong.",
        "403": "Without a token, only clients on this machine have access.",
        "404": "The requested resource does not exist.",
        "409": "The name is taken.",
        "413": "The body is too large.",
        "415": "The content type is not supported.",
        "422": "A field is invalid.",
    }
)

_SESSION: Mapping[str, object] = MappingProxyType(
    {
        "name": "fakeviam-session",
        "in": "header",
        "description": "The session that the request applies to.",
        "schema": {"type": "string"},
        "example": "session-1",
    }
)

_PATH_EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "part_id": "f4ce0000-0000-4000-8000-0000000000c1",
        "id": "f4ce0000-0000-4000-8000-000000000001",
        "number": "1",
        "snapshot": "s1",
        "name": "session-1",
    }
)


def openapi(endpoints: Iterable[Endpoint], *, root: str) -> dict[str, object]:
    """The OpenAPI document of these endpoints."""
    table = tuple(endpoints)
    models = {
        model
        for endpoint in table
        for model in (endpoint.body, endpoint.response, endpoint.query, Error)
        if model is not None
    }
    schemas = json_schemas(sorted(models, key=lambda model: model.__name__))
    paths: dict[str, dict[str, object]] = {}
    for endpoint in table:
        operation = _operation(endpoint, root, schemas)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    queries = {endpoint.query.__name__ for endpoint in table}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fakeviam control API",
            "version": API_VERSION,
            "description": f"{_ABOUT}\nServed by fakeviam {__version__}.",
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: each for name, each in schemas.items() if name not in queries},
            "responses": {
                f"Refused{status}": _content(text, _ref("schemas/Error"))
                for status, text in _REFUSALS.items()
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, root: str, schemas: Mapping[str, Any]) -> dict[str, object]:
    refused = {status: _ref(f"responses/Refused{status}") for status in _REFUSALS}
    described: dict[str, object] = {
        "operationId": _operation_id(endpoint, root),
        "summary": endpoint.title,
        "tags": [endpoint.tag],
        "parameters": _parameters(endpoint, schemas[endpoint.query.__name__]),
        "responses": {str(endpoint.status): _answer(endpoint), **refused},
    }
    body = _body(endpoint, schemas)
    return described if body is None else described | {"requestBody": body}


def _body(endpoint: Endpoint, schemas: Mapping[str, Any]) -> dict[str, object] | None:
    if endpoint.streams:
        content = {kind: {"schema": _streamed(kind)} for kind in endpoint.streams}
        return {"required": True, "content": content}
    if endpoint.body is None:
        return None
    name = endpoint.body.__name__
    content = {"application/json": {"schema": _ref(f"schemas/{name}")}}
    return {"required": bool(schemas[name].get("required")), "content": content}


def _streamed(content_type: str) -> dict[str, str]:
    """The schema of a body that is read as it comes; a seed has a schema of its own."""
    if content_type == "application/json":
        return {
            "type": "object",
            "description": "A seed without files; send files as application/x-ndjson.",
        }
    return {"type": "string", "format": "binary"}


def _answer(endpoint: Endpoint) -> dict[str, object]:
    if endpoint.response is None:
        binary = {"schema": {"type": "string", "format": "binary"}}
        return {"description": "Done.", "content": {endpoint.response_type: binary}}
    return _content("Done.", _ref(f"schemas/{endpoint.response.__name__}"))


def _parameters(endpoint: Endpoint, query: Mapping[str, Any]) -> list[dict[str, object]]:
    parameters: list[dict[str, object]] = [] if endpoint.server_wide else [dict(_SESSION)]
    parameters += [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "example": _PATH_EXAMPLES[name],
        }
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    for name, parameter in query.get("properties", {}).items():
        schema = {key: value for key, value in parameter.items() if key != "description"}
        parameters.append(
            {
                "name": name,
                "in": "query",
                "description": parameter.get("description", ""),
                "schema": schema,
            }
        )
    return parameters


def _operation_id(endpoint: Endpoint, root: str) -> str:
    words = re.findall(r"\w+", endpoint.path.removeprefix(root))
    return "_".join([endpoint.method.lower(), *words]) if words else "index"


def _content(description: str, schema: object) -> dict[str, object]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{name}"}
