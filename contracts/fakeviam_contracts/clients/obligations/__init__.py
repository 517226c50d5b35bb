"""The obligations of clients, as one table."""

from __future__ import annotations

from fakeviam_contracts.clients.obligations import (
    answers,
    connecting,
    errors,
    filters,
    forms,
    methods,
    naming,
    paging,
    transport,
    uploads,
)
from fakeviam_contracts.clients.obligations.base import (
    Obligation,
    ObligationOutcome,
    ObligationVerdict,
)

__all__ = ["OBLIGATIONS", "Obligation", "ObligationOutcome", "ObligationVerdict"]

OBLIGATIONS: tuple[Obligation, ...] = (
    *paging.OBLIGATIONS,
    *filters.OBLIGATIONS,
    *naming.OBLIGATIONS,
    *answers.OBLIGATIONS,
    *uploads.OBLIGATIONS,
    *methods.OBLIGATIONS,
    *errors.OBLIGATIONS,
    *connecting.OBLIGATIONS,
    *transport.OBLIGATIONS,
    *forms.OBLIGATIONS,
)
