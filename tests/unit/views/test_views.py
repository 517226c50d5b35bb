"""`cloud.files`, `cloud.readings`, `cloud.datasets`: what is stored, as tests look at it."""

from __future__ import annotations

import base64
import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam, NotStoredError, UsageError, seeds
from fakeviam.server.services import due

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)

SEED: dict[str, Any] = {
    "version": 1,
    "datasets": [{"name": "dogs"}],
    "files": [
        {
            "name": f"{name}.txt",
            "data": base64.b64encode(name.encode()).decode(),
            "tags": tags,
            "datasets": ["dogs"] if name == "rex" else [],
            "component": "cam-1",
            "time": (NOON + timedelta(minutes=at)).isoformat(),
        }
        for at, (name, tags) in enumerate({"rex": ["dog"], "tom": ["cat", "old"], "": []}.items())
        if name
    ],
    "readings": [
        {
            "component": "sensor-1",
            "method": "Readings",
            "rows": [
                {"time": NOON.isoformat(), "temperature": 21.5, "where": {"room": "lab"}},
                {"time": (NOON + timedelta(hours=1)).isoformat(), "temperature": 22},
            ],
        }
    ],
}


@pytest.fixture
def cloud(tmp_path: Path) -> FakeViam:
    (tmp_path / "seed.json").write_text(json.dumps(SEED))
    return FakeViam(
        seed=1, clock=Clock.frozen(NOON + timedelta(days=1)), load=tmp_path / "seed.json"
    )


def test_files_are_there_with_their_bytes(cloud: FakeViam) -> None:
    assert len(cloud.files) == cloud.files.count() == 2
    rex = cloud.files[0]
    assert (rex.name, rex.data, rex.size, rex.extension) == ("rex.txt", b"rex", 3, ".txt")
    assert (rex.tags, rex.mime_type, rex.time_requested) == (("dog",), "text/plain", NOON)
    assert rex.part_name == "fake-robot-main"
    assert [file.name for file in cloud.files] == ["rex.txt", "tom.txt"]
    assert [file.name for file in reversed(cloud.files)] == ["tom.txt", "rex.txt"]
    assert [file.name for file in cloud.files[:1]] == ["rex.txt"]
    assert cloud.files["tom.txt"] == cloud.files[-1]
    assert cloud.files[rex.id] == cloud.files[rex.file_id] == rex
    assert rex in cloud.files
    assert "rex.txt" in cloud.files  # type: ignore[comparison-overlap]
    assert "max.txt" not in cloud.files  # type: ignore[comparison-overlap]
    assert cloud.files == [rex, cloud.files[1]]


def test_values_do_not_change(cloud: FakeViam) -> None:
    rex = cloud.files[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        rex.name = "max"  # type: ignore[misc]
    with pytest.raises(TypeError):
        cloud.readings[0].data["temperature"] = 1  # type: ignore[index]
    cloud.reset()
    assert rex.data == b"rex"
    assert not cloud.files


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["rex", "tom"]),
        ({"tag": "cat"}, ["tom"]),
        ({"tags": "old"}, ["tom"]),
        ({"tags": ["old", "cat"]}, ["tom"]),
        ({"tags": ["cat"]}, []),
        ({"tags": []}, []),
        ({"name": "rex.txt"}, ["rex"]),
        ({"data": b"tom"}, ["tom"]),
        ({"size": 3}, ["rex", "tom"]),
        ({"size": lambda size: size > 3}, []),
        ({"dataset": "dogs"}, ["rex"]),
        ({"component": "cam-1", "tag": "dog"}, ["rex"]),
        ({"component": "cam-2"}, []),
        ({"part": "fake-robot-main"}, ["rex", "tom"]),
        ({"part": FakeViam.default_part}, ["rex", "tom"]),
        ({"part_id": FakeViam.default_part.id}, ["rex", "tom"]),
        ({"organization": "fake-org", "location": "fakelab001"}, ["rex", "tom"]),
        ({"time_requested": NOON}, ["rex"]),
        ({"time_requested": "2026-01-31T12:01:00"}, ["tom"]),
        ({"time_requested": lambda time: time > NOON}, ["tom"]),
        ({"internal": True}, []),
    ],
)
def test_files_are_filtered(cloud: FakeViam, wanted: dict[str, Any], names: list[str]) -> None:
    chosen = cloud.files.where(**wanted)
    assert [file.name.removesuffix(".txt") for file in chosen] == names
    assert len(chosen) == cloud.files.count(**wanted) == len(names)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"tgas": "dog"}, "files have no field 'tgas'; did you mean 'tags'?"),
        ({"data.temperature": 1}, "files have no field 'data.temperature'"),
        ({"size": "3"}, "size must be a whole number, got '3'"),
        ({"size": True}, "size must be a whole number, got True"),
        ({"name": None}, "name must be text, got None"),
        ({"tag": 5}, "tag must be text, got 5"),
        ({"data": "rex"}, "data must be bytes, got 'rex'"),
        ({"part": "fake-robot-mian"}, "did you mean 'fake-robot-main'?"),
        ({"part_id": "fake-robot-mian"}, "did you mean 'fake-robot-main'?"),
        ({"part": 5}, "part must be the name or id of a part, or a Part, got 5"),
        ({"dataset": "cats"}, "no dataset has the name or id 'cats'; known datasets: 'dogs'"),
        ({"time_requested": "noon"}, "time_requested must be a time such as '2026-01-31T"),
        ({"internal": 1}, "internal must be True or False, got 1"),
    ],
)
def test_what_cannot_match_is_refused(cloud: FakeViam, wanted: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        cloud.files.where(**wanted)
    assert text in str(caught.value)


def test_readings_are_filtered_by_what_was_read(cloud: FakeViam) -> None:
    first, second = cloud.readings
    assert dict(first.data) == {"temperature": 21.5, "where": {"room": "lab"}}
    assert cloud.readings.where(**{"data.temperature": 22}).one() == second
    assert cloud.readings.where(**{"data.where.room": "lab"}).one() == first
    assert cloud.readings.where(**{"data.temperature": lambda t: t < 22}).one() == first
    assert cloud.readings.where(data={"temperature": 22.0}).one() == second
    assert cloud.readings.where(component="sensor-1", method="Readings").count() == 2
    assert str(first).startswith("2026-01-31T12:00:00+00:00 sensor-1.Readings {")
    with pytest.raises(UsageError, match="readings have no field 'size'"):
        cloud.readings.where(size=1)


def test_a_dataset_has_its_files(cloud: FakeViam) -> None:
    dogs = cloud.datasets["dogs"]
    assert dogs == cloud.datasets.where(name="dogs", type="binary").one()
    assert [file.name for file in dogs.files] == ["rex.txt"]
    assert dogs.files.where(tag="dog").one().data == b"rex"
    assert cloud.files.where(dataset=dogs) == list(dogs.files)
    assert cloud.files[0].dataset_ids == (dogs.id,)


def test_one_says_what_there_is_instead(cloud: FakeViam) -> None:
    with pytest.raises(NotStoredError) as caught:
        cloud.files.one()
    first, *rows = str(caught.value).splitlines()
    assert first == "wanted exactly one file, but there are 2:"
    assert len(rows) == 2
    with pytest.raises(NotStoredError) as caught:
        cloud.files.where(tag="dog", name="max.txt").one()
    assert str(caught.value).splitlines() == [
        "wanted exactly one file with tag='dog', name='max.txt', but there is none.",
        "2 files are stored; the nearest, 'rex.txt', differs in name: 'rex.txt' ≠ 'max.txt'",
    ]
    with pytest.raises(NotStoredError, match=r"no file is named 'max'; known: 'rex.txt', 'tom"):
        cloud.files["max"]
    with pytest.raises(IndexError, match="there are 2 files, so none at index 2"):
        cloud.files[2]
    cloud.reset()
    with pytest.raises(NotStoredError, match=r"but there is none\. No file is stored at all"):
        cloud.files.one()


def test_views_show_themselves(cloud: FakeViam) -> None:
    assert repr(cloud.files) == "<2 files: 'rex.txt', 'tom.txt'>"
    assert repr(cloud.files.where(tag="dog")) == "<1 file with tag='dog': 'rex.txt'>"
    assert repr(cloud.readings.where(component="x")) == "<0 readings with component='x'>"
    assert repr(cloud.files[0]).startswith("<StoredFile 'rex.txt' text/plain 3 bytes tags=['dog']")


def test_a_view_is_lazy_and_sees_what_comes_later(cloud: FakeViam) -> None:
    dogs = cloud.files.where(tag="dog")
    with cloud.snapshot():
        cloud.reset()
        assert len(dogs) == 0
    assert len(dogs) == 1


def test_a_session_sees_its_own() -> None:
    with FakeViam() as cloud, cloud.session() as session:
        assert (len(session.files), len(cloud.files), len(session.datasets)) == (0, 0, 0)


@given(tags=st.lists(st.sampled_from("abc"), unique=True), wanted=st.sets(st.sampled_from("abc")))
def test_a_list_is_the_whole_list(tags: list[str], wanted: set[str]) -> None:
    """A law: `tags=[…]` selects exactly what has these tags, in any order."""
    from fakeviam.views.conditions import Field, conditions_on  # noqa: PLC0415

    field = Field(kind=str, expected="text", read=lambda thing: thing, many=True)
    (condition,) = conditions_on("things", {"tags": field}, {"tags": list(wanted)})
    assert condition.fits(tuple(tags)) == (set(tags) == wanted)


def test_a_cloud_is_loaded_from_a_dict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like a seed file in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    cloud = FakeViam(load={"version": 1, "datasets": [{"name": "one"}]})
    applied = cloud.load({"version": 1, "files": [{"files": "a.txt"}]})
    assert applied is not None
    assert applied.files["a.txt"] == cloud.files["a.txt"].id
    assert cloud.datasets[0].name == "one"
    with pytest.raises(UsageError, match="seed: unknown field 'dataset'; did you mean datasets"):
        cloud.load({"version": 1, "dataset": []})
    with pytest.raises(
        UsageError, match="load must be a path, a dict in the form of a seed file, or a Seed"
    ):
        cloud.load(5)
    with pytest.raises(UsageError, match="clip does not apply here: a dict"):
        cloud.load({"version": 1}, clip=True)
    again = FakeViam()
    again.load(seeds.from_document({"version": 1, "datasets": [{"name": "two"}]}))
    assert "two" in again.datasets  # type: ignore[comparison-overlap]


def test_the_environment_leads_to_the_cloud() -> None:
    with FakeViam() as cloud, cloud.session("mine") as session:
        assert cloud.env()["FAKEVIAM_TARGET"] == cloud.target
        assert cloud.env()["VIAM_API_KEY"] == cloud.api_key
        assert "FAKEVIAM_SESSION" not in cloud.env()
        mine = session.env()
        assert (mine["FAKEVIAM_SESSION"], mine["VIAM_API_KEY"]) == ("mine", session.api_key)
    with pytest.raises(UsageError, match="this FakeViam is not running"):
        cloud.env()


def test_things_show_themselves_in_a_debugger(cloud: FakeViam) -> None:
    assert repr(cloud) == "<FakeViam not running: 2 files, 2 readings, 1 dataset, 0 calls>"
    assert repr(cloud.clock) == "<Clock 2026-02-01T12:00:00+00:00 frozen>"
    assert repr(cloud.fleet) == (
        "<Fleet of 1 part: fake-org/fake-location/fake-robot/fake-robot-main>"
    )
    assert repr(cloud.default_part) == (
        "<Part 'fake-robot-main' of fake-org/fake-location/fake-robot, "
        "id f4ce0000-0000-4000-8000-0000000000c1>"
    )


def test_things_of_the_fleet_are_found_by_name(cloud: FakeViam) -> None:
    part = cloud.default_part
    assert cloud.fleet.find_part(part.name) == cloud.fleet.find_part(part.id) == part
    assert cloud.fleet.find_robot("fake-robot").id == part.robot_id
    assert cloud.fleet.find_location("fake-location").id == part.location_id
    assert cloud.fleet.find_organization("fake-org").id == part.organization_id
    with pytest.raises(UsageError, match="name or id 'x'; expected one of 'fake-robot-"):
        cloud.fleet.find_part("x")
    twin = cloud.fleet.add_part(part.name, robot="other")
    with pytest.raises(UsageError, match=f"2 parts are named .*; use an id: .*{twin.id}"):
        cloud.fleet.find_part(part.name)
    with pytest.raises(UsageError, match="name must be the name or id of the part, got 5"):
        cloud.fleet.find_part(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["files", "readings", "datasets"])
def test_others_are_answered_while_a_look_does_what_is_due(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The look itself waits for it (SV-18)."""
    began, answered = Event(), Event()

    def work() -> None:
        began.set()
        assert answered.wait(30), "nobody was answered meanwhile"

    def job(_cloud: object) -> Iterator[Callable[[], None]]:
        if not began.is_set():
            yield work

    with FakeViam(load=SEED) as cloud, ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(due, "_catching_up", job)
        looking = threads.submit(lambda: len(getattr(cloud, kind)))
        assert began.wait(30)
        with urlopen(f"{cloud.url}/healthz") as reply:  # noqa: S310 - a server of this test
            assert reply.status == 200
        assert not looking.done()
        answered.set()
        assert looking.result(30) > 0
