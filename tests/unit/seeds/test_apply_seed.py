"""Applying seeds to a fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import Clock, FakeViam, seeds
from fakeviam.model.filters import Query
from fakeviam.model.fleet import DEFAULT_PART, Metadata, Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.records import BinaryRecord, TabularRecord

    from .conftest import Write

NOON = 1_769_860_800 * 10**9

SEED = """
    organizations:
      - name: acme
        locations:
          - name: lab
            robots:
              - {name: arm, parts: [arm-main, {name: secret, internal: true}]}
    datasets:
      - {name: dogs, organization: acme}
    images:
      - files: photos
        part: arm-main
        component: cam
        tags: [a, b, a]
        datasets: dogs
        time: 2026-01-31T12:00:00Z
        boxes:
          - {label: dog, x_min_normalized: 0, y_min_normalized: 0.25,
             x_max_normalized: 0.5, y_max_normalized: 1, confidence: 0.75}
        classifications: [{label: outdoor, confidence: 0.5}]
    files:
      - {name: log.txt, data: aGVsbG8=, part: arm/secret}
    readings:
      - part: acme/lab/arm/arm-main
        component: thermo
        method: Readings
        tags: r
        rows:
          - {time: 2026-01-31T12:00:00.000000001Z, v: 1}
          - {time: 2026-01-31T12:00:01Z, v: 2}
"""


def binary(cloud: FakeViam) -> list[BinaryRecord]:
    page = cloud._cloud.store.binary_page(
        Query(include_internal=True), after=None, limit=1000, descending=False
    )
    return page.records


def tabular(cloud: FakeViam) -> list[TabularRecord]:
    page = cloud._cloud.store.tabular_page(
        Query(include_internal=True), after=None, limit=1000, descending=False
    )
    return page.records


def apply(cloud: FakeViam, write: Write, text: str = SEED) -> seeds.AppliedSeed:
    write(b"jpg", "photos/a.jpg")
    return seeds.apply_seed(seeds.read(write(text)), cloud._cloud)


def wrong(cloud: FakeViam, write: Write, text: str) -> list[str]:
    """What is wrong with a seed for this fake, which it leaves as it was."""
    before = everything(cloud)
    with pytest.raises(seeds.SeedError) as caught:
        apply(cloud, write, text)
    assert everything(cloud) == before
    return str(caught.value).splitlines()


def everything(cloud: FakeViam) -> list[Any]:
    owners = cloud.fleet.organizations
    store = cloud._cloud.store
    return [
        cloud.fleet.state(),
        binary(cloud),
        tabular(cloud),
        [store.datasets(owner.id) for owner in owners],
        cloud.clauses_used,
    ]


def part_named(cloud: FakeViam, name: str) -> Part:
    (found,) = [part for part in cloud.fleet if part.name == name]
    return found


def test_a_seed_puts_in_what_it_says(cloud: FakeViam, write: Write) -> None:
    """Files and readings as if they had been uploaded (SE-3)."""
    applied = apply(cloud, write)
    part = part_named(cloud, "arm-main")
    image, log = binary(cloud)
    assert applied.organizations == {"acme": part.organization_id}
    assert applied.parts["arm-main"] == applied.parts["acme/lab/arm/arm-main"] == part.id
    assert applied.datasets["dogs"] == applied.datasets["acme/dogs"] == image.dataset_ids[0]
    assert applied.files == {"photos/a.jpg": image.binary_data_id, "log.txt": log.binary_data_id}
    assert applied.binary_data_ids == (image.binary_data_id, log.binary_data_id)
    assert applied.readings == 2
    assert applied.as_document()["readings"] == 2
    assert (image.source.part_id, image.source.component_name) == (part.id, "cam")
    assert (image.tags, image.mime_type, image.file_name) == (("a", "b"), "image/jpeg", "a")
    assert image.time_requested == image.time_received == NOON
    (box,) = image.boxes
    assert (box.label, box.x_max_normalized, box.confidence, len(box.id)) == ("dog", 0.5, 0.75, 24)
    assert [(one.label, one.confidence) for one in image.classifications] == [("outdoor", 0.5)]
    assert cloud._cloud.store.read(log.file_id) == b"hello"
    assert log.internal
    first, second = tabular(cloud)
    assert (first.time_requested, second.time_requested) == (NOON + 1, NOON + 10**9)
    assert (first.source.method_name, first.tags) == ("Readings", ("r",))


def test_without_a_time_it_is_the_clock_s(cloud: FakeViam, write: Write) -> None:
    """As for uploads (SE-3, A28)."""
    apply(cloud, write, "files: [{name: a.txt, data: ''}]")
    (record,) = binary(cloud)
    assert record.time_requested == record.time_received == cloud.clock.now()
    assert record.source.part_id == DEFAULT_PART.id


def test_what_exists_by_name_is_used(cloud: FakeViam, write: Write) -> None:
    """Parts and datasets once, files again (SE-2, UP-9)."""
    known = cloud.fleet.add_part("arm-main", robot="arm", location="lab", organization="acme")
    first, second = apply(cloud, write), apply(cloud, write)
    assert first.parts["arm-main"] == second.parts["arm-main"] == known.id
    assert first.datasets == second.datasets
    assert len(list(cloud.fleet)) == 3
    assert len(binary(cloud)) == 4


def test_ids_that_matter_are_kept(cloud: FakeViam, write: Write) -> None:
    """So that ids in a robot's configuration keep their meaning (SE-4)."""
    text = """
        organizations:
          - id: org-1
            locations:
              - {id: loc1, name: lab, robots: [{id: r1, parts: [{id: p1, name: main}]}]}
        datasets: [{name: dogs, id: d1}]
    """
    apply(cloud, write, text)
    apply(cloud, write, text)
    part = cloud.fleet.part("p1")
    assert part is not None
    assert (part.organization_id, part.organization_name) == ("org-1", "org-1")
    assert (part.location_name, part.robot_name, part.name) == ("lab", "r1", "main")
    dataset = cloud._cloud.store.dataset("d1")
    assert dataset is not None
    assert (dataset.name, dataset.organization_id) == ("dogs", "org-1")


def test_new_parts_are_kept(cloud: FakeViam, write: Write) -> None:
    """Whoever keeps a fake on disk must learn of them (SE-1)."""
    heard: list[str] = []

    def keep(one: Part | Metadata, apply: Callable[[], object]) -> None:
        assert isinstance(one, Part)
        heard.append(one.name)
        apply()

    cloud.fleet.keeper = keep
    apply(cloud, write)
    apply(cloud, write)
    assert heard == ["arm-main", "secret"]


def test_all_or_nothing(cloud: FakeViam, write: Write) -> None:
    """One unknown dataset, and nothing is there: no parts, no files, no readings (SE-1)."""
    broken = SEED.replace("part: arm/secret}", "part: arm/secret, datasets: cats}")
    assert wrong(cloud, write, broken) == [
        (
            "seed.yaml:21: files[0]: no dataset 'cats' in the organization 'acme' of part "
            "'secret'; known datasets: dogs. Add it under datasets, or name a part of its "
            "organization"
        )
    ]


def test_names_that_mean_nothing(cloud: FakeViam, write: Write) -> None:
    """Everything that is wrong with a seed for this fake shows at once (SE-1)."""
    two = "[{name: a, parts: [main]}, {name: b, parts: [main]}]"
    parts = f"organizations: [{{name: o, locations: [{{name: l, robots: {two}}}]}}]\n"
    data = "name: x, data: ''"
    assert wrong(cloud, write, f"{parts}files: [{{{data}, part: main}}, {{{data}}}]") == [
        "seed.yaml:2: files[0]: several parts 'main'; choose one of o/l/a/main, o/l/b/main",
        "seed.yaml:2: files[1]: part is missing; choose one of o/l/a/main, o/l/b/main",
    ]
    assert wrong(cloud, write, f"files: [{{{data}, part: rover}}]") == [
        (
            "seed.yaml:1: files[0]: no part 'rover'; known parts: "
            "fake-org/fake-location/fake-robot/fake-robot-main"
        )
    ]
    assert wrong(cloud, write, "datasets: [{name: d, organization: acme}]") == [
        "seed.yaml:1: datasets[0]: no organization 'acme'; expected one of fake-org"
    ]


def test_contradictions_with_what_is_there(cloud: FakeViam, write: Write) -> None:
    """Names and ids of existing things are not changed by a seed (SE-2)."""
    known = cloud.fleet.add_part("main", robot="r", location="l", organization="o")

    def seed(organization: str = "name: o", part: str = "name: main") -> str:
        robot = f"{{name: r, parts: [{{{part}}}]}}"
        return f"organizations: [{{{organization}, locations: [{{name: l, robots: [{robot}]}}]}}]"

    place = "seed.yaml:1: organizations[0].locations[0].robots[0].parts[0]:"
    assert wrong(cloud, write, seed("name: o, id: other")) == [
        f"{place} the organization 'o' already has the id {known.organization_id!r}, not 'other'"
    ]
    assert wrong(cloud, write, seed(part=f"name: n, id: {known.id}")) == [
        f"{place} the part with the id {known.id!r} is called 'main', not 'n'"
    ]
    assert wrong(cloud, write, seed("name: x", part=f"name: main, id: {known.id}")) == [
        f"{place} the part with the id {known.id!r} already belongs to another parent"
    ]
    assert wrong(cloud, write, seed(part="name: main, internal: true")) == [
        f"{place} the part o/l/r/main already exists, with another value of internal"
    ]
    apply(cloud, write, "datasets: [d]")
    assert wrong(cloud, write, "datasets: [{name: d, type: sequence}]") == [
        "seed.yaml:1: datasets[0]: the dataset 'd' already exists, with another type"
    ]
    assert wrong(cloud, write, "datasets: [{name: d, id: d1}]") == [
        (
            "seed.yaml:1: datasets[0]: the dataset 'd' already exists, with the id "
            "'69b007c0d4fc114728000001' instead of 'd1'; name another one"
        )
    ]


def test_the_rules_of_uploads_hold(cloud: FakeViam, write: Write) -> None:
    """And refusals name their clause (SE-3, DM-9)."""
    told = wrong(
        cloud,
        write,
        """
        datasets: [{name: walks, type: sequence, id: d1}]
        images: [{files: photos, datasets: walks}]
        """,
    )
    assert told == [
        (
            "seed.yaml:2: images[0]: photos/a.jpg: metadata.dataset_ids 'd1' is a dataset of "
            "sequences; it does not accept binary data [DM-9]"
        )
    ]


def test_a_file_that_is_gone_by_now(cloud: FakeViam, write: Write) -> None:
    """Contents are read when the seed is applied (SE-1)."""
    photo = write(b"x", "a.jpg")
    seed = seeds.read(write("images: [{files: a.jpg}, {name: b.jpg, data: ''}]"))
    photo.unlink()
    with pytest.raises(seeds.SeedError, match=r"^seed\.yaml:1: images\[0\]: a\.jpg cannot be read"):
        seeds.apply_seed(seed, cloud._cloud)
    assert binary(cloud) == []


def test_seeding_rests_on_no_clause(write: Write) -> None:
    """A fake that refuses assumptions takes a seed, which is no answer (SE-3, SV-5)."""
    strict = FakeViam(seed=1, clock=Clock.frozen("2026-03-10"), min_evidence="documented")
    apply(strict, write)
    assert strict.clauses_used == ()
    assert len(binary(strict)) == 2


def test_the_same_seed_gives_the_same_ids(write: Write) -> None:
    """Nothing is left to chance (SE-3)."""
    fakes = [FakeViam(seed=7, clock=Clock.frozen("2026-03-10")) for _ in range(2)]
    first, second = (apply(fake, write) for fake in fakes)
    assert first == second
