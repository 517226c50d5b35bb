"""Ids: their shapes, and one seed for all of them."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakeviam.model.clock import SECOND, Clock
from fakeviam.model.ids import BinaryKey, Counters, Ids

SHAPES = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "location_id": r"[a-z0-9]{10}",
    "file_id": r"[A-Za-z0-9]{64}",
    "object_id": r"[0-9a-f]{24}",
    "token": r"[A-Za-z0-9]{64}",
}


def factory(seed: int = 1, now: int = 0) -> Ids:
    return Ids(seed=seed, clock=Clock(lambda: now))


@pytest.mark.parametrize(("kind", "shape"), SHAPES.items())
def test_ids_have_the_shapes_of_the_service(kind: str, shape: str) -> None:
    """And no two are the same (ID-2, ID-9)."""
    made = [getattr(factory(seed), kind)() for seed in range(50)]
    ids = factory()
    made += [getattr(ids, kind)() for _ in range(500)]
    assert all(re.fullmatch(shape, one) for one in made)
    assert len(set(made)) == len(made) - (made.count(made[1]) - 1)


def test_uuids_are_of_version_4() -> None:
    assert {uuid.UUID(factory(seed).uuid()).version for seed in range(20)} == {4}


def test_file_ids_use_all_letters() -> None:
    """With 64 of 62 letters, each shows up sooner or later."""
    ids = factory()
    assert len(set("".join(ids.file_id() for _ in range(100)))) == 62
    assert len(set("".join(ids.location_id() for _ in range(200)))) == 36


@given(st.integers(0, 2**64 - 1))
def test_one_seed_gives_one_sequence(seed: int) -> None:
    """Of all kinds, mixed in any way."""

    def sequence() -> list[str]:
        ids = factory(seed)
        return [getattr(ids, kind)() for kind in (*SHAPES, *SHAPES)] + [ids.seal("x")]

    assert sequence() == sequence()
    assert not set(sequence()) & {factory(seed + 1).file_id(), factory(seed + 1).token()}


@given(st.integers(0, 2**32 - 1), st.integers(0, SECOND - 1))
def test_object_ids_hold_the_time(seconds: int, nanos: int) -> None:
    """Their first four bytes are whole seconds of the fake's clock (DS-1)."""
    made = factory(now=seconds * SECOND + nanos).object_id()
    assert int(made[:8], 16) == seconds


@pytest.mark.parametrize("seconds", [-1, -62_135_596_800, 2**32, 253_402_300_799])
def test_object_ids_have_their_shape_at_any_time(seconds: int) -> None:
    """Four bytes do not hold all times there are."""
    assert re.fullmatch(SHAPES["object_id"], factory(now=seconds * SECOND).object_id())


def test_object_ids_count_up() -> None:
    """So they sort by the order of their making."""
    ids = factory()
    made = [ids.object_id() for _ in range(100)]
    assert made == sorted(made)


@given(st.text(), st.text())
def test_seals_fit_their_text_only(one: str, other: str) -> None:
    """A token of another text or of another factory does not pass (A56)."""
    ids = factory()
    assert re.fullmatch(r"[0-9a-f]{8}", ids.seal(one))
    assert ids.seal(one) == factory().seal(one)
    if one != other:
        assert ids.seal(one) != ids.seal(other)
    assert ids.seal(one) != factory(seed=2).seal(one)


@given(*[st.text(st.characters(exclude_characters="/"), min_size=1)] * 3)
def test_binary_ids_split_and_join(organization: str, location: str, file: str) -> None:
    """Three parts, joined by slashes (ID-2)."""
    key = BinaryKey(organization, location, file)
    assert BinaryKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "a", "a/b", "a/b/c/d", "//", "a//c", "/b/c", "a/b/"])
def test_other_texts_are_no_binary_ids(text: str) -> None:
    """None, not an error (ID-7)."""
    assert BinaryKey.parse(text) is None


def test_a_seed_gives_the_same_ids_in_every_release() -> None:
    """Recorded tests, archives and data directories hold them (CK-3)."""
    now = 1_773_144_000 * SECOND
    ids = factory(now=now)
    assert {kind: getattr(ids, kind)() for kind in SHAPES} == {
        "uuid": "28540de8-33f4-4078-a23c-117611418a68",
        "location_id": "5nodxunwje",
        "file_id": "YKFqzIG1G88UCyvRwGFphY8HUvlSraJKAhp8mtnWeqelWWiDyfV2DXvMbDt5zDQ5",
        "object_id": "69b007c0d4fc114728000001",
        "token": "MsButfDlevJ7TZdEEMBp0BzTy7vV4UsF5VeYt2f1I3C06Tr3pHZTKbDaOgY2DOit",
    }
    assert factory().token() == factory().token("")
    assert factory().token("a") != factory().token("b")
    assert ids.fraction("a", 1) == factory().fraction("a/1") == pytest.approx(0.10100504212976752)
    assert ids.fraction("a", 1) != factory(seed=2).fraction("a", 1)
    assert ids.seal("x") == "3aaf3c9d"
    assert ids.veil("00ff", scope="s") == "0158f306e91d"
    assert ids.fork("s", clock=Clock(lambda: now)).uuid() == "9be3befd-8480-4898-9797-1067c033d2c0"


def test_a_name_has_one_uuid() -> None:
    """For the same seed, however much was given in between (ID-2)."""
    ids = factory()
    before = ids.counters
    named = ids.uuid_of("acme")
    assert uuid.UUID(named).version == 4
    assert re.fullmatch(SHAPES["uuid"], named)
    assert ids.counters == before
    ids.uuid()
    assert named == ids.uuid_of("acme") == factory().uuid_of("acme")
    assert len({named, ids.uuid_of("Acme"), factory(seed=2).uuid_of("acme")}) == 3


def test_forks_give_other_ids() -> None:
    """Each by its name, with a clock of its own (SS-1)."""
    ids, clock = factory(), Clock(lambda: 3 * SECOND)
    forks = [ids.fork(name, clock=clock) for name in ("a", "b")]
    assert len({each.uuid() for each in (ids, *forks)}) == 3
    assert {each.object_id()[:8] for each in forks} == {"00000003"}


@example("f" * 64, "s", "t")
@given(st.text("0123456789abcdef", min_size=1, max_size=64), st.text(), st.text())
def test_what_is_veiled_is_had_back(digits: str, scope: str, other: str) -> None:
    """By the same factory in the same scope, and by no other (PG-4, A56)."""
    ids = factory()
    token = ids.veil(digits, scope=scope)
    assert ids.unveil(token, scope=scope) == digits
    assert factory(seed=2).unveil(token, scope=scope) is None
    if other != scope:
        assert ids.unveil(token, scope=other) is None
    for wrong in ("", token[:-1], token + "0", "0" * 65 + token, token.upper() + "G", "ü" * 20):
        assert ids.unveil(wrong, scope=scope) is None


def test_counting_goes_back_or_further_on() -> None:
    """Ids go back with a snapshot, secrets never; `skip` passes all that was given (SN-2, AR-4)."""
    ids = factory()
    start = ids.counters
    first = [ids.uuid(), ids.object_id(), ids.object_id()]
    token = ids.token()
    assert ids.counters == (start.ids + 1, start.objects + 2)
    ids.rewind(start)
    assert ids.counters == start
    assert [ids.uuid(), ids.object_id(), ids.object_id()] == first
    assert ids.token() != token
    ids.skip(Counters(ids=100, objects=1))
    assert ids.counters == (100, start.objects + 2)
    ids.skip(Counters(ids=1, objects=200))
    assert ids.counters == (100, 200)
    given = {factory().token(), token}
    other = factory()
    given |= {other.token() for _ in range(50)}
    assert ids.token() not in given
