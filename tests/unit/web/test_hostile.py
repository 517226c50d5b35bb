"""Requests that no honest client sends: each is refused, nothing is stored, nothing answers 500."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import any_pb2, wrappers_pb2
from hypothesis import HealthCheck, given, settings

from fakeviam import Clock, FakeViam, UsageError
from fakeviam.web.table import ROOT, endpoints
from fakeviam.wire import data, datasync

from .browser import Browser, call

if TYPE_CHECKING:
    from collections.abc import Iterator

HALF = "\\ud800"  # half of a surrogate pair, as JSON writes it

#: JSON texts of values that no field takes.
HOSTILE = (
    f'"{HALF}"',
    f'["{HALF}"]',
    f'{{"{HALF}": 1}}',
    "1e400",
    "-1e400",
    "1e308",
    "9" * 5000,
    "-1",
    "NaN",
    '"\\u0000"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59.999999999-12:00"',
    '"99999-01-01"',
    "[" * 200 + "]" * 200,
    "null",
    "{}",
    "[]",
    "true",
)

#: What reads everything there is: each must go on answering.
READS = (
    "",
    "/check",
    "/clauses",
    "/fleet",
    "/api-keys",
    "/policy",
    "/clock",
    "/calls",
    "/calls/attempts",
    "/faults",
    "/replies",
    "/sessions",
    "/snapshots",
    "/archive",
    "/openapi.json",
)

BODIES = [each for each in endpoints() if each.body is not None]


def everything_answers(web: Browser) -> None:
    for path in READS:
        assert web.request("GET", f"{ROOT}{path}").status == 200, path
    call(web.cloud, "BinaryDataByFilter")


@pytest.mark.parametrize("endpoint", BODIES, ids=lambda each: f"{each.method} {each.path}")
@pytest.mark.thinned(3)
def test_hostile_values_of_every_field(web: Browser, endpoint: Any) -> None:
    """Refused with 4xx or taken, never 500, and all can be read afterwards (HT-4)."""
    path = endpoint.path.format(part_id=web.cloud.default_part.id, snapshot="s1", name="x", id="y")
    fields = endpoint.body.model_fields
    valid = {name: field.examples[0] for name, field in fields.items() if field.is_required()}
    for name in (*fields, HALF):
        for text in HOSTILE:
            rest = {key: value for key, value in valid.items() if key != name}
            inner = ", ".join(
                [f'"{name}": {text}', *(f'"{k}": {json.dumps(v)}' for k, v in rest.items())]
            )
            reply = web.request(
                endpoint.method, path, f"{{{inner}}}", {"content-type": "application/json"}
            )
            assert reply.status < 500, (name, text, reply.body)
            assert "error" in reply.json or reply.status < 300
    everything_answers(web)


@pytest.mark.parametrize("path", ["/fleet/parts", "/snapshots", "/sessions", "/replies"])
def test_half_a_surrogate_pair_in_a_name(web: Browser, path: str) -> None:
    """Named, and nothing is stored (HT-4)."""
    name = "rpc" if path == "/replies" else "name"
    body = f'{{"{name}": "a{HALF}"}}'
    reply = web.request("POST", f"{ROOT}{path}", body, {"content-type": "application/json"})
    assert reply.status == 422
    assert reply.error["field"] == name
    assert "UTF-8" in reply.error["what"]
    everything_answers(web)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.999999Z", "9999-12-31", "0001-01-01"])
def test_a_clock_at_the_end_of_the_calendar(web: Browser, text: str) -> None:
    """What is uploaded then can be read (CK-1)."""
    assert web.send("POST", "/clock", {"set": text}).status == 200
    part_id = web.cloud.default_part.id
    call(
        web.cloud,
        "DataCaptureUpload",
        metadata=datasync.UploadMetadata(
            part_id=part_id, type=datasync.DATA_TYPE_BINARY_SENSOR, file_extension=".jpg"
        ),
        sensor_contents=[datasync.SensorData(binary=b"x")],
    )
    reply = call(web.cloud, "BinaryDataByFilter", data_request=data.DataRequest())
    assert len(reply.data) == 1
    everything_answers(web)


def test_a_key_that_ends_before_the_calendar(web: Browser) -> None:
    """The year 1 in another time zone is the year 0 in UTC (HT-4, AC-4)."""
    organizations = [web.cloud.default_part.organization_id]
    for end in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        body = {"organizations": organizations, "expires": end}
        assert web.send("POST", "/api-keys", body).error["field"] == "expires"
        with pytest.raises(UsageError, match="years 1 to 9999"):
            web.cloud.add_api_key(organizations=organizations, expires=end)
    everything_answers(web)


def test_set_and_freeze_is_exactly_that_time(web: Browser) -> None:
    """It stands at what it was set to (CK-1)."""
    for _ in range(20):
        shown = web.send("POST", "/clock", {"set": "2026-01-31T12:00:00Z", "freeze": True}).json
        assert shown == {"now": "2026-01-31T12:00:00+00:00", "frozen": True}
        web.send("POST", "/clock", {"freeze": False})


def test_a_clock_that_cannot_run_is_not_set_either() -> None:
    """A refused request changes nothing (HT-4)."""
    with FakeViam(clock=Clock.frozen("2026-01-31")) as cloud:
        reply = Browser(cloud).send("POST", "/clock", {"set": "2030-01-01", "freeze": False})
        assert (reply.status, reply.error["field"]) == (422, "freeze")
        assert cloud.clock.moment().year == 2026


def test_parameters_of_any_type_show_in_calls(web: Browser) -> None:
    """Robots pack wrappers into `method_parameters` (JR-6)."""
    packed = any_pb2.Any()
    packed.Pack(wrappers_pb2.StringValue(value="left"))
    metadata = datasync.UploadMetadata(
        part_id=web.cloud.default_part.id, type=datasync.DATA_TYPE_TABULAR_SENSOR
    )
    metadata.method_parameters["side"].ParseFromString(packed.SerializeToString())
    metadata.method_parameters["odd"].type_url = "example.com/odd"
    content = datasync.SensorData()
    content.struct.fields["n"].number_value = float("nan")
    call(web.cloud, "DataCaptureUpload", metadata=metadata, sensor_contents=[content])
    (shown,) = web.get("/calls")["calls"]
    parameters = shown["requests"][0]["metadata"]["method_parameters"]
    assert parameters["side"]["value"] == "left"
    assert parameters["odd"] == {"@type": "example.com/odd", "value": ""}
    assert shown["requests"][0]["sensor_contents"][0]["struct"] == {"n": "NaN"}
    everything_answers(web)


def test_keys_are_shown_to_holders_of_the_control_token() -> None:
    """And to nobody else where keys matter (HT-6)."""
    with FakeViam(auth="keys") as cloud:
        web = Browser(cloud)
        assert web.get("/api-keys")["api_keys"][0]["key"] is None
        assert web.get("")["server"]["api_key"] is None
        made = web.send(
            "POST", "/api-keys", {"organizations": [cloud.default_part.organization_id]}
        ).json
        assert made["key"]  # regardless of its owner
        web.send("POST", "/sessions", {"name": "one"})
        assert web.get("/sessions/one")["api_key"] is None
        archive = web.send("GET", "/archive")
        assert (archive.status, cloud.api_key.encode() in archive.body) == (403, False)
    with FakeViam(auth="keys", control_token="t") as cloud:  # noqa: S106
        web = Browser(cloud, authorization="Bearer t")
        assert web.get("/api-keys")["api_keys"][0]["key"] == cloud.api_key
        assert cloud.api_key.encode() in web.send("GET", "/archive").body


def test_the_front_door_says_what_is_here(web: Browser) -> None:
    """`/` and `/control/v1/` answer something useful (HT-1)."""
    shown = web.request("GET", "/").json
    assert shown["control_api"] == ROOT
    assert shown["grpc"] == web.cloud.target
    assert web.request("GET", f"{ROOT}/").json == web.request("GET", ROOT).json


def cases(cloud: FakeViam) -> Iterator[Any]:
    import schemathesis  # noqa: PLC0415 - takes a second

    document = Browser(cloud).get("/openapi.json")
    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        operation: Any = result
        if "/archive" not in operation.ok().path and "/seed" not in operation.ok().path:
            yield operation.ok()  # bodies of the others are JSON, which is what it can make


@pytest.mark.slow
def test_a_fuzzer_that_knows_the_description(web: Browser) -> None:
    """Schemathesis finds no request that answers 500 (HT-4)."""
    from requests import Request  # noqa: PLC0415
    from schemathesis import GenerationMode  # noqa: PLC0415

    checked = 0
    for operation in cases(web.cloud):
        modes = [GenerationMode.POSITIVE]
        if operation.body or operation.query:  # else nothing can be wrong
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:

            @settings(
                max_examples=settings().max_examples // 10,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def run(case: Any) -> None:
                nonlocal checked
                case.query.pop("wait", None)  # it would wait
                # Not `case.call`: in some orders of tests its session refuses its own cookies.
                wanted = case.as_transport_kwargs(base_url=web.cloud.url)
                fields = ("method", "url", "headers", "params", "json", "data")
                asked: Any = Request(**{name: wanted.get(name) for name in fields}).prepare()
                reply = web.request(asked.method, asked.path_url, asked.body, asked.headers)
                assert reply.status < 500, (case, reply.body)
                checked += 1

            run()
    assert checked > 2 * settings().max_examples
    everything_answers(web)
