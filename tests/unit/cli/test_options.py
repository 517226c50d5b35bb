"""Every option of `fakeviam serve` reaches the fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest

from fakeviam import Evidence, Policy, UsageError, cli
from fakeviam.server.transport.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from .program import Serve, Served


def test_keys_are_checked_if_asked(serve: Serve) -> None:
    server = serve("--auth", "keys")
    assert server.status("TagsByFilter", "wrong") == "UNAUTHENTICATED"
    assert server.status("TagsByFilter", server.login("fakeviam-api-key")) == "OK"


@pytest.mark.slow
def test_tokens_expire_if_asked(serve: Serve) -> None:
    server = serve("--auth", "keys", "--token-lifetime", "1e-6")
    token = server.login("fakeviam-api-key")
    assert server.status("TagsByFilter", token) == "UNAUTHENTICATED"


@pytest.mark.slow
def test_messages_are_limited_if_asked(serve: Serve) -> None:
    server = serve("--max-message-bytes", "100")
    assert server.status("Authenticate", entity="x" * 50) == "OK"
    assert server.status("Authenticate", entity="x" * 101) == "RESOURCE_EXHAUSTED"


def test_policy_is_the_one_asked_for(serve: Serve) -> None:
    assert serve().status("DeleteBinaryDataByFilter", filter={}) == "OK"
    strict = serve("--policy", "strict")
    assert strict.status("DeleteBinaryDataByFilter", filter={}) == "INVALID_ARGUMENT"


@pytest.mark.slow
def test_evidence_is_demanded_if_asked(serve: Serve) -> None:
    server = serve("--min-evidence", "documented")
    assert server.status("DeleteBinaryDataByFilter", filter={}) == "FAILED_PRECONDITION"


def dataset(server: Served) -> Any:
    organization = server.facts["organization_id"]
    made = server.call("CreateDataset", name="cats", organization_id=organization)
    listed = server.call("ListDatasetsByIDs", ids=[made.id])
    return listed.datasets[0]


@pytest.mark.slow
def test_clock_stands_still_if_asked(serve: Serve) -> None:
    made = dataset(serve("--clock", "frozen:2026-01-31T12:00:00Z"))
    assert made.time_created.ToJsonString() == "2026-01-31T12:00:00Z"


@pytest.mark.slow
def test_ids_are_those_of_the_seed(serve: Serve) -> None:
    frozen = ("--clock", "frozen:2026-01-31")
    ids = [dataset(serve("--seed", seed, *frozen)).id for seed in ("7", "7", "8")]
    assert ids[0] == ids[1] != ids[2]


def parameter(name: str) -> click.Parameter:
    (found,) = [param for param in cli.serve.params if param.name == name]
    return found


def test_it_listens_on_localhost_8080_by_default() -> None:
    assert parameter("host").default == "127.0.0.1"
    assert parameter("port").default == 8080


def choices(name: str) -> list[str]:
    kind = parameter(name).type
    assert isinstance(kind, click.Choice)
    return list(kind.choices)


def test_choices_are_all_that_the_fake_knows() -> None:
    assert choices("min_evidence") == [level.label for level in Evidence]
    for policy in choices("policy"):
        Policy.preset(policy)
    with pytest.raises(UsageError, match=", ".join(choices("policy"))):
        Policy.preset("nope")


@pytest.mark.slow
def test_a_server_in_uvloop_answers_and_ends(serve: Serve) -> None:
    pytest.importorskip("uvloop")
    server = serve("--uvloop")
    assert server.status("TagsByFilter") == "OK"
    assert server.call_on_socket("TagsByFilter") is not None
    assert server.stop()[0] == 0


@pytest.mark.slow
def test_data_is_where_it_is_asked_for(serve: Serve) -> None:
    """MG-1: a database, here one that the process holds itself."""
    server = serve("--store", "mongomock:")
    assert server.status("Authenticate", entity="anybody") == "OK"
    assert server.status("TagsByFilter", filter={}) == "OK"


def test_a_store_that_is_none_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "--store", "disk:"])
    assert ended.value.code == 2
    assert "store must be memory:, mongomock: or mongodb://host/database" in capsys.readouterr().err


def test_the_ceiling_of_messages_is_that_of_the_fake() -> None:
    """A server takes what a fake in a program takes (SV-2)."""
    (option,) = (each for each in cli.serve.params if each.name == "max_message_bytes")
    assert option.default == MAX_MESSAGE_BYTES
