"""Fakes without a server: one with something of everything, and all that one holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fakeviam import Clock, FakeViam

SEED_FILE = Path(__file__).with_name("seed.yaml")


def state_of(fake: FakeViam) -> list[object]:
    """All that outlives it, to be compared; how far ids were counted may differ."""
    cloud = fake._cloud  # noqa: SLF001 - past all policies
    store = cloud.store
    return [
        list(store.binary_rows()),
        list(store.tabular_rows()),
        store.all_datasets(),
        dict(store.database_passwords()),
        list(store.all_entities()),
        store.arrivals,
        cloud.fleet.state(),
        cloud.accounts.keys,
    ]


def filled_fake(**options: Any) -> FakeViam:
    """A fake that was never started, with something of everything; its directory is closed."""
    fake = FakeViam(seed=5, clock=Clock.frozen("2026-03-10T12:00:00Z"), load=SEED_FILE, **options)
    fake._cloud.store.set_database_password("org", "Secret-password-1")  # noqa: SLF001
    fake.add_api_key(organizations=fake.default_part.organization_id, role="operator")
    fake.fleet.rename_part(fake.default_part.id, "renamed")
    rows = list(fake._cloud.store.binary_rows())  # noqa: SLF001
    fake._cloud.store.add_tags([rows[0].record.file_id], ["later"])  # noqa: SLF001
    fake._storage.close()  # noqa: SLF001
    return fake
