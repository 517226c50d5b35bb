"""The controls of the page: forms, dropped files, snapshots and the policy."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest

from fakeviam import UsageError
from fakeviam.store.memory import MemoryStore
from fakeviam.web.page.controls import ACTIONS

from .browser import Browser, call
from .shown import FORM, SEED, page, send, told


def test_the_clock(web: Browser) -> None:
    """Set, advanced, frozen, run (PA-3)."""
    clock = web.cloud.clock
    assert b"is frozen" in send(web, "freeze").body
    assert clock.is_frozen
    assert send(web, "set", time="2026-01-31T12:00:00Z").status == 200
    assert send(web, "advance", hours="1.5").status == 200
    assert clock.moment().isoformat() == "2026-01-31T13:30:00+00:00"
    send(web, "run")
    assert not clock.is_frozen


def test_faults(web: Browser) -> None:
    """Planned, seen to hit, forgotten (PA-3)."""
    send(web, "plan", rpc="TagsByFilter", status="UNAVAILABLE", times="1")
    with pytest.raises(Exception, match="UNAVAILABLE"):
        call(web.cloud, "TagsByFilter")
    assert re.search(r'href="/ui/calls/1">1</a>', page(web, "controls"))
    assert "fault" in page(web, "calls")
    send(web, "forget-faults")
    call(web.cloud, "TagsByFilter")


def test_snapshots_sessions_and_data(web: Browser) -> None:
    """Taken, restored; opened, closed; loaded, deleted; each on the cloud that is shown (PA-3)."""
    seed = '{"readings": [{"component": "c", "rows": [{"time": "2026-01-31T12:00:00Z", "n": 1}]}]}'
    send(web, "snapshot", name="before")
    send(web, "seed", seed=seed)
    send(web, "open-session", name="mine")
    send(web, "reset", session="mine")
    session = web.cloud.sessions["mine"]
    assert (len(web.cloud.readings), len(session.readings)) == (1, 0)
    assert "1 reading" in page(web, "readings")
    assert "0 readings" in page(web, "readings?session=mine")
    send(web, "restore", snapshot="before")
    send(web, "delete-snapshot", snapshot="before")
    send(web, "close-session", name="mine")
    assert (len(web.cloud.readings), web.cloud.snapshots, dict(web.cloud.sessions)) == (0, (), {})


def test_keys_and_policy(web: Browser) -> None:
    """Created, revoked; changed by a field or a preset (PA-3)."""
    organization = web.cloud.default_part.organization_id
    assert b"Its key: " in send(web, "add-key", role="operator", organization=organization).body
    new = list(web.cloud.api_keys)[-1]
    assert new.role == "operator"
    assert "operator of fake-org" in told(web, "controls")
    part = web.cloud.default_part
    web.cloud.add_api_key(machines=[part.robot_id], expires="2099-01-01T00:00:00Z")
    assert f"only robots {part.robot_id}, until 2099-01-01 00:00:00" in told(web, "controls")
    send(web, "revoke-key", id=new.id)
    assert new not in list(web.cloud.api_keys)
    send(web, "policy", field="interval_bounds", value='"half-open"')
    assert web.cloud.policy.interval_bounds == "half-open"
    send(web, "policy", field="preset", value="strict")
    assert web.cloud.policy.unknown_ids == "refuse"


def test_snapshots_side_by_side(web: Browser) -> None:
    """What was added, removed and changed from one to the other, or to now (PA-2)."""
    web.cloud.clock.freeze()
    web.cloud.load(SEED)
    send(web, "snapshot", name="before")
    assert "They hold the same." in told(web, "snapshots?a=before&b=before")
    one, other = web.cloud.files[0], web.cloud.files[1]
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=[one.id])
    call(web.cloud, "AddTagsToBinaryDataByIDs", binary_data_ids=[one.id], tags=["new"])
    call(web.cloud, "DeleteBinaryDataByIDs", binary_data_ids=[other.id])
    web.cloud.load({"datasets": [{"name": "fresh"}]})
    web.cloud.clock.advance(hours=1)
    web.cloud.add_api_key(organizations=web.cloud.default_part.organization_id)
    send(web, "snapshot", name="after")
    for second in ("after", ""):
        shown = told(web, f"snapshots?a=before&b={second}")
        assert "files: 1 changed, 1 removed" in shown or "files: 1 removed, 1 changed" in shown
        assert "tags: with 'new'" in shown
        assert "encode" not in shown  # what a record remembers for replies is none of its fields
        assert "datasets: 1 added" in shown
        assert "clock: 1 changed" in shown
        assert "API keys: 1 added" in shown
        assert "readings:" not in shown
        assert not any(key.key in shown for key in web.cloud.api_keys)
    assert "there is no snapshot 'no'" in html.unescape(page(web, "snapshots?a=no", 404))


def test_what_a_policy_would_change(web: Browser) -> None:
    """The recorded calls whose answers would be others, and nothing is changed by asking (PA-6)."""
    web.cloud.load(SEED)
    one = web.cloud.files[0].id
    call(web.cloud, "BinaryDataByFilter", data_request={"filter": {"component_name": "cam"}})
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=[one, "a/b/c"])
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=[one])
    call(web.cloud, "RemoveTagsFromBinaryDataByIDs", binary_data_ids=[one], tags=["no", "none"])
    organization = web.cloud.default_part.organization_id
    call(web.cloud, "CreateDataset", name="new", organization_id=organization)
    # One that can be created again, in a copy: nobody sees it, and it always has the same id.
    gone = call(web.cloud, "CreateDataset", name="gone", organization_id=organization).id
    call(web.cloud, "DeleteDataset", id=gone)
    before = web.cloud.files[0].tags, len(web.cloud.calls), len(web.cloud.datasets)
    unknown = told(web, "policy/unknown_ids")
    assert "7 recorded calls made again" in unknown
    assert '"skip" as decided documented observed' in unknown
    assert '"refuse" strict Decide so 1 answer would change. call RPC now → then 2' in unknown
    assert "OK → NOT_FOUND" in unknown
    label = told(web, "policy/dataset_label")
    assert "3 answers would change" in label
    assert re.findall(r"(\d) BinaryDataBy", label) == ["3", "2", "1"]  # the latest first
    assert "No answer would change." in told(web, "policy/count")
    assert "No answer would change." in told(web, "policy/interval_bounds")
    assert "1 answer would change" in told(web, "policy/duplicate_dataset_name")
    assert before == (web.cloud.files[0].tags, len(web.cloud.calls), len(web.cloud.datasets))
    assert (
        b"The policy is changed." in send(web, "policy", field="unknown_ids", value='"refuse"').body
    )
    assert "1 answer would change" in told(web, "policy/unknown_ids")
    assert "Uploads are not made again" not in told(web, "policy/unknown_ids")
    page(web, "policy/no", 404)


@pytest.mark.timeout(30)
def test_long_answers_are_compared(web: Browser) -> None:
    """In seconds, though all their lines are everywhere in them (PA-6)."""
    rows = [{"time": f"2026-03-10T12:{n // 60:02}:{n % 60:02}Z", "n": n} for n in range(1200)]
    web.cloud.load({"readings": [{"component": "t", "rows": rows}]})
    call(web.cloud, "TabularDataByFilter", data_request={"limit": 800})
    assert "and" in told(web, "policy/default_order").partition("1 answer would change.")[2]


def test_scripted_replies_are_not_made_again(web: Browser) -> None:
    """A scripted reply rests on no policy (PA-6)."""
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=["a/b/c"])
    web.cloud.replies.on("BinaryDataByIDs").respond({})
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=["a/b/c"])
    assert "1 recorded call made again" in told(web, "policy/unknown_ids")


def test_a_store_that_cannot_be_copied(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only calls that read are made again, and it says so; nothing is changed (PA-6)."""
    web.cloud.load(SEED)
    file = web.cloud.files[0].id
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=["a/b/c"])
    call(web.cloud, "AddTagsToBinaryDataByIDs", binary_data_ids=["a/b/c"], tags=["x"])
    call(web.cloud, "DeleteBinaryDataByIDs", binary_data_ids=["a/b/c"])
    assert "3 answers would change" in told(web, "policy/unknown_ids")

    def fork(_store: object) -> None:
        raise UsageError("it cannot be forked")

    monkeypatch.setattr(MemoryStore, "fork", fork)
    monkeypatch.setattr(MemoryStore, "view", lambda store: store)
    shown = told(web, "policy/unknown_ids")
    assert "in a database, which cannot be copied: only calls that read" in shown
    assert "1 recorded call made again" in shown
    assert "1 answer would change" in shown
    monkeypatch.undo()
    assert web.cloud.files[0].id == file


def test_faults_that_did_not_fire(web: Browser) -> None:
    """Say so, and what came near (PA-3, FT-3)."""
    send(web, "plan", rpc="FileUpload", status="UNAVAILABLE", times="1")
    shown = told(web, "controls")
    assert "never fired: 0 calls matched" in shown
    assert "these planned faults never fired" in shown


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"action": "no"}, "there is no such action"),
        ({"action": "set", "time": "no"}, "time"),
        ({"action": "advance", "days": "x"}, "days must be a number"),
        ({"action": "plan", "rpc": "No", "status": "UNAVAILABLE"}, "No"),
        ({"action": "plan", "rpc": "FileUpload", "status": "NO"}, "NO"),
        *(
            ({"action": "plan", "rpc": "FileUpload", "status": "ABORTED", "times": times}, "times")
            for times in ("nan", "inf", "1.9", "-1", "x")
        ),
        *(({"action": "advance", "days": days}, "days") for days in ("", "nan", "1_0", "1e3")),
        *(
            ({"action": action}, "must not be empty")
            for action in ("restore", "delete-snapshot", "close-session", "revoke-key")
        ),
        ({"action": "plan-json", "faults": "{"}, "JSON"),
        ({"action": "plan-json", "faults": r'"\ud800"'}, r"\ud800"),
        ({"action": "snapshot", "name": ""}, "name"),
        ({"action": "restore", "snapshot": "no"}, "there is no snapshot 'no'"),
        ({"action": "close-session", "name": "no"}, "there is no session 'no'"),
        ({"action": "revoke-key", "id": "no"}, "no API key has the id 'no'"),
        ({"action": "policy", "field": "no", "value": "1"}, "no"),
        ({"action": "policy", "field": "max_page", "value": "x"}, "JSON"),
        ({"action": "seed", "seed": "{"}, "JSON"),
        ({"action": "seed", "seed": '{"no": 1}'}, "no"),
    ],
)
@pytest.mark.thinned(4)
def test_a_form_that_makes_no_sense(web: Browser, form: dict[str, str], says: str) -> None:
    """What is wrong is said, and nothing has changed (PA-3, HT-4)."""
    before = web.cloud.policy, web.cloud.snapshots, len(list(web.cloud.api_keys))
    reply = web.request("POST", "/ui/controls", urlencode(form), FORM)
    assert 400 <= reply.status < 500
    assert says in html.unescape(reply.body.decode())
    assert before == (web.cloud.policy, web.cloud.snapshots, len(list(web.cloud.api_keys)))


def test_only_forms_are_taken(web: Browser) -> None:
    """No page of another origin can send anything else unasked (PA-3)."""
    reply = web.request("POST", "/ui/controls", "{}", {"content-type": "application/json"})
    assert reply.status == 415


def test_every_action_has_its_form(full: Browser) -> None:
    """And every form has its action (PA-3)."""
    with full.cloud.session() as session:
        send(full, "plan", session.name, rpc="FileUpload", status="UNAVAILABLE")
        session.snapshot("one").keep()
        session.clock.freeze()
        frozen = page(full, f"controls?session={session.name}")
    sent = set(
        re.findall(
            r'name="action" value="([^"]*)"', page(full, "controls") + frozen + page(full, "policy")
        )
    )
    assert sent == set(ACTIONS)
