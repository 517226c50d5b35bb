"""The store answers like lists and comprehensions do, whatever is written and asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.datasets import Dataset
from fakeviam.model.filters import DataScope, Interval, Query, TagRule, TimeField
from fakeviam.model.records import BinaryRecord, Source, TabularRecord
from fakeviam.store.memory import MemoryStore

from .reference import Model, join, leave, selected, selects, tag_in, totals, untag_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.store.base import Store
    from fakeviam.store.events import Event, StoreEvent
    from fakeviam.store.values import Page

YEAR_1 = -62_135_596_800_000_000_000
YEAR_9999 = 253_402_300_799_999_999_999


# Small worlds, so that most queries hit something ------------------------------------------


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


TIMES = st.one_of(st.integers(-3, 6), one_of(YEAR_1, YEAR_1 + 1, YEAR_9999 - 1, YEAR_9999))
TAGS = one_of("x", "y", "z")
LABELS = one_of("cat", "dog")
DATASETS = one_of("d1", "d2", "d3")
NUMBERS = st.integers(0, 40)

SOURCES = st.builds(
    Source,
    organization_id=one_of("o1", "o1", "o2"),
    location_id=one_of("l1", "l2"),
    robot_id=one_of("r1", "r2"),
    robot_name=one_of("rover", "arm"),
    part_id=one_of("p1", "p2"),
    part_name=one_of("main", "side"),
    component_type=one_of("camera", ""),
    component_name=one_of("c1", "c2"),
    method_name=one_of("m1", "m2"),
)
CONTENTS = st.fixed_dictionaries(
    {
        "source": SOURCES,
        "time_requested": TIMES,
        "time_received": TIMES,
        "time_synced": st.integers(0, 5),
        "mime_type": one_of("", "image/png", "image/jpeg"),
        "tags": st.lists(TAGS, unique=True, max_size=2).map(tuple),
        "internal": st.integers(0, 3).map(lambda dice: dice == 0),
    }
)
INTERVALS = st.builds(
    Interval,
    start=st.none() | TIMES,
    end=st.none() | TIMES,
    end_inside=st.booleans(),
    clock=st.sampled_from(TimeField),
)


def some(*values: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(one_of(*values), min_size=1)


CONSTRAINTS: list[st.SearchStrategy[dict[str, Any]]] = [
    st.fixed_dictionaries({name: values})
    for name, values in {
        "component_name": one_of("c1", "none such"),
        "component_type": st.just("camera"),
        "method_name": st.just("m1"),
        "robot_name": st.just("rover"),
        "robot_id": st.just("r1"),
        "part_name": st.just("main"),
        "part_id": st.just("p1"),
        "location_ids": some("l1", "l2"),
        "organization_ids": some("o1", "o2"),
        "mime_types": some("image/png", "image/jpeg", "none/such"),
        "interval": INTERVALS,
        "box_labels": some("cat", "dog"),
        "dataset_id": DATASETS,
        "include_internal": st.just(value=True),
        "scope": st.builds(
            DataScope,
            st.sampled_from(["organization", "location", "robot"]),
            st.frozensets(one_of("o1", "o2", "l1", "l2", "r1")),
        ),
        "synced_until": st.integers(-1, 5),
    }.items()
]
CONSTRAINTS += [
    st.fixed_dictionaries(
        {
            "tag_rule": st.sampled_from(TagRule),
            "tags": st.frozensets(TAGS, max_size=2),
            "label_dataset_ids": st.frozensets(DATASETS, max_size=2),
        }
    ),
] * 3

#: A few constraints; more would select nothing.
QUERIES = st.lists(st.one_of(CONSTRAINTS), max_size=3).map(
    lambda drawn: Query(**{name: value for part in drawn for name, value in part.items()})
)


class Follower:
    """A sink that keeps what is written by doing it, first, in a store of its own."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def commit(self, events: Sequence[Event], apply: Callable[[], object]) -> None:
        self.store.apply(cast("Sequence[StoreEvent]", events))
        apply()


def state(store: Store) -> list[object]:
    """All that a store holds; rows come with the arrivals that tokens of pages name."""
    return [
        list(store.binary_rows()),
        list(store.tabular_rows()),
        store.all_datasets(),
        store.database_passwords(),
        store.arrivals,
        store.stats(),
    ]


# The machine -------------------------------------------------------------------------------


class Machine(RuleBasedStateMachine):
    """Writes to a store and to the model; forks both; asks both the same.

    Every state has its own branch of the forks, so a write that leaked from one branch
    into another would show in the next question to that one. Each store has a follower that
    is told events alone, and must come to hold the same.

    FI-1 to FI-7, FI-10 to FI-15, PG-1, PG-3, PG-6, PG-9, PG-10, A2, A3, A10, A18, A51, A55.
    """

    branches = Bundle("branches")
    in_memory = True

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.pairs: list[tuple[Store, Model]] = []

    def empty(self, size: int) -> Store:
        return MemoryStore(block_size=size)

    @precondition(lambda self: not self.pairs)
    @rule(target=branches, size=st.integers(1, 6))
    def start(self, size: int) -> int:
        store = self.empty(size)
        if self.in_memory:
            store.sink = Follower(MemoryStore(block_size=size))
        self.pairs.append((store, Model()))
        return 0

    @precondition(lambda self: self.in_memory and len(self.pairs) < 4)
    @rule(target=branches, branch=branches)
    def fork(self, branch: int) -> int:
        store, model = self.pairs[branch]
        assert isinstance(store.sink, Follower)
        twin = store.fork()
        twin.sink = Follower(store.sink.store.fork())
        self.pairs.append((twin, model.copy()))
        return len(self.pairs) - 1

    def number(self) -> int:
        self.count += 1
        return self.count

    # Records

    @rule(branch=branches, contents=st.lists(CONTENTS, max_size=12), size=st.integers(0, 300))
    def add_binary(self, branch: int, contents: list[dict[str, Any]], size: int) -> None:
        store, model = self.pairs[branch]
        added: list[tuple[BinaryRecord, bytes]] = []
        for values in contents:
            name = f"f{self.number()}"
            record = BinaryRecord(file_id=name, size=size + len(added), **values)
            added.append((record, name.encode()))
        store.add_binary(added)
        model.binary += [record for record, _ in added]
        model.data |= {record.file_id: data for record, data in added}

    @rule(branch=branches, contents=st.lists(CONTENTS, max_size=12), payload=st.binary(max_size=9))
    def add_tabular(self, branch: int, contents: list[dict[str, Any]], payload: bytes) -> None:
        store, model = self.pairs[branch]
        added = [
            TabularRecord(id=f"t{self.number()}", file_id="upload", payload=payload, **values)
            for values in contents
        ]
        store.add_tabular(added)
        model.tabular += added

    @rule(branch=branches, numbers=st.lists(NUMBERS, max_size=5))
    def delete_binary(self, branch: int, numbers: list[int]) -> None:
        store, model = self.pairs[branch]
        gone = names(numbers)
        before = len(model.binary)
        model.binary = [record for record in model.binary if record.file_id not in gone]
        assert store.delete_binary(gone) == before - len(model.binary)

    @rule(branch=branches, query=QUERIES)
    def delete_binary_matching(self, branch: int, query: Query) -> None:
        store, model = self.pairs[branch]
        gone = selected(query, model.binary)
        assert store.delete_binary_matching(query) == len(gone)
        model.binary = [record for record in model.binary if record not in gone]

    @rule(branch=branches, query=QUERIES)
    def delete_tabular_matching(self, branch: int, query: Query) -> None:
        store, model = self.pairs[branch]
        gone = selected(query, model.tabular)
        assert store.delete_tabular_matching(query) == len(gone)
        model.tabular = [record for record in model.tabular if record not in gone]

    @rule(branch=branches, query=QUERIES, limit=st.integers(1, 4), descending=st.booleans())
    def first_received(self, branch: int, query: Query, limit: int, descending: bool) -> None:  # noqa: FBT001 - drawn
        """MQ-6: a stable sort by the time received, cut."""
        store, model = self.pairs[branch]
        records = selected(query, model.tabular)
        records.sort(key=lambda record: record.time_received, reverse=descending)
        assert store.first_received(query, limit=limit, descending=descending) == records[:limit]

    # Tags

    @rule(branch=branches, numbers=st.lists(NUMBERS), tags=st.lists(TAGS, min_size=1))
    def add_tags(self, branch: int, numbers: list[int], tags: list[str]) -> None:
        store, model = self.pairs[branch]
        answer = store.add_tags(names(numbers), tags)
        assert answer == tag_in(model, lambda r: r.file_id in names(numbers), tags)

    @rule(branch=branches, query=QUERIES, tags=st.lists(TAGS, min_size=1))
    def add_tags_matching(self, branch: int, query: Query, tags: list[str]) -> None:
        store, model = self.pairs[branch]
        answer = store.add_tags_matching(query, tags)
        assert answer == tag_in(model, lambda r: selects(query, r), tags)

    @rule(branch=branches, numbers=st.lists(NUMBERS), tags=st.lists(TAGS, min_size=1))
    def remove_tags(self, branch: int, numbers: list[int], tags: list[str]) -> None:
        store, model = self.pairs[branch]
        answer = store.remove_tags(names(numbers), tags)
        assert answer == untag_in(model, lambda r: r.file_id in names(numbers), tags)

    @rule(branch=branches, query=QUERIES, tags=st.lists(TAGS, min_size=1))
    def remove_tags_matching(self, branch: int, query: Query, tags: list[str]) -> None:
        store, model = self.pairs[branch]
        answer = store.remove_tags_matching(query, tags)
        assert answer == untag_in(model, lambda r: selects(query, r), tags)

    # Boxes

    @rule(branch=branches, number=NUMBERS, label=LABELS)
    def add_box(self, branch: int, number: int, label: str) -> None:
        store, model = self.pairs[branch]
        added = box(f"b{self.number()}", label)
        changed = model.update(
            lambda r: r.file_id == f"f{number}", boxes=lambda r: (*r.boxes, added)
        )
        assert store.add_box(f"f{number}", added) is bool(changed)

    @rule(branch=branches, data=st.data(), number=NUMBERS, label=LABELS)
    def replace_box(self, branch: int, data: st.DataObject, number: int, label: str) -> None:
        store, model = self.pairs[branch]
        name = data.draw(one_of("none such", *box_ids(model)))
        holds = any(
            r.file_id == f"f{number}" and any(b.id == name for b in r.boxes) for r in model.binary
        )
        model.update(
            lambda r: r.file_id == f"f{number}",
            boxes=lambda r: tuple(replace(b, label=label) if b.id == name else b for b in r.boxes),
        )
        answer = store.replace_box(f"f{number}", name, lambda b: replace(b, label=label))
        assert answer is holds

    @rule(branch=branches, data=st.data())
    def remove_box(self, branch: int, data: st.DataObject) -> None:
        store, model = self.pairs[branch]
        name = data.draw(one_of("none such", *box_ids(model)))
        owners = [r.file_id for r in model.binary for b in r.boxes if b.id == name]
        owner = owners[0] if owners else "none such"
        model.update(
            lambda r: r.file_id == owner,
            boxes=lambda r: tuple(b for b in r.boxes if b.id != name),
        )
        assert store.remove_box(owner, name) is bool(owners)

    # Datasets and users

    @rule(
        branch=branches,
        name=one_of("n1", "n2", "N1"),
        organization=one_of("o1", "o2"),
        sources=st.lists(DATASETS, max_size=2),
    )
    def add_dataset(self, branch: int, name: str, organization: str, sources: list[str]) -> None:
        store, model = self.pairs[branch]
        unused = {"d1", "d2", "d3"} - {dataset.id for dataset in model.datasets}
        dataset = Dataset(
            id=min(unused, default=f"d{self.number()}x"),
            name=name,
            organization_id=organization,
            time_created=0,
        )
        taken = any(d.name == name and d.organization_id == organization for d in model.datasets)
        assert store.add_dataset(dataset, members_of=sources) is not taken
        if not taken:
            model.datasets.append(dataset)
            join(model, lambda r: any(s in r.dataset_ids for s in sources), dataset.id)

    @precondition(lambda self: any(model.datasets for _, model in self.pairs))
    @rule(branch=branches, data=st.data(), name=one_of("n1", "n2", "N1"))
    def rename_dataset(self, branch: int, data: st.DataObject, name: str) -> None:
        store, model = self.pairs[branch]
        if not model.datasets:
            return
        place = data.draw(st.integers(0, len(model.datasets) - 1))
        old = model.datasets[place]
        taken = any(
            d.name == name and d.organization_id == old.organization_id and d.id != old.id
            for d in model.datasets
        )
        assert store.rename_dataset(old.id, name) is not taken
        if not taken:
            model.datasets[place] = replace(old, name=name)

    @rule(branch=branches, dataset=DATASETS)
    def delete_dataset(self, branch: int, dataset: str) -> None:
        store, model = self.pairs[branch]
        store.delete_dataset(dataset)
        model.datasets = [d for d in model.datasets if d.id != dataset]
        leave(model, lambda _: True, dataset)

    @rule(branch=branches, dataset=DATASETS, numbers=st.lists(NUMBERS))
    def add_members(self, branch: int, dataset: str, numbers: list[int]) -> None:
        store, model = self.pairs[branch]
        if not self.in_memory and all(one.id != dataset for one in model.datasets):
            return  # a database ends memberships in datasets that are gone
        answer = store.add_members(dataset, names(numbers))
        assert answer == join(model, lambda r: r.file_id in names(numbers), dataset)

    @rule(branch=branches, dataset=DATASETS, numbers=st.lists(NUMBERS))
    def remove_members(self, branch: int, dataset: str, numbers: list[int]) -> None:
        store, model = self.pairs[branch]
        answer = store.remove_members(dataset, names(numbers))
        assert answer == leave(model, lambda r: r.file_id in names(numbers), dataset)

    @rule(branch=branches, organization=one_of("o1", "o2"), password=one_of("1", "2"))
    def set_password(self, branch: int, organization: str, password: str) -> None:
        store, model = self.pairs[branch]
        store.set_database_password(organization, password)
        model.passwords[organization] = password

    # Questions

    @rule(branch=branches, query=QUERIES, limit=st.integers(1, 7), descending=st.booleans())
    def ask_pages(self, branch: int, query: Query, limit: int, *, descending: bool) -> None:
        store, model = self.pairs[branch]
        # The second time blocks have been walked, so indexes answer.
        for _ in range(2):
            for kind, records in (("binary", model.binary), ("tabular", model.tabular)):
                expected = selected(query, records)
                pages = follow(getattr(store, f"{kind}_page"), query, limit, descending=descending)
                got = [record for page in pages for record in page.records]
                assert got == (expected[::-1] if descending else expected)
                assert all(len(page.records) == limit for page in pages[:-2])
                assert all((page.last is None) == (page.records == []) for page in pages)

    @rule(branch=branches, query=QUERIES)
    def ask_sums(self, branch: int, query: Query) -> None:
        store, model = self.pairs[branch]
        binary, tabular = selected(query, model.binary), selected(query, model.tabular)
        for _ in range(2):
            assert store.binary_totals(query) == totals(binary)
            assert store.tabular_totals(query) == totals(tabular)
            assert store.binary_tags(query) == {tag for r in binary for tag in r.tags}
            assert store.tabular_tags(query) == {tag for r in tabular for tag in r.tags}
            assert store.dataset_ids(query) == {d for r in binary for d in r.dataset_ids}
            assert store.box_labels(query) == {b.label for r in binary for b in r.boxes}

    @rule(branch=branches)
    def ask_follower(self, branch: int) -> None:
        store, model = self.pairs[branch]
        if isinstance(store.sink, Follower):
            follower = store.sink.store
        else:
            follower = MemoryStore()
            follower.apply(store.events())
        assert state(store) == state(follower)
        held = store.stats()
        assert held[:2] == (totals(model.binary), totals(model.tabular))
        assert held[2:] == (len(model.datasets), len(model.passwords), 0)

    @rule(branch=branches)
    def ask_by_id(self, branch: int) -> None:
        store, model = self.pairs[branch]
        by_id = {record.file_id: record for record in model.binary}
        every = [f"f{number}" for number in range(self.count + 1)]
        assert store.find_binary(every) == [by_id.get(name) for name in every]
        assert all(store.read(name) == model.data[name] for name in by_id)
        assert all(store.dataset(dataset.id) == dataset for dataset in model.datasets)
        for organization in ("o1", "o2"):
            assert store.datasets(organization) == [
                dataset for dataset in model.datasets if dataset.organization_id == organization
            ]
            password = model.passwords.get(organization)
            assert store.database_password(organization) == password

    def teardown(self) -> None:
        for branch in range(len(self.pairs)):
            self.ask_by_id(branch)
            self.ask_sums(branch, Query(include_internal=True))
            self.ask_pages(branch, Query(include_internal=True), 3, descending=True)


def follow(ask: Any, query: Query, limit: int, *, descending: bool) -> list[Page[Any]]:
    """All pages, the empty one at the end included."""
    pages: list[Page[Any]] = []
    while not pages or pages[-1].records:
        assert len(pages) < 1000, "the pages do not end"
        after = pages[-1].last if pages else None
        pages.append(ask(query, after=after, limit=limit, descending=descending))
    return pages


def names(numbers: list[int]) -> list[str]:
    return [f"f{number}" for number in numbers]


def box(name: str, label: str) -> BoundingBox:
    return BoundingBox(
        id=name,
        label=label,
        x_min_normalized=0,
        y_min_normalized=0,
        x_max_normalized=1,
        y_max_normalized=1,
    )


def box_ids(model: Model) -> list[str]:
    return [b.id for record in model.binary for b in record.boxes]


TestStoreAgainstModel = Machine.TestCase
TestStoreAgainstModel.settings = settings(stateful_step_count=40, deadline=None)
