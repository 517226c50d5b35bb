"""The store in a database answers like the one in memory and like lists do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .databases import DATABASES, databases
from .test_against_model import Machine

if TYPE_CHECKING:
    from fakeviam.store.base import Store


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_agrees_with_memory_and_with_the_model(kind: str) -> None:
    """MG-1, FI-1 to FI-7, FI-10 to FI-15, PG-1, PG-3, PG-6, PG-9, PG-10, A2, A3, A10, A18, A51.

    A store in memory that is filled with what it holds holds the same, down to arrivals.
    """
    with databases() as make:

        class InDatabase(Machine):
            in_memory = False

            def empty(self, size: int) -> Store:
                del size
                return make(kind)

        run_state_machine_as_test(
            InDatabase,
            settings=settings(
                max_examples=settings().max_examples // 5,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
