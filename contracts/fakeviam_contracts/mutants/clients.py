"""Wrong clients: variants of the light client, and the obligations that detect them."""

from __future__ import annotations

from fakeviam_contracts.mutants.clients_answers import ANSWERS
from fakeviam_contracts.mutants.clients_base import ClientMutant, MutantStatus, client_outcome
from fakeviam_contracts.mutants.clients_blind import BLIND
from fakeviam_contracts.mutants.clients_details import DETAILS
from fakeviam_contracts.mutants.clients_edges import EDGES
from fakeviam_contracts.mutants.clients_forms import FORMED
from fakeviam_contracts.mutants.clients_kinds import KINDS
from fakeviam_contracts.mutants.clients_reading import NAMES, PAGES
from fakeviam_contracts.mutants.clients_transport import TRANSPORT
from fakeviam_contracts.mutants.clients_unseen import UNSEEN
from fakeviam_contracts.mutants.clients_values import VALUES
from fakeviam_contracts.mutants.clients_writing import TROUBLES, UPLOADS

__all__ = ["CLIENTS", "ClientMutant", "MutantStatus", "client_outcome"]

CLIENTS: tuple[ClientMutant, ...] = (
    *PAGES,
    *NAMES,
    *UPLOADS,
    *TROUBLES,
    *DETAILS,
    *ANSWERS,
    *VALUES,
    *TRANSPORT,
    *KINDS,
    *BLIND,
    *UNSEEN,
    *EDGES,
    *FORMED,
)
