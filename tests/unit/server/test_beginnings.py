"""What a fake begins with: `load`, `data_dir`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam, UsageError
from fakeviam.seeds import SeedError

if TYPE_CHECKING:
    from pathlib import Path

SEED = """
organizations:
  - name: acme
    locations:
      - name: lab
        robots:
          - name: arm
            parts:
              - name: arm-main
"""


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "lab.yaml"
    path.write_text(SEED, encoding="utf-8")
    return path


def names(cloud: FakeViam) -> list[str]:
    return [part.name for part in cloud.fleet]


def test_a_seed_is_there_from_the_start(seed: Path) -> None:
    """SE-1; the ids of what it made are told by name."""
    cloud = FakeViam(load=seed)
    assert cloud.applied_seed is not None
    part = cloud.fleet.part(cloud.applied_seed.parts["arm-main"])
    assert part is not None
    assert part.organization_name == "acme"


def test_an_archive_is_told_from_a_seed(seed: Path, tmp_path: Path) -> None:
    """AR-1: `load` and `export` are each other's reverse."""
    FakeViam(load=seed).export(tmp_path / "archive")
    cloud = FakeViam(load=tmp_path / "archive")
    assert cloud.applied_seed is None
    assert names(cloud) == ["fake-robot-main", "arm-main"]
    cloud.load(tmp_path / "archive")
    assert names(cloud) == ["fake-robot-main", "arm-main"]


def test_only_a_new_data_directory_is_filled(seed: Path, tmp_path: Path) -> None:
    """DD-1: the same arguments serve for every start."""
    for expected in (True, False):
        with FakeViam(data_dir=tmp_path / "data", load=seed) as cloud:
            assert (cloud.applied_seed is not None) is expected
            assert names(cloud) == ["fake-robot-main", "arm-main"]


def test_a_data_directory_keeps_its_seed(tmp_path: Path) -> None:
    """DD-1, AR-4: other ids would come twice."""
    with FakeViam(data_dir=tmp_path, seed=7) as cloud:
        assert cloud.seed == 7
    with FakeViam(data_dir=tmp_path, seed=8) as cloud:
        assert cloud.seed == 7


def test_a_fake_that_gave_its_directory_back_does_not_start_again(tmp_path: Path) -> None:
    """DD-2: it could not keep what it would answer."""
    cloud = FakeViam(data_dir=tmp_path)
    with cloud:
        pass
    with pytest.raises(UsageError, match="released its data directory when it stopped"), cloud:
        pass


def test_a_seed_that_is_wrong_leaves_the_directory_free(seed: Path, tmp_path: Path) -> None:
    """DD-2: after correcting the seed, one can start, and it still counts as the first."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("organizations: 3", encoding="utf-8")
    with pytest.raises(SeedError, match=r"wrong.yaml:1"):
        FakeViam(data_dir=tmp_path / "data", load=wrong)
    with FakeViam(data_dir=tmp_path / "data", load=seed) as cloud:
        assert names(cloud) == ["fake-robot-main", "arm-main"]


def test_restore_takes_snapshots_only() -> None:
    """SN-1."""
    with pytest.raises(UsageError, match="snapshot must be a snapshot or its name, got 3"):
        FakeViam().restore(3)  # type: ignore[arg-type]
