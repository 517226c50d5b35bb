"""Checks: short fixed programs, each for a few clauses; quick to run and quick to kill mutants."""

from __future__ import annotations

from fakeviam_contracts.checks import datasets, deletes, filters, marks, paging, uploads
from fakeviam_contracts.checks.base import Check, Need

__all__ = ["CHECKS", "Check", "Need"]

#: All checks, cheap and general ones first.
CHECKS: tuple[Check, ...] = (
    *uploads.CHECKS,
    *filters.CHECKS,
    *paging.CHECKS,
    *marks.CHECKS,
    *datasets.CHECKS,
    *deletes.CHECKS,
)
