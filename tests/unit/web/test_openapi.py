"""The control API's description of itself, against what it does."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fakeviam.web.app import application
from fakeviam.web.openapi import API_VERSION
from fakeviam.web.routes.archives import TAR_TYPE
from fakeviam.web.table import ROOT, endpoints

from .browser import Browser, call

TABLE = endpoints()


def described(web: Browser) -> Any:
    return web.get("/openapi.json")


def test_every_route_is_described_and_nothing_else(web: Browser) -> None:
    """The table that routes is the table that describes (HT-4)."""
    document = described(web)
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == API_VERSION
    told = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert told == {(each.method, each.path) for each in TABLE}
    assert len(told) == len(TABLE)


def test_operations_have_names_of_their_own(web: Browser) -> None:
    operations = [
        operation for methods in described(web)["paths"].values() for operation in methods.values()
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert all(operation["summary"] for operation in operations)


def schemas(value: Any) -> Any:
    """Every schema in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("schema"), dict):
            yield value["schema"]
        for inner in value.values():
            yield from schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from schemas(inner)


def validator(document: Any, schema: Any) -> Draft202012Validator:
    """A schema of the document, whose references lead into it."""
    return Draft202012Validator({**schema, "components": document["components"]})


def test_every_schema_is_one(web: Browser) -> None:
    document = described(web)
    found = [*schemas(document["paths"]), *document["components"]["schemas"].values()]
    assert len(found) > len(TABLE)
    for schema in found:
        if "$ref" not in schema:
            Draft202012Validator.check_schema(schema)


def test_paths_and_parameters_agree(web: Browser) -> None:
    for path, methods in described(web)["paths"].items():
        for operation in methods.values():
            named = [
                each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"
            ]
            assert [f"{{{name}}}" for name in named] == [
                part for part in path.split("/") if part.startswith("{")
            ]


#: One request for each route: path, body, the request that makes it possible.
EXAMPLES: dict[tuple[str, str], tuple[str, Any]] = {
    ("GET", ""): ("", None),
    ("GET", "/check"): ("/check", None),
    ("GET", "/clauses"): ("/clauses", None),
    ("GET", "/fleet"): ("/fleet", None),
    ("POST", "/fleet/parts"): ("/fleet/parts", {"name": "arm", "organization": "other"}),
    ("GET", "/fleet/parts/{part_id}"): ("/fleet/parts/f4ce0000-0000-4000-8000-0000000000c1", None),
    ("PATCH", "/fleet/parts/{part_id}"): (
        "/fleet/parts/f4ce0000-0000-4000-8000-0000000000c1",
        {"name": "renamed"},
    ),
    ("GET", "/policy"): ("/policy", None),
    ("PATCH", "/policy"): (
        "/policy",
        {
            "preset": "strict",
            "visibility_lag": 1.5,
            "binary_page": {"size": 3},
            "max_response_bytes": None,
        },
    ),
    ("GET", "/clock"): ("/clock", None),
    ("POST", "/clock"): ("/clock", {"set": "2026-01-01T00:00:00Z", "freeze": True}),
    ("GET", "/calls"): ("/calls?rpc=*&count=5", None),
    ("GET", "/calls/attempts"): ("/calls/attempts", None),
    ("GET", "/calls/{number}"): ("/calls/1", None),
    ("GET", "/calls/{number}/explanation"): ("/calls/1/explanation?file_id=nobody", None),
    ("GET", "/faults"): ("/faults", None),
    ("POST", "/faults"): (
        "/faults",
        {"faults": [{"rpc": "FileUpload", "status": "ABORTED", "delay": "2s"}]},
    ),
    ("DELETE", "/faults"): ("/faults", None),
    ("GET", "/replies"): ("/replies", None),
    ("POST", "/replies"): (
        "/replies",
        {"rpc": "TagsByFilter", "reply": {"tags": ["a"]}, "times": 1},
    ),
    ("DELETE", "/replies"): ("/replies", None),
    ("GET", "/sessions"): ("/sessions", None),
    ("POST", "/sessions"): ("/sessions", {"name": "another"}),
    ("GET", "/sessions/{name}"): ("/sessions/one", None),
    ("DELETE", "/sessions/{name}"): ("/sessions/one", None),
    ("GET", "/api-keys"): ("/api-keys", None),
    ("POST", "/api-keys"): (
        "/api-keys",
        {
            "organizations": ["f4ce0000-0000-4000-8000-0000000000a1"],
            "role": "operator",
            "expires_in": 60,
        },
    ),
    ("DELETE", "/api-keys/{id}"): ("/api-keys/f4ce0000-0000-4000-8000-000000000001", None),
    ("GET", "/archive"): ("/archive", None),
    ("POST", "/archive"): ("/archive", None),
    ("GET", "/snapshots"): ("/snapshots", None),
    ("POST", "/snapshots"): ("/snapshots", {"name": "later"}),
    ("POST", "/snapshots/{snapshot}/restore"): ("/snapshots/start/restore", None),
    ("DELETE", "/snapshots/{snapshot}"): ("/snapshots/s1", None),
    ("POST", "/reset"): ("/reset", None),
    ("POST", "/seed"): ("/seed", {"version": 1}),
    ("GET", "/openapi.json"): ("/openapi.json", None),
}


def test_every_route_has_an_example() -> None:
    assert {(each.method, each.path.removeprefix(ROOT)) for each in TABLE} == set(EXAMPLES)


@pytest.fixture
def busy(web: Browser) -> Browser:
    """A fake in which something happened."""
    web.send("POST", "/sessions", {"name": "one"})
    web.send("POST", "/snapshots", {"name": "start"})
    web.cloud.faults.on("BinaryDataByFilter").call(2).status("UNAVAILABLE", "busy")
    web.cloud.faults.on("TagsByFilter").after_commit().delay("1ms", real_time=True)
    web.cloud.replies.on("ListDatasetsByIDs").respond({}).once()
    call(web.cloud, "TagsByFilter")
    call(web.cloud, "ListDatasetsByIDs")
    return web


@pytest.mark.parametrize("endpoint", TABLE, ids=lambda each: f"{each.method} {each.path}")
@pytest.mark.thinned(3)
def test_answers_are_as_described(busy: Browser, endpoint: Any) -> None:
    """And every request that the description allows is understood (HT-4)."""
    document = described(busy)
    operation = document["paths"][endpoint.path][endpoint.method.lower()]
    path, body = EXAMPLES[endpoint.method, endpoint.path.removeprefix(ROOT)]
    if body is not None:
        wanted = operation["requestBody"]["content"]["application/json"]
        validator(document, wanted["schema"]).validate(body)
    reply = busy.send(endpoint.method, path, body)
    if endpoint.streams == (TAR_TYPE,):
        packed = busy.send("GET", path).body
        reply = busy.request(endpoint.method, f"{ROOT}{path}", packed, {"content-type": TAR_TYPE})
    (status,) = (each for each in operation["responses"] if each.startswith("2"))
    assert reply.status == int(status), reply.body
    ((kind, content),) = operation["responses"][status]["content"].items()
    assert reply.headers["content-type"] == kind
    if kind == TAR_TYPE:
        return
    validator(document, content["schema"]).validate(reply.json)


def test_refusals_are_as_described(web: Browser) -> None:
    """All of one form (HT-4)."""
    document = described(web)
    wanted = validator(document, document["components"]["schemas"]["Error"])
    for method, path, body in (
        ("GET", "/nothing", None),
        ("PUT", "/clock", None),
        ("POST", "/clock", {"freeze": 1}),
        ("POST", "/clock", {"x": None}),
    ):
        wanted.validate(web.send(method, path, body).json)


def test_the_application_can_be_made_without_a_server(web: Browser) -> None:
    """It is ASGI, nothing more."""
    assert callable(application(web.cloud._hosting))
